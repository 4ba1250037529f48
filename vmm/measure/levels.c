/*
 * From a staircase to the figures of two levels.  Which knee is which level is decided by order:
 * the first that is the TLB's own (its control is flat there) is the first level, the last one
 * ends in walks.  Read staircase.c for the measuring.
 */
#include "measure/levels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "measure/analyse/ladder.h"
#include "measure/counter_check.h"

/* A step is the TLB's own if its control rises by less than a quarter of its height. */
static bool check_control(
    const struct staircase *staircase,
    enum side side,
    uint64_t from,
    uint64_t to,
    double height,
    struct level *level,
    struct result *result)
{
    double rise = staircase_control_rise(staircase, side, from, to);
    bool flat = rise < height / 4;

    result_add_control(
        result, flat,
        "%s, step from %llu to %llu: the same lines through 1/64 of the pages rise by %.2f of "
        "%.2f cycles",
        side_name(side), (unsigned long long)from, (unsigned long long)to, rise, height);
    if (!flat) {
        verdict_refuse(
            &level->verdict, "the control rises too: %.2f cycles where the step has %.2f", rise,
            height);
    }
    return flat;
}

/* The first level is the first step where the control is flat. */
static void find_first(struct levels *levels, enum side side, struct result *result)
{
    const struct knee_report *report = &levels->staircase->first[side];
    const struct knee *knee = &report->knee[0];
    struct level *level = &levels->level[side][0];

    if (!report->verdict.decided) {
        level->verdict = report->verdict;
        return;
    }
    if (report->count == 0) {
        verdict_refuse(&level->verdict, "no step where the control is flat");
        return;
    }
    /* A bracket that stayed wide is a band all the same. */
    bool band = knee->kind == KNEE_UNRESOLVED && knee->ninety > knee->below;
    level->verdict = knee->verdict;
    level->exact = knee->kind == KNEE_SHARP;
    level->entries =
        band ? (struct estimate){(double)knee->half, (double)knee->below, (double)knee->ninety}
             : knee_capacity(knee);
    level->entries.low = fmax(level->entries.low, 1);
    level->cost = ladder_cost_over(report, knee);
    if (band) {
        verdict_decide(&level->verdict, "%s", "");
    }
    if (level->verdict.decided && !knee_is_ordered(knee)) {
        verdict_refuse(
            &level->verdict,
            "%llu pages cost as much as few, and %llu as much as many: they contradict each "
            "other",
            (unsigned long long)knee->below, (unsigned long long)knee->ninety);
    }
    if (level->verdict.decided && check_control(
                                      levels->staircase, side, knee->below, knee->ninety,
                                      knee->cost_above - knee->cost_below, level, result)) {
        levels->first_hit[side] = knee->cost_below;
    }
}

/* A walk costs a little more or less where the pages and their tables lie elsewhere, which they do from run
 * to run: measured, 4 % either way in ten runs. */
#define PLACEMENT_ERROR 0.05

static struct estimate with_placement_error(struct estimate cost)
{
    return (struct estimate){
        cost.value, fmin(cost.low, cost.value * (1 - PLACEMENT_ERROR)),
        fmax(cost.high, cost.value * (1 + PLACEMENT_ERROR))};
}

/* The second one is the rise beyond it, with its band. */
static void find_second(struct levels *levels, enum side side, struct result *result)
{
    const struct rise *rise = &levels->staircase->rise[side];
    struct level *level = &levels->level[side][1];

    *level = (struct level){
        .verdict = rise->verdict,
        .entries = rise_capacity(rise),
        .cost = with_placement_error(rise_height(rise, levels->staircase->first[side].noise))};
    if (rise->verdict.decided) {
        check_control(
            levels->staircase, side, (uint64_t)rise->leaving, (uint64_t)rise->ninety,
            level->cost.value, level, result);
    }
}

/* What the counters say of a level, beside the figures. */
static void check_counters(
    const struct staircase *staircase,
    unsigned n,
    struct result_figure *entries,
    struct result_figure *cost,
    struct result *result)
{
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        const struct counter_curve *counted = &staircase->counted[side];
        struct estimate cycles;
        if (!staircase->has[side]) {
            continue;
        }
        counter_check_capacity(result, entries, side, counted, n + 1);
        if (n == 1 && counter_curve_walk(counted, &cycles)) {
            counter_check_cost(result, cost, side, &cycles);
        }
    }
}

static void report_level(
    const struct levels *levels,
    unsigned n,
    const struct levels_plan *plan,
    struct result *result)
{
    struct result_figure *entries =
        result_add_figure(result, "entries", "%s, level %u", plan->noun, n + 1);
    struct result_figure *cost = result_add_figure(
        result, "cycles", n == 0 ? "%s, level 2 hit" : "%s, walk beyond level 2", plan->noun);
    bool soft = false;
    bool decided = false;

    for (enum side side = 0; side < SIDE_COUNT; side++) {
        const struct level *level = &levels->level[side][n];
        if (!levels->staircase->has[side]) {
            continue;
        }
        if (!level->verdict.decided) {
            figure_refuse(entries, side, "%s", level->verdict.reason);
            figure_refuse(cost, side, "%s", level->verdict.reason);
            continue;
        }
        decided = true;
        soft = soft || !level->exact;
        figure_decide(entries, side, level->entries);
        figure_decide(cost, side, level->cost);
    }
    check_counters(levels->staircase, n, entries, cost, result);
    figure_claim(entries, plan->claims[n] != NULL ? plan->claims[n]->entries : 0);
    figure_read(
        entries, "%s",
        !decided                    ? ""
        : n == 1 && plan->last_word ? "the middle of the rise, which is the band"
        : n == 1 ? "the middle of the rise, which is the band; sets x ways (see ways) decides"
        : soft   ? "a soft knee: the band is where the cost rises"
        : plan->steps != STEPS_LOADS
            ? "a sharp knee: exact, unless a busy thread of the same core took entries"
            : "a sharp knee: exact");
    figure_read(cost, "%s", n == 0 ? "above a first-level hit" : "above a second-level hit");
}

static void
report_hit(const struct levels *levels, const struct levels_plan *plan, struct result *result)
{
    struct result_figure *hit =
        result_add_figure(result, "cycles", "%s, level 1 hit", plan->noun);

    for (enum side side = 0; side < SIDE_COUNT; side++) {
        double value = levels->first_hit[side];
        if (levels->staircase->has[side] && levels->level[side][0].verdict.decided) {
            double noise = value * levels->staircase->first[side].noise * WINDOWS_Z95;
            figure_decide(hit, side, (struct estimate){value, value - noise, value + noise});
        } else if (levels->staircase->has[side]) {
            figure_refuse(hit, side, "%s", levels->level[side][0].verdict.reason);
        }
    }
    figure_read(
        hit, "%s", plan->steps != STEPS_LOADS ? "one jump a page" : "load to use, data in L1");
}

static void report(struct levels *levels, const struct levels_plan *plan, struct result *result)
{
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        if (levels->staircase->has[side] && !plan->second_only) {
            find_first(levels, side, result);
        }
        if (levels->staircase->has[side] && !plan->first_only) {
            find_second(levels, side, result);
        }
    }
    if (!plan->second_only) {
        report_level(levels, 0, plan, result);
    }
    if (!plan->first_only) {
        report_level(levels, 1, plan, result);
    }
    if (!plan->second_only) {
        report_hit(levels, plan, result);
    }
    struct result_series *series = staircase_report(
        levels->staircase, result, plan->series != NULL ? plan->series : plan->noun, "pages");
    for (unsigned n = 0; n < 2 && series != NULL; n++) {
        series_mark(series, plan->claims[n] != NULL ? plan->claims[n]->entries : 0);
    }
}

/* Whether each side has a first step that can be believed. */
static bool first_is_clear(const struct staircase *staircase)
{
    bool clear = true;

    for (enum side side = 0; side < SIDE_COUNT; side++) {
        const struct knee_report *first = &staircase->first[side];
        clear = clear && (!staircase->has[side] ||
                          (first->verdict.decided && first->count > 0 &&
                           first->knee[0].verdict.decided && knee_is_ordered(&first->knee[0])));
    }
    return clear;
}

bool levels_measure(
    struct levels *levels,
    struct lab *lab,
    struct field *field,
    const struct levels_plan *plan,
    struct result *result,
    struct err *err)
{
    struct staircase_plan staircase = {
        .routine = plan->routine,
        .first = plan->first == 0 ? 8 : plan->first,
        .last = plan->pages,
        .points_an_octave = lab->quick ? 4 : 7,
        .refinements = lab->quick ? 40 : 60,
        .steps = plan->steps,
        .rise_min = plan->rise_min};

    *levels = (struct levels){.staircase = calloc(1, sizeof(*levels->staircase))};
    if (levels->staircase == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for a staircase");
    }
    if (!staircase_measure(levels->staircase, lab, field, &staircase, err)) {
        return false;
    }
    if (!plan->second_only && !lab->found.emulated && !first_is_clear(levels->staircase)) {
        result_note(result, "%s: no clear first step, so all was taken again", plan->noun);
        if (!staircase_measure(levels->staircase, lab, field, &staircase, err)) {
            return false;
        }
    }
    report(levels, plan, result);
    return true;
}

void levels_destroy(struct levels *levels)
{
    free(levels->staircase);
    *levels = (struct levels){0};
}

void levels_remember(const struct levels *levels, struct lab *lab)
{
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        for (unsigned n = 0; n < 2; n++) {
            const struct level *level = &levels->level[side][n];
            lab->found.tlb[side][n + 1].decided = level->verdict.decided;
            lab->found.tlb[side][n + 1].entries = (uint64_t)level->entries.value;
            lab->found.tlb[side][n + 1].band = level->entries;
        }
        lab->found.tlb[side][1].hit_cycles = levels->first_hit[side];
        lab->found.tlb[side][2].hit_cycles = levels->level[side][0].cost.value;
    }
}
