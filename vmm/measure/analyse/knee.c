/*
 * The order of work on a staircase: prepare, fit, plateaus, steps; then what a control or a later
 * fall says against them.  Read plateau.c and knee_locate.c for the parts.
 */
#include "measure/analyse/knee.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "measure/analyse/knee_locate.h"
#include "measure/analyse/plateau.h"

#define POINTS_MIN    6
#define CONTROL_SHARE 0.25

struct knee_options knee_default_options(void)
{
    return (struct knee_options){
        .rise_min = 0.08,
        .noise_floor = 0.003,
        .plateau_points_min = 3,
        .plateau_span_min = 1.12,
        .first_points_min = 3,
        .resolution = 0.02,
    };
}

struct knee_options knee_dense_options(void)
{
    return (struct knee_options){
        .rise_min = 0.08,
        .noise_floor = 0.003,
        .plateau_points_min = 3,
        .plateau_span_min = 1,
        .first_points_min = 1,
        .resolution = 0.02,
        .open_top = true,
    };
}

static bool is_rise(double from, double to, double rise_min)
{
    return to - from >= rise_min * from;
}

/* A step counts for nothing when the cost comes back: a conflict, a predictor or a disturbance. */
static void refuse_bump(
    const struct plateau_series *series,
    const struct plateau_list *list,
    size_t upper,
    struct knee *knee)
{
    double limit = (knee->cost_below + knee->cost_above) / 2;

    for (size_t k = upper + 1; k < list->count; k++) {
        if (list->plateau[k].level < limit) {
            verdict_refuse(
                &knee->verdict,
                "a bump: beyond size %llu the cost falls again, so this is no capacity",
                (unsigned long long)series->size[list->plateau[k].first]);
            return;
        }
    }
}

/* There is a step, but nobody knows how high. */
static struct knee describe_open_rise(
    const struct plateau_series *series, const struct plateau *lower, const struct plateau *end)
{
    struct knee knee = {
        .kind = KNEE_UNRESOLVED,
        .below = series->size[lower->last],
        .above = series->size[lower->last + 1],
        .above_taken = series->taken[lower->last + 1],
        .half = series->size[end->last],
        .ninety = series->size[end->last],
        .cost_below = lower->level,
        .cost_above = end->level,
        .from = series->size[lower->first + (lower->last - lower->first) / 2],
        .to = series->size[end->last],
    };

    verdict_refuse(
        &knee.verdict, "no plateau above: still rising at size %llu, the largest measured",
        (unsigned long long)series->size[series->count - 1]);
    return knee;
}

/* The series ends in a rise from `lower`, or in nothing. */
static void add_open_rise(
    const struct plateau_series *series,
    const struct plateau *lower,
    const struct plateau_list *list,
    const struct knee_options *options,
    struct knee_report *report)
{
    const struct plateau *end = &list->plateau[list->count - 1];

    if (end == lower || !is_rise(lower->level, end->level, options->rise_min) ||
        report->count == KNEE_COUNT_MAX) {
        return;
    }
    struct knee *knee = &report->knee[report->count++];

    if (options->open_top) {
        knee_locate(series, lower, end, options->resolution, knee);
    } else {
        *knee = describe_open_rise(series, lower, end);
    }
}

static void list_steps(
    const struct plateau_series *series,
    const struct plateau_list *list,
    const struct knee_options *options,
    struct knee_report *report)
{
    const struct plateau *lower = &list->plateau[0];

    for (size_t k = 1; k < list->count; k++) {
        const struct plateau *upper = &list->plateau[k];

        if (!upper->level_enough) {
            continue;
        }
        if (is_rise(lower->level, upper->level, options->rise_min)) {
            if (report->count == KNEE_COUNT_MAX) {
                verdict_refuse(&report->verdict, "more than %d steps", KNEE_COUNT_MAX);
                return;
            }
            struct knee *knee = &report->knee[report->count++];

            knee_locate(series, lower, upper, options->resolution, knee);
            refuse_bump(series, list, k, knee);
        }
        lower = upper;
    }
    add_open_rise(series, lower, list, options, report);
}

void knee_find(
    const struct knee_point *points,
    size_t count,
    const struct knee_options *options,
    struct knee_report *report)
{
    struct plateau_series series;
    struct plateau_list list;

    *report = (struct knee_report){0};
    if (count < POINTS_MIN) {
        verdict_refuse(&report->verdict, "%zu sizes are too few to see a step", count);
        return;
    }
    plateau_prepare(points, count, options, &series);
    segment_fit_pieces(series.cost, series.sigma, count, SEGMENT_COUNT_MAX, &report->fit);
    plateau_find(&series, &report->fit, options, &list);
    report->noise = series.noise;
    report->suspect_size = series.suspect_size;
    if (!list.plateau[0].level_enough) {
        verdict_refuse(
            &report->verdict,
            "no plateau at the smallest sizes: the cost changes from size %llu on",
            (unsigned long long)points[list.plateau[0].last].size);
        return;
    }
    verdict_decide(&report->verdict, "%s", "");
    list_steps(&series, &list, options, report);
}

static void hold_against_control(struct knee *knee, const struct plateau_series *control)
{
    double least = INFINITY;
    double most = 0;
    size_t before = 0;
    size_t beyond = 0;

    for (size_t i = 0; i < control->count; i++) {
        if (control->size[i] >= knee->from && control->size[i] <= knee->to) {
            least = fmin(least, control->cost[i]);
            most = fmax(most, control->cost[i]);
            before += control->size[i] <= knee->below;
            beyond += control->size[i] >= knee->above;
        }
    }
    if (before == 0 || beyond == 0) {
        verdict_refuse(
            &knee->verdict, "the control was not measured on both sides of the step");
        return;
    }
    knee->control_rise = most - least;
    if (knee->control_rise > CONTROL_SHARE * (knee->cost_above - knee->cost_below)) {
        verdict_refuse(
            &knee->verdict, "the control is not flat: it moves by %.2f where the step is %.2f",
            knee->control_rise, knee->cost_above - knee->cost_below);
    }
}

void knee_apply_control(
    struct knee_report *report, const struct knee_point *control, size_t count)
{
    struct plateau_series series;
    struct knee_options options = knee_default_options();

    for (size_t k = 0; k < report->count; k++) {
        if (count == 0) {
            verdict_refuse(&report->knee[k].verdict, "the control was not measured");
        }
    }
    if (count == 0) {
        return;
    }
    plateau_prepare(control, count, &options, &series);
    for (size_t k = 0; k < report->count; k++) {
        hold_against_control(&report->knee[k], &series);
    }
}

bool knee_next_size(const struct knee_report *report, uint64_t *size)
{
    if (report->suspect_size != 0) {
        *size = report->suspect_size;
        return true;
    }
    for (size_t k = 0; k < report->count; k++) {
        const struct knee *knee = &report->knee[k];

        if (knee->kind == KNEE_UNRESOLVED && knee->above - knee->below > 1) {
            *size = knee->below + (knee->above - knee->below) / 2;
            return true;
        }
        if (knee->kind != KNEE_UNRESOLVED && knee->above_taken < KNEE_TAKEN_ENOUGH) {
            *size = knee->above;
            return true;
        }
    }
    return false;
}

bool knee_insert_point(
    struct knee_point *points, size_t *count, size_t capacity, struct knee_point point)
{
    size_t i = 0;
    unsigned taken = point.taken > 0 ? point.taken : 1;

    while (i < *count && points[i].size < point.size) {
        i++;
    }
    if (i < *count && points[i].size == point.size) {
        taken += points[i].taken > 0 ? points[i].taken : 1;
        if (point.cost < points[i].cost) {
            points[i] = point;
        }
        points[i].taken = taken;
        return true;
    }
    if (*count == capacity) {
        return false;
    }
    memmove(points + i + 1, points + i, (*count - i) * sizeof(*points));
    points[i] = point;
    points[i].taken = taken;
    *count += 1;
    return true;
}

bool knee_is_ordered(const struct knee *knee)
{
    return knee->below < knee->ninety;
}

struct estimate knee_capacity(const struct knee *knee)
{
    struct estimate capacity = {0};

    if (!knee->verdict.decided) {
        return capacity;
    }
    if (knee->kind == KNEE_SHARP) {
        capacity.value = capacity.low = capacity.high = (double)knee->below;
    } else {
        capacity.value = knee->onset;
        capacity.low = knee->onset_low;
        capacity.high = (double)knee->ninety;
    }
    return capacity;
}

void knee_lower_envelope(const struct knee_point *points, size_t count, struct knee_point *out)
{
    double least = INFINITY;

    for (size_t i = count; i-- > 0;) {
        least = fmin(least, points[i].cost);
        out[i] = points[i];
        out[i].cost = least;
    }
}
