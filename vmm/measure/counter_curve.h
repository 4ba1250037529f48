/*
 * What the counters said against the number of pages: misses of the first level, walks, and cycles a
 * walk, of one side; and the capacities that follow from it.  It refuses to compare them with
 * anything (counter_check.h does).
 */
#ifndef MEASURE_COUNTER_CURVE_H
#define MEASURE_COUNTER_CURVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/analyse/segment.h"
#include "measure/analyse/verdict.h"
#include "measure/counter_events.h"

#define COUNTER_CURVE_MAX SEGMENT_POINTS_MAX

struct counter_point {
    uint64_t size; /* pages */
    double misses; /* of the first level, a load; NAN: not counted */
    double walks;  /* a load; NAN likewise */
    double cycles; /* with a walk under way, a load; NAN likewise */
};

/* All zero: nothing was counted. */
struct counter_curve {
    size_t count;
    struct counter_point point[COUNTER_CURVE_MAX]; /* by size */
};

/*
 * Insert a size in order.  count: events a load, as struct sample_cost has them; set: the kinds that
 * the chain is made for.  Of a size that is there already the lower misses stay: what shares a TLB
 * for a while only adds.  What nothing was counted for, and what does not fit, is left out.
 */
void counter_curve_add(
    struct counter_curve *curve,
    uint64_t size,
    enum counter_set set,
    const double count[COUNTER_KINDS]);

/* The greatest size of at most `size`, and the least of at least `size`; NULL: there is none. */
const struct counter_point *
counter_curve_below(const struct counter_curve *curve, uint64_t size);
const struct counter_point *
counter_curve_above(const struct counter_curve *curve, uint64_t size);

/* A count a load that is as good as none, half of all, and as good as all. */
#define COUNTER_NONE 0.1
#define COUNTER_HALF 0.5
#define COUNTER_ALL  0.9

/*
 * Pages that a level holds (1: by its misses, 2: by the walks): value is the last size before half of
 * all loads miss, low the last before a tenth does, high the last that can be below nine tenths.
 * False: it is not counted, or does not go from none to all.
 */
bool counter_curve_capacity(
    const struct counter_curve *curve, unsigned level, struct estimate *entries);

/* Cycles a walk: the mean, least and most where nearly all loads walk.  False: nothing does so, or
 * cycles are not counted. */
bool counter_curve_walk(const struct counter_curve *curve, struct estimate *cycles);

#endif
