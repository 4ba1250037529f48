/*
 * walk: what a walk costs by the first level of tables that has to be read, hot and cold
 * (cold_walk.c), and how many walks run at a time.  The routine is guest/exp/walk.c.  For the ladder all pages lie in one set of the
 * second level, so that few of them always miss and their table lines stay in the caches.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "measure/analyse/ladder.h"
#include "measure/catalogue.h"
#include "measure/cold_walk.h"
#include "measure/counter_check.h"
#include "measure/random.h"

#define LADDER_PAGES 141 /* 3 in each of the entries of level 4 that layouts may use */
#define PML4_SLOTS   47
#define WALK_PAGES   8192
#define LAYOUT_ERROR 0.01
#define SET_BITS     UINT64_C(31) /* not a round address: see conflict.c */

/* Shift of the stride, in pages, that makes each page need an entry of its own at a level. */
static const unsigned level_stride[LADDER_LEVELS] = {0, 0, 9, 18, 27};

/* Page numbers: equal in the index bits, apart by the level's stride, and random in between, so that
 * table lines spread over the caches' sets. */
static uint64_t ladder_page(const struct lab *lab, unsigned level, size_t i, uint64_t *random)
{
    uint64_t index_mask = lab->found.conflict[SIDE_NATIVE].index_mask;
    unsigned set_stride = lab->found.conflict[SIDE_NATIVE].stride_log2;
    unsigned stride = level_stride[level] > set_stride ? level_stride[level] : set_stride;
    uint64_t page = (uint64_t)i << stride;

    if (level == 4) {
        page = (uint64_t)(i % PML4_SLOTS) << stride | (uint64_t)(i / PML4_SLOTS) << 18;
        stride = 18;
    }
    uint64_t low = (UINT64_C(1) << stride) - 1;
    return page | (random_next(random) & low & ~index_mask) | (SET_BITS & low & index_mask);
}

/* Other pages with as many tables cost a little more or less: wider than the windows tell. */
static struct estimate with_layout_error(struct estimate cost)
{
    return (struct estimate){
        cost.value, cost.low * (1 - LAYOUT_ERROR), cost.high * (1 + LAYOUT_ERROR)};
}

/* Events a load of each rung, by the counters; of the first, which others measured, zeros. */
struct rung_counts {
    double level[LADDER_LEVELS][COUNTER_KINDS];
};

static bool take_rung(
    struct lab *lab,
    unsigned level,
    struct ladder_input input[SIDE_COUNT],
    struct rung_counts counts[SIDE_COUNT],
    struct err *err)
{
    struct sample_cost cost[SIDE_COUNT][LAYOUT_SETS] = {0};
    struct sample_chase chase = {
        .routine = EXP_ROUTINE_walk, .count = LADDER_PAGES, .sets = {true, true}};
    uint64_t address[LADDER_PAGES];
    uint64_t random = lab->seed;
    struct layout layout;
    struct field field;

    for (size_t i = 0; i < LADDER_PAGES; i++) {
        address[i] = EXP_PAGES + (ladder_page(lab, level, i, &random) << PAGE_SHIFT);
    }
    if (!layout_make_uniq(&layout, address, LADDER_PAGES, lab->seed, err)) {
        return false;
    }
    bool ok =
        lab_make_field(lab, &field, &layout, err) && lab_sample(lab, &field, &chase, cost, err);
    for (enum side side = 0; ok && side < SIDE_COUNT; side++) {
        input[side].cost[level] = with_layout_error(cost[side][LAYOUT_TEST].summary.low);
        input[side].measured[level] = cost[side][LAYOUT_TEST].taken;
        input[side].hit = cost[side][LAYOUT_CONTROL].summary.low;
        counter_check_keep(counts[side].level[level], cost[side][LAYOUT_TEST].counts, true);
    }
    lab_end_field(lab, &field);
    layout_destroy(&layout);
    return ok;
}

static void report_rungs(
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
            figure_refuse(figures[level], side, "not measured");
        } else if (!report->verdict.decided) {
            figure_refuse(figures[level], side, "%s", report->verdict.reason);
        } else {
            figure_decide(figures[level], side, report->walk[level]);
        }
        counter_check_walks(result, figures[level], side, counts->level[level], true);
        if (series != NULL && figures[level]->side[side].verdict.decided) {
            series_set(series, side, level - 1, report->walk[level].value);
        }
    }
}

/* The first rung, where only the last entry is read, is the plateau beyond the second level. */
static void take_first_rung(const struct lab *lab, enum side side, struct ladder_input *input)
{
    double walk = lab->found.walk_cycles[side];
    double base = lab->found.tlb[side][1].hit_cycles + lab->found.tlb[side][2].hit_cycles;

    input->measured[1] = lab->found.tlb[side][2].decided;
    input->cost[1] = (struct estimate){base + walk, base + walk * 0.95, base + walk * 1.05};
}

static bool run_ladder(struct lab *lab, struct result *result, struct err *err)
{
    static const char *const names[LADDER_LEVELS] = {
        "", "walk, upper levels cached", "walk from level 2", "walk from level 3",
        "walk from level 4"};
    struct ladder_input input[SIDE_COUNT] = {0};
    struct rung_counts counts[SIDE_COUNT] = {0};
    struct result_figure *figures[LADDER_LEVELS];
    bool known = lab->found.conflict[SIDE_NATIVE].known;

    for (unsigned level = 1; level < LADDER_LEVELS; level++) {
        figures[level] = result_add_figure(result, "cycles", "%s", names[level]);
    }
    for (unsigned level = 2; known && level < LADDER_LEVELS; level++) {
        if (!take_rung(lab, level, input, counts, err)) {
            return false;
        }
        lab_progress(lab, 0.1 * level);
    }
    struct result_series *series =
        result_add_series(result, SERIES_LADDER, SIDE_COUNT, LADDER_LEVELS - 1, "walk ladder");
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        struct ladder_report report = {0};
        if (!lab->wanted[side]) {
            continue;
        }
        take_first_rung(lab, side, &input[side]);
        if (known) {
            ladder_find_steps(&input[side], &report);
        } else {
            verdict_refuse(&report.verdict, "the set index of level 2 is not decided");
            for (unsigned level = 2; level < LADDER_LEVELS; level++) {
                input[side].measured[level] = true;
            }
        }
        if (series != NULL) {
            snprintf(series->curve[side], RESULT_NAME_BYTES, "%s", side_name(side));
            for (size_t i = 0; i < series->points; i++) {
                series->x[i] = (double)(i + 1);
            }
        }
        report_rungs(&report, &input[side], &counts[side], side, figures, series, result);
    }
    if (series != NULL) {
        series_name_axes(series, "first level that is read", "core cycles");
    }
    figure_read(figures[1], "above a load that hits; table lines may come from the L2 cache");
    figure_read(figures[4], "47 entries of level 4 in use: fewer than some caches hold");
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
    struct result_series *series,
    struct err *err)
{
    for (unsigned k = 1; k <= EXP_CHAINS_MAX; k++) {
        struct sample_cost taken[SIDE_COUNT][LAYOUT_SETS] = {0};
        struct sample_chase chase = {
            .routine = EXP_ROUTINE_walk,
            .count = WALK_PAGES,
            .chains = k,
            .sets = {true, true}};
        if (!lab_sample(lab, field, &chase, taken, err)) {
            return false;
        }
        for (enum side side = 0; side < SIDE_COUNT; side++) {
            counter_check_keep(counts[side], taken[side][LAYOUT_TEST].counts, k == 1);
            for (enum layout_set set = 0; set < LAYOUT_SETS; set++) {
                struct estimate low = taken[side][set].summary.low;
                struct estimate each = {low.value / k, low.low / k, low.high / k};
                cost[side][set][k - 1] = each;
                if (series != NULL && taken[side][set].taken) {
                    series_set(series, (size_t)side * LAYOUT_SETS + set, k - 1, each.value);
                }
            }
        }
        lab_progress(lab, 0.4 + 0.07 * k);
    }
    return true;
}

static bool run_walkers(struct lab *lab, struct result *result, struct err *err)
{
    struct estimate cost[SIDE_COUNT][LAYOUT_SETS][EXP_CHAINS_MAX] = {0};
    double counts[SIDE_COUNT][COUNTER_KINDS] = {0};
    struct result_figure *figure = result_add_figure(result, "walks", "walks at a time");
    struct result_series *series = result_add_series(
        result, SERIES_LADDER, (size_t)SIDE_COUNT * LAYOUT_SETS, EXP_CHAINS_MAX,
        "independent chains");
    uint64_t *address = lab_addresses(WALK_PAGES, PAGE_BYTES);
    struct layout layout;
    struct field field;
    bool ok = address != NULL && layout_make_uniq(&layout, address, WALK_PAGES, lab->seed, err);

    free(address);
    if (!ok) {
        return false;
    }
    ok = lab_make_field(lab, &field, &layout, err) &&
         take_chains(lab, &field, cost, counts, series, err);
    for (enum side side = 0; ok && side < SIDE_COUNT; side++) {
        if (lab->wanted[side]) {
            report_walkers(cost[side][LAYOUT_TEST], cost[side][LAYOUT_CONTROL], side, figure);
            counter_check_walks(result, figure, side, counts[side], false);
        }
        if (series != NULL && lab->wanted[side]) {
            snprintf(series->curve[2 * (size_t)side], RESULT_NAME_BYTES, "%s", side_name(side));
            snprintf(
                series->curve[2 * (size_t)side + 1], RESULT_NAME_BYTES, "%s control",
                side_name(side));
        }
    }
    if (series != NULL) {
        for (size_t k = 0; k < EXP_CHAINS_MAX; k++) {
            series->x[k] = (double)(k + 1);
        }
        series_name_axes(series, "chains", "core cycles a load");
    }
    figure_read(figure, "latency of one chain over time per load of the best number of chains");
    lab_end_field(lab, &field);
    layout_destroy(&layout);
    return ok;
}

bool experiment_walk(struct lab *lab, struct result *result, struct err *err)
{
    if (!run_ladder(lab, result, err) || !cold_walk_measure(lab, result, err) ||
        !run_walkers(lab, result, err)) {
        return false;
    }
    result_note(
        result,
        "cold by eviction: single entries are not flushed, for a table's line has no address "
        "in "
        "ring 3%s",
        lab->found.paging == LAB_PAGING_SHADOW
            ? ", and under shadow paging the walked table is not the guest's"
        : lab->found.paging == LAB_PAGING_NESTED
            ? "; in the guest the hypervisor's tables add their own cold lines"
            : "");
    if (lab->claims.in_guest) {
        result_note(
            result,
            "this host is itself in a virtual machine: the outer tables' entries can be "
            "cold too, of the walked tables and of the data");
    }
    return true;
}
