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
 * Join neighbouring pieces whose levels stay within rise_min of the first of them, then mark
 * those that are plateaus: enough points, enough extent, and a trend (least squares, over the whole
 * extent) below the greater of 0.6 x rise_min and a quarter of the lesser step beside it.
 */
void plateau_find(
    const struct plateau_series *series,
    const struct segment_fit *fit,
    const struct knee_options *options,
    struct plateau_list *list);

#endif
