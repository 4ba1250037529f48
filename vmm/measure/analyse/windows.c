/*
 * Quantiles, their intervals, paired comparison and bootstrap, over arrays that the caller lends.
 * Sorting is a heap sort: no recursion, no allocation, no worst case.  Read windows.h for the
 * formulas.
 */
#include "measure/analyse/windows.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static void sift_down(double *values, size_t root, size_t count)
{
    double moving = values[root];

    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count && values[child + 1] > values[child]) {
            child++;
        }
        if (values[child] <= moving) {
            break;
        }
        values[root] = values[child];
        root = child;
    }
    values[root] = moving;
}

void windows_sort(double *values, size_t count)
{
    for (size_t i = count / 2; i-- > 0;) {
        sift_down(values, i, count);
    }
    for (size_t end = count; end-- > 1;) {
        double greatest = values[0];

        values[0] = values[end];
        values[end] = greatest;
        sift_down(values, 0, end);
    }
}

/* The 0-based index of a 1-based rank that may lie outside the sample. */
static size_t clamp_rank(double rank, size_t count)
{
    if (rank < 1) {
        return 0;
    }
    return rank > (double)count ? count - 1 : (size_t)rank - 1;
}

double windows_quantile(const double *sorted, size_t count, double q)
{
    assert(count >= 1 && q >= 0 && q <= 1);
    /* The small amount keeps 0.05 * 200 from becoming rank 11 by rounding. */
    return sorted[clamp_rank(ceil(q * (double)count - 1e-9), count)];
}

struct estimate windows_quantile_interval(const double *sorted, size_t count, double q)
{
    double n = (double)count;
    double reach = WINDOWS_Z95 * sqrt(n * q * (1 - q));

    return (struct estimate){
        .value = windows_quantile(sorted, count, q),
        .low = sorted[clamp_rank(floor(n * q - reach), count)],
        .high = sorted[clamp_rank(ceil(n * q + reach), count)],
    };
}

static double find_step(const double *sorted, size_t count)
{
    double step = INFINITY;

    for (size_t i = 1; i < count; i++) {
        if (sorted[i] > sorted[i - 1]) {
            step = fmin(step, sorted[i] - sorted[i - 1]);
        }
    }
    return isinf(step) ? 0 : step;
}

struct estimate windows_stepped_interval(const double *sorted, size_t count, double q)
{
    struct estimate interval = windows_quantile_interval(sorted, count, q);
    double step = find_step(sorted, count);

    interval.low -= step;
    interval.high += step;
    return interval;
}

struct estimate windows_midmean_interval(const double *sorted, size_t count)
{
    size_t cut = count / 4;
    double n = (double)count;
    double mean = 0;
    double winsorized = 0;
    double squares = 0;

    assert(count >= 1);
    for (size_t i = cut; i < count - cut; i++) {
        mean += sorted[i] / (double)(count - 2 * cut);
    }
    if (count < 4) {
        return (struct estimate){mean, sorted[0], sorted[count - 1]};
    }
    for (size_t i = 0; i < count; i++) {
        winsorized += fmin(fmax(sorted[i], sorted[cut]), sorted[count - 1 - cut]) / n;
    }
    for (size_t i = 0; i < count; i++) {
        double value = fmin(fmax(sorted[i], sorted[cut]), sorted[count - 1 - cut]);
        squares += (value - winsorized) * (value - winsorized);
    }
    double reach = WINDOWS_Z95 * 2 * sqrt(squares / (n - 1) / n);
    return (struct estimate){mean, mean - reach, mean + reach};
}

struct estimate windows_subtract(const struct estimate *a, const struct estimate *b)
{
    double value = a->value - b->value;

    return (struct estimate){
        value, value - hypot(a->value - a->low, b->high - b->value),
        value + hypot(a->high - a->value, b->value - b->low)};
}

struct estimate windows_count_interval(uint64_t more, uint64_t less, double events)
{
    double difference = (double)more - (double)less;
    double error = WINDOWS_Z95 * sqrt(fmax((double)more + (double)less, 1));

    return (struct estimate){
        difference / events, (difference - error) / events, (difference + error) / events};
}

/* Of an ascending array: where the values beyond limit begin. */
static size_t count_up_to(const double *sorted, size_t count, double limit)
{
    size_t i = 0;

    while (i < count && sorted[i] <= limit) {
        i++;
    }
    return i;
}

struct windows_summary windows_summarise(const double *windows, size_t count, double *scratch)
{
    assert(count >= 1);
    memcpy(scratch, windows, count * sizeof(*windows));
    windows_sort(scratch, count);

    struct estimate p5 = windows_quantile_interval(scratch, count, 0.05);
    size_t calm = count_up_to(scratch, count, WINDOWS_DISTURBED * scratch[0]);

    return (struct windows_summary){
        .count = count,
        .min = scratch[0],
        .p5 = p5.value,
        .median = windows_quantile(scratch, count, 0.5),
        .p90 = windows_quantile(scratch, count, 0.9),
        .p99 = windows_quantile(scratch, count, 0.99),
        .max = scratch[count - 1],
        .disturbed_share = (double)(count - calm) / (double)count,
        .repeat = p5.value > WINDOWS_REPEAT * scratch[0],
        .low = {.value = p5.value, .low = scratch[0], .high = p5.high},
    };
}

double windows_error(const struct windows_summary *summary)
{
    return (summary->low.high - summary->low.low) / (2 * WINDOWS_Z95);
}

struct windows_paired
windows_compare_pairs(const double *first, const double *second, size_t count, double *scratch)
{
    struct windows_paired paired = {.order = WINDOWS_SAME};
    size_t defined = 0;

    for (size_t i = 0; i < count; i++) {
        if (second[i] > 0) {
            scratch[defined++] = first[i] / second[i];
        }
    }
    if (defined > 0) {
        windows_sort(scratch, defined);
        paired.ratio = windows_quantile(scratch, defined, 0.5);
    }
    for (size_t i = 0; i < count; i++) {
        scratch[i] = first[i] - second[i];
    }
    if (count == 0) {
        return paired;
    }
    windows_sort(scratch, count);
    paired.difference = windows_quantile_interval(scratch, count, 0.5);
    if (count >= 6 && paired.difference.high < 0) {
        paired.order = WINDOWS_LESS;
    } else if (count >= 6 && paired.difference.low > 0) {
        paired.order = WINDOWS_MORE;
    }
    return paired;
}

/* xorshift64*: resamples must repeat from run to run. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static double middle(double *values, size_t count)
{
    windows_sort(values, count);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

struct estimate
windows_combine_repeats(const double *repeats, size_t count, uint64_t seed, double *scratch)
{
    double *medians = scratch;
    double *sample = scratch + WINDOWS_RESAMPLES;
    uint64_t random = seed * 2 + 1; /* never 0, where the generator stands still */

    assert(count >= 1);
    memcpy(sample, repeats, count * sizeof(*sample));
    double median = middle(sample, count);
    if (count < 6) {
        return (struct estimate){median, sample[0], sample[count - 1]};
    }
    for (size_t i = 0; i < WINDOWS_RESAMPLES; i++) {
        for (size_t j = 0; j < count; j++) {
            sample[j] = repeats[(next_random(&random) >> 33) % count];
        }
        medians[i] = middle(sample, count);
    }
    windows_sort(medians, WINDOWS_RESAMPLES);
    return (struct estimate){
        .value = median,
        .low = windows_quantile(medians, WINDOWS_RESAMPLES, 0.025),
        .high = windows_quantile(medians, WINDOWS_RESAMPLES, 0.975),
    };
}
