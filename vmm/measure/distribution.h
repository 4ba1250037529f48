/*
 * Times of single events, from pairs of stamps: all of them, their summary, and a histogram with a
 * logarithmic axis.  It refuses to know what happened between the stamps.
 */
#ifndef MEASURE_DISTRIBUTION_H
#define MEASURE_DISTRIBUTION_H

#include "exp.h"
#include "measure/analyse/windows.h"
#include "measure/result.h"

#define DISTRIBUTION_BINS 60 /* 15 a decade from 100 ns on; the ends take what lies beyond */

struct distribution {
    double *ns; /* owns */
    size_t count;
    struct windows_summary summary;
};

/*
 * stamps: count (at least 1) pairs of begin and end, in ticks; the floor of an empty window is taken
 * off each.  divisor: events to a pair.  False: no memory, *out holds nothing.
 */
MUST_CHECK bool distribution_make(
    struct distribution *out,
    const struct exp_args *args,
    double ticks_per_ns,
    const uint64_t *stamps,
    size_t count,
    double divisor);
void distribution_destroy(struct distribution *distribution);

/* Count into a curve of DISTRIBUTION_BINS points; series may be NULL. */
void distribution_add_histogram(
    struct result_series *series, size_t curve, const struct distribution *from);

#endif
