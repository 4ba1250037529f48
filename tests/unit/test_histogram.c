/*
 * The histogram against sorted samples: the oracle for a quantile is the nearest-rank element
 * of the sorted array, so nothing of the bucket layout is assumed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "trace/histogram.h"

#define SAMPLES 100000

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

static uint32_t exact_quantile(const uint32_t *sorted, uint64_t count, unsigned per_mille)
{
    uint64_t rank = (count * per_mille + 999) / 1000;

    return sorted[rank > 0 ? rank - 1 : 0];
}

/* A fixed generator (xorshift64*), so that a failure repeats. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static void assert_within_one_32nd(uint32_t got, uint32_t exact)
{
    uint64_t difference = got > exact ? got - exact : exact - got;

    if (difference * 32 > exact) {
        fail_msg("quantile %u, exactly %u", got, exact);
    }
}

static void check_quantiles(uint32_t *samples, uint64_t count)
{
    static const unsigned per_mille[] = {0, 1, 10, 250, 500, 750, 900, 990, 999, 1000};
    struct histogram *histogram = calloc(1, sizeof(*histogram));

    assert_non_null(histogram);
    for (uint64_t i = 0; i < count; i++) {
        histogram_add(histogram, samples[i]);
    }
    qsort(samples, count, sizeof(*samples), compare);
    assert_int_equal(histogram_total(histogram), count);
    for (size_t i = 0; i < sizeof(per_mille) / sizeof(per_mille[0]); i++) {
        assert_within_one_32nd(
            histogram_quantile(histogram, per_mille[i]),
            exact_quantile(samples, count, per_mille[i]));
    }
    free(histogram);
}

static void test_histogram_quantiles_hold_the_error_on_all_scales(void **state)
{
    uint32_t *samples = calloc(SAMPLES, sizeof(*samples));
    uint64_t seed = 1;

    (void)state;
    assert_non_null(samples);
    /* Log-uniform: every power of two gets its share. */
    for (size_t i = 0; i < SAMPLES; i++) {
        samples[i] = (uint32_t)next_random(&seed) >> (next_random(&seed) % 32);
    }
    check_quantiles(samples, SAMPLES);
    free(samples);
}

static void test_histogram_quantiles_hold_the_error_on_few_samples(void **state)
{
    uint64_t seed = 2;

    (void)state;
    for (uint64_t count = 1; count <= 200; count++) {
        uint32_t samples[200];
        for (uint64_t i = 0; i < count; i++) {
            samples[i] = 500 + (uint32_t)(next_random(&seed) % 5000);
        }
        check_quantiles(samples, count);
    }
}

static void test_histogram_is_exact_below_64(void **state)
{
    struct histogram histogram = {0};

    (void)state;
    for (uint32_t ns = 0; ns < 64; ns++) {
        histogram_add(&histogram, ns);
    }
    for (unsigned per_mille = 0; per_mille <= 1000; per_mille++) {
        uint64_t rank = (UINT64_C(64) * per_mille + 999) / 1000;
        assert_int_equal(histogram_quantile(&histogram, per_mille), rank > 0 ? rank - 1 : 0);
    }
}

static void test_histogram_buckets_ascend_and_end_in_range(void **state)
{
    unsigned previous = 0;

    (void)state;
    assert_int_equal(histogram_bucket(0), 0);
    for (uint64_t ns = 1; ns <= UINT32_MAX; ns += 1 + ns / 500) {
        unsigned bucket = histogram_bucket((uint32_t)ns);
        assert_true(bucket == previous || bucket == previous + 1);
        previous = bucket;
    }
    assert_int_equal(histogram_bucket(UINT32_MAX), HISTOGRAM_BUCKETS - 1);
}

static void test_histogram_without_samples_answers_zero(void **state)
{
    struct histogram histogram = {0};

    (void)state;
    assert_int_equal(histogram_total(&histogram), 0);
    assert_int_equal(histogram_quantile(&histogram, 500), 0);
    assert_int_equal(histogram_quantile(&histogram, 1000), 0);
}

static void test_histogram_median_of_a_constant_is_near_it(void **state)
{
    static const uint32_t values[] = {64, 1000, 123456, 4000000000u, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct histogram histogram = {0};
        histogram_add(&histogram, values[i]);
        assert_within_one_32nd(histogram_quantile(&histogram, 500), values[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histogram_quantiles_hold_the_error_on_all_scales),
        cmocka_unit_test(test_histogram_quantiles_hold_the_error_on_few_samples),
        cmocka_unit_test(test_histogram_is_exact_below_64),
        cmocka_unit_test(test_histogram_buckets_ascend_and_end_in_range),
        cmocka_unit_test(test_histogram_without_samples_answers_zero),
        cmocka_unit_test(test_histogram_median_of_a_constant_is_near_it),
    };
    return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
