/*
 * Two TLB levels out of one staircase: capacities, the price of a second-level hit and of a walk,
 * as figures with controls.  Data and instruction TLBs, small and large pages share it.
 */
#ifndef MEASURE_LEVELS_H
#define MEASURE_LEVELS_H

#include "measure/claims.h"
#include "measure/staircase.h"

struct levels_plan {
    enum exp_routine routine;
    size_t pages;       /* words of the field */
    const char *noun;   /* "data TLB" */
    const char *series; /* borrows; NULL: the noun */
    const struct claim_tlb *claims[2];
    enum sample_steps steps; /* as sample_chase */
    size_t first;            /* the smallest size; 0 is 8 */
    double rise_min;         /* least relative step; 0: the knee finder's own */
    bool first_only;  /* the words do not reach a second level's capacity: it is not reported */
    bool second_only; /* the first level is reported by another staircase */
    bool last_word;   /* no later experiment narrows the second level down */
};

struct level {
    struct verdict verdict;
    bool exact; /* a sharp step */
    struct estimate entries;
    struct estimate cost; /* above the level before it: cycles of what comes behind the knee */
};

struct levels {
    struct staircase *staircase; /* owns */
    struct level level[SIDE_COUNT][2];
    double first_hit[SIDE_COUNT]; /* cycles of a load that hits the first level */
};

/* Measure and fill figures, controls and the series in.  ERR_ENVIRONMENT as staircase_measure. */
MUST_CHECK bool levels_measure(
    struct levels *levels,
    struct lab *lab,
    struct field *field,
    const struct levels_plan *plan,
    struct result *result,
    struct err *err);
void levels_destroy(struct levels *levels); /* accepts a zeroed struct */

/* Hand what was found to later experiments. */
void levels_remember(const struct levels *levels, struct lab *lab);

#endif
