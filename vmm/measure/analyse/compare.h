/*
 * Two sets of figures, held against each other: what differs beyond the uncertainty.  Matches by
 * name, knows nothing of files or of what the names stand for.  Read verdict.h first.
 */
#ifndef ANALYSE_COMPARE_H
#define ANALYSE_COMPARE_H

#include <stddef.h>

#include "measure/analyse/verdict.h"

struct figure {
    const char *name; /* borrowed; unique in its set */
    const char *unit; /* borrowed */
    bool decided;     /* false: the value is not to be looked at */
    struct estimate estimate;
};

enum compare_result {
    COMPARE_SAME,   /* the intervals overlap */
    COMPARE_LESS,   /* the second set's is less */
    COMPARE_MORE,   /* the second set's is more */
    COMPARE_NEAR,   /* they do not, but by less than costs drift from run to run */
    COMPARE_UNITS,  /* not comparable */
    COMPARE_OPEN_A, /* undecided in the first set, decided in the second */
    COMPARE_OPEN_B, /* the other way round */
    COMPARE_OPEN,   /* undecided in both */
    COMPARE_ONLY_A, /* missing in the second set */
    COMPARE_ONLY_B,
};

struct compare_row {
    const struct figure *a, *b; /* borrowed from the sets; NULL where missing */
    enum compare_result result;
    double difference; /* b - a; 0 unless both are decided and of one unit */
    double ratio;      /* b / a; 0 where not defined */
    double beyond;     /* the gap between the intervals; 0 when they overlap */
};

/* Costs of one machine lie up to this share apart in two runs, beyond the intervals, which hold
 * within a run (measured: walks and faults, 1 to 5 %). */
#define COMPARE_DRIFT 0.05

/*
 * Compare; rows in the order of a, then what only b has.  rows: room for a_count + b_count.
 * Returns the number of rows.  Differs means: [a.low, a.high] and [b.low, b.high] are disjoint,
 * and the gap is more than 1 in 10^9 of the greater value (decimal figures in files are rounded);
 * for costs ("cycles", "ticks", "ns", "times") the values are also more than COMPARE_DRIFT of the lesser
 * apart.
 */
size_t compare_figures(
    const struct figure *a,
    size_t a_count,
    const struct figure *b,
    size_t b_count,
    struct compare_row *rows);

#endif
