/*
 * Where exactly a step is: the last size on the lower plateau, the first beyond it, and what can
 * be said about a rise that begins too gently to be seen.  Read knee.h for the formulas.
 */
#include "measure/analyse/knee_locate.h"

#include <math.h>

#include "measure/analyse/windows.h"

#define SIGMA_OF_MEDIAN  1.4826
#define THRESHOLD_SIGMAS 4.0
#define THRESHOLD_SHARE  0.02
#define SHARP_THRESHOLDS 3.0
#define SHARP_SHARE      0.06 /* drift between two measurements is not in the noise */

/* The onset is read off the rise between these shares of the height. */
#define RISE_LOW  0.05
#define RISE_HIGH 0.6

#define ONSET_MARGIN 0.01

/* From the upper plateau's middle down: the last point that is not beyond the limit.  The lower
 * plateau's first point is taken to be on it. */
static size_t last_below(
    const struct plateau_series *series,
    const struct plateau *lower,
    const struct plateau *upper,
    double limit)
{
    size_t i = upper->first + (upper->last - upper->first) / 2;

    while (i > lower->first && series->cost[i] > limit) {
        i--;
    }
    return i;
}

/*
 * A line by least squares through the rise, size against cost, from the last point on the plateau
 * to RISE_HIGH; where it meets the lower plateau.  Falls back to `below` with fewer than two
 * points in the rise.
 */
static double
find_onset(const struct plateau_series *series, size_t below, const struct knee *knee)
{
    double height = knee->cost_above - knee->cost_below;
    double n = 0;
    double x = 0;
    double y = 0;
    double xx = 0;
    double xy = 0;

    for (size_t i = below + 1; i < series->count; i++) {
        double share = (series->cost[i] - knee->cost_below) / height;

        if (share > RISE_HIGH) {
            break;
        }
        if (share < RISE_LOW) {
            continue;
        }
        n++;
        x += (double)series->size[i];
        y += share;
        xx += (double)series->size[i] * (double)series->size[i];
        xy += (double)series->size[i] * share;
    }
    double slope = (n * xy - x * y) / (n * xx - x * x);

    if (n < 2 || !(slope > 0)) {
        return (double)knee->below;
    }
    return x / n - y / n / slope;
}

/* A rise that is linear up to half height can stay under the threshold for this long; twice the
 * threshold, for the noise of the point itself. */
static double find_onset_low(
    const struct plateau_series *series,
    size_t below,
    double threshold,
    const struct knee *knee)
{
    double half = (knee->cost_above - knee->cost_below) / 2;
    double unseen = 2 * threshold;
    double reach =
        (double)(knee->half - knee->below) * unseen / fmax(half - unseen, 0.1 * half);
    double previous = (double)(below > 0 ? series->size[below - 1] : series->size[below]);
    double low = fmin((double)knee->below - reach, (1 - ONSET_MARGIN) * (double)knee->below);

    /* Nor is it known to better than the last bracket. */
    return fmin(low, fmax(previous, 0.95 * (double)knee->below));
}

static void decide_kind(double jump, double threshold, double resolution, struct knee *knee)
{
    double height = knee->cost_above - knee->cost_below;
    bool steep = jump >= fmax(SHARP_THRESHOLDS * threshold, SHARP_SHARE * height);
    uint64_t bracket = knee->above - knee->below;

    if (bracket == 1 && steep) {
        knee->kind = KNEE_SHARP;
        verdict_decide(&knee->verdict, "%s", "");
    } else if (bracket > 1 && (steep || (double)bracket > resolution * (double)knee->below)) {
        knee->kind = KNEE_UNRESOLVED;
        verdict_refuse(
            &knee->verdict, "the step lies between sizes %llu and %llu: not yet measured there",
            (unsigned long long)knee->below, (unsigned long long)knee->above);
    } else {
        knee->kind = KNEE_SOFT;
        verdict_decide(&knee->verdict, "the rise is gradual: a band, not a number");
    }
}

/* Noise on the lower plateau: a slow drift shows in its spread, not in neighbouring points. */
static double plateau_noise(const struct plateau_series *series, const struct plateau *lower)
{
    double off[KNEE_POINTS_MAX];
    size_t count = lower->last - lower->first + 1;
    double sigma = series->sigma[lower->first + (count - 1) / 2];

    for (size_t i = 0; i < count; i++) {
        off[i] = fabs(series->cost[lower->first + i] - lower->level);
    }
    windows_sort(off, count);
    return fmax(sigma, SIGMA_OF_MEDIAN * windows_quantile(off, count, 0.5));
}

void knee_locate(
    const struct plateau_series *series,
    const struct plateau *lower,
    const struct plateau *upper,
    double resolution,
    struct knee *knee)
{
    double height = upper->level - lower->level;
    double threshold =
        fmax(THRESHOLD_SIGMAS * plateau_noise(series, lower), THRESHOLD_SHARE * height);
    size_t below = last_below(series, lower, upper, lower->level + threshold);
    size_t half = last_below(series, lower, upper, lower->level + 0.5 * height) + 1;
    size_t ninety = last_below(series, lower, upper, lower->level + 0.9 * height) + 1;

    *knee = (struct knee){
        .below = series->size[below],
        .above = series->size[below + 1],
        .above_taken = series->taken[below + 1],
        .half = series->size[half],
        .ninety = series->size[ninety],
        .cost_below = lower->level,
        .cost_above = upper->level,
        .from = series->size[lower->first + (lower->last - lower->first) / 2],
        .to = series->size[upper->first + (upper->last - upper->first) / 2],
    };
    knee->onset_low = find_onset_low(series, below, threshold, knee);
    knee->onset =
        fmin(fmax(find_onset(series, below, knee), knee->onset_low), (double)knee->half);
    decide_kind(series->cost[below + 1] - lower->level, threshold, resolution, knee);
}
