/*
 * Measures cost against the number of pages: log-spaced sizes first, then the sizes that the knee
 * finder asks for, on both sides and with the control beside each.  What is analysed is the
 * chain's cost less what its control rose by.  It refuses to know which TLB that is.
 */
#ifndef MEASURE_STAIRCASE_H
#define MEASURE_STAIRCASE_H

#include "measure/analyse/knee.h"
#include "measure/analyse/rise.h"
#include "measure/counter_curve.h"
#include "measure/lab.h"

#define STAIRCASE_REPEATS_MAX 64

struct staircase {
    enum sample_steps steps; /* as the plan */
    size_t count;
    struct knee_point test[SIDE_COUNT][KNEE_POINTS_MAX];
    struct knee_point control[SIDE_COUNT][KNEE_POINTS_MAX];
    struct knee_point net[SIDE_COUNT][KNEE_POINTS_MAX]; /* test less the control's rise */
    struct knee_report first[SIDE_COUNT];     /* of the sizes over which the control is flat */
    struct rise rise[SIDE_COUNT];             /* of the net sizes beyond the first step */
    size_t rise_begin[SIDE_COUNT];            /* the first of these */
    struct counter_curve counted[SIDE_COUNT]; /* of the chain, where there are counters */
    bool has[SIDE_COUNT];
    uint64_t repeated[STAIRCASE_REPEATS_MAX]; /* sizes that were measured again */
    size_t repeat_count;
};

struct staircase_plan {
    enum exp_routine routine;
    size_t first, last;        /* sizes in words, 1 <= first < last <= words of the field */
    unsigned points_an_octave; /* of the first pass */
    unsigned refinements;      /* at most that many more */
    /* The words of a size, or NULL for 0 … size - 1: fills `words`. */
    void (*choose)(void *context, size_t size, uint32_t *words);
    void *context;
    enum sample_steps steps;            /* as sample_chase */
    double rise_min;                    /* least relative step; 0: the knee finder's own */
    const struct sample_effort *effort; /* likewise */
};

/* Measure; ERR_ENVIRONMENT as lab_sample. */
MUST_CHECK bool staircase_measure(
    struct staircase *staircase,
    struct lab *lab,
    struct field *field,
    const struct staircase_plan *plan,
    struct err *err);

/* What the control rises by between two sizes, in cycles. */
double staircase_control_rise(
    const struct staircase *staircase, enum side side, uint64_t from, uint64_t to);

/* Put all curves into the result, the counters' too; returns that of the times, NULL when there is no
 * memory. */
struct result_series *staircase_report(
    const struct staircase *staircase, struct result *result, const char *name, const char *x);

#endif
