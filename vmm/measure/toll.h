/*
 * The cost of virtualisation: every cost that an experiment found on both sides, as guest over
 * native with the interval that follows from both.  Pure data; it measures nothing and refuses to
 * know which experiments there are.
 */
#ifndef MEASURE_TOLL_H
#define MEASURE_TOLL_H

#include "measure/result.h"

/*
 * guest / native of two costs: low = guest.low / native.high, high = guest.high / native.low.
 * false: the native interval reaches zero, so that there is no ratio.
 */
bool toll_ratio(struct estimate native, struct estimate guest, struct estimate *ratio);

/*
 * Add a figure "experiment: name" to `into` for each figure of `from` that is a cost (cycles, ns or
 * ticks) and was tried on both sides.  What is undecided on one side stays undecided, with the
 * reason.  Returns the number of figures added.
 */
size_t toll_add(const struct result *from, struct result *into);

#endif
