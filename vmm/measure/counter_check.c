/* Compares counts with times; see counter_check.h. */
#include "measure/counter_check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Where a capacity is a band, its lower end already misses now and then. */
#define SURE_SHARE 0.75
/* With random replacement half of the loads still hit at less. */
#define BEYOND 2

static const char *agreement(bool agree)
{
    return agree ? "agree" : "disagree";
}

static bool meet(const struct estimate *a, const struct estimate *b)
{
    return a->low <= b->high && b->low <= a->high;
}

static double count_of(const struct counter_point *point, unsigned level)
{
    return point == NULL ? NAN : level == 1 ? point->misses : point->walks;
}

/* --- capacities --- */

static bool is_exact(const struct estimate *estimate)
{
    return estimate->low == estimate->high;
}

void counter_check_capacity(
    struct result *result,
    struct result_figure *figure,
    enum side side,
    const struct counter_curve *curve,
    unsigned level)
{
    const struct figure_side *at = &figure->side[side];
    struct estimate counted;
    bool known = counter_curve_capacity(curve, level, &counted);

    if (known) {
        figure_count(figure, side, counted);
    }
    if (!at->measured || !at->verdict.decided) {
        return;
    }
    double sure = at->value.low * (is_exact(&at->value) ? 1 : SURE_SHARE);
    const struct counter_point *fit = counter_curve_below(curve, (uint64_t)sure);
    const struct counter_point *beyond =
        counter_curve_above(curve, (uint64_t)at->value.high * BEYOND);
    double few = count_of(fit, level);
    double many = count_of(beyond, level);
    if (isnan(few) || isnan(many)) {
        return;
    }
    bool agree =
        few < COUNTER_NONE && many >= COUNTER_HALF && (!known || meet(&at->value, &counted));
    result_add_control(
        result, agree,
        "%s, level %u, by the counters: %.3f %s a load over %llu pages, %.3f over %llu: %s",
        side_name(side), level, few, level == 1 ? "misses" : "walks",
        (unsigned long long)fit->size, many, (unsigned long long)beyond->size,
        agreement(agree));
}

/* The last number of pages before the count passes `share`; last: it never does. */
static size_t last_below(const double *count, size_t last, double share)
{
    size_t n = 0;

    while (n < last && count[n] < share) {
        n++;
    }
    return n;
}

void counter_check_ways(
    struct result *result,
    struct result_figure *figure,
    enum side side,
    const double *count,
    size_t last)
{
    const struct figure_side *at = &figure->side[side];
    size_t half = last_below(count, last, COUNTER_HALF);
    const struct estimate counted = {
        (double)half, (double)last_below(count, last, COUNTER_NONE),
        (double)last_below(count, last, COUNTER_ALL)};
    bool known = half < last && !isnan(count[half]);

    if (known) {
        figure_count(figure, side, counted);
    }
    if (!at->measured || !at->verdict.decided || at->value.low < 1) {
        return;
    }
    size_t ways = (size_t)at->value.low;
    size_t many = (size_t)at->value.high * BEYOND;
    many = many > last ? last : many;
    if (ways > last || isnan(count[ways - 1]) || isnan(count[many - 1])) {
        return;
    }
    bool agree = count[ways - 1] < COUNTER_NONE && count[many - 1] >= COUNTER_HALF &&
                 (!known || meet(&at->value, &counted));
    result_add_control(
        result, agree,
        "%s, %s, by the counters: %.3f misses a conflicting page of %zu, %.3f of %zu: %s",
        side_name(side), figure->name, count[ways - 1], ways, count[many - 1], many,
        agreement(agree));
}

/* --- walks --- */

void counter_check_cost(
    struct result *result,
    struct result_figure *figure,
    enum side side,
    const struct estimate *cycles)
{
    const struct figure_side *at = &figure->side[side];

    figure_count(figure, side, *cycles);
    if (side != SIDE_NATIVE || !at->measured || !at->verdict.decided) {
        return;
    }
    double slack = fmax(at->value.value / 4, COUNTER_COST_SLACK);
    bool agree =
        cycles->value >= at->value.low - slack && cycles->value <= at->value.high + slack;
    result_add_control(
        result, agree,
        "%s, %s: %.1f cycles with a walk under way, by the counter, timed %.1f: %s",
        side_name(side), figure->name, cycles->value, at->value.value, agreement(agree));
}

bool counter_check_walks(
    struct result *result,
    struct result_figure *figure,
    enum side side,
    const double count[COUNTER_KINDS],
    bool is_cost)
{
    double walks = count[COUNTER_DATA_WALKS];
    double cycles = count[COUNTER_DATA_WALK_CYCLES];

    if (isnan(walks) || walks <= 0) {
        return true;
    }
    result_add_control(
        result, walks >= COUNTER_ALL, "%s, %s: %.3f walks a load by the counter, 1 is meant",
        side_name(side), figure->name, walks);
    if (walks < COUNTER_ALL) {
        figure_refuse(
            figure, side, "not every load walks: %.3f walks a load by the counter", walks);
        return false;
    }
    if (is_cost && !isnan(cycles)) {
        double each = cycles / walks;
        counter_check_cost(result, figure, side, &(struct estimate){each, each, each});
    }
    return true;
}

void counter_check_keep(
    double kept[COUNTER_KINDS], const double count[COUNTER_KINDS], bool first)
{
    if (first || isnan(kept[COUNTER_DATA_WALKS]) ||
        count[COUNTER_DATA_WALKS] < kept[COUNTER_DATA_WALKS]) {
        memcpy(kept, count, COUNTER_KINDS * sizeof(kept[0]));
    }
}

/* --- curves --- */

static void
fill_curve(struct result_series *series, size_t at, const struct counter_curve *curve)
{
    for (size_t i = 0; i < series->points; i++) {
        const struct counter_point *point = counter_curve_above(curve, (uint64_t)series->x[i]);
        if (point != NULL && (double)point->size == series->x[i]) {
            series_set(series, at, i, point->misses);
            series_set(series, at + 1, i, point->walks);
        }
    }
}

/* Both sides are taken over the same sizes; one of them may have been counted at fewer. */
void counter_check_report(
    struct result *result,
    const struct counter_curve curves[SIDE_COUNT],
    const char *name,
    const char *x,
    const char *y)
{
    static const char *const kinds[2] = {"misses", "walks"};
    const struct counter_curve *longest = curves[SIDE_GUEST].count > curves[SIDE_NATIVE].count
                                              ? &curves[SIDE_GUEST]
                                              : &curves[SIDE_NATIVE];
    struct result_series *series = longest->count == 0
                                       ? NULL
                                       : result_add_series(
                                             result, SERIES_STAIRCASE, (size_t)SIDE_COUNT * 2,
                                             longest->count, "%.38s, counted", name);

    if (series == NULL) {
        return;
    }
    series_name_axes(series, x, y);
    for (size_t i = 0; i < longest->count; i++) {
        series->x[i] = (double)longest->point[i].size;
    }
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        for (size_t c = 0; c < 2; c++) {
            snprintf(
                series->curve[(size_t)side * 2 + c], RESULT_NAME_BYTES, "%s %s",
                side_name(side), kinds[c]);
        }
        fill_curve(series, (size_t)side * 2, &curves[side]);
    }
}
