/*
 * ways: sets, ways and index bits of both data-TLB levels, and the capacity of the second by their
 * product.  The routine is guest/exp/ways.c, the conflict sets conflict.c, the inference
 * measure/analyse/ways.c.
 */
#include "measure/analyse/ways.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "measure/catalogue.h"
#include "measure/conflict.h"

#define STRIDES        14
#define FRONT_RISE     1.08
#define FRONT_TRIES    8
#define MASK_REPEATS   3
#define EMULATED_PAGES 6  /* where figures mean nothing: the way is gone, no more */
#define SECOND_PAGES   48 /* conflicting pages: past 24 ways, with margin */

struct curves {
    unsigned level;
    size_t last; /* 1 … last pages */
    struct knee_point points[SIDE_COUNT][STRIDES][CONFLICT_PAGES_MAX];
    double control_rise[SIDE_COUNT];
    struct ways_report report[SIDE_COUNT];
};

static const unsigned strides[STRIDES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15};

/* --- curves --- */

static void keep_least(struct knee_point *point, size_t n, const struct conflict_cost *cost)
{
    if (point->size == 0 || cost->cost < point->cost) {
        *point = (struct knee_point){.size = n, .cost = cost->cost, .noise = cost->noise};
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
        keep_least(&curves->points[side][s][n - 1], n, &cost);
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
        keep_least(&curves->points[conflict->side][s][front - 1], front, &cost);
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

    if (!conflict_create(&conflict, lab, side, strides[s], curves->last, 0, wash, err)) {
        return false;
    }
    ok =
        take_pass(curves, lab, s, &conflict, err) && push_front(curves, lab, s, &conflict, err);
    conflict_destroy(&conflict, lab);
    return ok;
}

/* More pages cannot cost less: what a size cost at most is what a greater one did. */
static void make_monotone(struct knee_point *points, size_t count)
{
    for (size_t i = count - 1; i > 0; i--) {
        if (points[i].cost < points[i - 1].cost) {
            points[i - 1].cost = points[i].cost;
        }
    }
}

static void infer(struct curves *curves, enum side side)
{
    struct ways_curve list[STRIDES];

    for (size_t s = 0; s < STRIDES; s++) {
        make_monotone(curves->points[side][s], curves->last);
        list[s] = (struct ways_curve){
            .stride_log2 = strides[s],
            .points = curves->points[side][s],
            .count = curves->last};
    }
    ways_find(list, STRIDES, &curves->report[side]);
}

static bool take_curves(struct curves *curves, struct lab *lab, size_t wash, struct err *err)
{
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        for (size_t s = 0; lab->wanted[side] && s < STRIDES; s++) {
            if (!take_stride(curves, lab, side, s, wash, err)) {
                return false;
            }
            lab_progress(
                lab,
                0.4 * (curves->level - 1) + 0.2 * ((double)side + (double)(s + 1) / STRIDES));
        }
        if (lab->wanted[side]) {
            infer(curves, side);
        }
    }
    return true;
}

static void
report_heat(const struct curves *curves, const struct lab *lab, struct result *result)
{
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        if (!lab->wanted[side]) {
            continue;
        }
        struct result_series *series = result_add_series(
            result, SERIES_HEAT, STRIDES, curves->last, "conflicts level %u %s", curves->level,
            side_name(side));
        if (series == NULL) {
            return;
        }
        series_name_axes(series, "conflicting pages", "core cycles a page");
        for (size_t s = 0; s < STRIDES; s++) {
            snprintf(series->curve[s], RESULT_NAME_BYTES, "stride 2^%u pages", strides[s]);
            for (size_t n = 0; n < curves->last; n++) {
                series->x[n] = (double)(n + 1);
                series_set(series, s, n, curves->points[side][s][n].cost);
            }
        }
    }
}

static void
report_ways(const struct curves *curves, const struct lab *lab, struct result *result)
{
    struct result_figure *ways =
        result_add_figure(result, "ways", "level %u, ways", curves->level);
    const struct claim_tlb *claim = &lab->claims.data[curves->level][1];
    bool fully = false;

    for (enum side side = 0; side < SIDE_COUNT; side++) {
        const struct ways_report *report = &curves->report[side];
        if (!lab->wanted[side]) {
            continue;
        }
        if (report->verdict.decided) {
            figure_decide(ways, side, report->ways);
            fully = fully || report->fully_associative;
        } else {
            figure_refuse(ways, side, "%s", report->verdict.reason);
        }
        result_add_control(
            result, curves->control_rise[side] < 1,
            "%s, level %u: the same lines through few pages rise by %.2f cycles at most",
            side_name(side), curves->level, curves->control_rise[side]);
    }
    figure_claim(ways, claim->ways == CLAIM_FULLY ? claim->entries : claim->ways);
    figure_read(ways, "%s", fully ? "fully associative: the stride makes no difference" : "");
    report_heat(curves, lab, result);
}

/* --- index bits --- */

struct toggles {
    double fit, plain;
    size_t pages;
    size_t count;
    struct ways_toggle list[WAYS_BITS_MAX * WAYS_BITS_MAX];
};

/* Cost of `pages` conflicting pages with mask flipped on every other one: the least of some. */
static bool take_mask(
    struct lab *lab,
    unsigned stride,
    size_t pages,
    uint64_t mask,
    size_t wash,
    double *least,
    struct err *err)
{
    struct conflict conflict;
    bool ok = true;

    if (!conflict_create(&conflict, lab, SIDE_NATIVE, stride, pages, mask, wash, err)) {
        return false;
    }
    for (unsigned i = 0; ok && i < MASK_REPEATS; i++) {
        struct conflict_cost taken;
        ok = conflict_take(&conflict, lab, pages, false, &taken, err);
        *least = i == 0 ? taken.cost : fmin(*least, taken.cost);
    }
    conflict_destroy(&conflict, lab);
    return ok;
}

static bool add_toggle(
    struct toggles *toggles,
    struct lab *lab,
    unsigned stride,
    uint64_t mask,
    size_t wash,
    struct err *err)
{
    double cost;

    if (!take_mask(lab, stride, toggles->pages, mask, wash, &cost, err)) {
        return false;
    }
    toggles->list[toggles->count++] = (struct ways_toggle){
        .mask = mask, .fits_ratio = ways_ratio_of_costs(toggles->fit, toggles->plain, cost)};
    return true;
}

/*
 * It is one and the same TLB on both sides, and whoever shares a set only makes its ways look fewer:
 * entries of another address space stay in it under some replacement policies, and a guest always
 * runs beside its host.  So the native side speaks, and the guest must agree or be refused.
 */
static void reconcile(struct curves *curves, const struct lab *lab)
{
    const struct ways_report *native = &curves->report[SIDE_NATIVE];
    struct ways_report *guest = &curves->report[SIDE_GUEST];

    if (!guest->verdict.decided || guest->fully_associative) {
        return;
    }
    if (!lab->wanted[SIDE_NATIVE]) {
        verdict_refuse(
            &guest->verdict,
            "%.0f fit, but the host's entries may share the set: run natively too",
            guest->ways.value);
    } else if (!native->verdict.decided || native->ways.value > guest->ways.value) {
        verdict_refuse(
            &guest->verdict, "%.0f fit, fewer than natively: entries of the host share the set",
            guest->ways.value);
    }
}

/* Pairs of the bits that are in the index by themselves. */
static bool take_pairs(
    struct toggles *toggles,
    struct lab *lab,
    unsigned stride,
    uint64_t singles,
    size_t wash,
    struct err *err)
{
    for (unsigned a = 0; a < stride; a++) {
        for (unsigned b = a + 1; b < stride; b++) {
            uint64_t pair = UINT64_C(1) << a | UINT64_C(1) << b;
            if ((singles & pair) == pair &&
                !add_toggle(toggles, lab, stride, pair, wash, err)) {
                return false;
            }
        }
        lab_progress(lab, 0.8 + 0.2 * a / stride);
    }
    return true;
}

/* Natively only: see reconcile(). */
static bool take_toggles(
    struct toggles *toggles,
    const struct curves *curves,
    struct lab *lab,
    size_t wash,
    struct err *err)
{
    const struct ways_report *report = &curves->report[SIDE_NATIVE];
    unsigned ways = (unsigned)report->ways.value;
    uint64_t singles = 0;

    if (!lab->wanted[SIDE_NATIVE] || !report->verdict.decided || report->fully_associative) {
        return true;
    }
    toggles->pages = ways + (ways + 1) / 2;
    if (!take_mask(lab, report->stride_log2, ways, 0, wash, &toggles->fit, err) ||
        !take_mask(lab, report->stride_log2, toggles->pages, 0, wash, &toggles->plain, err)) {
        return false;
    }
    for (unsigned bit = 0; bit < report->stride_log2; bit++) {
        if (!add_toggle(toggles, lab, report->stride_log2, UINT64_C(1) << bit, wash, err)) {
            return false;
        }
        if (toggles->list[bit].fits_ratio > 1.5) {
            singles |= UINT64_C(1) << bit;
        }
    }
    return take_pairs(toggles, lab, report->stride_log2, singles, wash, err);
}

static void report_bars(const struct toggles *toggles, unsigned bits, struct result *result)
{
    struct result_series *series =
        result_add_series(result, SERIES_LADDER, 1, bits, "index bits");

    if (series == NULL) {
        return;
    }
    series_name_axes(series, "bit of the page number", "times as many pages fit");
    snprintf(series->curve[0], RESULT_NAME_BYTES, "native");
    for (size_t i = 0; i < bits; i++) {
        series->x[i] = (double)i;
        series_set(series, 0, i, toggles->list[i].fits_ratio);
    }
}

static void name_groups(const struct ways_index *index, struct result_figure *figure)
{
    char text[RESULT_TEXT_BYTES];
    size_t used = 0;

    text[0] = '\0';
    for (size_t g = 0; g < index->groups && used + 16 < sizeof(text); g++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", g > 0 ? ", " : "");
        for (unsigned bit = 0, first = 1; bit < 64 && used + 8 < sizeof(text); bit++) {
            if ((index->group[g] >> bit & 1) != 0) {
                used += (size_t)snprintf(
                    text + used, sizeof(text) - used, "%s%u", first ? "" : "^", bit + 12);
                first = 0;
            }
        }
    }
    figure_read(figure, "address bits of the index: %s", text);
}

static void
remember(struct lab *lab, const struct ways_report *report, const struct ways_index *index)
{
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        lab->found.conflict[side].known = true;
        lab->found.conflict[side].stride_log2 = report->stride_log2;
        lab->found.conflict[side].index_mask = index->index_mask;
        lab->found.conflict[side].ways = (unsigned)report->ways.value;
    }
}

static void report_index(
    const struct toggles *toggles,
    const struct curves *curves,
    struct lab *lab,
    struct result *result)
{
    struct result_figure *sets = result_add_figure(result, "sets", "level 2, sets");
    struct result_figure *entries =
        result_add_figure(result, "entries", "level 2, sets x ways");
    const struct ways_report *report = &curves->report[SIDE_NATIVE];
    struct ways_index index = {0};
    struct ways_capacity capacity = {0};
    const struct estimate *band =
        lab->found.tlb[SIDE_NATIVE][2].decided ? &lab->found.tlb[SIDE_NATIVE][2].band : NULL;

    ways_find_index(toggles->list, toggles->count, &index);
    if (toggles->count == 0) {
        figure_refuse(sets, SIDE_NATIVE, "the ways are not decided natively");
    } else if (!index.verdict.decided) {
        figure_refuse(sets, SIDE_NATIVE, "%s", index.verdict.reason);
    } else {
        double n = (double)index.sets;
        figure_decide(sets, SIDE_NATIVE, (struct estimate){n, n, n});
        name_groups(&index, sets);
        remember(lab, report, &index);
        report_bars(toggles, report->stride_log2, result);
    }
    ways_derive_capacity(report, &index, band, &capacity);
    if (capacity.verdict.decided) {
        figure_decide(entries, SIDE_NATIVE, capacity.entries);
        figure_read(entries, "within the band of the staircase");
    } else {
        figure_refuse(entries, SIDE_NATIVE, "%s", capacity.verdict.reason);
    }
    figure_claim(entries, lab->claims.data[2][1].entries);
}

/* --- the experiment --- */

static uint64_t first_entries(const struct lab *lab)
{
    uint64_t most = 0;

    for (enum side side = 0; side < SIDE_COUNT; side++) {
        uint64_t entries =
            lab->found.tlb[side][1].decided ? lab->found.tlb[side][1].entries : 0;
        most = entries > most ? entries : most;
    }
    return most;
}

static bool run_levels(
    struct curves *curves,
    struct toggles *toggles,
    struct lab *lab,
    struct result *result,
    struct err *err)
{
    uint64_t first = first_entries(lab);
    size_t wash = conflict_wash(first);
    size_t last = (size_t)first * 5 / 4 + 8;

    curves->level = 1;
    curves->last = lab->found.emulated         ? EMULATED_PAGES
                   : last < CONFLICT_PAGES_MAX ? last
                                               : CONFLICT_PAGES_MAX;
    if (first == 0) {
        result_note(result, "the first level's size is not decided: only the second is tried");
    } else if (!take_curves(curves, lab, 0, err)) {
        return false;
    } else {
        report_ways(curves, lab, result);
    }
    *curves = (struct curves){
        .level = 2, .last = lab->found.emulated ? EMULATED_PAGES : SECOND_PAGES};
    if (!take_curves(curves, lab, wash, err)) {
        return false;
    }
    reconcile(curves, lab);
    report_ways(curves, lab, result);
    if (!take_toggles(toggles, curves, lab, wash, err)) {
        return false;
    }
    report_index(toggles, curves, lab, result);
    return true;
}

bool experiment_ways(struct lab *lab, struct result *result, struct err *err)
{
    struct curves *curves = calloc(1, sizeof(*curves));
    struct toggles *toggles = calloc(1, sizeof(*toggles));
    bool ok = curves != NULL && toggles != NULL;

    if (!ok) {
        err_set(err, ERR_ENVIRONMENT, "no memory for the curves of conflict sets");
    }
    ok = ok && run_levels(curves, toggles, lab, result, err);
    free(curves);
    free(toggles);
    return ok;
}
