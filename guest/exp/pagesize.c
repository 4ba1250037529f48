/*
 * Question: does a page of 2 MiB or 1 GiB act as one translation, or is it splintered below?
 * Hypothesis: 256 lines in different small units of one large page cost a first-level hit if one
 * entry covers them, and a second-level hit or a walk if each unit has an entry of its own.
 * Control: the same number of lines in units that lie in a few small pages: first-level hits.
 * Expected shape: equal to the control, or well above it; nothing between.
 */
#include "chase.h"

void exp_pagesize(struct exp_args *args);

void exp_pagesize(struct exp_args *args)
{
    exp_chase_windows(args);
}
