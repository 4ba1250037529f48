/*
 * The clock by the time-stamp counter: its arithmetic on made-up rates, and its agreement with
 * CLOCK_MONOTONIC on this machine.  No test depends on how long anything takes: a reading is held
 * between two of the other clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static void test_clock_converts_by_rate(void **state)
{
    struct clock clock;

    (void)state;
    clock_start(&clock, 1000000); /* 1 GHz */
    assert_int_equal(clock_cycles_to_ns(&clock, 0), 0);
    assert_int_equal(clock_cycles_to_ns(&clock, 12345), 12345);
    clock_start(&clock, 2500000);
    assert_int_equal(clock_cycles_to_ns(&clock, 5), 1); /* 2 - epsilon: rounded down */
    assert_in_range(clock_cycles_to_ns(&clock, 2500000000), 999999998, 1000000000);
}

static void test_clock_long_interval_does_not_wrap(void **state)
{
    struct clock clock;

    (void)state;
    clock_start(&clock, 1000000);
    assert_true(clock_cycles_to_ns(&clock, UINT64_C(1) << 62) == UINT64_C(1) << 62);
}

static void test_clock_counter_gone_backwards_is_no_time(void **state)
{
    struct clock clock;

    (void)state;
    clock_start(&clock, 1000000);
    assert_int_equal(clock_cycles_to_ns(&clock, (uint64_t)-1), 0);
    /* An anchor in the future of the counter is given up. */
    clock.anchor.cycles += UINT64_C(1) << 40;
    clock.anchor.ns = 0;
    uint64_t before = clock_now_ns();
    assert_true(clock_mark_now(&clock).ns >= before);
}

static void test_clock_without_rate_is_monotonic_clock(void **state)
{
    struct clock clock;

    (void)state;
    clock_start(&clock, 0);
    for (int i = 0; i < 1000; i++) {
        uint64_t before = clock_now_ns();
        struct clock_mark mark = clock_mark_now(&clock);

        assert_true(mark.ns >= before);
        uint64_t since = clock_ns_since(&clock, mark);
        assert_true(since <= clock_now_ns() - before);
    }
}

/* The narrowest of many readings is an undisturbed one. */
static struct clock_mark read_narrowest(void)
{
    struct clock_mark mark = {0};
    uint64_t narrowest = UINT64_MAX;

    for (int i = 0; i < 500; i++) {
        uint64_t before = clock_cycles();
        uint64_t ns = clock_now_ns();
        uint64_t width = clock_cycles() - before;

        if (width < narrowest) {
            narrowest = width;
            mark = (struct clock_mark){.ns = ns, .cycles = before + width / 2};
        }
    }
    return mark;
}

/* The counter's rate by CLOCK_MONOTONIC over 50 ms. */
static uint64_t measure_khz(void)
{
    struct clock_mark begin = read_narrowest();

    while (clock_now_ns() - begin.ns < 50000000) {
    }
    struct clock_mark end = read_narrowest();
    return (end.cycles - begin.cycles) * 1000000 / (end.ns - begin.ns);
}

static void test_clock_ahead_is_held_not_set_back(void **state)
{
    struct clock clock;

    (void)state;
    clock_start(&clock, measure_khz());
    clock.nominal += clock.nominal >> 12; /* 244 ppm too fast */
    uint64_t last = 0;
    uint64_t end = clock_now_ns() + 100000000; /* ten anchors' worth: 24 us if not held */
    while (clock_now_ns() < end) {
        struct clock_mark mark = clock_mark_now(&clock);

        assert_true(mark.ns >= last);
        last = mark.ns;
    }
    uint64_t mark_ns = clock_mark_now(&clock).ns;
    assert_true(mark_ns <= clock_now_ns() + 6000);
}

#define DOUBT_NS 2000

static void test_clock_agrees_with_monotonic_clock(void **state)
{
    struct clock clock;

    (void)state;
    clock_start(&clock, measure_khz());
    for (int i = 0; i < 500000; i++) { /* some anchors' worth */
        uint64_t before = clock_now_ns();
        struct clock_mark mark = clock_mark_now(&clock);
        uint64_t after = clock_now_ns();

        assert_true(mark.ns + DOUBT_NS >= before);
        assert_true(mark.ns <= after + DOUBT_NS);
    }
}

static void test_clock_interval_agrees_with_monotonic_clock(void **state)
{
    struct clock clock;

    (void)state;
    clock_start(&clock, measure_khz());
    uint64_t outer = clock_now_ns();
    struct clock_mark begin = clock_mark_now(&clock);
    uint64_t inner = clock_now_ns();
    while (clock_now_ns() - inner < 5000000) {
    }
    inner = clock_now_ns() - inner;
    uint64_t ns = clock_ns_since(&clock, begin);
    outer = clock_now_ns() - outer;
    assert_true(ns + DOUBT_NS >= inner);
    assert_true(ns <= outer + DOUBT_NS);
}

static void test_clock_saturates(void **state)
{
    (void)state;
    assert_int_equal(clock_saturate_ns(7), 7);
    assert_int_equal(clock_saturate_ns(UINT64_C(1) << 40), UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_converts_by_rate),
        cmocka_unit_test(test_clock_long_interval_does_not_wrap),
        cmocka_unit_test(test_clock_counter_gone_backwards_is_no_time),
        cmocka_unit_test(test_clock_without_rate_is_monotonic_clock),
        cmocka_unit_test(test_clock_ahead_is_held_not_set_back),
        cmocka_unit_test(test_clock_agrees_with_monotonic_clock),
        cmocka_unit_test(test_clock_interval_agrees_with_monotonic_clock),
        cmocka_unit_test(test_clock_saturates),
    };

    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
