/*
 * All simulators of one page size, fed together: a lane.  References are cut into touches of
 * pages, numbered, and handed on a batch at a time, so that a simulator works through a batch
 * with its own data in the caches.  It refuses to read references itself.  Read replay.c for
 * the user.
 */
#ifndef REPLAY_LANE_H
#define REPLAY_LANE_H

#include "replay/nextuse.h"
#include "replay/pagemap.h"
#include "replay/replay.h"

#define LANE_BATCH 4096

struct lane {
    const struct replay_plan *plan; /* borrows */
    struct replay_size *size;       /* borrows: the results, in the making */
    struct pagemap map;
    void *sims[SIM_COUNT][REPLAY_FRAMES_MAX]; /* owns, by policy of the plan and by frames */
    uint32_t reserved;                        /* pages that the sims have room for */
    struct tlb *tlbs[REPLAY_TLBS_MAX];        /* owns */
    struct nextuse *nextuse;                  /* owns; NULL: no policy needs it */
    size_t count;                             /* keys that wait */
    struct page_key keys[LANE_BATCH];
    uint32_t ids[LANE_BATCH];
};

/*
 * Start with nothing touched; size->page_shift, frames and frame_count are set, the rest is
 * filled in by and by.  ERR_ENVIRONMENT: no memory, no temporary file.
 */
MUST_CHECK bool lane_create(
    struct lane **lane,
    const struct replay_plan *plan,
    struct replay_size *size,
    struct err *err);
void lane_destroy(struct lane *lane); /* accepts NULL; leaves *size, and its curve, alone */

/* ERR_ENVIRONMENT: no memory, the disk; ERR_INPUT: too many pages or touches. */
MUST_CHECK bool
lane_feed(struct lane *lane, const struct reference *references, size_t count, struct err *err);

/* All references are there: complete *size.  Errors as above. */
MUST_CHECK bool lane_finish(struct lane *lane, struct err *err);

#endif
