/* Compares the two counters and takes the parts' medians; see fault_parts.h. */
#include "measure/fault_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * The guest's counter may run with an offset to the host's.  No fault leaves before it begins or
 * returns after it ends, so every fault bounds the offset (guest less host) from both sides.
 */
static bool find_offset(
    const struct fault_times *times, const uint64_t *stamps, double *offset, double *width)
{
    double low = -INFINITY;
    double high = INFINITY;

    for (size_t i = 0; i < times->count; i++) {
        low = fmax(low, (double)(int64_t)(stamps[2 * i] - times->exit[i]));
        high = fmin(high, (double)(int64_t)(stamps[2 * i + 1] - times->entry[i]));
    }
    *offset = low <= 0 && high >= 0 ? 0 : (low + high) / 2;
    *width = *offset == 0 ? 0 : (high - low) / 2;
    return times->count > 0 && low <= high;
}

/* With what is not known of the offset on both sides. */
static struct estimate median_of(double *values, size_t count, double error)
{
    windows_sort(values, count);
    struct estimate median = windows_stepped_interval(values, count, 0.5);

    return (struct estimate){median.value, median.low - error, median.high + error};
}

void fault_parts_report(
    const struct lab *lab,
    const struct fault_times *times,
    const uint64_t *stamps,
    struct result *result)
{
    static const char *const names[3] = {
        "part: delivery and exit", "part: the host's work", "part: re-entry and retry"};
    struct result_figure *figures[3];
    double *parts = calloc(times->count + 1, sizeof(*parts));
    double offset;
    double width;
    bool known = find_offset(times, stamps, &offset, &width);
    struct result_series *series =
        result_add_series(result, SERIES_BREAKDOWN, 1, 3, "parts of a fault");

    for (unsigned p = 0; p < 3; p++) {
        figures[p] = result_add_figure(result, "ns", "%s", names[p]);
        if (!known || parts == NULL) {
            figure_refuse(
                figures[p], SIDE_GUEST, "the counters of guest and host cannot be compared");
            continue;
        }
        for (size_t i = 0; i < times->count; i++) {
            double exit = (double)(int64_t)(times->exit[i] - stamps[2 * i]) + offset;
            double work = (double)(times->entry[i] - times->exit[i]);
            double back = (double)(int64_t)(stamps[2 * i + 1] - times->entry[i]) - offset;
            parts[i] = (p == 0 ? exit : p == 1 ? work : back) / lab->found.ticks_per_ns;
        }
        double error = p == 1 ? 0 : width / lab->found.ticks_per_ns;
        struct estimate median = median_of(parts, times->count, error);
        figure_decide(figures[p], SIDE_GUEST, median);
        if (series != NULL) {
            snprintf(series->curve[0], RESULT_NAME_BYTES, "guest");
            series->x[p] = p;
            series_set(series, 0, p, median.value);
        }
    }
    if (series != NULL) {
        series_name_axes(series, "delivery and exit, host, re-entry and retry", "ns");
    }
    free(parts);
}
