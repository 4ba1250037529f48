/*
 * Which pieces of the fit are plateaus, and which are merely stages of a rise.  Only the first may
 * be short.  Read plateau.h for the rules and segment.h for the fit.
 */
#include "measure/analyse/plateau.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "measure/analyse/windows.h"

#define PEAK_SIGMAS    6.0
#define PEAK_SHARE     0.03
#define TREND_OF_RISE  0.6
#define SLOPE_OF_RISE  0.3
#define LANDING_EXTENT 2.0
#define LANDING_STEP   (1.0 / 3)

/* Stands out from the neighbours that it has. */
static bool stands_out(const struct knee_point *points, size_t count, size_t i, double noise)
{
    double limit = 1 + fmax(PEAK_SIGMAS * noise, PEAK_SHARE);

    return (i == 0 || points[i].cost > limit * points[i - 1].cost) &&
           (i + 1 == count || points[i].cost > limit * points[i + 1].cost);
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
        bool suspect = stands_out(points, count, i, series->noise);
        /* The last one may be the first of a rise: it is asked for again, but not bridged. */
        bool peak = suspect && i + 1 < count;

        series->size[i] = points[i].size;
        series->cost[i] = peak ? bridge(points, i) : points[i].cost;
        series->taken[i] = points[i].taken > 0 ? points[i].taken : 1;
        series->sigma[i] = fmax(points[i].noise, series->noise * fabs(series->cost[i]));
        series->sigma[i] = fmax(series->sigma[i], 1e-9);
        if (suspect && points[i].taken < KNEE_TAKEN_ENOUGH && series->suspect_size == 0) {
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

/* The slope of a straight line through the points: cost over the logarithm of the size. */
static double find_slope(const struct plateau_series *series, size_t first, size_t last)
{
    double n = (double)(last - first + 1);
    double x = 0;
    double y = 0;
    double xx = 0;
    double xy = 0;

    for (size_t i = first; i <= last; i++) {
        double size = log((double)series->size[i] / (double)series->size[first]);

        x += size;
        y += series->cost[i];
        xx += size * size;
        xy += size * series->cost[i];
    }
    double spread = n * xx - x * x;

    return spread > 0 ? (n * xy - x * y) / spread : 0;
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

/* The mean slope of the rise that leads from plateau `lower` to `plateau`. */
static double slope_of_rise(
    const struct plateau_series *series,
    const struct plateau *lower,
    const struct plateau *plateau)
{
    double extent =
        log((double)series->size[plateau->first] / (double)series->size[lower->last]);

    return fabs(plateau->level - lower->level) / extent;
}

/* lower: the plateau before it; NULL for the first. */
static bool is_level_enough(
    const struct plateau_series *series,
    const struct plateau *lower,
    const struct plateau *plateau,
    const struct knee_options *options)
{
    size_t points = plateau->last - plateau->first + 1;
    double extent = (double)series->size[plateau->last] / (double)series->size[plateau->first];
    double slope = fabs(find_slope(series, plateau->first, plateau->last));

    if (points < (lower == NULL ? options->first_points_min : options->plateau_points_min)) {
        return false;
    }
    if (lower == NULL) {
        return slope * log(extent) <= TREND_OF_RISE * options->rise_min * plateau->level;
    }
    return extent >= options->plateau_span_min &&
           slope <= SLOPE_OF_RISE * slope_of_rise(series, lower, plateau);
}

static const struct plateau *next_plateau(const struct plateau_list *list, size_t k)
{
    for (size_t next = k + 1; next < list->count; next++) {
        if (list->plateau[next].level_enough) {
            return &list->plateau[next];
        }
    }
    return NULL;
}

/* A slow rise may rest for a moment where the fit cuts it. */
static void drop_landings(const struct plateau_series *series, struct plateau_list *list)
{
    const struct plateau *lower = &list->plateau[0];

    for (size_t k = 1; k < list->count; k++) {
        struct plateau *plateau = &list->plateau[k];
        const struct plateau *upper = next_plateau(list, k);

        if (!plateau->level_enough) {
            continue;
        }
        double extent =
            (double)series->size[plateau->last] / (double)series->size[plateau->first];

        if (upper != NULL && extent < LANDING_EXTENT && upper->level > plateau->level &&
            upper->level - plateau->level < LANDING_STEP * (plateau->level - lower->level)) {
            plateau->level_enough = false;
        } else {
            lower = plateau;
        }
    }
}

void plateau_find(
    const struct plateau_series *series,
    const struct segment_fit *fit,
    const struct knee_options *options,
    struct plateau_list *list)
{
    join_pieces(series, fit, options->rise_min, list);
    const struct plateau *lower = NULL;

    for (size_t k = 0; k < list->count; k++) {
        struct plateau *plateau = &list->plateau[k];

        plateau->level_enough = is_level_enough(series, lower, plateau, options);
        if (plateau->level_enough || k == 0) {
            lower = plateau;
        }
    }
    drop_landings(series, list);
}
