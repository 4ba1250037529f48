/*
 * What conflict sets cost against their number of pages, a curve for each stride: the raw material of
 * ways.  It draws the inference of each side by measure/analyse/ways.h, and refuses to report a figure.
 */
#ifndef MEASURE_CURVES_H
#define MEASURE_CURVES_H

#include "measure/analyse/ways.h"
#include "measure/conflict.h"
#include "measure/lab.h"

#define CURVES_STRIDES 14

struct curves {
    unsigned level;
    const unsigned *strides; /* borrows; their logarithms, in pages */
    size_t stride_count;
    size_t last; /* 1 … last pages */
    struct knee_point points[SIDE_COUNT][CURVES_STRIDES][CONFLICT_PAGES_MAX];
    /* Misses (level 1) or walks (2) a conflicting page, by the counters; NAN: not counted. */
    double counted[SIDE_COUNT][CURVES_STRIDES][CONFLICT_PAGES_MAX];
    double control_rise[SIDE_COUNT];
    struct ways_report report[SIDE_COUNT];
};

/* Curves of 1 to `last` pages for a level of the TLB; fewer strides for the first one with --quick. */
void curves_begin(struct curves *curves, const struct lab *lab, unsigned level, size_t last);

/* Take all of them, on each wanted side.  wash: as for conflict_create.  ERR_ENVIRONMENT. */
MUST_CHECK bool
curves_take(struct curves *curves, struct lab *lab, size_t wash, struct err *err);

/* A heat map for each side. */
void curves_report(const struct curves *curves, const struct lab *lab, struct result *result);

#endif
