/*
 * Question: how many translations does each level of the data TLB hold, and what does a hit in
 * the second one cost?
 * Hypothesis: a chain of dependent loads, one to a page, costs a constant until the pages
 * outnumber a level, and steps up there.
 * Control: the same cache lines in the same order through 1/64 of the pages: it must be flat where
 * the chain steps, else the step is the data cache's.
 * Expected shape: a staircase: first-level hit, second-level hit, walk.
 */
#include "chase.h"

void exp_tlb(struct exp_args *args);

void exp_tlb(struct exp_args *args)
{
    exp_chase_windows(args);
}
