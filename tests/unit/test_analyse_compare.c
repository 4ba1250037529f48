/* Two sets of figures: what differs, what is only near, and what cannot be held against the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/analyse/compare.h"

static enum compare_result
compare(const char *unit, struct estimate first, struct estimate second)
{
    const struct figure a = {"a", unit, true, first};
    const struct figure b = {"a", unit, true, second};
    struct compare_row rows[2];

    assert_int_equal(compare_figures(&a, 1, &b, 1, rows), 1);
    return rows[0].result;
}

static void test_compare_needs_disjoint_intervals(void **state)
{
    const struct estimate low = {100, 90, 110};

    (void)state;
    assert_int_equal(compare("entries", low, (struct estimate){120, 105, 130}), COMPARE_SAME);
    assert_int_equal(compare("entries", low, (struct estimate){120, 115, 130}), COMPARE_MORE);
    assert_int_equal(compare("entries", (struct estimate){120, 115, 130}, low), COMPARE_LESS);
}

/* An entry more is a difference; a cost that is 4 % more is what runs of one machine differ by. */
static void test_compare_lets_costs_drift(void **state)
{
    const struct estimate cost = {100, 99, 101};
    const struct estimate near = {104, 103, 105};
    const struct estimate far = {106, 105, 107};

    (void)state;
    assert_int_equal(compare("cycles", cost, near), COMPARE_NEAR);
    assert_int_equal(compare("ns", near, cost), COMPARE_NEAR);
    assert_int_equal(compare("cycles", cost, far), COMPARE_MORE);
    assert_int_equal(compare("times", far, cost), COMPARE_LESS);
    assert_int_equal(compare("entries", cost, near), COMPARE_MORE);
}

static void test_compare_says_what_cannot_be_compared(void **state)
{
    const struct figure a[] = {
        {"both", "ns", true, {1, 1, 1}},
        {"open in b", "ns", true, {1, 1, 1}},
        {"unit", "ns", true, {1, 1, 1}},
        {"only a", "ns", true, {1, 1, 1}}};
    const struct figure b[] = {
        {"open in b", "ns", false, {0, 0, 0}},
        {"unit", "cycles", true, {1, 1, 1}},
        {"both", "ns", true, {1, 1, 1}},
        {"only b", "ns", true, {1, 1, 1}}};
    const enum compare_result expected[] = {
        COMPARE_SAME, COMPARE_OPEN_B, COMPARE_UNITS, COMPARE_ONLY_A, COMPARE_ONLY_B};
    struct compare_row rows[8];

    (void)state;
    assert_int_equal(compare_figures(a, 4, b, 4, rows), 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(rows[i].result, expected[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare_needs_disjoint_intervals),
        cmocka_unit_test(test_compare_lets_costs_drift),
        cmocka_unit_test(test_compare_says_what_cannot_be_compared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
