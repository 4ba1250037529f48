/*
 * Question: how many entries do the paging-structure caches hold at each level?
 * Hypothesis: with the TLB missing all the time, a walk that finds the upper entry in its cache is
 * shorter; cost against the number of tables in use steps where they outnumber the cache.
 * Control: as many lines of table entries in fewer tables: flat where the step is the cache's.
 * Expected shape: a staircase in tables, flat in the control.
 */
#include "chase.h"

void exp_pwc(struct exp_args *args);

void exp_pwc(struct exp_args *args)
{
    exp_chase_windows(args);
}
