/*
 * Question: how is the TLB organised: sets, ways, and which address bits pick the set?
 * Hypothesis: pages that differ only above the index bits share a set, so that one more of them
 * than there are ways costs; flipping an index bit on every other page spreads them over two sets
 * and doubles what fits.
 * Control: the same lines through 1/64 of the pages, flat throughout.
 * Expected shape: the knee halves as the stride doubles, until it stays at the number of ways.
 */
#include "chase.h"

void exp_ways(struct exp_args *args);

void exp_ways(struct exp_args *args)
{
    exp_chase_windows(args);
}
