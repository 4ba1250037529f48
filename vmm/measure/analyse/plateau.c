/*
 * Which pieces of the fit are plateaus, and which are merely stages of a rise.  Only the first may
 * be short.  Read plateau.h for the rules and segment.h for the fit.
 */
#include "measure/analyse/plateau.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "measure/analyse/windows.h"

#define PEAK_SIGMAS   6.0
#define PEAK_SHARE    0.03
#define TAKEN_ENOUGH  3
#define TREND_OF_RISE 0.6
#define TREND_OF_STEP 0.25

/* A peak stands out from both neighbours; at either end there is only one to compare with, and
 * a last point may be the first of a rise, so only the first counts. */
static bool is_peak(const struct knee_point *points, size_t count, size_t i, double noise)
{
    double limit = 1 + fmax(PEAK_SIGMAS * noise, PEAK_SHARE);

    if (i + 1 >= count) {
        return false;
    }
    return points[i].cost > limit * points[i + 1].cost &&
           (i == 0 || points[i].cost > limit * points[i - 1].cost);
}

static double bridge(const struct knee_point *points, size_t i)
{
    return i == 0 ? points[1].cost : fmax(points[i - 1].cost, points[i + 1].cost);
}

static double relative_noise(
    const struct knee_point *points, size_t count, const struct knee_options *options)
{
    double logarithm[KNEE_POINTS_MAX];

    for (size_t i = 0; i < count; i++) {
        logarithm[i] = log(fmax(points[i].cost, 1e-9));
    }
    return fmax(segment_noise(logarithm, count), options->noise_floor);
}

void plateau_prepare(
    const struct knee_point *points,
    size_t count,
    const struct knee_options *options,
    struct plateau_series *series)
{
    assert(count >= 1 && count <= KNEE_POINTS_MAX);
    series->count = count;
    series->noise = relative_noise(points, count, options);
    series->suspect_size = 0;
    for (size_t i = 0; i < count; i++) {
        bool peak = is_peak(points, count, i, series->noise);

        series->size[i] = points[i].size;
        series->cost[i] = peak ? bridge(points, i) : points[i].cost;
        series->sigma[i] = fmax(points[i].noise, series->noise * fabs(series->cost[i]));
        series->sigma[i] = fmax(series->sigma[i], 1e-9);
        if (peak && points[i].taken < TAKEN_ENOUGH && series->suspect_size == 0) {
            series->suspect_size = points[i].size;
        }
    }
}

static double median_of(const double *values, size_t first, size_t last)
{
    double sorted[KNEE_POINTS_MAX];

    memcpy(sorted, values + first, (last - first + 1) * sizeof(*values));
    windows_sort(sorted, last - first + 1);
    return windows_quantile(sorted, last - first + 1, 0.5);
}

/* What a straight line through the points gains from the first to the last of them. */
static double trend(const double *values, size_t first, size_t last)
{
    double n = (double)(last - first + 1);
    double middle = (n - 1) / 2;
    double products = 0;

    if (last <= first) {
        return 0;
    }
    for (size_t i = first; i <= last; i++) {
        products += ((double)(i - first) - middle) * values[i];
    }
    return products / (n * (n * n - 1) / 12) * (n - 1);
}

static void join_pieces(
    const struct plateau_series *series,
    const struct segment_fit *fit,
    double rise_min,
    struct plateau_list *list)
{
    double base = 0;

    list->count = 0;
    for (size_t k = 0; k < fit->count; k++) {
        const struct segment *piece = &fit->segment[k];

        if (list->count > 0 && fabs(piece->level - base) < rise_min * base) {
            list->plateau[list->count - 1].last = piece->last;
        } else {
            base = piece->level;
            list->plateau[list->count++] =
                (struct plateau){.first = piece->first, .last = piece->last};
        }
    }
    for (size_t k = 0; k < list->count; k++) {
        struct plateau *plateau = &list->plateau[k];

        plateau->level = median_of(series->cost, plateau->first, plateau->last);
    }
}

static double lesser_step(const struct plateau_list *list, size_t k)
{
    double step = INFINITY;

    if (k > 0) {
        step = fabs(list->plateau[k].level - list->plateau[k - 1].level);
    }
    if (k + 1 < list->count) {
        step = fmin(step, fabs(list->plateau[k + 1].level - list->plateau[k].level));
    }
    return isinf(step) ? 0 : step;
}

static bool is_level_enough(
    const struct plateau_series *series,
    const struct plateau_list *list,
    size_t k,
    const struct knee_options *options)
{
    const struct plateau *plateau = &list->plateau[k];
    size_t points = plateau->last - plateau->first + 1;
    double extent = (double)series->size[plateau->last] / (double)series->size[plateau->first];
    double allowed = fmax(
        TREND_OF_RISE * options->rise_min * plateau->level,
        TREND_OF_STEP * lesser_step(list, k));

    if (points < (k == 0 ? options->first_points_min : options->plateau_points_min)) {
        return false;
    }
    if (k > 0 && extent < options->plateau_span_min) {
        return false;
    }
    return fabs(trend(series->cost, plateau->first, plateau->last)) <= allowed;
}

void plateau_find(
    const struct plateau_series *series,
    const struct segment_fit *fit,
    const struct knee_options *options,
    struct plateau_list *list)
{
    join_pieces(series, fit, options->rise_min, list);
    for (size_t k = 0; k < list->count; k++) {
        list->plateau[k].level_enough = is_level_enough(series, list, k, options);
    }
}
