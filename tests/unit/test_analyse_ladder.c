/*
 * Walk ladders, paging-structure caches and parallel walks of made-up walkers: found where they are
 * plain, refused where a rung falls, a control moves too, or hits overlap no better than walks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure/analyse/ladder.h"

#define POINTS 40

static struct estimate around(double value)
{
    return (struct estimate){value, value - 0.1, value + 0.1};
}

static void make_input(struct ladder_input *input, const double costs[LADDER_LEVELS])
{
    *input = (struct ladder_input){.hit = around(4)};
    for (unsigned n = 1; n < LADDER_LEVELS; n++) {
        input->measured[n] = true;
        input->cost[n] = around(costs[n]);
    }
}

static void test_ladder_subtracts_the_hit_and_names_visible_steps(void **state)
{
    const double costs[LADDER_LEVELS] = {0, 24, 34, 34.05, 60};
    struct ladder_input input;
    struct ladder_report report;

    (void)state;
    make_input(&input, costs);
    ladder_find_steps(&input, &report);
    assert_true(report.verdict.decided);
    assert_true(report.walk[1].value == 20 && report.walk[4].value == 56);
    assert_true(report.visible[2] && !report.visible[3] && report.visible[4]);
    assert_true(report.step[2].low < 10 && report.step[2].high > 10);
}

static void test_ladder_refuses_a_longer_walk_that_costs_less(void **state)
{
    const double falls[LADDER_LEVELS] = {0, 24, 34, 31, 60};
    const double equal[LADDER_LEVELS] = {
        0, 24, 34, 33.6, 60}; /* 1 % is two layouts' difference */
    const double none[LADDER_LEVELS] = {0, 4, 34, 34, 60};
    struct ladder_input input;
    struct ladder_report report;

    (void)state;
    make_input(&input, falls);
    ladder_find_steps(&input, &report);
    assert_false(report.verdict.decided);
    make_input(&input, equal);
    ladder_find_steps(&input, &report);
    assert_true(report.verdict.decided);
    make_input(&input, none);
    ladder_find_steps(&input, &report);
    assert_false(report.verdict.decided);
    make_input(&input, falls);
    input.measured[1] = false;
    ladder_find_steps(&input, &report);
    assert_false(report.verdict.decided);
}

static size_t make_curve(struct knee_point *points, uint64_t entries)
{
    for (size_t i = 0; i < POINTS; i++) {
        uint64_t size = i + 1;
        points[i] = (struct knee_point){.size = size, .cost = size <= entries ? 30 : 40};
    }
    return POINTS;
}

static void test_ladder_finds_a_cache_only_where_the_control_is_flat(void **state)
{
    struct knee_point test[POINTS];
    struct knee_point control[POINTS];
    struct ladder_pwc pwc;
    size_t count = make_curve(test, 16);

    (void)state;
    make_curve(control, POINTS);
    ladder_find_pwc(test, count, control, count, &pwc);
    assert_true(pwc.verdict.decided);
    assert_true(pwc.entries.value == 16 && pwc.entries.low == 16 && pwc.cost.value == 10);
    make_curve(control, 17);
    ladder_find_pwc(test, count, control, count, &pwc);
    assert_false(pwc.verdict.decided);
    make_curve(test, POINTS);
    ladder_find_pwc(test, count, control, count, &pwc);
    assert_false(pwc.verdict.decided);
}

/* Four walkers, a walk of 40 cycles, a load of 4 beside it. */
static void make_walkers(struct estimate *walks, struct estimate *hits)
{
    for (unsigned k = 0; k < 8; k++) {
        walks[k] = around(44.0 / (k + 1) > 10 ? 44.0 / (k + 1) : 10);
        hits[k] = around(4.0 / (k + 1));
    }
}

static void test_ladder_counts_walkers(void **state)
{
    struct estimate walks[8];
    struct estimate hits[8];
    struct ladder_walkers walkers;

    (void)state;
    make_walkers(walks, hits);
    ladder_find_walkers(walks, hits, 8, &walkers);
    assert_true(walkers.verdict.decided);
    assert_int_equal(walkers.chains, 5);
    assert_true(walkers.parallel.value == 4);
    assert_true(walkers.parallel.low < 4 && walkers.parallel.high > 4);
    assert_true(walkers.parallel.high < 4.6); /* all of the latency: 4.4, and its error */
}

static void test_ladder_counts_no_walkers_where_loads_are_the_limit(void **state)
{
    struct estimate walks[8];
    struct estimate hits[8];
    struct ladder_walkers walkers;

    (void)state;
    make_walkers(walks, hits);
    for (unsigned k = 2; k < 8; k++) {
        hits[k] = around(9);
    }
    hits[0] = hits[1] = around(10);
    ladder_find_walkers(walks, hits, 8, &walkers);
    assert_false(walkers.verdict.decided);
    make_walkers(walks, hits);
    for (unsigned k = 0; k < 8; k++) {
        walks[k] = around(44.0 / (k + 1));
    }
    ladder_find_walkers(walks, hits, 8, &walkers);
    assert_false(walkers.verdict.decided);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ladder_subtracts_the_hit_and_names_visible_steps),
        cmocka_unit_test(test_ladder_refuses_a_longer_walk_that_costs_less),
        cmocka_unit_test(test_ladder_finds_a_cache_only_where_the_control_is_flat),
        cmocka_unit_test(test_ladder_counts_walkers),
        cmocka_unit_test(test_ladder_counts_no_walkers_where_loads_are_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
