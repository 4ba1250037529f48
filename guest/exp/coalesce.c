/*
 * Question: does one TLB entry hold several neighbouring pages when their frames are neighbours?
 * Hypothesis: with contiguous frames the staircase moves to the right by the number of pages that
 * an entry takes.
 * Control: the same pages over shuffled frames, and the same lines through 1/64 of the pages.
 * Expected shape: two staircases, equal where nothing is coalesced.
 */
#include "chase.h"

void exp_coalesce(struct exp_args *args);

void exp_coalesce(struct exp_args *args)
{
    exp_chase_windows(args);
}
