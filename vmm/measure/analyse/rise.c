/* Slopes of the lower envelope of a series; see rise.h. */
#include "measure/analyse/rise.h"

#include <assert.h>
#include <math.h>

#include "measure/analyse/windows.h"

#define POINTS_MIN   8
#define HALF_WINDOW  0.25 /* octaves: the slope is taken over twice that */
#define BEGIN_SHARE  0.5  /* of the greatest slope of all */
#define LEAVE_SHARE  0.03 /* of the height */
#define LEAVE_ERRORS 3
#define LEAVE_MARGIN 0.98
#define NEAR_HALF    1.03
#define NEAR_END     1.06

struct envelope {
    size_t count;
    double log_size[KNEE_POINTS_MAX];
    double cost[KNEE_POINTS_MAX];
    double slope[KNEE_POINTS_MAX];
};

static double interpolate(const struct envelope *envelope, double log_size)
{
    size_t i = 1;

    if (log_size <= envelope->log_size[0]) {
        return envelope->cost[0];
    }
    while (i < envelope->count && envelope->log_size[i] < log_size) {
        i++;
    }
    if (i == envelope->count) {
        return envelope->cost[i - 1];
    }
    double share = (log_size - envelope->log_size[i - 1]) /
                   (envelope->log_size[i] - envelope->log_size[i - 1]);
    return envelope->cost[i - 1] + share * (envelope->cost[i] - envelope->cost[i - 1]);
}

/* Where the cost first reaches a limit above its first; the envelope never falls. */
static double find_size(const struct envelope *envelope, double limit)
{
    size_t i = 1;

    while (i + 1 < envelope->count && envelope->cost[i] < limit) {
        i++;
    }
    double step = envelope->cost[i] - envelope->cost[i - 1];
    double share = step > 0 ? (limit - envelope->cost[i - 1]) / step : 1;
    share = fmin(fmax(share, 0), 1);
    return exp2(
        envelope->log_size[i - 1] +
        share * (envelope->log_size[i] - envelope->log_size[i - 1]));
}

static void
make_envelope(const struct knee_point *points, size_t count, struct envelope *envelope)
{
    double least = INFINITY;

    envelope->count = count;
    for (size_t i = count; i-- > 0;) {
        least = fmin(least, points[i].cost);
        envelope->cost[i] = least;
        envelope->log_size[i] = log2((double)points[i].size);
    }
    for (size_t i = 0; i < count; i++) {
        double at = envelope->log_size[i];
        envelope->slope[i] =
            interpolate(envelope, at + HALF_WINDOW) - interpolate(envelope, at - HALF_WINDOW);
    }
}

/* First and last point of the first great slope; false when the series ends in it. */
static bool find_slope(const struct envelope *envelope, double end, size_t *first, size_t *last)
{
    double most = 0;
    size_t at = 0;

    for (size_t i = 0; i < envelope->count; i++) {
        most = fmax(most, envelope->slope[i]);
    }
    while (envelope->slope[at] < BEGIN_SHARE * most) {
        at++;
    }
    double own = envelope->slope[at];
    *first = *last = at;
    while (*last < envelope->count && envelope->slope[*last] >= end * own) {
        own = fmax(own, envelope->slope[*last]);
        (*last)++;
    }
    while (*first > 0 && envelope->slope[*first] >= end * own) {
        (*first)--;
    }
    return *last < envelope->count &&
           envelope->log_size[*last] + HALF_WINDOW <= envelope->log_size[envelope->count - 1];
}

void rise_find(
    const struct knee_point *points,
    size_t count,
    double rise_min,
    double end,
    struct rise *rise)
{
    struct envelope envelope;
    size_t first;
    size_t last;

    *rise = (struct rise){0};
    assert(count <= KNEE_POINTS_MAX);
    if (count < POINTS_MIN) {
        verdict_refuse(&rise->verdict, "%zu sizes are too few to see a rise", count);
        return;
    }
    make_envelope(points, count, &envelope);
    bool ends = find_slope(&envelope, end, &first, &last);
    double below = envelope.cost[first];
    double above = envelope.cost[ends ? last : count - 1];
    double height = above - below;

    if (height < rise_min * below) {
        verdict_refuse(
            &rise->verdict, "no rise up to size %llu",
            (unsigned long long)points[count - 1].size);
        return;
    }
    double leave = fmax(LEAVE_SHARE * height, LEAVE_ERRORS * points[first].noise);
    rise->cost_below = below;
    rise->cost_above = above;
    rise->half = find_size(&envelope, below + height / 2);
    rise->ninety = find_size(&envelope, below + 0.9 * height);
    rise->leaving = fmin(LEAVE_MARGIN * find_size(&envelope, below + leave), rise->half);
    if (ends) {
        verdict_decide(&rise->verdict, "%s", "");
    } else {
        verdict_refuse(
            &rise->verdict, "still rising at size %llu, the largest measured",
            (unsigned long long)points[count - 1].size);
    }
}

/* The middle of the gap that holds `at`, if it is wider than `near`. */
static bool
split_gap(const struct knee_point *points, size_t count, double at, double near, uint64_t *size)
{
    for (size_t i = 1; i < count; i++) {
        double low = (double)points[i - 1].size;
        double high = (double)points[i].size;
        if (low <= at && at <= high && high > low * near && high - low >= 2) {
            *size = (uint64_t)sqrt(low * high);
            return *size > points[i - 1].size;
        }
    }
    return false;
}

bool rise_next_size(
    const struct rise *rise, const struct knee_point *points, size_t count, uint64_t *size)
{
    return rise->half > 0 && (split_gap(points, count, rise->half, NEAR_HALF, size) ||
                              split_gap(points, count, rise->leaving, NEAR_END, size) ||
                              split_gap(points, count, rise->ninety, NEAR_END, size));
}

struct estimate rise_capacity(const struct rise *rise)
{
    return (struct estimate){sqrt(rise->leaving * rise->ninety), rise->leaving, rise->ninety};
}

struct estimate rise_height(const struct rise *rise, double noise)
{
    double value = rise->cost_above - rise->cost_below;
    double reach = WINDOWS_Z95 * noise * hypot(rise->cost_above, rise->cost_below);

    return (struct estimate){value, value - reach, value + reach};
}
