/*
 * What the guest kernel must do before ring 3 runs again: the list of downgrades (it stores each
 * entry and executes invlpg), and the tables that the host has rewritten and that it announces to
 * a host that shadows page tables (kernel.S, announce_and_report).  Frames that either takes away
 * stay allocated until then.  It refuses to know what an entry means.
 *
 * Nothing in the list is seen by ring 3 before the list was carried out, because ring 3 does not run
 * before.  One entry at a time is for edits; where many entries of one table change, rewriting the
 * table and announcing it is cheaper on every back end.
 */
#ifndef PAGING_EDITS_H
#define PAGING_EDITS_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

#include "base/addr.h"
#include "memory/frames.h"
#include "paging/ptab.h"

#define EDITS_RELEASED 1024
#define EDITS_ANNOUNCED                                                                        \
    (LAYOUT_EDITS_BYTES / 8 - 1) /* what fits the list's pages, with its end */

/* Gives a frame back that edits_release() had kept: a data frame, or a table that reads zero. */
typedef void edits_release_fn(void *context, uint32_t frame);

struct edits {
    struct abi_edit *list; /* borrows: LAYOUT_EDITS in guest memory, room for the end mark */
    unsigned count;        /* at most ABI_EDIT_CAPACITY */
    unsigned announced_count;
    unsigned released_count;
    uint32_t *released;  /* owns: EDITS_RELEASED frames to release when all was carried out */
    uint64_t *announced; /* owns: EDITS_ANNOUNCED addresses of tables in the tables window */
    edits_release_fn *release;
    void *context;  /* of release; borrows */
    uint64_t total; /* edits and announcements carried out so far */
};

/* list: ABI_EDIT_CAPACITY + 1 records of guest memory, mapped at LAYOUT_EDITS. */
MUST_CHECK bool edits_create(struct edits *edits, struct abi_edit *list, struct err *err);
void edits_destroy(struct edits *edits);
/* Who gives frames back; until it is set, tables go to their pool and data frames nowhere. */
void edits_set_release(struct edits *edits, edits_release_fn *release, void *context);

/* Whether something waits for the guest. */
static inline bool edits_pending(const struct edits *edits)
{
    return edits->count != 0 || edits->announced_count != 0 || edits->released_count != 0;
}

/* Whether so many further edits and releases, and four announcements, fit before the list must be
 * carried out.  more_edits <= ABI_EDIT_CAPACITY, more_releases <= EDITS_RELEASED. */
bool edits_have_room(const struct edits *edits, unsigned more_edits, unsigned more_releases);

/*
 * Add one: value is stored at the entry here and now, and the guest will store it once more and
 * invalidate address.  So memory always has the truth, and a back end that shadows page tables
 * learns it from the guest's store (tests/kvm/test_rewrite.c).  There must be room.
 */
void edits_add(struct edits *edits, struct ptab_slot slot, uint64_t value, struct gva address);
/* Whether the list holds an edit of this entry: an upgrade must not be stored past it. */
bool edits_hold(const struct edits *edits, struct gpa entry_gpa);
/* The host has changed entries of the table that gpa lies in. */
void edits_announce(struct edits *edits, struct gpa gpa);
/* Release `frame` once all was carried out. */
void edits_release(struct edits *edits, uint32_t frame);

/* Put the announcements into the list's pages, for the guest to read; the edits must have been
 * carried out before. */
void edits_write_announcements(struct edits *edits);

/* The guest has carried everything out: release what waits, and begin anew. */
void edits_done(struct edits *edits);

#endif
