/*
 * Interleaves sides and sets so that drift hits all of them, and lets each run calibrate itself.
 * Read experiment/tlb.c for the use.
 */
#include "measure/sample.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "measure/jumps.h"

#define JUMPS_SHARE 8 /* a jump that cannot be predicted takes as long as so many loads */

struct series {
    double windows[SAMPLE_WINDOWS_MAX];
    double ticks_per_cycle[64];
    size_t count, runs;
    unsigned spoilt;
    double counted[COUNTER_KINDS], loads[COUNTER_KINDS]; /* loads 0: no counter */
};

struct sampling {
    struct series series[SIDE_COUNT][LAYOUT_SETS];
    uint64_t results[EXP_RESULT_COUNT];
    double scratch[SAMPLE_WINDOWS_MAX];
};

double sample_ticks_per_cycle(const struct exp_args *args)
{
    uint64_t net = args->calibration_ticks - args->floor_ticks;

    return (double)net / EXP_CALIBRATION_ADDS;
}

double sample_cycles(const struct exp_args *args, uint64_t ticks)
{
    double net = (double)ticks - (double)args->floor_ticks;

    return net / sample_ticks_per_cycle(args);
}

/* The guest left `unexpected` times beyond what the routine asked for, and an exit takes
 * longer than a window: so the longest windows are the ones that hold the exits. */
static size_t drop_spoilt(struct sampling *sampling, size_t count, uint64_t unexpected)
{
    if (unexpected == 0) {
        return count;
    }
    size_t dropped = unexpected < count / 2 ? (size_t)unexpected : count / 2;
    for (size_t left = dropped; left > 0; left--, count--) {
        size_t longest = 0;
        for (size_t i = 1; i < count; i++) {
            longest = sampling->results[i] > sampling->results[longest] ? i : longest;
        }
        sampling->results[longest] = sampling->results[count - 1];
    }
    return count;
}

/* A run that a counter saw, added up. */
static void add_counts(struct series *series, const double count[COUNTER_KINDS], double loads)
{
    for (enum counter_kind kind = 0; kind < COUNTER_KINDS; kind++) {
        if (!isnan(count[kind])) {
            series->counted[kind] += count[kind];
            series->loads[kind] += loads;
        }
    }
}

/* What the routine loads, or jumps, in all: the warming part too. */
static double all_loads(const struct sample_chase *chase, const struct exp_args *args)
{
    double each = (double)(args->warm + args->windows * args->loads);

    switch (chase->steps) {
    case STEPS_LOADS:
        return each * (double)args->chains;
    case STEPS_JUMPS:
        return each * (double)chase->count;
    case STEPS_RANDOM_JUMPS:
        return each;
    }
    return each;
}

static bool run_once(
    struct sampling *sampling,
    struct field *field,
    enum side side,
    enum layout_set set,
    const struct sample_chase *chase,
    const struct exp_args *plan,
    struct err *err)
{
    struct series *series = &sampling->series[side][set];
    struct exp_args args = *plan;
    uint64_t unexpected = 0;
    double steps =
        (double)args.loads * (chase->steps == STEPS_JUMPS ? (double)chase->count : 1);
    enum counter_set events = sample_events(chase->steps);
    double count[COUNTER_KINDS];
    struct counters_run run;

    counters_begin(chase->counters, side, events, &run);
    bool ok = field_run(
        field, side, chase->routine, &args, sampling->results, args.windows, &unexpected, err);
    counters_end(chase->counters, side, events, &run, count);
    if (!ok) {
        return false;
    }
    add_counts(series, count, all_loads(chase, plan));
    size_t kept = drop_spoilt(sampling, args.windows, unexpected);
    series->spoilt += (unsigned)(args.windows - kept);
    for (size_t i = 0; i < kept && series->count < SAMPLE_WINDOWS_MAX; i++) {
        series->windows[series->count++] = sample_cycles(&args, sampling->results[i]) / steps;
    }
    if (series->runs < sizeof(series->ticks_per_cycle) / sizeof(double)) {
        series->ticks_per_cycle[series->runs++] = sample_ticks_per_cycle(&args);
    }
    return true;
}

/* Independent chains: each over its own part of the words. */
static void link_chains(
    struct field *field,
    const struct sample_chase *chase,
    enum layout_set set,
    struct exp_args *args)
{
    size_t chains = chase->chains == 0 ? 1 : chase->chains;
    size_t part = chase->count / chains;

    if (chase->steps == STEPS_JUMPS) {
        /* A load is a whole round here. */
        args->start[0] = jumps_link(field, set, chase->count);
        args->loads = args->loads / chase->count + 1;
        args->warm = 2;
        return;
    }
    if (chase->steps == STEPS_RANDOM_JUMPS) {
        args->loads /= JUMPS_SHARE;
        args->warm = 2 * chase->count;
        jumps_list(field, set, chase->count, args);
        return;
    }
    args->chains = chains;
    for (size_t i = 0; i < chains; i++) {
        for (size_t w = 0; w < part; w++) {
            field->order[w] =
                chase->words != NULL ? chase->words[i * part + w] : (uint32_t)(i * part + w);
        }
        args->start[i] = chase->in_order ? field_link_path(field, set, field->order, part)
                                         : field_link(field, set, field->order, part);
    }
    args->warm = (part + EXP_UNROLL - 1) / EXP_UNROLL * EXP_UNROLL;
}

/* Once round before anything is timed: where the hypervisor puts a page into tables of its own at
 * its first touch, these exits must not be taken for a disturbance. */
static bool touch(
    struct sampling *sampling,
    struct field *field,
    enum exp_routine routine,
    const struct exp_args *plan,
    struct err *err)
{
    struct exp_args args = *plan;
    uint64_t unexpected;

    args.windows = 0;
    return !field->has[SIDE_GUEST] ||
           field_run(field, SIDE_GUEST, routine, &args, sampling->results, 0, &unexpected, err);
}

static bool take_cycle(
    struct sampling *sampling,
    struct field *field,
    const struct sample_chase *chase,
    const struct sample_effort *effort,
    bool first,
    struct err *err)
{
    for (enum layout_set set = 0; set < LAYOUT_SETS; set++) {
        struct exp_args args = {.loads = effort->loads, .windows = effort->windows};
        if (!chase->sets[set]) {
            continue;
        }
        link_chains(field, chase, set, &args);
        if (first && !touch(sampling, field, chase->routine, &args, err)) {
            return false;
        }
        for (enum side side = 0; side < SIDE_COUNT; side++) {
            if (field->has[side] && !run_once(sampling, field, side, set, chase, &args, err)) {
                return false;
            }
        }
    }
    return true;
}

static void
summarise(struct sampling *sampling, struct sample_cost cost[SIDE_COUNT][LAYOUT_SETS])
{
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        for (enum layout_set set = 0; set < LAYOUT_SETS; set++) {
            struct series *series = &sampling->series[side][set];
            cost[side][set] = (struct sample_cost){.taken = series->count > 0};
            for (enum counter_kind kind = 0; kind < COUNTER_KINDS; kind++) {
                double loads = series->loads[kind];
                cost[side][set].counts[kind] = loads > 0 ? series->counted[kind] / loads : NAN;
            }
            if (series->count == 0) {
                continue;
            }
            windows_sort(series->ticks_per_cycle, series->runs);
            cost[side][set].spoilt = series->spoilt;
            cost[side][set].ticks_per_cycle =
                windows_quantile(series->ticks_per_cycle, series->runs, 0.5);
            cost[side][set].summary =
                windows_summarise(series->windows, series->count, sampling->scratch);
        }
    }
}

bool sample_take(
    struct field *field,
    const struct sample_chase *chase,
    const struct sample_effort *effort,
    struct sample_cost cost[SIDE_COUNT][LAYOUT_SETS],
    struct err *err)
{
    struct sampling *sampling = calloc(1, sizeof(*sampling));
    bool ok = true;

    assert(effort->windows * effort->cycles <= SAMPLE_WINDOWS_MAX);
    if (sampling == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for windows");
    }
    for (unsigned i = 0; ok && i < effort->cycles; i++) {
        ok = take_cycle(sampling, field, chase, effort, i == 0, err);
    }
    if (ok) {
        summarise(sampling, cost);
    }
    free(sampling);
    return ok;
}
