/*
 * The clock: how long a core cycle is in TSC ticks and in ns, what a window costs by itself, and
 * whether this clock means anything at all.  Takes series of a dependent add chain, one core
 * cycle each; reads no clock itself.  Read windows.h next.
 */
#ifndef ANALYSE_CYCLES_H
#define ANALYSE_CYCLES_H

#include <stddef.h>
#include <stdint.h>

#include "measure/analyse/verdict.h"

#define CYCLES_LENGTHS_MAX 32

/* One timed run of a chain of `adds` dependent additions. */
struct cycles_run {
    uint64_t adds;
    uint64_t tsc; /* ticks of the window, floor included */
    uint64_t ns;  /* of a clock that the TSC does not drive, same window; 0 when not taken */
};

struct cycles_clock {
    struct verdict verdict;
    struct estimate tsc_per_cycle;
    double tsc_per_ns; /* 0 when no run has ns */
    double cycles_per_ns;
    double floor_tsc; /* of an empty window: the intercept */
};

/*
 * TSC ticks a core cycle: the least tsc of each length, then the median of the slopes between all
 * pairs of lengths (Theil-Sen), interval = 5th to 95th percentile of these slopes; floor = median of
 * tsc - slope x adds.  An addition has a latency of one cycle on every x86-64 core (Agner Fog,
 * Instruction tables).  tsc_per_ns: median of tsc / ns over the longest length.
 * Undecided: fewer than 3 lengths (at most CYCLES_LENGTHS_MAX), a longer chain that takes less
 * time, slopes that disagree by more than 10 %, a slope that is not between 0.05 and 20.
 */
void cycles_calibrate(const struct cycles_run *runs, size_t count, struct cycles_clock *clock);

/* A cost known in core cycles on any real core: its measured value and what is believable. */
struct cycles_check {
    const char *name; /* borrowed, printed in the reason */
    double measured;  /* core cycles */
    double least, most;
};

struct cycles_emulated {
    bool emulated;      /* "emulated clock: figures not meaningful" */
    double quantum_tsc; /* what all ticks are multiples of; 1 normally */
    char reason[VERDICT_REASON_BYTES];
};

/*
 * Does the clock belong to a real core?  Emulated when any holds: the calibration is undecided;
 * all ticks are multiples of a quantum beyond 256 (real counters advance in steps of up
 * to some tens); more than 1 of 100 windows did not advance; a check lies outside what is
 * believable.  floor: ticks of count empty windows, at least 1.
 * Suggested checks: multiply chain / add chain 2.9 to 4.1 (3 on every core since 2008; 4 on
 * some), load-to-use in L1 2.5 to 8.5, floor 1 to 600 cycles.
 */
void cycles_detect_emulation(
    const struct cycles_clock *clock,
    const uint64_t *floor,
    size_t count,
    const struct cycles_check *checks,
    size_t check_count,
    struct cycles_emulated *result);

struct cycles_drift {
    bool changed;         /* beyond the tolerance: repeat the run, then say so */
    double least, most;   /* tsc_per_cycle over the run */
    size_t first_changed; /* index of the first probe of the new frequency */
};

/*
 * Frequency change within a run: probes of one chain length, in order of time, as TSC ticks a
 * cycle (floor subtracted).  A lone probe that is too long is a disturbance; three in a row beyond
 * tolerance (relative, say 0.02) of the median of the first ones, or a probe too short, is
 * a change.  count >= 4.
 */
void cycles_check_drift(
    const double *tsc_per_cycle, size_t count, double tolerance, struct cycles_drift *drift);

#endif
