/*
 * From a staircase to the figures of two levels.  Which knee is which level is decided by order:
 * the first that is the TLB's own (its control is flat there) is the first level, the last one
 * ends in walks.  Read staircase.c for the measuring.
 */
#include "measure/levels.h"

#include <math.h>
#include <stdlib.h>

#include "measure/analyse/ladder.h"

/* A jump may cost a tenth more or less by where it lies: no step. */
#define JUMPS_RISE_MIN 0.3

/* A knee of the net curve counts if its control rises by less than a quarter of its height. */
static bool own_knee(
    const struct staircase *staircase,
    enum side side,
    const struct knee *knee,
    struct result *result)
{
    double rise = staircase_control_rise(staircase, side, knee);
    double height = knee->cost_above - knee->cost_below;
    bool flat = rise < height / 4;

    if (knee->verdict.decided && flat) {
        result_add_control(
            result, true,
            "%s, step at %llu: the same lines through 1/64 of the pages rise by %.2f of %.2f "
            "cycles",
            side_name(side), (unsigned long long)knee->below, rise, height);
    } else if (knee->verdict.decided) {
        result_note(
            result,
            "%s: the step at %llu is not the TLB's and was set aside: its control rises by "
            "%.2f "
            "cycles where it has %.2f",
            side_name(side), (unsigned long long)knee->below, rise, height);
    }
    return flat;
}

static void
take_level(const struct knee_report *report, const struct knee *knee, struct level *level)
{
    /* A bracket that stayed wide is a band all the same. */
    bool band = knee->kind == KNEE_UNRESOLVED && knee->ninety > knee->below;

    *level = (struct level){
        .decided = knee->verdict.decided || band,
        .knee = *knee,
        .entries = knee_capacity(knee),
        .cost = ladder_cost_over(report, knee)};
    level->entries.low = fmax(level->entries.low, 1);
    if (band) {
        level->entries =
            (struct estimate){(double)knee->half, (double)knee->below, (double)knee->ninety};
    }
}

/* A rise in several steps is one soft knee: its band reaches from the first to the last. */
static void join_steps(
    const struct knee_report *report,
    const struct knee *begin,
    const struct knee *last,
    struct level *level)
{
    double height = last->cost_above - begin->cost_below;
    double noise = report->noise * last->cost_above * WINDOWS_Z95;

    if (begin == last) {
        return;
    }
    level->entries.low = fmin(level->entries.low, (double)begin->below);
    level->entries.high = fmax(level->entries.high, (double)last->ninety);
    level->cost = (struct estimate){height, height - noise, height + noise};
}

/* The first level is the first step of its own; the second is the greatest one beyond it. */
static void find_levels(struct levels *levels, enum side side, struct result *result)
{
    const struct knee_report *first = &levels->staircase->first[side];
    const struct knee_report *second = &levels->staircase->second[side];
    const struct knee *greatest = NULL;
    const struct knee *begin = NULL;

    if (first->verdict.decided && first->count > 0 &&
        own_knee(levels->staircase, side, &first->knee[0], result)) {
        take_level(first, &first->knee[0], &levels->level[side][0]);
        levels->first_hit[side] = first->knee[0].cost_below;
    }
    const struct knee *last = NULL;
    for (size_t i = 0; second->verdict.decided && i < second->count; i++) {
        const struct knee *knee = &second->knee[i];
        if (!own_knee(levels->staircase, side, knee, result)) {
            continue;
        }
        begin = begin == NULL ? knee : begin;
        last = knee;
        if (greatest == NULL ||
            knee->cost_above - knee->cost_below > greatest->cost_above - greatest->cost_below) {
            greatest = knee;
        }
    }
    if (greatest != NULL) {
        take_level(second, greatest, &levels->level[side][1]);
        join_steps(second, begin, last, &levels->level[side][1]);
    }
}

static void
refuse(const struct levels *levels, enum side side, unsigned n, struct result_figure *figure)
{
    const struct knee_report *report =
        n == 0 ? &levels->staircase->first[side] : &levels->staircase->second[side];
    const struct level *level = &levels->level[side][n];

    if (!report->verdict.decided) {
        figure_refuse(figure, side, "%s", report->verdict.reason);
    } else if (level->knee.verdict.reason[0] != '\0') {
        figure_refuse(figure, side, "%s", level->knee.verdict.reason);
    } else {
        figure_refuse(
            figure, side, "no step that is its own up to %llu pages (%zu steps in all)",
            (unsigned long long)levels->staircase->net[side][levels->staircase->count - 1].size,
            report->count);
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
        if (!level->decided) {
            refuse(levels, side, n, entries);
            refuse(levels, side, n, cost);
            continue;
        }
        decided = true;
        soft = soft || level->knee.kind != KNEE_SHARP;
        figure_decide(entries, side, level->entries);
        figure_decide(cost, side, level->cost);
    }
    figure_claim(entries, plan->claims[n] != NULL ? plan->claims[n]->entries : 0);
    figure_read(
        entries, "%s",
        !decided ? ""
        : soft   ? "a soft knee: the band is where the cost rises"
                 : "a sharp knee: exact");
    figure_read(cost, "%s", n == 0 ? "above a first-level hit" : "above a second-level hit");
}

/* Jumps far apart meet limits of the branch predictor that jumps close together do not, so that
 * the control cannot clear a later step. */
static void refuse_second(
    const struct levels *levels, const struct levels_plan *plan, struct result *result)
{
    struct result_figure *entries =
        result_add_figure(result, "entries", "%s, level 2", plan->noun);

    for (enum side side = 0; side < SIDE_COUNT; side++) {
        if (levels->staircase->has[side]) {
            figure_refuse(
                entries, side,
                "steps beyond the first may be the branch predictor's (its "
                "limits for far jumps are not in the control)");
        }
    }
    figure_claim(entries, plan->claims[1] != NULL ? plan->claims[1]->entries : 0);
}

static void
report_hit(const struct levels *levels, const struct levels_plan *plan, struct result *result)
{
    struct result_figure *hit =
        result_add_figure(result, "cycles", "%s, level 1 hit", plan->noun);

    for (enum side side = 0; side < SIDE_COUNT; side++) {
        double value = levels->first_hit[side];
        if (levels->staircase->has[side] && levels->level[side][0].decided) {
            double noise = value * levels->staircase->first[side].noise * WINDOWS_Z95;
            figure_decide(hit, side, (struct estimate){value, value - noise, value + noise});
        } else if (levels->staircase->has[side]) {
            refuse(levels, side, 0, hit);
        }
    }
    figure_read(hit, "%s", plan->jumps ? "one jump a page" : "load to use, data in L1");
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
        .first = 8,
        .last = plan->pages,
        .points_an_octave = lab->quick ? 4 : 7,
        .refinements = lab->quick ? 24 : 60,
        .jumps = plan->jumps,
        .rise_min = plan->jumps ? JUMPS_RISE_MIN : 0};

    *levels = (struct levels){.staircase = calloc(1, sizeof(*levels->staircase))};
    if (levels->staircase == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for a staircase");
    }
    if (!staircase_measure(levels->staircase, lab, field, &staircase, err)) {
        return false;
    }
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        if (levels->staircase->has[side]) {
            find_levels(levels, side, result);
        }
    }
    report_level(levels, 0, plan, result);
    if (!plan->jumps) {
        report_level(levels, 1, plan, result);
    } else {
        refuse_second(levels, plan, result);
    }
    report_hit(levels, plan, result);
    (void)staircase_report(levels->staircase, result, plan->noun, "pages");
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
            lab->found.tlb[side][n + 1].decided = level->decided;
            lab->found.tlb[side][n + 1].entries = (uint64_t)level->entries.value;
            lab->found.tlb[side][n + 1].band = level->entries;
        }
        lab->found.tlb[side][1].hit_cycles = levels->first_hit[side];
        lab->found.tlb[side][2].hit_cycles = levels->level[side][0].cost.value;
        lab->found.walk_cycles[side] = levels->level[side][1].cost.value;
    }
}
