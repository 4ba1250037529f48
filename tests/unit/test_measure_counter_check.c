/*
 * Counts against times: capacities out of curves, controls that agree and that disagree, walks that
 * were none refused.  The counts are made up, of a TLB whose size is known; how they are printed,
 * test_measure_output.c asks.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/counter_check.h"

#define FIRST  72   /* entries of the first level */
#define SECOND 3072 /* and of the second */
#define CYCLES 26.0 /* a walk */

/* A fully associative LRU level: a chain over one page too many misses always. */
static void count_chain(uint64_t size, double count[COUNTER_KINDS])
{
    for (unsigned kind = 0; kind < COUNTER_KINDS; kind++) {
        count[kind] = NAN;
    }
    count[COUNTER_DATA_MISSES] = size > FIRST ? 0.99 : 0.001;
    count[COUNTER_DATA_WALKS] = size > SECOND ? fmin(1, (double)(size - SECOND) / 512) : 0.0005;
    count[COUNTER_DATA_WALK_CYCLES] = CYCLES * count[COUNTER_DATA_WALKS];
}

static void fill(struct counter_curve *curve)
{
    static const uint64_t sizes[] = {8,   16,  32,   64,   70,   71,   72,   73,   74,   96,
                                     160, 512, 1024, 2048, 3072, 3200, 3400, 3600, 6144, 8192};

    *curve = (struct counter_curve){0};
    /* In no order: the curve keeps its own. */
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        double count[COUNTER_KINDS];
        uint64_t size = sizes[i * 7 % (sizeof(sizes) / sizeof(sizes[0]))];
        count_chain(size, count);
        counter_curve_add(curve, size, COUNTER_SET_DATA, count);
    }
}

static void test_counter_curve_finds_the_capacities(void **state)
{
    static struct counter_curve curve;
    struct estimate entries;

    (void)state;
    fill(&curve);
    assert_int_equal(curve.count, 20);
    for (size_t i = 1; i < curve.count; i++) {
        assert_true(curve.point[i].size > curve.point[i - 1].size);
    }
    assert_true(counter_curve_capacity(&curve, 1, &entries));
    assert_true(entries.low == FIRST && entries.value == FIRST && entries.high == FIRST);
    assert_true(counter_curve_capacity(&curve, 2, &entries));
    assert_true(entries.low == 3072 && entries.value == 3200 && entries.high == 3599);
    assert_true(counter_curve_walk(&curve, &entries));
    assert_true(fabs(entries.value - CYCLES) < 1e-9 && fabs(entries.low - CYCLES) < 1e-9);
}

static void test_counter_curve_keeps_the_lower_misses_of_a_size(void **state)
{
    static struct counter_curve curve;
    double count[COUNTER_KINDS];

    (void)state;
    curve.count = 0;
    count_chain(64, count);
    count[COUNTER_DATA_MISSES] = 0.4; /* something shared the TLB */
    counter_curve_add(&curve, 64, COUNTER_SET_DATA, count);
    count[COUNTER_DATA_MISSES] = 0.002;
    counter_curve_add(&curve, 64, COUNTER_SET_DATA, count);
    count[COUNTER_DATA_MISSES] = 0.2;
    counter_curve_add(&curve, 64, COUNTER_SET_DATA, count);
    assert_int_equal(curve.count, 1);
    assert_true(curve.point[0].misses == 0.002);
    /* What was not counted leaves no point. */
    counter_curve_add(&curve, 65, COUNTER_SET_CODE, count);
    assert_int_equal(curve.count, 1);
}

static void test_counter_curve_without_a_step_has_no_capacity(void **state)
{
    static struct counter_curve curve;
    struct estimate entries = {-1, -1, -1};
    double count[COUNTER_KINDS];

    (void)state;
    curve.count = 0;
    assert_false(counter_curve_capacity(&curve, 1, &entries));
    for (uint64_t size = 8; size <= 64; size *= 2) {
        count_chain(size, count);
        counter_curve_add(&curve, size, COUNTER_SET_DATA, count);
    }
    assert_false(counter_curve_capacity(&curve, 1, &entries));
    assert_false(counter_curve_walk(&curve, &entries));
    assert_true(entries.value == -1);
}

static struct result_figure *decide(struct result *result, double value)
{
    struct result_figure *figure = result_add_figure(result, "entries", "data TLB, level 1");

    figure_decide(figure, SIDE_NATIVE, (struct estimate){value, value, value});
    return figure;
}

static void test_counter_check_capacity_agrees_and_disagrees(void **state)
{
    static const struct {
        double timed;
        bool agree;
    } rows[] = {{72, true}, {64, false}, {96, false}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static struct result result;
        static struct counter_curve curve;
        fill(&curve);
        struct result_figure *figure = decide(&result, rows[i].timed);
        counter_check_capacity(&result, figure, SIDE_NATIVE, &curve, 1);
        assert_true(figure->side[SIDE_NATIVE].counted);
        assert_true(figure->side[SIDE_NATIVE].counter.value == FIRST);
        assert_int_equal(result.control_count, 1);
        assert_true(result.controls[0].flat == rows[i].agree);
        assert_non_null(
            strstr(result.controls[0].text, rows[i].agree ? ": agree" : ": disagree"));
        result_destroy(&result);
    }
}

static void test_counter_check_fills_in_what_timing_left_open(void **state)
{
    static struct result result;
    static struct counter_curve curve;

    (void)state;
    fill(&curve);
    struct result_figure *figure = result_add_figure(&result, "entries", "x");
    figure_refuse(figure, SIDE_NATIVE, "why");
    counter_check_capacity(&result, figure, SIDE_NATIVE, &curve, 1);
    assert_true(figure->side[SIDE_NATIVE].counted);
    assert_int_equal(result.control_count, 0);
    figure_refuse(figure, SIDE_NATIVE, "another reason");
    assert_true(figure->side[SIDE_NATIVE].counted);
    result_destroy(&result);
}

static void test_counter_check_adds_nothing_where_nothing_was_counted(void **state)
{
    static struct result result;
    static struct counter_curve curves[SIDE_COUNT];
    double none[COUNTER_KINDS] = {NAN, NAN, NAN, NAN, NAN};

    (void)state;
    memset(curves, 0, sizeof(curves));
    struct result_figure *figure = decide(&result, 72);
    counter_check_capacity(&result, figure, SIDE_NATIVE, &curves[SIDE_NATIVE], 1);
    counter_check_walks(&result, figure, SIDE_NATIVE, none, true);
    counter_check_ways(&result, figure, SIDE_NATIVE, none, COUNTER_KINDS);
    counter_check_report(&result, curves, "data TLB", "pages", "events a load");
    assert_false(figure->side[SIDE_NATIVE].counted);
    assert_true(figure->side[SIDE_NATIVE].verdict.decided);
    assert_int_equal(result.control_count, 0);
    assert_int_equal(result.series_count, 0);
    result_destroy(&result);
}

static void test_counter_check_ways_holds_the_number_that_fits(void **state)
{
    static struct result result;
    double count[24];

    (void)state;
    for (size_t n = 1; n <= 24; n++) {
        count[n - 1] = n <= 12 ? 0.01 : 1;
    }
    struct result_figure *figure = decide(&result, 12);
    counter_check_ways(&result, figure, SIDE_NATIVE, count, 24);
    assert_true(figure->side[SIDE_NATIVE].counter.value == 12);
    figure_decide(figure, SIDE_GUEST, (struct estimate){8, 8, 8});
    counter_check_ways(&result, figure, SIDE_GUEST, count, 24);
    assert_int_equal(result.control_count, 2);
    assert_true(result.controls[0].flat);
    assert_false(
        result.controls[1].flat); /* sixteen pages miss, but so do not only eight fit */
    result_destroy(&result);
}

/* Events a load of a chain that walks so often, each walk of so many cycles. */
static void count_walks(double walks, double cycles, double count[COUNTER_KINDS])
{
    count_chain(1, count);
    count[COUNTER_DATA_WALKS] = walks;
    count[COUNTER_DATA_WALK_CYCLES] = walks * cycles;
}

static void test_counter_check_walks_refuses_loads_that_do_not_walk(void **state)
{
    static struct result result;
    double count[COUNTER_KINDS];

    (void)state;
    struct result_figure *figure = decide(&result, 30);
    count_walks(0.998, CYCLES, count);
    counter_check_walks(&result, figure, SIDE_NATIVE, count, true);
    assert_true(figure->side[SIDE_NATIVE].verdict.decided);
    assert_true(fabs(figure->side[SIDE_NATIVE].counter.value - CYCLES) < 1e-9);
    assert_int_equal(result.control_count, 2);
    assert_true(result.controls[0].flat && result.controls[1].flat);
    count_walks(0.02, CYCLES, count);
    counter_check_walks(&result, figure, SIDE_NATIVE, count, true);
    assert_false(figure->side[SIDE_NATIVE].verdict.decided);
    assert_string_equal(
        figure->side[SIDE_NATIVE].verdict.reason,
        "not every load walks: 0.020 walks a load by the counter");
    assert_int_equal(result.control_count, 3);
    assert_false(result.controls[2].flat);
    result_destroy(&result);
}

static void test_counter_check_walks_believes_no_dead_counter(void **state)
{
    static struct result result;
    double count[COUNTER_KINDS];

    (void)state;
    struct result_figure *figure = decide(&result, 30);
    count_walks(0, 0, count);
    counter_check_walks(&result, figure, SIDE_NATIVE, count, true);
    assert_true(figure->side[SIDE_NATIVE].verdict.decided);
    assert_false(figure->side[SIDE_NATIVE].counted);
    assert_int_equal(result.control_count, 0);
    result_destroy(&result);
}

/* The guest's cycles may lack the hypervisor's tables: shown, not judged. */
static void test_counter_check_cost_judges_the_native_side_alone(void **state)
{
    static struct result result;
    struct estimate cycles = {60, 60, 60};

    (void)state;
    struct result_figure *figure = decide(&result, 30);
    figure_decide(figure, SIDE_GUEST, (struct estimate){30, 30, 30});
    counter_check_cost(&result, figure, SIDE_NATIVE, &cycles);
    counter_check_cost(&result, figure, SIDE_GUEST, &cycles);
    assert_int_equal(result.control_count, 1);
    assert_false(result.controls[0].flat);
    assert_non_null(strstr(result.controls[0].text, "disagree"));
    assert_true(figure->side[SIDE_GUEST].counter.value == 60);
    result_destroy(&result);
}

static void test_counter_check_reports_a_sibling_series(void **state)
{
    static struct result result;
    static struct counter_curve curves[SIDE_COUNT];

    (void)state;
    memset(curves, 0, sizeof(curves));
    fill(&curves[SIDE_NATIVE]);
    counter_check_report(&result, curves, "data TLB", "pages", "events a load");
    assert_int_equal(result.series_count, 1);
    const struct result_series *series = &result.series[0];
    assert_string_equal(series->name, "data TLB, counted");
    assert_string_equal(series->curve[1], "native walks");
    assert_int_equal(series->points, 20);
    assert_true(series->x[6] == 72 && series->y[6] == 0.001);
    assert_true(isnan(series->y[40])); /* the guest's */
    result_destroy(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counter_curve_finds_the_capacities),
        cmocka_unit_test(test_counter_curve_keeps_the_lower_misses_of_a_size),
        cmocka_unit_test(test_counter_curve_without_a_step_has_no_capacity),
        cmocka_unit_test(test_counter_check_capacity_agrees_and_disagrees),
        cmocka_unit_test(test_counter_check_fills_in_what_timing_left_open),
        cmocka_unit_test(test_counter_check_adds_nothing_where_nothing_was_counted),
        cmocka_unit_test(test_counter_check_ways_holds_the_number_that_fits),
        cmocka_unit_test(test_counter_check_walks_refuses_loads_that_do_not_walk),
        cmocka_unit_test(test_counter_check_walks_believes_no_dead_counter),
        cmocka_unit_test(test_counter_check_cost_judges_the_native_side_alone),
        cmocka_unit_test(test_counter_check_reports_a_sibling_series),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
