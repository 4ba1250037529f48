/* Distributions of times; see distribution.h.  Read experiment/fault.c for the use. */
#include "measure/distribution.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define BIN_FIRST   2.0 /* log10 of ns at the histogram's left end */
#define BINS_DECADE 15.0

/* Ticks of a pair of stamps as ns; the floor of a window is not the fault's. */
static double pair_ns(const struct exp_args *args, double ticks_per_ns, const uint64_t *stamps)
{
    double ticks = (double)(stamps[1] - stamps[0]) - (double)args->floor_ticks;

    return (ticks > 0 ? ticks : 0) / ticks_per_ns;
}

bool distribution_make(
    struct distribution *out,
    const struct exp_args *args,
    double ticks_per_ns,
    const uint64_t *stamps,
    size_t count,
    double divisor)
{
    double *scratch = calloc(count, sizeof(*scratch));

    *out = (struct distribution){.ns = calloc(count, sizeof(double)), .count = count};
    if (out->ns == NULL || scratch == NULL) {
        free(scratch);
        distribution_destroy(out);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        out->ns[i] = pair_ns(args, ticks_per_ns, stamps + 2 * i) / divisor;
    }
    out->summary = windows_summarise(out->ns, count, scratch);
    free(scratch);
    return true;
}

void distribution_destroy(struct distribution *distribution)
{
    free(distribution->ns);
    *distribution = (struct distribution){0};
}

void distribution_add_histogram(
    struct result_series *series, size_t curve, const struct distribution *from)
{
    if (series == NULL) {
        return;
    }
    for (size_t i = 0; i < DISTRIBUTION_BINS; i++) {
        series->x[i] = pow(10, BIN_FIRST + (double)i / BINS_DECADE);
        series_set(series, curve, i, 0);
    }
    for (size_t i = 0; i < from->count; i++) {
        double bin = (log10(fmax(from->ns[i], 1)) - BIN_FIRST) * BINS_DECADE;
        size_t at = bin < 0                    ? 0
                    : bin >= DISTRIBUTION_BINS ? DISTRIBUTION_BINS - 1
                                               : (size_t)bin;
        series->y[curve * DISTRIBUTION_BINS + at] += 1;
    }
}
