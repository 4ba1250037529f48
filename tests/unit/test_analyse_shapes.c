/*
 * Series that try to look like capacities, and the rules that keep the analysis from making a number
 * up: each must be found for what it is, or refused with a reason.  Noise comes from tlb_model.c.
 * Read test_analyse_knee.c for honest staircases.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/analyse/knee.h"
#include "tlb_model.h"

#define SEEDS 40

typedef double cost_of_size(uint64_t size);

static double flat(uint64_t size)
{
    (void)size;
    return 5;
}

static double ramp_log(uint64_t size)
{
    return 4 + 3 * log2((double)size);
}

static double ramp_linear(uint64_t size)
{
    return 4 + 0.05 * (double)size;
}

static double ramp_root(uint64_t size)
{
    return 4 * sqrt((double)size);
}

static double step_of_72(uint64_t size)
{
    return size <= 72 ? 4 : 11;
}

/* Two levels with hardly a plateau between: 64 and 88. */
static double two_close(uint64_t size)
{
    if (size <= 64) {
        return 4;
    }
    return size <= 88 ? 11 : 35;
}

/* An L1D set conflict at 9 pages, then the TLB at 72. */
static double conflict_at_9(uint64_t size)
{
    if (size <= 8) {
        return 4;
    }
    return size <= 72 ? 14 : 21;
}

static double conflict_alone(uint64_t size)
{
    return size <= 8 ? 4 : 14;
}

/* Way prediction upset between 16 and 40 pages, then the TLB at 72. */
static double bump_then_72(uint64_t size)
{
    if (size >= 16 && size < 40) {
        return 9;
    }
    return size <= 72 ? 4 : 11;
}

static double fall(uint64_t size)
{
    return size <= 72 ? 11 : 5;
}

/* A long ramp behind a plateau: something rises, but no level ends. */
static double plateau_then_ramp(uint64_t size)
{
    return size <= 64 ? 4 : 4 + 6 * log2((double)size / 64);
}

static double five_steps(uint64_t size)
{
    double cost = 4;

    for (uint64_t limit = 16; limit <= UINT64_C(4096) && size > limit; limit *= 4) {
        cost *= 2;
    }
    return cost;
}

struct lab {
    struct tlb_model noise;
    struct knee_point point[KNEE_POINTS_MAX];
    size_t count;
};

static void take(struct lab *lab, cost_of_size *cost, uint64_t size)
{
    struct knee_point point = {.size = size, .cost = tlb_add_noise(&lab->noise, cost(size))};

    assert_true(knee_insert_point(lab->point, &lab->count, KNEE_POINTS_MAX, point));
}

static void set_up(struct lab *lab, uint64_t seed)
{
    static const struct tlb_shape none;

    memset(lab, 0, sizeof(*lab));
    assert_true(tlb_create(&lab->noise, &none, &none, seed));
    lab->noise.noise = tlb_make_noise((unsigned)(seed % 4));
}

static void measure_grid(struct lab *lab, cost_of_size *cost, uint64_t most)
{
    uint64_t last = 0;

    for (int eighth = 0; 4 * exp2(eighth / 8.0) <= (double)most; eighth++) {
        uint64_t next = (uint64_t)(4 * exp2(eighth / 8.0));
        if (next != last) {
            last = next;
            take(lab, cost, last);
        }
    }
}

static void
investigate(cost_of_size *cost, uint64_t most, uint64_t seed, struct knee_report *report)
{
    struct knee_options options = knee_default_options();
    struct lab lab;
    uint64_t size = 0;

    set_up(&lab, seed);
    measure_grid(&lab, cost, most);
    knee_find(lab.point, lab.count, &options, report);
    for (size_t i = 0; i < 100 && knee_next_size(report, &size); i++) {
        take(&lab, cost, size);
        knee_find(lab.point, lab.count, &options, report);
    }
}

static void apply_control(struct knee_report *report, cost_of_size *cost, uint64_t seed)
{
    struct lab lab;

    set_up(&lab, seed + 1000);
    measure_grid(&lab, cost, 1024);
    knee_apply_control(report, lab.point, lab.count);
}

static size_t count_decided(const struct knee_report *report)
{
    size_t decided = 0;

    for (size_t k = 0; k < report->count && report->verdict.decided; k++) {
        decided += report->knee[k].verdict.decided;
    }
    return decided;
}

static void test_knee_finds_nothing_in_a_flat_series(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct knee_report report;

        investigate(flat, 1024, seed, &report);
        assert_true(report.verdict.decided);
        assert_int_equal(report.count, 0);
    }
}

static void test_knee_claims_nothing_of_a_ramp(void **state)
{
    static cost_of_size *const ramp[] = {ramp_log, ramp_root};

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        for (size_t i = 0; i < sizeof(ramp) / sizeof(ramp[0]); i++) {
            struct knee_report report;

            investigate(ramp[i], 2048, seed, &report);
            assert_false(report.verdict.decided);
            assert_non_null(strstr(report.verdict.reason, "no plateau"));
        }
        struct knee_report report;

        investigate(ramp_linear, 2048, seed, &report);
        assert_int_equal(count_decided(&report), 0);
        investigate(plateau_then_ramp, 2048, seed, &report);
        assert_int_equal(count_decided(&report), 0);
        assert_true(!report.verdict.decided || report.count > 0);
    }
}

static void test_knee_tells_two_close_ones_or_covers_both(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct knee_report report;

        investigate(two_close, 1024, seed, &report);
        assert_true(report.verdict.decided);
        assert_true(count_decided(&report) >= 1);
        struct estimate first = knee_capacity(&report.knee[0]);

        assert_true(first.low <= 64 && first.high >= 64);
        if (report.count == 1) {
            assert_true(first.high >= 88);
        } else {
            assert_true(knee_capacity(&report.knee[1]).value == 88);
        }
    }
}

static void test_knee_refuses_a_cache_conflict_by_its_control(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct knee_report report;

        investigate(conflict_at_9, 1024, seed, &report);
        assert_int_equal(report.count, 2);
        assert_int_equal(report.knee[0].below, 8);
        apply_control(&report, conflict_alone, seed);
        assert_false(report.knee[0].verdict.decided);
        assert_non_null(strstr(report.knee[0].verdict.reason, "control"));
        /* And keeps the true one, over whose sizes the control is flat. */
        assert_true(report.knee[1].verdict.decided);
        assert_true(knee_capacity(&report.knee[1]).value == 72);
    }
}

static void test_knee_keeps_a_step_under_a_flat_control(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct knee_report report;

        investigate(step_of_72, 1024, seed, &report);
        apply_control(&report, flat, seed);
        assert_int_equal(count_decided(&report), 1);
        struct estimate capacity = knee_capacity(&report.knee[0]);

        assert_true(capacity.low == 72 && capacity.value == 72 && capacity.high == 72);
    }
}

static void test_knee_refuses_without_a_control_that_reaches_it(void **state)
{
    struct knee_report report;
    struct lab lab;

    (void)state;
    investigate(step_of_72, 1024, 4, &report);
    set_up(&lab, 4);
    measure_grid(&lab, flat, 60);
    knee_apply_control(&report, lab.point, lab.count);
    assert_int_equal(count_decided(&report), 0);
    assert_non_null(strstr(report.knee[0].verdict.reason, "both sides"));
    investigate(step_of_72, 1024, 4, &report);
    knee_apply_control(&report, NULL, 0);
    assert_int_equal(count_decided(&report), 0);
}

static void test_knee_refuses_a_bump(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct knee_report report;

        investigate(bump_then_72, 1024, seed, &report);
        assert_true(report.verdict.decided);
        assert_int_equal(report.count, 2);
        assert_false(report.knee[0].verdict.decided);
        assert_non_null(strstr(report.knee[0].verdict.reason, "falls again"));
        assert_true(report.knee[1].verdict.decided);
        assert_true(knee_capacity(&report.knee[1]).value == 72);
    }
}

static void test_knee_takes_no_fall_for_a_capacity(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct knee_report report;

        investigate(fall, 1024, seed, &report);
        assert_int_equal(count_decided(&report), 0);
    }
}

static void test_knee_refuses_more_steps_than_it_can_hold(void **state)
{
    struct knee_report report;

    (void)state;
    investigate(five_steps, 8192, 4, &report);
    assert_false(report.verdict.decided);
    assert_non_null(strstr(report.verdict.reason, "more than"));
}

static void test_knee_refuses_too_few_sizes(void **state)
{
    struct knee_options options = knee_default_options();
    struct knee_point point[5] = {{1, 4, 0, 0}, {2, 4, 0, 0}, {4, 4, 0, 0}, {8, 9, 0, 0}};
    struct knee_report report;

    (void)state;
    knee_find(point, 4, &options, &report);
    assert_false(report.verdict.decided);
}

static void test_knee_insert_keeps_order_and_the_lower_cost(void **state)
{
    struct knee_point point[3];
    size_t count = 0;

    (void)state;
    assert_true(knee_insert_point(point, &count, 3, (struct knee_point){8, 5, 0, 0}));
    assert_true(knee_insert_point(point, &count, 3, (struct knee_point){2, 4, 0, 0}));
    assert_true(knee_insert_point(point, &count, 3, (struct knee_point){4, 6, 0, 0}));
    assert_true(knee_insert_point(point, &count, 3, (struct knee_point){4, 4.5, 0, 0}));
    assert_true(knee_insert_point(point, &count, 3, (struct knee_point){4, 7, 0, 0}));
    assert_false(knee_insert_point(point, &count, 3, (struct knee_point){16, 7, 0, 0}));
    assert_int_equal(count, 3);
    assert_int_equal(point[0].size, 2);
    assert_int_equal(point[1].size, 4);
    assert_int_equal(point[2].size, 8);
    assert_true(point[1].cost == 4.5);
    assert_int_equal(point[1].taken, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_knee_finds_nothing_in_a_flat_series),
        cmocka_unit_test(test_knee_claims_nothing_of_a_ramp),
        cmocka_unit_test(test_knee_tells_two_close_ones_or_covers_both),
        cmocka_unit_test(test_knee_refuses_a_cache_conflict_by_its_control),
        cmocka_unit_test(test_knee_keeps_a_step_under_a_flat_control),
        cmocka_unit_test(test_knee_refuses_without_a_control_that_reaches_it),
        cmocka_unit_test(test_knee_refuses_a_bump),
        cmocka_unit_test(test_knee_takes_no_fall_for_a_capacity),
        cmocka_unit_test(test_knee_refuses_more_steps_than_it_can_hold),
        cmocka_unit_test(test_knee_refuses_too_few_sizes),
        cmocka_unit_test(test_knee_insert_keeps_order_and_the_lower_cost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
