/*
 * The last level of made-up translation buffers, found from noisy staircases as one soft rise: the
 * true number of entries must lie in the stated band, or the answer be "undecided".  The truth comes
 * from tlb_model.c.  Read test_analyse_knee.c for the sharp steps of the first level.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure/analyse/rise.h"
#include "tlb_model.h"

#define REFINEMENTS 24
#define BEGIN       160 /* well behind the first level of all cases */

struct tally {
    size_t cases, right, undecided, wrong;
};

struct series {
    struct knee_point point[KNEE_POINTS_MAX];
    size_t count;
};

static void measure(struct tlb_model *model, uint64_t size, struct series *series)
{
    struct knee_point point = {.size = size, .cost = tlb_measure_pages(model, size, 1)};

    assert_true(knee_insert_point(series->point, &series->count, KNEE_POINTS_MAX, point));
}

/* Six sizes an octave, then what the analysis wishes. */
static void run_experiment(struct tlb_model *model, uint64_t most, struct rise *rise)
{
    struct series series = {.count = 0};
    uint64_t size = 0;

    for (uint64_t next = BEGIN; next <= most; next += next / 8) {
        measure(model, next, &series);
    }
    rise_find(series.point, series.count, 0.3, RISE_END, rise);
    for (size_t i = 0; i < REFINEMENTS; i++) {
        if (!rise_next_size(rise, series.point, series.count, &size)) {
            break;
        }
        measure(model, size, &series);
        rise_find(series.point, series.count, 0.3, RISE_END, rise);
    }
}

static void judge(const struct rise *rise, uint64_t truth, struct tally *tally)
{
    struct estimate band = rise_capacity(rise);
    double entries = (double)truth;

    tally->cases++;
    if (!rise->verdict.decided) {
        tally->undecided++;
        print_message("undecided: %.0f entries: %s\n", entries, rise->verdict.reason);
    } else if (band.low <= entries && entries <= band.high && band.high < 3 * entries) {
        tally->right++;
    } else {
        tally->wrong++;
        print_message(
            "WRONG: %.0f entries, found %.0f (%.0f to %.0f)\n", entries, band.value, band.low,
            band.high);
    }
}

static void test_rise_band_holds_the_entries_of_the_second_level(void **state)
{
    static const struct {
        unsigned ways, index_bits, fold;
    } shape[] = {{8, 6, 0}, {12, 6, 0}, {12, 7, 7}, {16, 6, 0}, {4, 8, 0}, {8, 7, 0}};
    struct tlb_shape first = tlb_make_shape(64, 0, 0, TLB_LRU);
    struct tally tally = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(shape) / sizeof(shape[0]); i++) {
        for (int replacement = TLB_LRU; replacement <= (int)TLB_RANDOM; replacement++) {
            for (unsigned grade = 0; grade < 4; grade++) {
                struct tlb_shape second = tlb_make_shape(
                    shape[i].ways, shape[i].index_bits, shape[i].fold,
                    (enum tlb_replacement)replacement);
                struct tlb_model model;
                struct rise rise;

                assert_true(tlb_create(&model, &first, &second, 31 + tally.cases));
                model.noise = tlb_make_noise(grade);
                run_experiment(&model, 6 * tlb_count_entries(&second), &rise);
                judge(&rise, tlb_count_entries(&second), &tally);
                tlb_destroy(&model);
            }
        }
    }
    print_message(
        "%zu cases, %zu right, %zu undecided, %zu wrong\n", tally.cases, tally.right,
        tally.undecided, tally.wrong);
    assert_int_equal(tally.wrong, 0);
    assert_true(tally.right * 100 >= tally.cases * 98);
}

static void make_series(struct series *series, double (*cost)(double size))
{
    *series = (struct series){.count = 0};
    for (uint64_t size = 100; size < 20000; size += size / 8) {
        struct knee_point point = {.size = size, .cost = cost((double)size)};
        assert_true(knee_insert_point(series->point, &series->count, KNEE_POINTS_MAX, point));
    }
}

static double flat(double size)
{
    return size < 5000 ? 11 : 12;
}

static double endless(double size)
{
    return size < 5000 ? 11 : 11 + (size - 5000) / 500;
}

static double one_bad_point(double size)
{
    return size > 700 && size < 780 ? 40 : size < 3000 ? 11 : size < 3600 ? 25 : 45;
}

static void test_rise_refuses_what_is_none(void **state)
{
    struct series series;
    struct rise rise;

    (void)state;
    make_series(&series, flat);
    rise_find(series.point, series.count, 0.3, RISE_END, &rise);
    assert_false(rise.verdict.decided);
    make_series(&series, endless);
    rise_find(series.point, series.count, 0.3, RISE_END, &rise);
    assert_false(rise.verdict.decided);
    rise_find(series.point, 7, 0.3, RISE_END, &rise);
    assert_false(rise.verdict.decided);
}

/* What a later size undercuts was a disturbance. */
static void test_rise_overlooks_a_disturbed_size(void **state)
{
    struct series series;
    struct rise rise;

    (void)state;
    make_series(&series, one_bad_point);
    rise_find(series.point, series.count, 0.3, RISE_END, &rise);
    assert_true(rise.verdict.decided);
    assert_true(rise.leaving > 2500 && rise.ninety < 4500);
    assert_true(rise.cost_below == 11 && rise.cost_above == 45);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rise_band_holds_the_entries_of_the_second_level),
        cmocka_unit_test(test_rise_refuses_what_is_none),
        cmocka_unit_test(test_rise_overlooks_a_disturbed_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
