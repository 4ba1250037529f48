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
    unsigned ways;
    unsigned stride_log2; /* the least stride above all index bits (log2 pages) */
    unsigned fits_max[WAYS_STRIDES_MAX]; /* per curve: pages that fit; 0 not known */
    bool fits_all[WAYS_STRIDES_MAX];     /* per curve: no step up to its last size */
};

/*
 * Ways = the number of conflicting pages that fit (sharp knee of the curve, knee_dense_options())
 * at every stride from stride_log2 on; that number must be reached by at least two strides, be
 * the least of all, and be less than what fits at the smallest stride, else: equal at all
 * strides of at least 2^0 to 2^10 pages means fully associative.  Formula: at stride 2^s below
 * the index bits, ways x sets / 2^s pages fit (for a plain index); above, ways.
 * curves: count of them, at most WAYS_STRIDES_MAX, ascending in stride.
 */
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
 * Index bits: those whose single toggle doubles what fits (ratio above 1.5).  Two index bits are
 * in one group when toggling both does not (they feed the same XOR); groups must be equivalence
 * classes.  Undecided: a ratio between 1.3 and 1.7 or within 2 errors of 1.5, outside 0.8 to 2.6,
 * a pair of index bits not measured, a pair with a bit outside the index that contradicts the
 * single toggles, groups that are not transitive.  No index bit at all: one set.
 * Formula: sets = 2^groups, for an index whose bits are XORs of disjoint address bits (TLB;DR,
 * USENIX Security 2022, section 4).
 */
void ways_find_index(const struct ways_toggle *toggles, size_t count, struct ways_index *index);

struct ways_capacity {
    struct verdict verdict;
    uint64_t sets;
    uint64_t entries; /* sets x ways */
};

/*
 * Capacity = sets x ways, held against the band of the staircase: must lie within
 * [low x 0.95, high x 1.05], else undecided with both figures.  Fully associative: sets = 1.
 * band: of knee_capacity(); NULL when there is none (then undecided unless fully associative).
 */
void ways_derive_capacity(
    const struct ways_report *ways,
    const struct ways_index *index,
    const struct estimate *band,
    struct ways_capacity *capacity);

#endif
