/*
 * A log-linear histogram of nanoseconds: each power of two is cut into 32 buckets of equal
 * width, so that the relative error is bounded at every scale and the memory is constant (7
 * KiB).  It refuses to know what was timed, and keeps no sample.  Read histogram.c for the way
 * back from a bucket.
 */
#ifndef TRACE_HISTOGRAM_H
#define TRACE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 5
#define HISTOGRAM_SUB      (1u << HISTOGRAM_SUB_BITS)
/* Widths 2^0 (for 0 to 63) to 2^26 (for 2^31 to 2^32 - 1); the first width has twice 32
 * buckets. */
#define HISTOGRAM_BUCKETS ((32 - HISTOGRAM_SUB_BITS + 1) * HISTOGRAM_SUB)

/* Zero it to start. */
struct histogram {
    uint64_t count[HISTOGRAM_BUCKETS];
};

/* The bucket of a value; ascending with it.  No branch: below 32 the `|` makes the width 1. */
static inline unsigned histogram_bucket(uint32_t ns)
{
    unsigned shift = 31u - HISTOGRAM_SUB_BITS - (unsigned)__builtin_clz(ns | HISTOGRAM_SUB);

    return (shift << HISTOGRAM_SUB_BITS) + (ns >> shift);
}

static inline void histogram_add(struct histogram *histogram, uint32_t ns)
{
    histogram->count[histogram_bucket(ns)]++;
}

/* Samples in all. */
uint64_t histogram_total(const struct histogram *histogram);

/*
 * The quantile by nearest rank: the ceil(n * per_mille / 1000)-th smallest of n samples (the
 * first for 0).  per_mille: 0 to 1000.  Returns the middle of that sample's bucket: exact below
 * 64 ns, and elsewhere off by at most 1/64 of the sample, so within the 1/32 that the format
 * promises. Returns 0 when there is no sample.
 */
uint32_t histogram_quantile(const struct histogram *histogram, unsigned per_mille);

#endif
