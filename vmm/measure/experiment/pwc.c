/*
 * pwc: how many entries of the upper tables the walker keeps.  Pages of one set of the second-level TLB,
 * so that each load walks, with 1 to a table; the control has as many lines of last-level entries
 * in a quarter of the tables, and steps at four times the number if the step is the cache's.
 * The routine is guest/exp/walk.c, the inference measure/analyse/ladder.c.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "measure/analyse/ladder.h"
#include "measure/catalogue.h"
#include "measure/counter_check.h"
#include "measure/random.h"

#define MOST_FULL    448 /* lines of as many pages stay in a first-level data cache of 32 KiB */
#define MOST_QUICK   224
#define TABLE_LOG    9
#define A_TABLE      4            /* pages to a table in the control */
#define CONTROL_FLAT 0.08         /* the least rise that counts as a step, of the cost */
#define SET_BITS     UINT64_C(31) /* not a round address: see conflict.c */

struct curve {
    size_t count;
    struct knee_point points[SIDE_COUNT][KNEE_POINTS_MAX];
    double counts[SIDE_COUNT][COUNTER_KINDS]; /* of the point with the fewest walks */
};

/* Bits of a page number between `low` and `high` that do not choose the set. */
static uint64_t free_bits(uint64_t index_mask, unsigned low, unsigned high)
{
    return ((UINT64_C(1) << high) - (UINT64_C(1) << low)) & ~index_mask;
}

/* The bits of value, lowest first, into the set bits of mask. */
static uint64_t deposit(uint64_t value, uint64_t mask)
{
    uint64_t out = 0;

    for (; mask != 0 && value != 0; mask &= mask - 1, value >>= 1) {
        out |= (value & 1) != 0 ? mask & -mask : 0;
    }
    return out;
}

/*
 * Page i of `a_table` to a table of level `level - 1`: the table's number goes into free bits from the
 * table's size on, the page's place in it into the highest free bits below.
 */
static uint64_t
page_of(const struct lab *lab, unsigned level, size_t i, size_t a_table, uint64_t *random)
{
    uint64_t index_mask = lab->found.conflict[SIDE_NATIVE].index_mask;
    unsigned table = TABLE_LOG * (level - 1);
    uint64_t low = free_bits(index_mask, 0, table);
    uint64_t inside = 0;

    /* Two free bits of the table's entries, each on a line of its own. */
    for (unsigned bit = table, found = 0; bit-- > table - TABLE_LOG + 3 && found < 2;) {
        if ((low >> bit & 1) != 0) {
            inside |= UINT64_C(1) << bit;
            found++;
        }
    }
    uint64_t page = deposit(i / a_table, free_bits(index_mask, table, 35));
    uint64_t place = a_table > 1 ? i % a_table : random_next(random) % A_TABLE;
    page |= deposit(place, inside);
    page |= random_next(random) & low & ~inside & ~UINT64_C(7);
    return page | (SET_BITS & index_mask);
}

/* So many that none stays in the first level of the TLB: with fewer nothing walks. */
static size_t least_pages(const struct lab *lab)
{
    uint64_t entries = 64;

    for (enum side side = 0; side < SIDE_COUNT; side++) {
        if (lab->found.tlb[side][1].decided && lab->found.tlb[side][1].entries > entries) {
            entries = lab->found.tlb[side][1].entries;
        }
    }
    return entries + entries / 8 + 4;
}

static bool take_curve(
    struct lab *lab, unsigned level, size_t a_table, struct curve *curve, struct err *err)
{
    size_t most = lab->quick ? MOST_QUICK : MOST_FULL;
    uint64_t *address = calloc(most, sizeof(*address));
    uint64_t random = lab->seed;
    struct layout layout;
    struct field field;

    *curve = (struct curve){.count = 0};
    for (size_t i = 0; address != NULL && i < most; i++) {
        address[i] = EXP_PAGES + (page_of(lab, level, i, a_table, &random) << PAGE_SHIFT);
    }
    bool ok = address != NULL && layout_make_uniq(&layout, address, most, lab->seed, err);
    free(address);
    if (!ok) {
        return false;
    }
    ok = lab_make_field(lab, &field, &layout, err);
    for (size_t n = least_pages(lab); ok && n <= most; n += n / 16 + 1) {
        struct sample_cost cost[SIDE_COUNT][LAYOUT_SETS] = {0};
        struct sample_chase chase = {
            .routine = EXP_ROUTINE_walk, .count = n, .sets = {true, false}};
        ok = lab_sample(lab, &field, &chase, cost, err);
        for (enum side side = 0; ok && side < SIDE_COUNT; side++) {
            const struct windows_summary *summary = &cost[side][LAYOUT_TEST].summary;
            curve->points[side][curve->count] = (struct knee_point){
                .size = n,
                .cost = summary->low.value,
                .noise = (summary->low.high - summary->low.low) / (2 * WINDOWS_Z95)};
            counter_check_keep(
                curve->counts[side], cost[side][LAYOUT_TEST].counts, curve->count == 0);
        }
        curve->count += ok;
    }
    lab_end_field(lab, &field);
    layout_destroy(&layout);
    return ok;
}

static void report_curves(
    const struct lab *lab,
    const struct curve *test,
    const struct curve *control,
    unsigned level,
    struct result *result)
{
    struct result_series *series = result_add_series(
        result, SERIES_STAIRCASE, 2 * (size_t)SIDE_COUNT, test->count, "entries of level %u",
        level);

    if (series == NULL) {
        return;
    }
    series_name_axes(series, "pages", "core cycles a load");
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        size_t at = 2 * (size_t)side;
        snprintf(series->curve[at], RESULT_NAME_BYTES, "%s", side_name(side));
        snprintf(series->curve[at + 1], RESULT_NAME_BYTES, "%s control", side_name(side));
        for (size_t i = 0; lab->wanted[side] && i < test->count; i++) {
            series->x[i] = (double)test->points[side][i].size;
            series_set(series, at, i, test->points[side][i].cost);
            series_set(series, at + 1, i, control->points[side][i].cost);
        }
    }
}

static double rise_of(const struct curve *curve, enum side side)
{
    double least = INFINITY;
    double most = 0;

    for (size_t i = 0; i < curve->count; i++) {
        least = fmin(least, curve->points[side][i].cost);
        most = fmax(most, curve->points[side][i].cost);
    }
    return most - least;
}

static bool run_level(struct lab *lab, unsigned level, struct result *result, struct err *err)
{
    struct result_figure *figure =
        result_add_figure(result, "entries", "cached entries of level %u", level);
    struct curve *curves = calloc(2, sizeof(*curves));
    bool ok = curves != NULL && take_curve(lab, level, 1, &curves[0], err) &&
              take_curve(lab, level, A_TABLE, &curves[1], err);

    for (enum side side = 0; ok && side < SIDE_COUNT; side++) {
        struct ladder_pwc pwc;
        if (!lab->wanted[side]) {
            continue;
        }
        ladder_find_pwc(
            curves[0].points[side], curves[0].count, curves[1].points[side], curves[1].count,
            &pwc);
        result_add_control(
            result, rise_of(&curves[1], side) < CONTROL_FLAT * curves[1].points[side][0].cost,
            "%s, level %u: as many lines in a quarter of the tables: %.2f cycles "
            "of rise, where these have %.2f",
            side_name(side), level, rise_of(&curves[1], side), rise_of(&curves[0], side));
        if (pwc.verdict.decided) {
            figure_decide(figure, side, pwc.entries);
        } else {
            figure_refuse(figure, side, "%s", pwc.verdict.reason);
        }
        counter_check_walks(result, figure, side, curves[0].counts[side], false);
    }
    if (ok) {
        report_curves(lab, &curves[0], &curves[1], level, result);
    }
    free(curves);
    return ok;
}

bool experiment_pwc(struct lab *lab, struct result *result, struct err *err)
{
    if (!lab->found.conflict[SIDE_NATIVE].known) {
        struct result_figure *figure =
            result_add_figure(result, "entries", "cached entries of level 2");
        for (enum side side = 0; side < SIDE_COUNT; side++) {
            if (lab->wanted[side]) {
                figure_refuse(figure, side, "the set index of level 2 is not decided");
            }
        }
        return true;
    }
    for (unsigned level = 2; level <= 3; level++) {
        if (!run_level(lab, level, result, err)) {
            return false;
        }
        lab_progress(lab, 0.5 * (level - 1));
    }
    result_note(
        result, "fewer than %zu entries cannot be seen: so few pages stay in the TLB itself",
        least_pages(lab));
    return true;
}
