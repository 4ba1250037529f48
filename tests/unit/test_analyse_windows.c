/*
 * What is made of windows: quantiles and their intervals, and the mean of the middle half where the
 * clock ticks in large steps.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure/analyse/windows.h"
#include "tlb_model.h"

#define COUNT  128
#define TRIALS 400
#define TICK   37

static void test_windows_sort_and_quantiles(void **state)
{
    double values[] = {5, 1, 4, 2, 3, 9, 7, 8, 6, 10};

    (void)state;
    windows_sort(values, 10);
    for (size_t i = 0; i < 10; i++) {
        assert_true(values[i] == (double)(i + 1));
    }
    assert_true(windows_quantile(values, 10, 0) == 1);
    assert_true(windows_quantile(values, 10, 0.5) == 5);
    assert_true(windows_quantile(values, 10, 1) == 10);
    struct estimate median = windows_quantile_interval(values, 10, 0.5);
    assert_true(median.low < median.value && median.value < median.high);
}

/* Events of 208 ticks, which a clock that goes 26 at a time shows as 208 or 234. */
static void test_windows_stepped_interval_knows_the_step_of_the_clock(void **state)
{
    double values[COUNT];
    const double alike[] = {208, 208, 208};

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = i < COUNT - 10 ? 208 : i < COUNT - 1 ? 234 : 208 + 26 * 40;
    }
    struct estimate median = windows_stepped_interval(values, COUNT, 0.5);
    assert_true(median.value == 208 && median.low == 182 && median.high == 234);
    median = windows_stepped_interval(alike, 3, 0.5);
    assert_true(median.value == 208 && median.low == 208 && median.high == 208);
}

/* By hand: the middle half of 1 to 8 is 3 to 6. */
static void test_windows_midmean_of_few(void **state)
{
    const double eight[] = {1, 2, 3, 4, 5, 6, 7, 1000};
    const double three[] = {2, 3, 7};

    (void)state;
    struct estimate middle = windows_midmean_interval(eight, 8);
    assert_true(middle.value == 4.5);
    assert_true(middle.low > 1 && middle.high < 8);
    middle = windows_midmean_interval(three, 3);
    assert_true(middle.value == 4 && middle.low == 2 && middle.high == 7);
}

/* Times around a truth that is no multiple of the tick, read off a clock that ticks. */
static void fill(double *values, double truth, uint64_t *random)
{
    for (size_t i = 0; i < COUNT; i++) {
        double noise = 0;
        for (unsigned n = 0; n < 12; n++) {
            noise += tlb_uniform(random) - 0.5;
        }
        double phase = tlb_uniform(random);
        values[i] = floor((truth + 25 * noise) / TICK + phase) * TICK;
        if (tlb_uniform(random) < 0.05) {
            values[i] += 5000; /* an interrupt */
        }
    }
    windows_sort(values, COUNT);
}

static void test_windows_midmean_sees_through_a_coarse_clock(void **state)
{
    double values[COUNT];
    uint64_t random = 7;
    unsigned holds = 0;
    double width = 0;

    (void)state;
    for (unsigned i = 0; i < TRIALS; i++) {
        double truth = 500 + 3 * (double)(i % 13);
        fill(values, truth, &random);
        struct estimate middle = windows_midmean_interval(values, COUNT);
        holds += middle.low <= truth && truth <= middle.high;
        width += (middle.high - middle.low) / TRIALS;
    }
    print_message(
        "%u of %u intervals hold the truth, %.1f cycles wide\n", holds, TRIALS, width);
    assert_true(holds * 100 >= TRIALS * 85);
    assert_true(width < TICK / 1.5);
}

static void test_windows_subtract_adds_squares(void **state)
{
    const struct estimate a = {100, 97, 103};
    const struct estimate b = {60, 56, 64};

    (void)state;
    struct estimate difference = windows_subtract(&a, &b);
    assert_true(difference.value == 40 && difference.low == 35 && difference.high == 45);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows_sort_and_quantiles),
        cmocka_unit_test(test_windows_stepped_interval_knows_the_step_of_the_clock),
        cmocka_unit_test(test_windows_midmean_of_few),
        cmocka_unit_test(test_windows_midmean_sees_through_a_coarse_clock),
        cmocka_unit_test(test_windows_subtract_adds_squares),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
