/*
 * The cost of virtualisation: ratios with the interval of both sides, of costs only, and refused
 * where a side is open or may be nothing.  The numbers are made up.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure/analyse/windows.h"
#include "measure/toll.h"

static void test_toll_ratio_holds_every_quotient(void **state)
{
    struct estimate ratio;

    (void)state;
    assert_true(
        toll_ratio((struct estimate){10, 8, 12}, (struct estimate){30, 24, 36}, &ratio));
    assert_true(fabs(ratio.value - 3) < 1e-9);
    assert_true(fabs(ratio.low - 2) < 1e-9);    /* 24 / 12 */
    assert_true(fabs(ratio.high - 4.5) < 1e-9); /* 36 / 8 */
}

/* Exits: 64 an operation where each traps, none where none does; both with some of a timer's. */
static void test_windows_count_interval_knows_what_disturbances_add(void **state)
{
    const double events = 200 * 64;
    struct estimate trapped = windows_count_interval(12800 + 203, 200 + 3, events);
    struct estimate nothing = windows_count_interval(7, 2, events);
    struct estimate none = windows_count_interval(0, 0, events);

    (void)state;
    assert_true(trapped.value == 1 && trapped.low < 0.99 && trapped.high > 1.01);
    assert_true(trapped.high - trapped.low < 0.04);
    assert_true(nothing.low < 0 && nothing.high > 0 && nothing.high < 0.001);
    assert_true(none.value == 0 && none.low < 0 && none.high > 0 && none.high < 0.001);
}

static void test_toll_ratio_refuses_a_native_cost_that_may_be_nothing(void **state)
{
    struct estimate ratio;

    (void)state;
    assert_false(
        toll_ratio((struct estimate){1, -1, 3}, (struct estimate){30, 24, 36}, &ratio));
    assert_false(toll_ratio((struct estimate){1, 0, 3}, (struct estimate){30, 24, 36}, &ratio));
}

static void add(struct result *result, const char *unit, const char *name, double native)
{
    struct result_figure *figure = result_add_figure(result, unit, "%s", name);

    figure_decide(figure, SIDE_NATIVE, (struct estimate){native, native, native});
    figure_decide(figure, SIDE_GUEST, (struct estimate){2 * native, 2 * native, 2 * native});
}

static void test_toll_adds_costs_of_both_sides_only(void **state)
{
    static struct result from;
    static struct result into;

    (void)state;
    from.experiment = "made-up";
    add(&from, "cycles", "a walk", 40);
    add(&from, "entries", "a capacity", 64);
    add(&from, "ns", "a fault", 500);
    figure_decide(
        result_add_figure(&from, "ns", "of the guest alone"), SIDE_GUEST,
        (struct estimate){1, 1, 1});
    struct result_figure *open = result_add_figure(&from, "cycles", "an open one");
    figure_decide(open, SIDE_NATIVE, (struct estimate){1, 1, 1});
    figure_refuse(open, SIDE_GUEST, "noise");

    assert_int_equal(toll_add(&from, &into), 3);
    assert_string_equal(into.figures[0].name, "made-up: a walk");
    assert_string_equal(into.figures[1].name, "made-up: a fault");
    assert_true(into.figures[1].side[SIDE_GUEST].verdict.decided);
    assert_true(fabs(into.figures[1].side[SIDE_GUEST].value.value - 2) < 1e-9);
    assert_false(into.figures[1].side[SIDE_NATIVE].measured);
    assert_false(into.figures[2].side[SIDE_GUEST].verdict.decided);
    assert_string_equal(
        into.figures[2].side[SIDE_GUEST].verdict.reason, "the guest is undecided: noise");
}

static void test_toll_leaves_room_in_a_full_result(void **state)
{
    static struct result from;
    static struct result into;

    (void)state;
    from.experiment = "made-up";
    for (unsigned i = 0; i < RESULT_FIGURES_MAX; i++) {
        add(&from, "ns", "many", 1);
    }
    assert_true(toll_add(&from, &into) < RESULT_FIGURES_MAX);
    assert_non_null(result_add_figure(&into, "loads", "one more"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_toll_ratio_holds_every_quotient),
        cmocka_unit_test(test_windows_count_interval_knows_what_disturbances_add),
        cmocka_unit_test(test_toll_ratio_refuses_a_native_cost_that_may_be_nothing),
        cmocka_unit_test(test_toll_adds_costs_of_both_sides_only),
        cmocka_unit_test(test_toll_leaves_room_in_a_full_result),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
