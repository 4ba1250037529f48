/*
 * The geometry of a set-associative buffer: ways from conflict sets, index bits and XOR pairs
 * from toggled address bits, capacity as sets x ways.  Knows nothing of how the costs were
 * taken; "bit" is a bit of the page number (bit 0 = address bit 12 for 4K pages).  Read knee.h
 * first.
 */
#ifndef ANALYSE_WAYS_H
#define ANALYSE_WAYS_H

#include <stddef.h>
#include <stdint.h>

#include "measure/analyse/knee.h"
#include "measure/analyse/verdict.h"

#define WAYS_STRIDES_MAX 32
#define WAYS_BITS_MAX    32

/* Cost per conflicting page against their number, pages at a stride of 2^stride_log2 pages.
 * Number 1 and up, each measured, well past the expected ways. */
struct ways_curve {
    unsigned stride_log2;
    const struct knee_point *points; /* borrowed */
    size_t count;
};

struct ways_report {
    struct verdict verdict;
    bool fully_associative; /* the stride makes no difference: ways is then the capacity */
    struct estimate ways;   /* exact, but for a fully associative buffer with a soft knee */
    unsigned stride_log2;   /* the least stride known to be above all index bits (log2 pages) */
    struct estimate fits[WAYS_STRIDES_MAX]; /* per curve: pages that fit; 0 when not known */
    bool fits_all[WAYS_STRIDES_MAX];        /* per curve: no step up to its last size */
};

/*
 * Ways = the number of conflicting pages that fit (sharp first knee of the curve, by
 * knee_dense_options()) at the greatest stride; stride_log2 is the least from which on all strides
 * agree on that number, two of them at least.  Formula: for a plain index of 2^b sets, max(ways,
 * ways x 2^(b - s)) pages fit at stride 2^s.  The same number at all strides from 2^0 to
 * 2^WAYS_FULLY_STRIDE or more: fully associative, for with two sets twice as many would fit at
 * stride 1.  Undecided: the greatest stride has no sharp knee, fewer pages fit at a smaller stride
 * (another structure conflicts first), no second stride agrees, or all agree but the strides do not
 * begin at 1.  curves: count of them, at most WAYS_STRIDES_MAX, ascending in stride.
 */
#define WAYS_FULLY_STRIDE 10
void ways_find(const struct ways_curve *curves, size_t count, struct ways_report *report);

/*
 * One toggle: the bits of `mask` (one or two) were flipped on every other page of a conflict
 * set.  fits: pages that fit with the toggle over pages that fit without; 2 when the halves go
 * to two sets, 1 when they stay in one.  error: its standard error, 0 when not known.
 */
struct ways_toggle {
    uint64_t mask;
    double fits_ratio;
    double error;
};

struct ways_index {
    struct verdict verdict;
    uint64_t index_mask; /* bits that take part in the index */
    size_t groups;       /* index functions: bits of one group cancel each other */
    uint64_t group[WAYS_BITS_MAX];
    bool hashed;   /* some group has more than one bit: XOR */
    uint64_t sets; /* 2^groups */
};

/*
 * The fits_ratio without a whole curve: with ways + ceil(ways / 2) pages in a conflict set, too many
 * for one set and few enough for two, cost_plain is that of a page without the toggle,
 * cost_toggled with it, and cost_fit that of a set that fits (`ways` pages).  Formula: 1 + (plain -
 * toggled) / (plain - fit).  0, which ways_find_index() refuses, unless plain > 1.08 x fit.
 */
double ways_ratio_of_costs(double cost_fit, double cost_plain, double cost_toggled);

/*
 * Index bits: those whose single toggle doubles what fits (ratio above 1.5).  Two index bits are
 * in one group when toggling both does not (they feed the same XOR); groups must be equivalence
 * classes.  Undecided: a ratio between 1.3 and 1.7 or within 2 errors of 1.5, outside 0.8 to 2.6,
 * a pair of index bits not measured, a pair with a bit that was not toggled alone, groups that are
 * not transitive, no toggle at all.  No index bit: one set.
 * Formula: sets = 2^groups, for an index whose bits are XORs of disjoint address bits (TLB;DR,
 * USENIX Security 2022, section 4).
 */
void ways_find_index(const struct ways_toggle *toggles, size_t count, struct ways_index *index);

struct ways_capacity {
    struct verdict verdict;
    uint64_t sets;
    struct estimate entries; /* sets x ways */
};

/*
 * Capacity = sets x ways, held against the band of the staircase: must overlap
 * [low x 0.95, high x 1.05], else undecided with both figures.  Fully associative: sets = 1, and
 * `index` may be NULL.  band: of knee_capacity(); NULL when there is none: then undecided, for a
 * hash that pairs of bits do not show would go unnoticed.
 */
void ways_derive_capacity(
    const struct ways_report *ways,
    const struct ways_index *index,
    const struct estimate *band,
    struct ways_capacity *capacity);

#endif
