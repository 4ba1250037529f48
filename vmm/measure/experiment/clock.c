/*
 * clock: ticks a core cycle, the floor of a window, noise, and whether the clock is a real core's.
 * The routine is guest/exp/clock.c, the analysis measure/analyse/cycles.c.  The emulation checks
 * are facts about cores that an emulator has no reason to keep.
 */
#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/analyse/cycles.h"
#include "measure/catalogue.h"

#define LENGTHS     5
#define RUNS        12
#define FLOOR_COUNT 512

static const uint64_t lengths[LENGTHS] = {4096, 8192, 16384, 32768, 65536};

/* What a layout needs that has no pages of interest: one page. */
static bool make_field(
    struct lab *lab,
    enum side side,
    struct layout *layout,
    struct field *field,
    struct err *err)
{
    uint64_t address = EXP_PAGES;

    if (!layout_make_uniq(layout, &address, 1, lab->seed, err)) {
        return false;
    }
    if (!lab_make_field_on(lab, side, field, layout, err)) {
        layout_destroy(layout);
        return false;
    }
    return true;
}

static bool
take_runs(struct field *field, enum side side, struct cycles_run *runs, struct err *err)
{
    for (size_t i = 0; i < LENGTHS * (size_t)RUNS; i++) {
        struct exp_args args = {.windows = 1, .parameter = {lengths[i % LENGTHS]}};
        uint64_t ticks = 0;
        uint64_t unexpected;
        if (!field_run(field, side, EXP_ROUTINE_clock, &args, &ticks, 1, &unexpected, err)) {
            return false;
        }
        runs[i] = (struct cycles_run){.adds = args.parameter[0], .tsc = ticks};
    }
    return true;
}

/* Natively only: one long chain between two readings of the kernel's clock. */
static double find_ticks_per_ns(void)
{
    double least = 0;

    for (int i = 0; i < 5; i++) {
        struct exp_args args = {.windows = 1, .parameter = {UINT64_C(8) << 20}};
        uint64_t begin = clock_now_ns();
        native_run(EXP_ROUTINE_clock, &args);
        uint64_t ns = clock_now_ns() - begin;
        double ticks = (double)*(const uint64_t *)EXP_RESULTS / (double)ns;
        least = ticks > least ? ticks : least;
    }
    return least;
}

static double check_cycles(const struct exp_args *args, uint64_t ticks, double count)
{
    return ((double)ticks - (double)args->floor_ticks) / sample_ticks_per_cycle(args) / count;
}

/* The four checks of one side. */
static bool check_emulation(
    struct lab *lab,
    struct field *field,
    enum side side,
    const struct cycles_clock *clock,
    struct result *result,
    struct err *err)
{
    struct exp_args args = {.start = {field_link(field, LAYOUT_TEST, NULL, 1)}};
    struct exp_args floor = {.windows = FLOOR_COUNT};
    uint64_t *ticks = calloc(FLOOR_COUNT, sizeof(*ticks));
    double *scratch = calloc(FLOOR_COUNT, sizeof(*scratch));
    struct cycles_emulated emulated;
    uint64_t unexpected;

    bool ok = ticks != NULL && scratch != NULL;
    if (!ok) {
        err_set(err, ERR_ENVIRONMENT, "no memory for windows of the clock");
    }
    ok = ok && field_run(field, side, EXP_ROUTINE_emulation, &args, ticks, 0, &unexpected, err);
    ok =
        ok &&
        field_run(field, side, EXP_ROUTINE_clock, &floor, ticks, FLOOR_COUNT, &unexpected, err);
    if (ok) {
        const struct cycles_check checks[] = {
            {"a dependent multiplication", check_cycles(&args, args.value[0], 1024), 2.5, 5.5},
            {"an instruction that does nothing", check_cycles(&args, args.value[1], 4096), 0.04,
             2},
            {"a load from the first-level cache", check_cycles(&args, args.value[2], 1024), 2.5,
             8.5},
        };
        cycles_detect_emulation(
            clock, ticks, FLOOR_COUNT, checks, sizeof(checks) / sizeof(checks[0]), &emulated);
        for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
            result_add_control(
                result,
                checks[i].measured >= checks[i].least && checks[i].measured <= checks[i].most,
                "%s, %s: %.2f cycles (a core: %g to %g)", side_name(side), checks[i].name,
                checks[i].measured, checks[i].least, checks[i].most);
        }
        if (emulated.emulated && !lab->found.emulated) {
            lab->found.emulated = true;
            snprintf(
                lab->found.emulated_why, sizeof(lab->found.emulated_why), "%s: %s",
                side_name(side), emulated.reason);
        }
    }
    free(ticks);
    free(scratch);
    return ok;
}

struct figures {
    struct result_figure *cycle, *frequency, *floor, *noise;
};

static void
decide(struct figures *figures, enum side side, const struct cycles_clock *clock, double per_ns)
{
    const struct estimate *cycle = &clock->tsc_per_cycle;
    /* What the slope is uncertain by, over the shortest chain. */
    double floor_error = (cycle->high - cycle->low) / 2 * (double)lengths[0];

    if (!clock->verdict.decided) {
        figure_refuse(figures->cycle, side, "%s", clock->verdict.reason);
        figure_refuse(figures->frequency, side, "%s", clock->verdict.reason);
        figure_refuse(figures->floor, side, "%s", clock->verdict.reason);
        return;
    }
    figure_decide(figures->cycle, side, *cycle);
    figure_decide(
        figures->frequency, side,
        (struct estimate){per_ns / cycle->value, per_ns / cycle->high, per_ns / cycle->low});
    figure_decide(
        figures->floor, side,
        (struct estimate){
            clock->floor_tsc, clock->floor_tsc - floor_error, clock->floor_tsc + floor_error});
}

/* Share of disturbed windows of 16384 additions: what else runs on this core. */
static bool
take_noise(struct field *field, enum side side, struct result_figure *figure, struct err *err)
{
    struct exp_args args = {.windows = 1000, .parameter = {16384}};
    uint64_t *ticks = calloc(args.windows, sizeof(*ticks));
    double *values = calloc(2 * args.windows, sizeof(*values));
    uint64_t unexpected;
    bool ok = ticks != NULL && values != NULL;
    if (!ok) {
        err_set(err, ERR_ENVIRONMENT, "no memory for windows of noise");
    }
    ok =
        ok &&
        field_run(field, side, EXP_ROUTINE_clock, &args, ticks, args.windows, &unexpected, err);

    if (ok) {
        for (size_t i = 0; i < args.windows; i++) {
            values[i] = (double)ticks[i];
        }
        struct windows_summary summary =
            windows_summarise(values, args.windows, values + args.windows);
        double share = summary.disturbed_share;
        double n = (double)args.windows;
        double error = WINDOWS_Z95 * sqrt((share * (1 - share) + 1 / n) / n);
        figure_decide(
            figure, side,
            (struct estimate){
                share * 100, fmax(share - error, 0) * 100, (share + error) * 100});
    }
    free(ticks);
    free(values);
    return ok;
}

static bool run_side(
    struct lab *lab,
    enum side side,
    struct figures *figures,
    struct result *result,
    struct err *err)
{
    struct cycles_run runs[LENGTHS * RUNS];
    struct cycles_clock clock;
    struct layout layout;
    struct field field;

    if (!make_field(lab, side, &layout, &field, err)) {
        return false;
    }
    bool ok = take_runs(&field, side, runs, err);
    if (ok) {
        cycles_calibrate(runs, LENGTHS * (size_t)RUNS, &clock);
        decide(figures, side, &clock, lab->found.ticks_per_ns);
        if (clock.verdict.decided) {
            lab->found.ticks_per_cycle = clock.tsc_per_cycle;
            lab->found.floor_ticks = clock.floor_tsc;
            lab->found.cycles_per_ns = lab->found.ticks_per_ns / clock.tsc_per_cycle.value;
        }
        ok = check_emulation(lab, &field, side, &clock, result, err) &&
             take_noise(&field, side, figures->noise, err);
    }
    lab_end_field(lab, &field);
    layout_destroy(&layout);
    return ok;
}

bool experiment_clock(struct lab *lab, struct result *result, struct err *err)
{
    struct figures figures = {
        .cycle = result_add_figure(result, "ticks", "one core cycle"),
        .frequency = result_add_figure(result, "GHz", "core frequency"),
        .floor = result_add_figure(result, "ticks", "empty window"),
        .noise = result_add_figure(result, "%", "disturbed windows")};

    lab->found.ticks_per_ns = find_ticks_per_ns();
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        if (lab->wanted[side] && !run_side(lab, side, &figures, result, err)) {
            return false;
        }
    }
    figure_read(figures.cycle, "costs below are in core cycles, calibrated again in each run");
    figure_read(figures.noise, "share of 5 us windows beyond 1.2 times the shortest");
    if (lab->found.emulated) {
        result_note(
            result, "emulated clock: figures not meaningful (%s)", lab->found.emulated_why);
    }
    return true;
}
