/*
 * Question: does the first-level data cache predict the way by a hash of the virtual address, so
 * that two names of one line disturb each other?
 * Hypothesis: two names that differ in a hashed bit cost a misprediction each time the name
 * changes; two that differ in a bit that is not hashed cost a hit.
 * Control: the same two names over two lines of different sets: a hit, whatever the bit.
 * Expected shape: per bit, either the price of a hit or several times that.
 */
#include "chase.h"

void exp_waypred(struct exp_args *args);

void exp_waypred(struct exp_args *args)
{
    exp_chase_windows(args);
}
