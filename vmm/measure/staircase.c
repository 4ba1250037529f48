/* Takes a staircase; see staircase.h.  Read experiment/tlb.c for what is made of it. */
#include "measure/staircase.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "measure/counter_check.h"

#define JUMPS_SPAN_MIN 1.3
#define CONFIRM_ROUNDS 3
#define CONFIRM_SIZES  16
#define FLAT           1.15 /* the control, over its least */
#define SECOND_RISE    0.3
#define SECOND_SHARE   64 /* without a first step, the rest begins at this share of all */

static struct knee_point point_of(size_t size, const struct sample_cost *cost)
{
    return (struct knee_point){
        .size = size, .cost = cost->summary.low.value, .noise = windows_error(&cost->summary)};
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
    struct sample_chase chase = {
        .routine = plan->routine,
        .count = size,
        .sets = {true, true},
        .steps = plan->steps,
        .effort = plan->effort};
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
    bool ok = lab_sample(lab, field, &chase, cost, err);
    free(words);
    for (enum side side = 0; ok && side < SIDE_COUNT; side++) {
        staircase->has[side] = field->has[side];
        if (field->has[side]) {
            insert(staircase, side, size, cost[side], before);
            counter_curve_add(
                &staircase->counted[side], size, sample_events(plan->steps),
                cost[side][LAYOUT_TEST].counts);
        }
    }
    return ok;
}

static size_t next_size(const struct lab *lab, const struct staircase_plan *plan, size_t size)
{
    unsigned points = lab->found.emulated ? 1 : plan->points_an_octave;
    size_t next = (size_t)lround((double)size * exp2(1.0 / points));

    return next <= size ? size + 1 : next;
}

/* Less the control's rise above its least. */
static double subtract_control(struct staircase *staircase, enum side side)
{
    double base = staircase->control[side][0].cost;

    for (size_t i = 0; i < staircase->count; i++) {
        base = fmin(base, staircase->control[side][i].cost);
    }
    for (size_t i = 0; i < staircase->count; i++) {
        staircase->net[side][i] =
            net_of(staircase->test[side][i], staircase->control[side][i], base);
    }
    return base;
}

/*
 * The first step is looked for where the control is flat, so that nothing else can be taken for
 * it; the rest begins behind that step, and is one great rise.
 */
static void analyse_side(
    struct staircase *staircase,
    enum side side,
    const struct staircase_plan *plan,
    struct knee_options options)
{
    double base = subtract_control(staircase, side);
    struct knee_point lower[KNEE_POINTS_MAX] = {0};
    const struct knee_report *first = &staircase->first[side];
    size_t flat = 0;
    size_t begin = 0;

    knee_lower_envelope(staircase->control[side], staircase->count, lower);
    while (flat < staircase->count && lower[flat].cost <= base * FLAT) {
        flat++;
    }
    options.rise_min = plan->rise_min > 0 ? plan->rise_min : options.rise_min;
    /* Few jumps may cost more than many: the predictor's first table is slow for some.  And beyond the
     * capacity some jumps hide that their page is missing: there is a landing in the step. */
    if (plan->steps == STEPS_JUMPS) {
        options.plateau_span_min = JUMPS_SPAN_MIN;
    }
    knee_lower_envelope(staircase->test[side], flat, lower);
    knee_find(
        plan->steps == STEPS_JUMPS ? lower : staircase->test[side], flat, &options,
        &staircase->first[side]);
    uint64_t from = first->verdict.decided && first->count > 0 ? 2 * first->knee[0].ninety
                                                               : plan->last / SECOND_SHARE;
    while (begin < staircase->count && staircase->net[side][begin].size < from) {
        begin++;
    }
    staircase->rise_begin[side] = begin;
    rise_find(
        staircase->net[side] + begin, staircase->count - begin, SECOND_RISE, RISE_END,
        &staircase->rise[side]);
}

static void analyse(struct staircase *staircase, const struct staircase_plan *plan)
{
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        if (staircase->has[side]) {
            analyse_side(staircase, side, plan, knee_default_options());
        }
    }
}

/* A suspect size that stays suspect is what it is: after two repeats the brackets are asked for. */
#define REPEATS_MAX 2

static unsigned count_repeats(const struct staircase *staircase, uint64_t size)
{
    unsigned repeats = 0;

    for (size_t i = 0; i < staircase->repeat_count; i++) {
        repeats += staircase->repeated[i] == size;
    }
    return repeats;
}

static bool has_size(const struct staircase *staircase, uint64_t size)
{
    enum side side = staircase->has[SIDE_NATIVE] ? SIDE_NATIVE : SIDE_GUEST;

    for (size_t i = 0; i < staircase->count; i++) {
        if (staircase->test[side][i].size == size) {
            return true;
        }
    }
    return false;
}

static bool wish_first(struct staircase *staircase, enum side side, uint64_t *wanted)
{
    struct knee_report *report = &staircase->first[side];

    if (!knee_next_size(report, wanted)) {
        return false;
    }
    if (count_repeats(staircase, *wanted) < REPEATS_MAX) {
        return true;
    }
    report->suspect_size = 0;
    return knee_next_size(report, wanted) && count_repeats(staircase, *wanted) < REPEATS_MAX;
}

/* The two sides take turns in asking, the first step before the rest. */
static bool wish(struct staircase *staircase, unsigned turn, size_t *size)
{
    for (unsigned i = 0; i < 2 * SIDE_COUNT; i++) {
        enum side side = (enum side)((turn + i) % SIDE_COUNT);
        size_t begin = staircase->rise_begin[side];
        uint64_t wanted = 0;
        if (!staircase->has[side] ||
            !(i < SIDE_COUNT ? wish_first(staircase, side, &wanted)
                             : rise_next_size(
                                   &staircase->rise[side], staircase->net[side] + begin,
                                   staircase->count - begin, &wanted))) {
            continue;
        }
        if (has_size(staircase, wanted) && staircase->repeat_count < STAIRCASE_REPEATS_MAX) {
            staircase->repeated[staircase->repeat_count++] = wanted;
        }
        *size = (size_t)wanted;
        return true;
    }
    return false;
}

/* Around each step once more, a few times: what is repeated keeps the lower cost, and whatever
 * shared the TLB for a while will have let go of it at one time or another. */
static bool confirm(
    struct staircase *staircase,
    struct lab *lab,
    struct field *field,
    const struct staircase_plan *plan,
    struct err *err)
{
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        if (!staircase->has[side] || staircase->first[side].count == 0) {
            continue;
        }
        const struct knee *knee = &staircase->first[side].knee[0];
        uint64_t first = knee->below > 2 ? knee->below - 2 : 1;
        uint64_t last = knee->above + 2;
        if (last - first > CONFIRM_SIZES) {
            continue; /* a wide band is no matter of one entry */
        }
        for (uint64_t size = first; size <= last && size <= plan->last; size++) {
            if (staircase->count < KNEE_POINTS_MAX &&
                !take_point(staircase, lab, field, plan, (size_t)size, err)) {
                return false;
            }
        }
    }
    analyse(staircase, plan);
    return true;
}

bool staircase_measure(
    struct staircase *staircase,
    struct lab *lab,
    struct field *field,
    const struct staircase_plan *plan,
    struct err *err)
{
    size_t size = plan->first;
    unsigned refinements = lab->found.emulated ? 0 : plan->refinements;
    unsigned rounds = lab->found.emulated ? 0 : CONFIRM_ROUNDS;

    *staircase = (struct staircase){.steps = plan->steps};
    while (size <= plan->last && staircase->count < KNEE_POINTS_MAX) {
        if (!take_point(staircase, lab, field, plan, size, err)) {
            return false;
        }
        lab_progress(lab, 0.8 * log2((double)size) / log2((double)plan->last));
        size = next_size(lab, plan, size);
    }
    analyse(staircase, plan);
    for (unsigned i = 0; i < refinements && staircase->count < KNEE_POINTS_MAX; i++) {
        if (!wish(staircase, i, &size)) {
            break;
        }
        if (!take_point(staircase, lab, field, plan, size, err)) {
            return false;
        }
        analyse(staircase, plan);
        lab_progress(lab, 0.8 + 0.2 * i / refinements);
    }
    for (unsigned i = 0; i < rounds; i++) {
        if (!confirm(staircase, lab, field, plan, err)) {
            return false;
        }
    }
    return true;
}

double staircase_control_rise(
    const struct staircase *staircase, enum side side, uint64_t from, uint64_t to)
{
    struct knee_point lower[KNEE_POINTS_MAX] = {0};
    double below = 0;
    double above = 0;

    knee_lower_envelope(staircase->control[side], staircase->count, lower);
    for (size_t i = 0; i < staircase->count; i++) {
        if (lower[i].size <= from) {
            below = lower[i].cost;
        }
        if (lower[i].size <= to || above == 0) {
            above = lower[i].cost;
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
    series_name_axes(
        series, x,
        staircase->steps == STEPS_LOADS ? "core cycles a load" : "core cycles a jump");
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
    counter_check_report(
        result, staircase->counted, name, x,
        staircase->steps == STEPS_LOADS ? "events a load" : "events a jump");
    return series;
}
