/*
 * Does the work at one frequency of the core: calibrates before and after, and does it once more if
 * the core changed its pace meanwhile.  It refuses to know the work and the clock; session.c has both.
 */
#ifndef MEASURE_STEADY_H
#define MEASURE_STEADY_H

#include <stdbool.h>

/* Each window is in cycles of its own run, so that a change of this much spoils none. */
#define STEADY_CHANGE_MAX 0.05

struct steady_work {
    double (*calibrate)(void *context); /* ticks of the clock a core cycle, now */
    void (*run)(void *context);
    void (*discard)(void *context); /* what the first run left, before it is repeated */
    bool (*is_real)(void *context); /* false: an emulated clock, which is never steady */
    void *context;                  /* borrows */
};

struct steady {
    unsigned runs;      /* 1 or 2 */
    double change;      /* of the last run: greater over less of its two calibrations, less 1 */
    bool changed;       /* in the last run too, by STEADY_CHANGE_MAX or more */
    double least, most; /* ticks a cycle, of all calibrations */
};

struct steady steady_run(const struct steady_work *work);

#endif
