/*
 * pwc: how many entries of the upper tables the walker keeps.  As many pages as always miss the second
 * level of the TLB, visited in turn through k tables (fan.h): the cost steps up where k entries are more than
 * the walker keeps.  The control has as many lines of entries in an eighth of the tables, and steps
 * at eight times the number if the step is the data cache's.  The routine is guest/exp/pwc.c, the
 * inference measure/analyse/ladder.c.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "measure/analyse/ladder.h"
#include "measure/catalogue.h"
#include "measure/counter_check.h"
#include "measure/fan_field.h"

#define LINE_ENTRIES 8
#define MOST_LEVEL_3 512
#define OCTAVE_FULL  7 /* sizes */
#define OCTAVE_QUICK 4
#define REFINE_FULL  16
#define REFINE_QUICK 4
#define ROUNDS       3
#define PASSES       2
#define DISTURBED    1.05

struct curve {
    struct knee_point points[KNEE_POINTS_MAX];
    size_t count;
    double counts[COUNTER_KINDS]; /* of the size with the fewest walks */
};

struct curves {
    struct curve test[SIDE_COUNT], control[SIDE_COUNT];
};

/* The cost of k tables, filed under `size`. */
static bool take_size(
    struct fan_field *sweep,
    struct lab *lab,
    size_t k,
    uint64_t size,
    struct curve curve[SIDE_COUNT],
    struct err *err)
{
    struct sample_cost cost[SIDE_COUNT][LAYOUT_SETS] = {0};
    struct sample_effort effort = lab_effort(lab);

    effort.cycles = (effort.cycles + 1) / PASSES;
    if (!fan_field_take(sweep, lab, k, false, &effort, cost, err)) {
        return false;
    }
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        const struct windows_summary *summary = &cost[side][LAYOUT_TEST].summary;
        if (sweep->field.has[side]) {
            counter_check_keep(
                curve[side].counts, cost[side][LAYOUT_TEST].counts, curve[side].count == 0);
            (void)knee_insert_point(
                curve[side].points, &curve[side].count, KNEE_POINTS_MAX,
                (struct knee_point){
                    .size = size, .cost = summary->low.value, .noise = windows_error(summary)});
        }
    }
    return true;
}

static size_t tables_of(const struct fan_field *sweep, size_t size, size_t divisor)
{
    size_t least = fan_least(&sweep->fan);

    return size / divisor > least ? size / divisor : least;
}

/* More tables cannot cost less: sizes that seem to cost more than greater ones were disturbed, and
 * are taken again. */
static bool take_disturbed(
    struct fan_field *sweep,
    struct lab *lab,
    size_t divisor,
    struct curve curve[SIDE_COUNT],
    struct err *err)
{
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        double least = INFINITY;
        for (size_t i = curve[side].count; i-- > 0;) {
            uint64_t size = curve[side].points[i].size;
            if (curve[side].points[i].cost > DISTURBED * least &&
                !take_size(sweep, lab, tables_of(sweep, size, divisor), size, curve, err)) {
                return false;
            }
            least = fmin(least, curve[side].points[i].cost);
        }
    }
    return true;
}

/* From few tables to many, and back: what disturbs for seconds would pose as a step otherwise.
 * divisor: tables of the fan are the sizes over this. */
static bool take_sizes(
    struct fan_field *sweep,
    struct lab *lab,
    const struct fan *sizes,
    size_t divisor,
    struct curve curve[SIDE_COUNT],
    struct err *err)
{
    double factor = exp2(1.0 / (lab->quick ? OCTAVE_QUICK : OCTAVE_FULL));
    size_t list[KNEE_POINTS_MAX];
    size_t count = 0;
    bool ok = true;

    for (size_t size = fan_least(sizes); size <= sizes->most && count < KNEE_POINTS_MAX;) {
        size_t next = (size_t)((double)size * factor);
        list[count++] = size;
        size = next > size ? next : size + 1;
    }
    for (size_t i = 0; ok && i < PASSES * count; i++) {
        size_t size = i < count ? list[i] : list[2 * count - 1 - i];
        ok = take_size(sweep, lab, tables_of(sweep, size, divisor), size, curve, err);
    }
    for (unsigned i = 0; ok && i < ROUNDS; i++) {
        ok = take_disturbed(sweep, lab, divisor, curve, err);
    }
    return ok;
}

/* Ask for the sizes that would tell most, of one side after the other. */
static bool refine(
    struct fan_field *sweep, struct lab *lab, struct curve curve[SIDE_COUNT], struct err *err)
{
    struct knee_options options = ladder_pwc_options();
    bool ok = true;

    for (unsigned i = 0; ok && i < (lab->quick ? REFINE_QUICK : REFINE_FULL); i++) {
        uint64_t size = 0;
        for (enum side side = 0; size == 0 && side < SIDE_COUNT; side++) {
            struct knee_report report;
            if (curve[side].count == 0) {
                continue;
            }
            knee_find(curve[side].points, curve[side].count, &options, &report);
            if (!knee_next_size(&report, &size)) {
                size = 0;
            }
        }
        if (size == 0) {
            break;
        }
        ok = take_size(sweep, lab, (size_t)size, size, curve, err);
    }
    return ok;
}

static bool
take_curves(struct curves *curves, struct lab *lab, const struct fan *fan, struct err *err)
{
    struct fan apart = *fan;
    struct fan_field sweep;

    *curves = (struct curves){0};
    apart.apart = true;
    apart.most =
        fan->most / LINE_ENTRIES > fan_least(fan) ? fan->most / LINE_ENTRIES : fan_least(fan);
    if (!fan_field_begin(&sweep, lab, fan, lab->seed, err)) {
        return false;
    }
    bool ok = take_sizes(&sweep, lab, fan, 1, curves->test, err) &&
              refine(&sweep, lab, curves->test, err);
    fan_field_end(&sweep, lab);
    if (!ok || !fan_field_begin(&sweep, lab, &apart, lab->seed, err)) {
        return false;
    }
    ok = take_sizes(&sweep, lab, fan, LINE_ENTRIES, curves->control, err);
    fan_field_end(&sweep, lab);
    return ok;
}

/* --- the figures --- */

static void report_series(
    const struct lab *lab,
    const struct curves *curves,
    const struct fan *fan,
    struct result *result)
{
    const struct curve *any =
        &curves->test[lab->wanted[SIDE_NATIVE] ? SIDE_NATIVE : SIDE_GUEST];
    struct result_series *series = result_add_series(
        result, SERIES_STAIRCASE, 2 * (size_t)SIDE_COUNT, any->count, "entries of level %u%s",
        fan->level, fan->level == 2 && fan->line_pages == 1 ? ", many" : "");

    if (series == NULL) {
        return;
    }
    series_name_axes(series, "tables in use", "core cycles a load");
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        size_t at = 2 * (size_t)side;
        snprintf(series->curve[at], RESULT_NAME_BYTES, "%s", side_name(side));
        snprintf(series->curve[at + 1], RESULT_NAME_BYTES, "%s control", side_name(side));
        for (size_t i = 0, c = 0; i < curves->test[side].count; i++) {
            const struct curve *control = &curves->control[side];
            uint64_t size = curves->test[side].points[i].size;
            series->x[i] = (double)size;
            series_set(series, at, i, curves->test[side].points[i].cost);
            while (c < control->count && control->points[c].size < size) {
                c++;
            }
            if (c < control->count && control->points[c].size == size) {
                series_set(series, at + 1, i, control->points[c].cost);
            }
        }
    }
}

static void report_side(
    const struct curves *curves,
    const struct fan *fan,
    enum side side,
    struct result_figure *entries,
    struct result_figure *cost,
    struct result *result)
{
    const struct curve *test = &curves->test[side];
    const struct curve *control = &curves->control[side];
    struct ladder_pwc pwc;

    ladder_find_pwc(test->points, test->count, control->points, control->count, &pwc);
    if (!pwc.verdict.decided) {
        figure_refuse(
            entries, side, "%s (from %zu tables on)", pwc.verdict.reason, fan_least(fan));
        figure_refuse(cost, side, "%s", pwc.verdict.reason);
        return;
    }
    figure_decide(entries, side, pwc.entries);
    figure_decide(cost, side, pwc.cost);
    result_add_control(
        result, pwc.control_rise <= pwc.cost.value / 4,
        "%s, level %u, step from %.0f to %.0f: as many lines in an eighth of the tables rise "
        "by %.2f of "
        "%.2f cycles",
        side_name(side), fan->level, pwc.entries.low, pwc.entries.high, pwc.control_rise,
        pwc.cost.value);
}

/* Where not every load walks, it is not the walker's entries that run short. */
static void check_walks(
    const struct lab *lab,
    const struct curve *test,
    enum side side,
    struct result_figure *entries,
    struct result_figure *cost,
    struct result *result)
{
    if (!fan_field_check(lab, side, entries) ||
        !counter_check_walks(result, entries, side, test->counts, false)) {
        figure_refuse(cost, side, "%s", entries->side[side].verdict.reason);
    }
}

static bool all_decided(const struct lab *lab, const struct result_figure *figure)
{
    bool all = true;

    for (enum side side = 0; side < SIDE_COUNT; side++) {
        all = all && (!lab->wanted[side] || figure->side[side].verdict.decided);
    }
    return all;
}

/* Several fans reach further than one: the first that decides a side speaks for it. */
static bool run_level(
    struct lab *lab,
    const struct fan *fans,
    size_t count,
    struct result *result,
    struct err *err)
{
    struct result_figure *entries =
        result_add_figure(result, "entries", "cached entries of level %u", fans[0].level);
    struct result_figure *cost =
        result_add_figure(result, "cycles", "a walk without one of level %u", fans[0].level);
    struct curves *curves = calloc(1, sizeof(*curves));
    bool ok = true;

    if (curves == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for curves");
    }
    figure_read(cost, "more than with one");
    for (size_t i = 0; ok && i < count && !all_decided(lab, entries); i++) {
        ok = take_curves(curves, lab, &fans[i], err);
        for (enum side side = 0; ok && side < SIDE_COUNT; side++) {
            if (lab->wanted[side] && !entries->side[side].verdict.decided) {
                report_side(curves, &fans[i], side, entries, cost, result);
                check_walks(lab, &curves->test[side], side, entries, cost, result);
            }
        }
        if (ok) {
            report_series(lab, curves, &fans[i], result);
        }
    }
    free(curves);
    return ok;
}

static void refuse_emulated(const struct lab *lab, struct result *result)
{
    for (unsigned level = 2; level <= 3; level++) {
        struct result_figure *figure =
            result_add_figure(result, "entries", "cached entries of level %u", level);
        for (enum side side = 0; side < SIDE_COUNT; side++) {
            if (lab->wanted[side]) {
                figure_refuse(figure, side, "emulated clock: no walker to look at");
            }
        }
    }
}

bool experiment_pwc(struct lab *lab, struct result *result, struct err *err)
{
    size_t pages = fan_field_pages(lab);
    const struct fan second[] = {
        {.level = 2, .pages = pages, .most = pages / LINE_ENTRIES, .line_pages = LINE_ENTRIES},
        {.level = 2, .pages = pages, .most = pages, .line_pages = 1}};
    const struct fan third = {
        .level = 3, .pages = pages, .most = MOST_LEVEL_3, .line_pages = 1};

    if (lab->found.emulated) {
        refuse_emulated(lab, result);
        return true;
    }
    if (!run_level(lab, second, sizeof(second) / sizeof(second[0]), result, err)) {
        return false;
    }
    lab_progress(lab, 0.7);
    if (!run_level(lab, &third, 1, result, err)) {
        return false;
    }
    result_note(
        result,
        "%zu pages, %s, in turn through so many tables; a page needs an entry of each level, "
        "so "
        "caches that levels or a TLB share look smaller by what the others take",
        pages, fan_field_describe(lab));
    return true;
}
