/*
 * The same reference string under other choices: every policy with every number of frames, page
 * size and TLB that was asked for, fed side by side in one pass over the references.  It refuses
 * to know the command line, or what the answers look like.  Read references.h for what goes in,
 * replay_print.h for what comes out.
 */
#ifndef REPLAY_REPLAY_H
#define REPLAY_REPLAY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "replay/curve.h"
#include "replay/references.h"
#include "replay/sim.h"
#include "replay/sim_tlb.h"

#define REPLAY_FRAMES_MAX     32 /* different numbers of frames */
#define REPLAY_SIZES_MAX      16 /* different page sizes */
#define REPLAY_TLBS_MAX       16
#define REPLAY_PAGE_SHIFT_MAX 40

struct replay_plan {
    const struct sim_ops *policies[SIM_COUNT];
    size_t policy_count;
    uint32_t frames[REPLAY_FRAMES_MAX];     /* 1 to SIM_FRAMES_MAX each */
    size_t frame_count;                     /* 0: parts of the pages touched, by page size */
    unsigned page_shifts[REPLAY_SIZES_MAX]; /* 0 to REPLAY_PAGE_SHIFT_MAX each */
    size_t size_count;                      /* at least 1 */
    struct tlb_shape tlbs[REPLAY_TLBS_MAX];
    size_t tlb_count;
    bool curve;
    uint64_t seed; /* of policies that draw lots */

    /* Only what lies in [first, last] counts, and only accesses with a bit of `access`. */
    uint64_t first, last;
    uint8_t access;
};

/* What came out for one page size. */
struct replay_size {
    unsigned page_shift;
    uint64_t touches; /* of pages: a reference across a border touches two */
    uint32_t pages;   /* distinct ones */
    uint32_t frames[REPLAY_FRAMES_MAX];
    size_t frame_count;
    uint64_t faults[SIM_COUNT][REPLAY_FRAMES_MAX]; /* by policy of the plan, and by frames */
    uint64_t tlb_misses[REPLAY_TLBS_MAX];
    struct curve *curve; /* owns, finished; NULL: not asked for */
};

struct replay_result {
    uint64_t references;  /* that counted */
    uint64_t passed_over; /* that the plan left out */
    size_t size_count;
    struct replay_size sizes[REPLAY_SIZES_MAX]; /* in the order of the plan */
};

/*
 * Read all references and answer the plan.  On success destroy *result with replay_destroy();
 * on failure it holds nothing.  A plan without frames reads the references twice.  Errors as
 * references_read(), references_rewind() and nextuse.h have them; ERR_ENVIRONMENT: no memory.
 */
MUST_CHECK bool replay_run(
    const struct replay_plan *plan,
    struct references *references,
    struct replay_result *result,
    struct err *err);
void replay_destroy(struct replay_result *result); /* accepts a zeroed struct */

#endif
