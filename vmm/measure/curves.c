/*
 * Takes the curves of conflict sets, and takes again what a neighbour on the same core has spoilt; see
 * curves.h.  The inference is measure/analyse/ways.c.
 */
#include "measure/curves.h"

#include <math.h>
#include <stdio.h>

#include "measure/conflict.h"

#define FRONT_RISE     1.08
#define FRONT_TRIES    8
#define SUSPECT_ROUNDS 3
#define SHARP_LAST     4 /* strides at the end that must have a sharp edge */
#define EMULATED_PAGES 6 /* where figures mean nothing: the way is gone, no more */

static const unsigned all_strides[CURVES_STRIDES] = {0, 1, 2, 3,  4,  5,  6,
                                                     7, 8, 9, 10, 11, 13, 15};
static const unsigned few_strides[] = {0, 5, 10, 15};
#define FEW_STRIDES (sizeof(few_strides) / sizeof(few_strides[0]))

void curves_begin(struct curves *curves, const struct lab *lab, unsigned level, size_t last)
{
    bool few = level == 1 && lab->quick;

    *curves = (struct curves){
        .level = level,
        .strides = few ? few_strides : all_strides,
        .stride_count = few ? FEW_STRIDES : CURVES_STRIDES,
        .last = lab->found.emulated         ? EMULATED_PAGES
                : last < CONFLICT_PAGES_MAX ? last
                                            : CONFLICT_PAGES_MAX};
}

static void keep_least(
    struct curves *curves, enum side side, size_t s, size_t n, const struct conflict_cost *cost)
{
    struct knee_point *point = &curves->points[side][s][n - 1];

    if (point->size == 0 || cost->cost < point->cost) {
        *point = (struct knee_point){.size = n, .cost = cost->cost, .noise = cost->noise};
        curves->counted[side][s][n - 1] = curves->level == 1 ? cost->misses : cost->walks;
    }
}

/* One pass over the numbers of pages. */
static bool take_pass(
    struct curves *curves,
    struct lab *lab,
    size_t s,
    struct conflict *conflict,
    struct err *err)
{
    enum side side = conflict->side;
    double first = 0;

    for (size_t n = 1; n <= curves->last; n++) {
        struct conflict_cost cost;
        bool with_control = n == 1 || n == curves->last;
        if (!conflict_take(conflict, lab, n, with_control, &cost, err)) {
            return false;
        }
        keep_least(curves, side, s, n, &cost);
        first = n == 1 ? cost.control : first;
        if (with_control) {
            curves->control_rise[side] = fmax(curves->control_rise[side], cost.control - first);
        }
    }
    return true;
}

/* The least number of pages that seems not to fit; 0 where all fit. */
static size_t find_front(const struct curves *curves, enum side side, size_t s)
{
    const struct knee_point *points = curves->points[side][s];
    double base = points[0].cost;

    for (size_t n = 1; n <= curves->last; n++) {
        base = fmax(base, n <= 4 ? points[n - 1].cost : base);
        if (points[n - 1].cost > base * FRONT_RISE) {
            return n;
        }
    }
    return 0;
}

/*
 * A processor thread beside this one takes entries of the same sets, for as long as it runs.  So the
 * first size that seems not to fit is tried again and again, until it fits or stays as it is.
 */
static bool push_front(
    struct curves *curves,
    struct lab *lab,
    size_t s,
    struct conflict *conflict,
    struct err *err)
{
    size_t front = find_front(curves, conflict->side, s);
    unsigned tries = lab->found.emulated ? 0 : FRONT_TRIES;

    while (tries > 0 && front != 0) {
        struct conflict_cost cost;
        if (!conflict_take(conflict, lab, front, false, &cost, err)) {
            return false;
        }
        keep_least(curves, conflict->side, s, front, &cost);
        size_t next = find_front(curves, conflict->side, s);
        tries = next != front ? FRONT_TRIES : tries - 1;
        front = next;
    }
    return true;
}

static bool take_stride(
    struct curves *curves,
    struct lab *lab,
    enum side side,
    size_t s,
    size_t wash,
    struct err *err)
{
    struct conflict conflict;
    bool ok;

    if (!conflict_create(
            &conflict, lab, side, curves->strides[s], curves->last, 0, wash, err)) {
        return false;
    }
    ok =
        take_pass(curves, lab, s, &conflict, err) && push_front(curves, lab, s, &conflict, err);
    conflict_destroy(&conflict, lab);
    return ok;
}

static void infer(struct curves *curves, enum side side)
{
    struct ways_curve list[CURVES_STRIDES];

    for (size_t s = 0; s < curves->stride_count; s++) {
        struct knee_point *points = curves->points[side][s];
        knee_lower_envelope(points, curves->last, points);
        list[s] = (struct ways_curve){
            .stride_log2 = curves->strides[s],
            .points = curves->points[side][s],
            .count = curves->last};
    }
    ways_find(list, curves->stride_count, &curves->report[side]);
}

/*
 * Whoever shares sets for a while spoils the strides of that while.  At a smaller stride no fewer
 * pages can fit than at a greater one, and in a first level that does not care for the stride no
 * fewer than at any.  What seems otherwise, or has no sharp edge, was disturbed.
 */
static bool is_suspect(const struct curves *curves, enum side side, size_t s)
{
    const struct ways_report *report = &curves->report[side];
    const struct estimate *fits = report->fits;
    double most = 0;

    for (size_t t = curves->level == 1 ? 0 : s + 1; t < curves->stride_count; t++) {
        most = fmax(most, fits[t].value);
    }
    if (report->fits_all[s]) {
        return false;
    }
    return fits[s].value < most || (s + SHARP_LAST >= curves->stride_count &&
                                    !(fits[s].value > 0 && fits[s].low == fits[s].high));
}

static bool take_suspects(
    struct curves *curves, struct lab *lab, enum side side, size_t wash, struct err *err)
{
    for (unsigned round = 0; round < SUSPECT_ROUNDS && !lab->found.emulated; round++) {
        bool any = false;
        for (size_t s = 0; s < curves->stride_count; s++) {
            if (is_suspect(curves, side, s)) {
                any = true;
                if (!take_stride(curves, lab, side, s, wash, err)) {
                    return false;
                }
            }
        }
        if (!any) {
            break;
        }
        infer(curves, side);
    }
    return true;
}

bool curves_take(struct curves *curves, struct lab *lab, size_t wash, struct err *err)
{
    double base = curves->level == 1 ? 0 : 0.4;

    for (enum side side = 0; side < SIDE_COUNT; side++) {
        for (size_t s = 0; lab->wanted[side] && s < curves->stride_count; s++) {
            if (!take_stride(curves, lab, side, s, wash, err)) {
                return false;
            }
            double share = (double)(s + 1) / (double)curves->stride_count;
            lab_progress(lab, base + 0.2 * ((double)side + share));
        }
        if (lab->wanted[side]) {
            infer(curves, side);
            if (!take_suspects(curves, lab, side, wash, err)) {
                return false;
            }
        }
    }
    return true;
}

void curves_report(const struct curves *curves, const struct lab *lab, struct result *result)
{
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        if (!lab->wanted[side]) {
            continue;
        }
        struct result_series *series = result_add_series(
            result, SERIES_HEAT, curves->stride_count, curves->last, "conflicts level %u %s",
            curves->level, side_name(side));
        if (series == NULL) {
            return;
        }
        series_name_axes(series, "conflicting pages", "core cycles a page");
        for (size_t s = 0; s < curves->stride_count; s++) {
            snprintf(
                series->curve[s], RESULT_NAME_BYTES, "stride 2^%u pages", curves->strides[s]);
            for (size_t n = 0; n < curves->last; n++) {
                series->x[n] = (double)(n + 1);
                series_set(series, s, n, curves->points[side][s][n].cost);
            }
        }
    }
}
