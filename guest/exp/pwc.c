/*
 * Question: how many entries of the upper tables does the walker keep, and what does one cost that
 * it has lost?
 * Hypothesis: pages that always walk, in turn through k tables of one level, cost a constant until
 * the entries that point to those tables are more than the walker keeps.
 * Control: as many lines of such entries in an eighth of the tables: it steps at eight times the number,
 * if the step is the walker's, and at the same if it is the data cache's.
 * Expected shape: a step from few tables to many; sharp where the walker forgets in order of use.
 */
#include "chase.h"

void exp_pwc(struct exp_args *args);

void exp_pwc(struct exp_args *args)
{
    exp_chase_windows(args);
}
