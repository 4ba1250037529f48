/* Keeps and reads curves of counts; see counter_curve.h. */
#include "measure/counter_curve.h"

#include <math.h>
#include <string.h>

static struct counter_point
point_of(uint64_t size, enum counter_set set, const double count[COUNTER_KINDS])
{
    bool data = set == COUNTER_SET_DATA;

    return (struct counter_point){
        .size = size,
        .misses = count[data ? COUNTER_DATA_MISSES : COUNTER_CODE_MISSES],
        .walks = count[data ? COUNTER_DATA_WALKS : COUNTER_CODE_WALKS],
        .cycles = data ? count[COUNTER_DATA_WALK_CYCLES] : NAN};
}

/* By the misses where there are any counted, else by the walks. */
static double rank(const struct counter_point *point)
{
    return isnan(point->misses) ? point->walks : point->misses;
}

void counter_curve_add(
    struct counter_curve *curve,
    uint64_t size,
    enum counter_set set,
    const double count[COUNTER_KINDS])
{
    struct counter_point point = point_of(size, set, count);
    size_t at = 0;

    if (isnan(point.misses) && isnan(point.walks)) {
        return;
    }
    while (at < curve->count && curve->point[at].size < size) {
        at++;
    }
    if (at < curve->count && curve->point[at].size == size) {
        if (!(rank(&point) >= rank(&curve->point[at]))) {
            curve->point[at] = point;
        }
        return;
    }
    if (curve->count == COUNTER_CURVE_MAX) {
        return;
    }
    memmove(
        &curve->point[at + 1], &curve->point[at],
        (curve->count - at) * sizeof(curve->point[0]));
    curve->point[at] = point;
    curve->count++;
}

const struct counter_point *
counter_curve_below(const struct counter_curve *curve, uint64_t size)
{
    const struct counter_point *found = NULL;

    for (size_t i = 0; i < curve->count && curve->point[i].size <= size; i++) {
        found = &curve->point[i];
    }
    return found;
}

const struct counter_point *
counter_curve_above(const struct counter_curve *curve, uint64_t size)
{
    for (size_t i = 0; i < curve->count; i++) {
        if (curve->point[i].size >= size) {
            return &curve->point[i];
        }
    }
    return NULL;
}

/* The first point whose count is at least `share`, or count: none is. */
static size_t first_above(const struct counter_curve *curve, unsigned level, double share)
{
    size_t i = 0;

    for (; i < curve->count; i++) {
        const struct counter_point *point = &curve->point[i];
        if ((level == 1 ? point->misses : point->walks) >= share) {
            break;
        }
    }
    return i;
}

bool counter_curve_capacity(
    const struct counter_curve *curve, unsigned level, struct estimate *entries)
{
    size_t none = first_above(curve, level, COUNTER_NONE);
    size_t half = first_above(curve, level, COUNTER_HALF);
    size_t all = first_above(curve, level, COUNTER_ALL);

    if (none == 0 || all == curve->count) {
        return false;
    }
    *entries = (struct estimate){
        .value = (double)curve->point[half - 1].size,
        .low = (double)curve->point[none - 1].size,
        .high = (double)(curve->point[all].size - 1)};
    return true;
}

bool counter_curve_walk(const struct counter_curve *curve, struct estimate *cycles)
{
    struct estimate found = {0, INFINITY, 0};
    double count = 0;

    for (size_t i = 0; i < curve->count; i++) {
        const struct counter_point *point = &curve->point[i];
        if (point->walks >= COUNTER_ALL && !isnan(point->cycles)) {
            double each = point->cycles / point->walks;
            found.value += each;
            found.low = fmin(found.low, each);
            found.high = fmax(found.high, each);
            count++;
        }
    }
    if (count == 0) {
        return false;
    }
    found.value /= count;
    *cycles = found;
    return true;
}
