/*
 * When each touched page is touched next: what the optimal policy needs to be told.  Touches go
 * into a temporary file as they come; one pass from its end to its beginning finds the next
 * uses, and both are read back in order.  So memory grows with the distinct pages only, and the
 * file takes 8 bytes a touch.  It refuses to keep the file: it has no name and goes with the
 * process.  Read sim_opt.c for the user.
 *
 * A touch of the page of the touch before is left out: every policy has that page in a frame.
 */
#ifndef REPLAY_NEXTUSE_H
#define REPLAY_NEXTUSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define NEXTUSE_TOUCHES_MAX (UINT32_MAX - 1)

struct nextuse; /* opaque */

/* The file is in the folder that TMPDIR names, or in /tmp.  ERR_ENVIRONMENT: it cannot be made;
 * no memory. */
MUST_CHECK bool nextuse_create(struct nextuse **nextuse, struct err *err);
void nextuse_destroy(struct nextuse *nextuse); /* accepts NULL */

/* Add touches; not after nextuse_finish().  ERR_ENVIRONMENT: the disk is full or fails;
 * ERR_INPUT: more than NEXTUSE_TOUCHES_MAX touches. */
MUST_CHECK bool
nextuse_append(struct nextuse *nextuse, const uint32_t *ids, size_t count, struct err *err);

/* All touches are there; every id is below pages.  ERR_ENVIRONMENT: no memory, the disk. */
MUST_CHECK bool nextuse_finish(struct nextuse *nextuse, uint32_t pages, struct err *err);

/*
 * Read on, from the first touch on after nextuse_finish(): up to NEXTUSE_BATCH touches, with the
 * index of the next touch of the same page, or SIM_NEVER of sim.h.  *count is 0 behind the last
 * one.  The arrays are valid until the next call.  ERR_ENVIRONMENT: the disk.
 */
#define NEXTUSE_BATCH 65536
MUST_CHECK bool nextuse_read(
    struct nextuse *nextuse,
    const uint32_t **ids,
    const uint32_t **next,
    size_t *count,
    struct err *err);

#endif
