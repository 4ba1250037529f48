/*
 * Takes windows: a chain over some words of a field, on every side and over test and control in
 * turn, several random cycles, summarised in core cycles a load.  It refuses to conclude anything
 * (measure/analyse does).
 */
#ifndef MEASURE_SAMPLE_H
#define MEASURE_SAMPLE_H

#include "measure/analyse/windows.h"
#include "measure/counters.h"
#include "measure/field.h"

/* How much to take. */
struct sample_effort {
    unsigned cycles;  /* random cycles (permutations), at least 1 */
    unsigned windows; /* a cycle, side and set; cycles x windows <= SAMPLE_WINDOWS_MAX */
    uint64_t loads;   /* a window; a multiple of EXP_UNROLL */
};

#define SAMPLE_WINDOWS_MAX 2048

/* What a step from word to word is: jumps by jumps.h. */
enum sample_steps { STEPS_LOADS, STEPS_JUMPS, STEPS_RANDOM_JUMPS };

/* The events that such steps are counted by. */
static inline enum counter_set sample_events(enum sample_steps steps)
{
    return steps == STEPS_LOADS ? COUNTER_SET_DATA : COUNTER_SET_CODE;
}

struct sample_chase {
    enum exp_routine routine;
    const uint32_t *words; /* borrows; NULL: 0 … count - 1 */
    size_t count;
    bool sets[LAYOUT_SETS];
    bool in_order;   /* one chain, through the words as they are listed; false: at random */
    unsigned chains; /* independent ones, over equal parts of the words; 0 is 1 */
    enum sample_steps steps;            /* over 0 … count - 1, if they are jumps */
    const struct sample_effort *effort; /* borrows; NULL: the caller's usual one */
    const struct counters *counters;    /* borrows; lab_sample puts the laboratory's here */
};

struct sample_cost {
    bool taken;
    struct windows_summary summary; /* core cycles a load (of one chain) */
    unsigned spoilt;                /* windows thrown away: the guest left in them */
    double ticks_per_cycle;         /* median of the runs' calibrations */
    /* Events a load (jump), by the counters, over whole runs; NAN: no counter, or one of the other set
     * (loads have no instruction walks, jumps no data walks). */
    double counts[COUNTER_KINDS];
};

/* ERR_ENVIRONMENT: the guest failed, no memory. */
MUST_CHECK bool sample_take(
    struct field *field,
    const struct sample_chase *chase,
    const struct sample_effort *effort,
    struct sample_cost cost[SIDE_COUNT][LAYOUT_SETS],
    struct err *err);

/* Core cycles of a window of `ticks`, by the calibration of its own run. */
double sample_cycles(const struct exp_args *args, uint64_t ticks);
double sample_ticks_per_cycle(const struct exp_args *args);

#endif
