/*
 * The reading side of the histogram: totals and quantiles.  It runs once, after the run, so it
 * walks all buckets rather than make the adding side keep sums.  Read histogram.h for the
 * layout.
 */
#include "trace/histogram.h"

#include <assert.h>

uint64_t histogram_total(const struct histogram *histogram)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        total += histogram->count[i];
    }
    return total;
}

/* The inverse of histogram_bucket(), to the middle of the bucket (rounded down). */
static uint32_t bucket_middle(unsigned bucket)
{
    if (bucket < 2 * HISTOGRAM_SUB) {
        return bucket;
    }
    unsigned shift = bucket / HISTOGRAM_SUB - 1;
    uint32_t low = (bucket % HISTOGRAM_SUB + HISTOGRAM_SUB) << shift;
    return low + ((1u << shift) - 1) / 2;
}

uint32_t histogram_quantile(const struct histogram *histogram, unsigned per_mille)
{
    assert(per_mille <= 1000);
    uint64_t total = histogram_total(histogram);
    /* Split, because total * 1000 could wrap; the parts add up to the same ceiling. */
    uint64_t rank = total / 1000 * per_mille + (total % 1000 * per_mille + 999) / 1000;
    uint64_t seen = 0;

    if (rank == 0) {
        rank = 1;
    }
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->count[i];
        if (seen >= rank) {
            return bucket_middle(i);
        }
    }
    return 0;
}
