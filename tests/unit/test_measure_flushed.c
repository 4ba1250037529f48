/* Walks by flushed entries: which entries each way flushes, and what follows from made-up costs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/flushed_walk.h"

#define HIT  5.0
#define WALK 30.0
#define TRIP 200.0

static unsigned count_levels(unsigned levels)
{
    unsigned count = 0;

    for (unsigned level = 0; level < 32; level++) {
        count += levels >> level & 1;
    }
    return count;
}

/* A core whose walk reads every entry: a trip to memory for each that was flushed. */
static void make_costs(struct estimate cost[FLUSHED_KINDS], double width)
{
    for (unsigned kind = 0; kind < FLUSHED_KINDS; kind++) {
        const struct flushed_way *way = &flushed_ways[kind];
        double value = HIT;
        if (way->invalidate) {
            value += WALK + TRIP * count_levels(way->levels);
        }
        cost[kind] = (struct estimate){value, value - width, value + width};
    }
}

static void test_flushed_ways_are_distinct_and_flush_levels_1_to_4(void **state)
{
    (void)state;
    for (unsigned a = 0; a < FLUSHED_KINDS; a++) {
        assert_int_equal(flushed_ways[a].levels & ~0x1eU, 0);
        assert_true((flushed_ways[a].name != NULL) == flushed_ways[a].invalidate);
        for (unsigned b = 0; b < a; b++) {
            assert_false(
                flushed_ways[a].levels == flushed_ways[b].levels &&
                flushed_ways[a].invalidate == flushed_ways[b].invalidate);
        }
    }
    assert_int_equal(flushed_ways[FLUSHED_HIT].levels, 0x1e);
    assert_int_equal(flushed_ways[FLUSHED_1].levels, 0x02);
    assert_int_equal(flushed_ways[FLUSHED_TO_2].levels, 0x06);
    assert_int_equal(flushed_ways[FLUSHED_TO_3].levels, 0x0e);
    assert_int_equal(flushed_ways[FLUSHED_TO_4].levels, 0x1e);
    assert_int_equal(flushed_ways[FLUSHED_ALONE_2].levels, 0x04);
    assert_int_equal(flushed_ways[FLUSHED_ALONE_3].levels, 0x08);
    assert_int_equal(flushed_ways[FLUSHED_ALONE_4].levels, 0x10);
}

static void test_flushed_walk_costs_what_lies_above_a_hit(void **state)
{
    struct estimate cost[FLUSHED_KINDS];
    struct flushed_report report;

    (void)state;
    make_costs(cost, 2);
    flushed_walk_judge(cost, &report);
    assert_true(report.flat);
    for (unsigned kind = FLUSHED_NONE; kind < FLUSHED_KINDS; kind++) {
        double expected = WALK + TRIP * count_levels(flushed_ways[kind].levels);
        assert_true(report.verdict[kind].decided);
        assert_int_equal(report.walk[kind].value, expected);
        /* Both intervals add to the uncertainty, as squares. */
        assert_true(fabs(report.walk[kind].low - (expected - hypot(2, 2))) < 1e-9);
        assert_true(fabs(report.walk[kind].high - (expected + hypot(2, 2))) < 1e-9);
    }
}

/* If the flush alone costs, something else than the entries went: no figure is believed. */
static void test_flushed_walk_believes_nothing_without_its_control(void **state)
{
    struct estimate cost[FLUSHED_KINDS];
    struct flushed_report report;

    (void)state;
    make_costs(cost, 2);
    cost[FLUSHED_HIT] = (struct estimate){80, 70, 90};
    flushed_walk_judge(cost, &report);
    assert_false(report.flat);
    for (unsigned kind = FLUSHED_NONE; kind < FLUSHED_KINDS; kind++) {
        assert_false(report.verdict[kind].decided);
        assert_non_null(strstr(report.verdict[kind].reason, "the flush alone"));
    }
}

static void test_flushed_walk_refuses_what_is_not_told_from_a_hit(void **state)
{
    struct estimate cost[FLUSHED_KINDS];
    struct flushed_report report;

    (void)state;
    make_costs(cost, 2);
    cost[FLUSHED_NONE] = (struct estimate){20, 1, 60};
    flushed_walk_judge(cost, &report);
    assert_true(report.flat);
    assert_false(report.verdict[FLUSHED_NONE].decided);
    assert_non_null(strstr(report.verdict[FLUSHED_NONE].reason, "not told from a hit"));
    assert_true(report.verdict[FLUSHED_1].decided);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flushed_ways_are_distinct_and_flush_levels_1_to_4),
        cmocka_unit_test(test_flushed_walk_costs_what_lies_above_a_hit),
        cmocka_unit_test(test_flushed_walk_believes_nothing_without_its_control),
        cmocka_unit_test(test_flushed_walk_refuses_what_is_not_told_from_a_hit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
