/*
 * walk: what a walk costs by the first level of tables that has to be read, hot and cold
 * (cold_walk.c), and how many walks run at a time.  The routine is guest/exp/walk.c.  For the
 * ladder more pages than the TLB holds need an entry of their own of one level and all below it, and few entries
 * above (fan.h).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "measure/analyse/ladder.h"
#include "measure/catalogue.h"
#include "measure/cold_walk.h"
#include "measure/counter_check.h"
#include "measure/fan_field.h"
#include "measure/flushed_walk.h"

#define PML4_SLOTS   46 /* entries of level 4 that layouts may use, less one for the control */
#define WALK_PAGES   8192
#define LAYOUT_ERROR 0.01
#define ROUNDS       2
#define PLACES       3

/* Other pages with as many tables cost a little more or less: wider than the windows tell. */
static struct estimate with_layout_error(struct estimate cost)
{
    return (struct estimate){
        cost.value, cost.low * (1 - LAYOUT_ERROR), cost.high * (1 + LAYOUT_ERROR)};
}

/* Rung n: each page needs an entry of level n of its own, and few of the levels above. */
static struct fan fan_of_rung(const struct lab *lab, unsigned level)
{
    struct fan fan = {
        .level = level < 2 ? 2 : level,
        .pages = fan_field_pages(lab),
        .only_most = true,
        .line_pages = 1};

    fan.most = level == 1 ? fan_least(&fan) : level == 4 ? PML4_SLOTS : fan.pages;
    return fan;
}

/* The lesser of what was taken before and now: a disturbance only adds. */
static void keep_lesser(struct estimate *kept, const struct estimate *now, double divisor)
{
    if (kept->value == 0 || now->value / divisor < kept->value) {
        *kept =
            (struct estimate){now->value / divisor, now->low / divisor, now->high / divisor};
    }
}

/* Events a load of each rung, by the counters; zeros where it was not taken. */
struct rung_counts {
    double level[LADDER_LEVELS][COUNTER_KINDS];
};

/* Of several placements: the middle one speaks, and all of them lie in the interval. */
static struct estimate combine(struct estimate *costs, size_t count)
{
    double low = costs[0].low;
    double high = costs[0].high;

    for (size_t i = 0; i < count; i++) {
        low = fmin(low, costs[i].low);
        high = fmax(high, costs[i].high);
        for (size_t j = i; j > 0 && costs[j].value < costs[j - 1].value; j--) {
            struct estimate swap = costs[j];
            costs[j] = costs[j - 1];
            costs[j - 1] = swap;
        }
    }
    return (struct estimate){costs[count / 2].value, low, high};
}

/* One placement of a rung's pages and tables. */
static bool take_place(
    struct lab *lab,
    unsigned level,
    unsigned place,
    struct sample_cost cost[SIDE_COUNT][LAYOUT_SETS],
    struct err *err)
{
    struct fan fan = fan_of_rung(lab, level);
    struct fan_field rung;

    if (!fan_field_begin(&rung, lab, &fan, lab->seed + place, err)) {
        return false;
    }
    bool ok = fan_field_take(&rung, lab, fan.most, true, NULL, cost, err);
    fan_field_end(&rung, lab);
    return ok;
}

static bool take_rung(
    struct lab *lab,
    unsigned level,
    struct ladder_input input[SIDE_COUNT],
    struct rung_counts counts[SIDE_COUNT],
    struct err *err)
{
    struct estimate walks[SIDE_COUNT][PLACES] = {0};
    struct estimate hits[SIDE_COUNT][PLACES] = {0};
    unsigned places = lab->quick ? 1 : PLACES;

    for (unsigned i = 0; i < places; i++) {
        struct sample_cost cost[SIDE_COUNT][LAYOUT_SETS] = {0};
        if (!take_place(lab, level, i, cost, err)) {
            return false;
        }
        for (enum side side = 0; side < SIDE_COUNT; side++) {
            walks[side][i] = cost[side][LAYOUT_TEST].summary.low;
            hits[side][i] = cost[side][LAYOUT_CONTROL].summary.low;
            if (cost[side][LAYOUT_TEST].taken) {
                counter_check_keep(
                    counts[side].level[level], cost[side][LAYOUT_TEST].counts, i == 0);
            }
        }
    }
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        struct estimate hit = combine(hits[side], places);
        input[side].cost[level] = with_layout_error(combine(walks[side], places));
        input[side].measured[level] = input[side].cost[level].value > 0;
        if (input[side].hit.value == 0 || hit.value < input[side].hit.value) {
            input[side].hit = hit;
        }
    }
    return true;
}

static void report_rungs(
    const struct lab *lab,
    const struct ladder_report *report,
    const struct ladder_input *input,
    const struct rung_counts *counts,
    enum side side,
    struct result_figure *figures[LADDER_LEVELS],
    struct result_series *series,
    struct result *result)
{
    for (unsigned level = 1; level < LADDER_LEVELS; level++) {
        if (!input->measured[level]) {
            figure_refuse(
                figures[level], side, "%s",
                lab->found.emulated ? "emulated clock: no walker to look at" : "not measured");
        } else if (!report->verdict.decided) {
            figure_refuse(figures[level], side, "%s", report->verdict.reason);
        } else {
            figure_decide(figures[level], side, report->walk[level]);
            (void)fan_field_check(lab, side, figures[level]);
        }
        counter_check_walks(result, figures[level], side, counts->level[level], true);
        if (series != NULL && figures[level]->side[side].verdict.decided) {
            series_set(series, side, level - 1, report->walk[level].value);
        }
    }
}

static bool run_ladder(struct lab *lab, struct result *result, struct err *err)
{
    static const char *const names[LADDER_LEVELS] = {
        "", "walk, upper levels cached", "walk from level 2", "walk from level 3",
        "walk from level 4"};
    struct ladder_input input[SIDE_COUNT] = {0};
    struct rung_counts counts[SIDE_COUNT] = {0};
    struct result_figure *figures[LADDER_LEVELS];

    for (unsigned level = 1; level < LADDER_LEVELS; level++) {
        figures[level] = result_add_figure(result, "cycles", "%s", names[level]);
        if (!lab->found.emulated && !take_rung(lab, level, input, counts, err)) {
            return false;
        }
        lab_progress(lab, 0.1 * level);
    }
    struct result_series *series =
        result_add_series(result, SERIES_LADDER, SIDE_COUNT, LADDER_LEVELS - 1, "walk ladder");
    for (size_t i = 0; series != NULL && i < series->points; i++) {
        series->x[i] = (double)(i + 1);
    }
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        struct ladder_report report = {0};
        if (!lab->wanted[side]) {
            continue;
        }
        ladder_find_steps(&input[side], &report);
        report_rungs(lab, &report, &input[side], &counts[side], side, figures, series, result);
    }
    if (series != NULL) {
        series_name_axes(series, "first level that is read", "core cycles");
        series_name_sides(series);
    }
    figure_read(figures[1], "above a load that hits; only entries of level 1 are read");
    figure_read(figures[2], "each page has an entry of level 2 of its own");
    figure_read(figures[3], "and one of level 3");
    figure_read(
        figures[4], "%d entries of level 4 in use: fewer than some caches hold", PML4_SLOTS);
    if (!lab->found.emulated) {
        size_t pages = fan_field_pages(lab);
        result_note(
            result,
            "walks over %zu pages, %s: %zu KiB of lines of entries a level, in the L2 cache as "
            "far as that holds them",
            pages, fan_field_describe(lab), pages * LAYOUT_LINE_BYTES / 1024);
    }
    return true;
}

/* --- walks at a time --- */

static void report_walkers(
    const struct estimate *cost,
    const struct estimate *control,
    enum side side,
    struct result_figure *figure)
{
    struct ladder_walkers walkers;

    ladder_find_walkers(cost, control, EXP_CHAINS_MAX, &walkers);
    if (walkers.verdict.decided) {
        figure_decide(figure, side, walkers.parallel);
    } else {
        figure_refuse(figure, side, "%s", walkers.verdict.reason);
    }
}

static bool take_chains(
    struct lab *lab,
    struct field *field,
    struct estimate cost[SIDE_COUNT][LAYOUT_SETS][EXP_CHAINS_MAX],
    double counts[SIDE_COUNT][COUNTER_KINDS],
    struct err *err)
{
    struct sample_effort effort = lab_effort(lab);

    effort.windows = effort.windows / ROUNDS + 1;
    for (unsigned i = 0; i < ROUNDS * EXP_CHAINS_MAX; i++) {
        unsigned k = i % EXP_CHAINS_MAX + 1;
        struct sample_cost taken[SIDE_COUNT][LAYOUT_SETS] = {0};
        struct sample_chase chase = {
            .routine = EXP_ROUTINE_walk,
            .count = WALK_PAGES,
            .chains = k,
            .sets = {true, true},
            .effort = &effort};
        if (!lab_sample(lab, field, &chase, taken, err)) {
            return false;
        }
        for (enum side side = 0; side < SIDE_COUNT; side++) {
            counter_check_keep(counts[side], taken[side][LAYOUT_TEST].counts, i == 0);
            for (enum layout_set set = 0; set < LAYOUT_SETS; set++) {
                if (taken[side][set].taken) {
                    keep_lesser(&cost[side][set][k - 1], &taken[side][set].summary.low, k);
                }
            }
        }
        lab_progress(lab, 0.4 + 0.6 * i / (ROUNDS * EXP_CHAINS_MAX));
    }
    return true;
}

static void report_chains(
    const struct lab *lab,
    struct estimate cost[SIDE_COUNT][LAYOUT_SETS][EXP_CHAINS_MAX],
    struct result *result)
{
    struct result_series *series = result_add_series(
        result, SERIES_LADDER, (size_t)SIDE_COUNT * LAYOUT_SETS, EXP_CHAINS_MAX,
        "independent chains");

    for (enum side side = 0; series != NULL && side < SIDE_COUNT; side++) {
        for (enum layout_set set = 0; set < LAYOUT_SETS; set++) {
            size_t curve = (size_t)side * LAYOUT_SETS + set;
            snprintf(
                series->curve[curve], RESULT_NAME_BYTES, "%s%s", side_name(side),
                set == LAYOUT_CONTROL ? " control" : "");
            for (size_t k = 0; lab->wanted[side] && k < EXP_CHAINS_MAX; k++) {
                series->x[k] = (double)(k + 1);
                series_set(series, curve, k, cost[side][set][k].value);
            }
        }
    }
    if (series != NULL) {
        series_name_axes(series, "chains", "core cycles a load");
    }
}

static bool run_walkers(struct lab *lab, struct result *result, struct err *err)
{
    struct estimate cost[SIDE_COUNT][LAYOUT_SETS][EXP_CHAINS_MAX] = {0};
    double counts[SIDE_COUNT][COUNTER_KINDS] = {0};
    struct result_figure *figure = result_add_figure(result, "walks", "walks at a time");
    uint64_t *address = lab_addresses(WALK_PAGES, PAGE_BYTES, err);
    struct layout layout;
    struct field field;
    bool ok = address != NULL && layout_make_uniq(&layout, address, WALK_PAGES, lab->seed, err);

    free(address);
    if (!ok) {
        return false;
    }
    ok = lab_make_field(lab, &field, &layout, err) &&
         take_chains(lab, &field, cost, counts, err);
    for (enum side side = 0; ok && side < SIDE_COUNT; side++) {
        if (lab->wanted[side]) {
            report_walkers(cost[side][LAYOUT_TEST], cost[side][LAYOUT_CONTROL], side, figure);
            counter_check_walks(result, figure, side, counts[side], false);
        }
    }
    if (ok) {
        report_chains(lab, cost, result);
    }
    figure_read(
        figure, "in flight: latency that the walk adds, over the least time a load (Little's "
                "law); at most all "
                "of the latency");
    lab_end_field(lab, &field);
    layout_destroy(&layout);
    return ok;
}

bool experiment_walk(struct lab *lab, struct result *result, struct err *err)
{
    if (!run_ladder(lab, result, err) || !cold_walk_measure(lab, result, err) ||
        !flushed_walk_measure(lab, result, err) || !run_walkers(lab, result, err)) {
        return false;
    }
    result_note(
        result,
        "cold walks are by eviction, on each side; single entries are flushed in the guest "
        "alone "
        "and with nested paging alone: a process has no name for its tables' lines%s",
        lab->found.paging == LAB_PAGING_NESTED
            ? "; the hypervisor's tables add cold lines of their own to the first kind"
            : "");
    if (lab->claims.in_guest) {
        result_note(
            result,
            "this host is itself in a virtual machine: the outer tables' entries can be "
            "cold too, of the walked tables and of the data");
    }
    return true;
}
