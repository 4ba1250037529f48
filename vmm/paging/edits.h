/*
 * The list of downgrades that the guest kernel carries out before ring 3 runs again: the host
 * fills it, the kernel stub stores each entry and executes invlpg.  Frames that an edit takes
 * away stay allocated until then.  It refuses to know what an entry means.
 */
#ifndef PAGING_EDITS_H
#define PAGING_EDITS_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

#include "base/addr.h"
#include "memory/frames.h"
#include "paging/ptab.h"

struct edits {
    struct abi_edit *list; /* borrows: LAYOUT_EDITS in guest memory, room for the end mark */
    unsigned count;        /* at most ABI_EDIT_CAPACITY */
    uint32_t *released;    /* owns: frames to release when the list was carried out */
    unsigned released_count;
    unsigned released_capacity;
    uint64_t total; /* edits carried out so far */
};

/* list: ABI_EDIT_CAPACITY + 1 records of guest memory, mapped at LAYOUT_EDITS. */
MUST_CHECK bool edits_create(struct edits *edits, struct abi_edit *list, struct err *err);
void edits_destroy(struct edits *edits);

/* Whether `more` further edits (each with one release) fit without carrying the list out. */
bool edits_have_room(const struct edits *edits, unsigned more);

/* Add one: the guest will store value at the entry, then invalidate address.  There must be
 * room. */
void edits_add(struct edits *edits, struct gpa entry_gpa, uint64_t value, struct gva address);
/* Release `frame` once the list was carried out. */
void edits_release(struct edits *edits, uint32_t frame);

/* The guest has carried the list out: release what waits, and begin a new one. */
void edits_done(struct edits *edits, struct frames *frames, struct ptab_pool *pool);

#endif
