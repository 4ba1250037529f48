/* Takes a staircase; see staircase.h.  Read experiment/tlb.c for what is made of it. */
#include "measure/staircase.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The standard error of a low quantile, by the half width of its interval. */
static struct knee_point point_of(size_t size, const struct sample_cost *cost)
{
    const struct estimate *low = &cost->summary.low;

    return (struct knee_point){
        .size = size, .cost = low->value, .noise = (low->high - low->low) / (2 * WINDOWS_Z95)};
}

static struct knee_point net_of(struct knee_point test, struct knee_point control, double base)
{
    double rise = control.cost - base;

    return (struct knee_point){
        .size = test.size,
        .cost = test.cost - (rise > 0 ? rise : 0),
        .noise = sqrt(test.noise * test.noise + control.noise * control.noise)};
}

static void insert(
    struct staircase *staircase,
    enum side side,
    size_t size,
    const struct sample_cost cost[LAYOUT_SETS],
    size_t before)
{
    size_t count = before;

    (void)!knee_insert_point(
        staircase->test[side], &count, KNEE_POINTS_MAX, point_of(size, &cost[LAYOUT_TEST]));
    count = before;
    (void)!knee_insert_point(
        staircase->control[side], &count, KNEE_POINTS_MAX,
        point_of(size, &cost[LAYOUT_CONTROL]));
    staircase->count = count;
}

static bool take_point(
    struct staircase *staircase,
    struct lab *lab,
    struct field *field,
    const struct staircase_plan *plan,
    size_t size,
    struct err *err)
{
    struct sample_cost cost[SIDE_COUNT][LAYOUT_SETS] = {0};
    struct sample_chase chase = {.routine = plan->routine, .count = size, .sets = {true, true}};
    uint32_t *words = NULL;
    size_t before = staircase->count;

    if (plan->choose != NULL) {
        words = calloc(size, sizeof(*words));
        if (words == NULL) {
            return err_set(err, ERR_ENVIRONMENT, "no memory for a choice of pages");
        }
        plan->choose(plan->context, size, words);
        chase.words = words;
    }
    bool ok = plan->take != NULL ? plan->take(plan->context, lab, field, size, cost, err)
                                 : lab_sample(lab, field, &chase, cost, err);
    free(words);
    for (enum side side = 0; ok && side < SIDE_COUNT; side++) {
        staircase->has[side] = field->has[side];
        if (field->has[side]) {
            insert(staircase, side, size, cost[side], before);
        }
    }
    return ok;
}

static size_t next_size(const struct staircase_plan *plan, size_t size)
{
    size_t next = (size_t)lround((double)size * exp2(1.0 / plan->points_an_octave));

    return plan->dense || next <= size ? size + 1 : next;
}

static void analyse(struct staircase *staircase, bool dense)
{
    struct knee_options options = dense ? knee_dense_options() : knee_default_options();

    for (enum side side = 0; side < SIDE_COUNT; side++) {
        double base = staircase->control[side][0].cost;
        if (!staircase->has[side]) {
            continue;
        }
        for (size_t i = 0; i < staircase->count; i++) {
            base = fmin(base, staircase->control[side][i].cost);
        }
        for (size_t i = 0; i < staircase->count; i++) {
            staircase->net[side][i] =
                net_of(staircase->test[side][i], staircase->control[side][i], base);
        }
        knee_find(staircase->net[side], staircase->count, &options, &staircase->report[side]);
    }
}

/* The two sides take turns in asking. */
static bool wish(const struct staircase *staircase, unsigned turn, size_t *size)
{
    for (unsigned i = 0; i < SIDE_COUNT; i++) {
        enum side side = (enum side)((turn + i) % SIDE_COUNT);
        uint64_t wanted = 0;
        if (staircase->has[side] && knee_next_size(&staircase->report[side], &wanted)) {
            *size = (size_t)wanted;
            return true;
        }
    }
    return false;
}

bool staircase_measure(
    struct staircase *staircase,
    struct lab *lab,
    struct field *field,
    const struct staircase_plan *plan,
    struct err *err)
{
    size_t size = plan->first;

    *staircase = (struct staircase){0};
    while (size <= plan->last && staircase->count < KNEE_POINTS_MAX) {
        if (!take_point(staircase, lab, field, plan, size, err)) {
            return false;
        }
        lab_progress(lab, 0.8 * log2((double)size) / log2((double)plan->last));
        size = next_size(plan, size);
    }
    analyse(staircase, plan->dense);
    for (unsigned i = 0; i < plan->refinements && staircase->count < KNEE_POINTS_MAX; i++) {
        if (!wish(staircase, i, &size)) {
            break;
        }
        if (!take_point(staircase, lab, field, plan, size, err)) {
            return false;
        }
        analyse(staircase, plan->dense);
        lab_progress(lab, 0.8 + 0.2 * i / plan->refinements);
    }
    return true;
}

double staircase_control_rise(
    const struct staircase *staircase, enum side side, const struct knee *knee)
{
    const struct knee_point *control = staircase->control[side];
    double below = 0;
    double above = 0;

    for (size_t i = 0; i < staircase->count; i++) {
        if (control[i].size <= knee->below) {
            below = control[i].cost;
        }
        if (control[i].size <= knee->ninety || above == 0) {
            above = control[i].cost;
        }
    }
    return above - below;
}

struct result_series *staircase_report(
    const struct staircase *staircase, struct result *result, const char *name, const char *x)
{
    static const char *const kinds[3] = {"chain", "control", "net"};
    struct result_series *series = result_add_series(
        result, SERIES_STAIRCASE, (size_t)SIDE_COUNT * 3, staircase->count, "%s", name);

    if (series == NULL) {
        return NULL;
    }
    series_name_axes(series, x, "core cycles a load");
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        const struct knee_point *const curves[3] = {
            staircase->test[side], staircase->control[side], staircase->net[side]};
        for (size_t c = 0; c < 3; c++) {
            size_t curve = (size_t)side * 3 + c;
            snprintf(
                series->curve[curve], RESULT_NAME_BYTES, "%s %s", side_name(side), kinds[c]);
            for (size_t i = 0; staircase->has[side] && i < staircase->count; i++) {
                series->x[i] = (double)curves[c][i].size;
                series_set(series, curve, i, curves[c][i].cost);
            }
        }
    }
    return series;
}
