/*
 * Which bits of an address choose the set of the second-level data TLB: what a conflict set costs
 * when one bit, or two, are flipped on every other page.  Natively only, for entries of the host
 * share a guest's sets.  What the costs mean, measure/analyse/ways.h says.
 */
#ifndef MEASURE_INDEX_BITS_H
#define MEASURE_INDEX_BITS_H

#include "measure/analyse/ways.h"
#include "measure/lab.h"

struct index_bits {
    double fit, plain; /* cycles a page: of a set that fits, of one that does not */
    size_t pages;      /* of each conflict set: half as many again as the ways */
    unsigned bits;     /* toggled: list[0 … bits - 1] are the single ones */
    size_t count;
    struct ways_toggle list[WAYS_BITS_MAX * WAYS_BITS_MAX];
};

/* Toggle every bit below the stride, and pairs of those that turn out to be in the index.
 * stride_log2: above all index bits, in pages; wash: as for conflict_create.  ERR_ENVIRONMENT. */
MUST_CHECK bool index_bits_take(
    struct index_bits *bits,
    struct lab *lab,
    unsigned stride_log2,
    unsigned ways,
    size_t wash,
    struct err *err);

/* A bar for each bit. */
void index_bits_report(const struct index_bits *bits, struct result *result);

/* Address bits by index function, those of one function joined by `^`; cut at bytes - 1. */
void index_bits_name(const struct ways_index *index, char *text, size_t bytes);

#endif
