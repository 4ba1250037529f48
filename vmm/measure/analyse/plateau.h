/*
 * From the pieces of a change-point fit to plateaus: what is level for long enough to be the cost
 * of one level of a hierarchy.  Shared by knee.c and knee_locate.c alone.  Read knee.h for the
 * question and plateau.c for the rules.
 */
#ifndef ANALYSE_PLATEAU_H
#define ANALYSE_PLATEAU_H

#include <stdbool.h>
#include <stddef.h>

#include "measure/analyse/knee.h"

/* A series made ready: lone disturbances bridged, and each value's noise. */
struct plateau_series {
    size_t count;
    uint64_t size[KNEE_POINTS_MAX];
    double cost[KNEE_POINTS_MAX];
    double sigma[KNEE_POINTS_MAX];
    unsigned taken[KNEE_POINTS_MAX];
    double noise;          /* relative */
    uint64_t suspect_size; /* see struct knee_report */
};

struct plateau {
    size_t first, last; /* points, inclusive */
    double level;       /* median of its points */
    bool level_enough;  /* false: part of a rise or fall */
};

struct plateau_list {
    size_t count;
    struct plateau plateau[SEGMENT_COUNT_MAX];
};

/* Copy the points, bridge lone peaks, estimate noise.  count: 1 to KNEE_POINTS_MAX. */
void plateau_prepare(
    const struct knee_point *points,
    size_t count,
    const struct knee_options *options,
    struct plateau_series *series);

/*
 * Join neighbouring pieces whose levels stay within rise_min of the first of them, then mark those
 * that are plateaus: enough points; the first one gains less than 0.6 x rise_min over its extent;
 * the others have enough extent (last size / first size), and a slope (cost over the logarithm
 * of the size, least squares) of at most 0.3 of the mean slope of the rise from the plateau
 * before.  So a ramp has no plateau, and a rise that levels off slowly, as random replacement
 * makes it, has one at its end.  A short plateau (extent below 2) with a step above it of less
 * than a third of the one below is a landing of a slow rise, and none.
 */
void plateau_find(
    const struct plateau_series *series,
    const struct segment_fit *fit,
    const struct knee_options *options,
    struct plateau_list *list);

#endif
