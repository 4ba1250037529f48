/*
 * What every measuring routine is made of: the time stamp, the calibration by dependent
 * additions, and pointer chains timed in windows.  No state, no calls out; everything is inlined
 * into the routine, so that a routine's code is a page or two.  Read tlb.c for the simplest use.
 */
#ifndef GUEST_EXP_CHASE_H
#define GUEST_EXP_CHASE_H

#include "exp.h"

/* Waits for all earlier loads, and lets no later one begin (SDM volume 2, "LFENCE", "RDTSC"). */
static inline uint64_t exp_now(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static inline uint64_t *exp_results(void)
{
    return (uint64_t *)EXP_RESULTS;
}

/* `adds` (a multiple of EXP_UNROLL) dependent additions of registers: a core cycle each.  Not of
 * an immediate: some cores fold those away at renaming. */
static inline void exp_add(uint64_t adds)
{
    uint64_t sum = 0;

    __asm__ volatile("1:\n\t"
                     ".rept 16\n\tadd %2, %0\n\t.endr\n\t"
                     "sub $16, %1\n\tjnz 1b"
                     : "+r"(sum), "+r"(adds)
                     : "r"(UINT64_C(3))
                     : "cc");
}

/*
 * The least of some short runs: fills calibration_ticks and floor_ticks.  Called before and after
 * the windows, with zeros at first: a core that changes its frequency in between, or a run of
 * additions that was disturbed, must not make windows look cheap.
 */
static inline void exp_calibrate(struct exp_args *args)
{
    uint64_t floor = args->floor_ticks == 0 ? UINT64_MAX : args->floor_ticks;
    uint64_t least = args->calibration_ticks == 0 ? UINT64_MAX : args->calibration_ticks;

    for (unsigned i = 0; i < 12; i++) {
        uint64_t begin = exp_now();
        uint64_t empty = exp_now();
        exp_add(EXP_CALIBRATION_ADDS);
        uint64_t end = exp_now();
        floor = empty - begin < floor ? empty - begin : floor;
        least = end - empty < least ? end - empty : least;
    }
    args->floor_ticks = floor;
    args->calibration_ticks = least;
}

/* Follow a chain; loads: a positive multiple of EXP_UNROLL. */
static inline uint64_t exp_chase(uint64_t at, uint64_t loads)
{
    __asm__ volatile("1:\n\t"
                     ".rept 16\n\tmov (%0), %0\n\t.endr\n\t"
                     "sub $16, %1\n\tjnz 1b"
                     : "+r"(at), "+r"(loads)
                     :
                     : "cc", "memory");
    return at;
}

/*
 * The standard routine: calibrate, warm up with args->warm loads from args->start[0], then
 * args->windows windows of args->loads loads, each going on where the last one ended.  Ticks of
 * the windows go to the results, floor not subtracted.
 */
static inline void exp_chase_windows(struct exp_args *args)
{
    uint64_t *results = exp_results();
    uint64_t at = args->start[0];

    exp_calibrate(args);
    if (args->warm != 0) {
        at = exp_chase(at, args->warm);
    }
    for (uint64_t i = 0; i < args->windows; i++) {
        uint64_t begin = exp_now();
        at = exp_chase(at, args->loads);
        results[i] = exp_now() - begin;
    }
    exp_calibrate(args);
}

#endif
