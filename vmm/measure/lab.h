/*
 * The measuring laboratory: what the user asked for, what this host is, and what earlier
 * experiments found that later ones need.  It refuses to know any single experiment
 * (catalogue.h lists them).
 */
#ifndef MEASURE_LAB_H
#define MEASURE_LAB_H

#include "measure/claims.h"
#include "measure/field.h"
#include "measure/result.h"
#include "measure/sample.h"

struct progress;

enum lab_paging {
    LAB_PAGING_UNKNOWN,
    LAB_PAGING_NESTED,
    LAB_PAGING_SHADOW,
};

/* Handed from experiment to experiment; zero is "not known". */
struct lab_found {
    bool emulated; /* the clock is not a real core's */
    char emulated_why[RESULT_TEXT_BYTES];
    struct estimate ticks_per_cycle;
    double ticks_per_ns;
    double cycles_per_ns;
    double floor_ticks;
    enum lab_paging paging;
    uint64_t alias_mask; /* address bits from 12 on that way prediction hashes */
    bool alias_known;
    struct {
        bool decided;
        uint64_t entries; /* by the staircase, or its band's middle */
        struct estimate band;
        double hit_cycles;       /* above a first-level hit; of level 1: the hit itself */
    } tlb[SIDE_COUNT][3];        /* [1], [2] */
    unsigned effective_bytes[2]; /* kilobytes: of 2 MiB and 1 GiB, 0 unknown */
    bool large[SIDE_COUNT][LAYOUT_BACKINGS]; /* a page of 2 MiB acts as one translation */
};

struct lab {
    bool wanted[SIDE_COUNT];
    bool quick;
    const char *kvm_path; /* borrows */
    uint64_t seed;
    struct progress *progress; /* borrows; may be NULL */
    struct claims claims;
    struct counters counters;
    struct lab_found found;
    struct result *result; /* borrows; of the experiment that runs: fields count into it */
    const struct result *earlier; /* borrows; of those that ran before it */
    size_t earlier_count;
};

/* Windows for a staircase's point and for a single figure, as --quick asks. */
struct sample_effort lab_effort(const struct lab *lab);

/* A field on the wanted sides (mask: NULL for all that are wanted). */
MUST_CHECK bool lab_make_field(
    struct lab *lab, struct field *field, const struct layout *layout, struct err *err);
MUST_CHECK bool lab_make_field_on(
    struct lab *lab,
    enum side side,
    struct field *field,
    const struct layout *layout,
    struct err *err);
/* Count its exits into the result, and destroy it. */
void lab_end_field(struct lab *lab, struct field *field);

/* sample_take, and its windows counted into the result. */
MUST_CHECK bool lab_sample(
    struct lab *lab,
    struct field *field,
    const struct sample_chase *chase,
    struct sample_cost cost[SIDE_COUNT][LAYOUT_SETS],
    struct err *err);

/* `pages` page addresses from EXP_PAGES on, stride_bytes apart; the caller frees.  NULL,
 * ERR_ENVIRONMENT: no memory. */
uint64_t *lab_addresses(size_t pages, uint64_t stride_bytes, struct err *err);

/* Share of this experiment that is done, 0 to 1. */
void lab_progress(struct lab *lab, double share);

#endif
