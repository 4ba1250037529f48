/*
 * An address space: regions (what may be touched) over page tables (what is there), kept in
 * step. All of map, unmap, protect, discard and move live here; upgrades are written at once,
 * downgrades go into the edit list (paging/edits.h).  It refuses to decide faults:
 * vmm/fault/pager.h does.
 *
 * Functions that change mappings return 0 or an errno, as Linux has it for the call that they
 * serve: EINVAL (not aligned, empty), ENOMEM (outside the bounds, a hole, no memory), EACCES.
 * On failure nothing has changed.
 */
#ifndef SPACE_SPACE_H
#define SPACE_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "memory/frames.h"
#include "paging/edits.h"
#include "paging/ptab.h"
#include "space/memory.h"
#include "space/region.h"

/* A leaf that is present without PTE_USER is a page that PROT_NONE took away from the program, with
 * its frame kept, or (its region has permissions) one that is closed: memory.h.  leaf.h has the
 * meaning of absent ones. */

struct space {
    struct memory *memory; /* borrows */
    struct ptab ptab;
    struct regions *regions; /* owns */
    struct gva stack_lowest; /* the stack grows down to here */
    struct gva heap_begin;   /* the program break at start, page aligned */
    struct gva heap_end;     /* the program break, any byte */
    struct gva map_top;      /* mmap without address looks below */
    uint16_t process;        /* for records */
    uint16_t slot;           /* its place in memory->spaces */
    unsigned users;          /* processes that run in it: more than one after vfork */
    uint64_t resident;       /* pages that its tables map, in 4 KiB */
    /* Entries were edited while another space was current: what a CPU keeps for this one under a
     * PCID must go before it runs. */
    bool stale;
    /* Where a sequential run of first touches would go on, and how far it was read ahead. */
    uint64_t around_next;
    uint32_t around_pages;
};

/* Fails with ERR_ENVIRONMENT: no memory, no frame for a table, or as many spaces as there may be. */
MUST_CHECK bool space_create(struct space **space, struct memory *memory, struct err *err);
/* Gives up frames, swap slots and tables; the vCPU must not run on them any more.  Accepts NULL. */
void space_destroy(struct space *space);

/*
 * fork: another space with the same regions and the same contents.  No page is copied: both sides
 * lose write permission where the page is private, and share it; page tables are copied.  Shared
 * mappings fault in anew.  process of the child is the caller's to set.  Cost: linear in page tables.
 * On failure (ERR_ENVIRONMENT) the parent is as it was, but for write permissions that come back
 * by the next fault.
 */
MUST_CHECK bool space_fork(struct space *parent, struct space **child, struct err *err);

/* Map [begin, end) afresh, removing what is there. */
MUST_CHECK int space_map(
    struct space *space, struct gva begin, struct gva end, const struct region_spec *spec);
/* The same where nothing may be in the way: EEXIST if something is. */
MUST_CHECK int space_add(
    struct space *space, struct gva begin, struct gva end, const struct region_spec *spec);
MUST_CHECK int space_unmap(struct space *space, struct gva begin, struct gva end);
MUST_CHECK int
space_protect(struct space *space, struct gva begin, struct gva end, uint8_t permissions);
/* Drop the pages, keep the regions: the next touch faults anew (MADV_DONTNEED). */
MUST_CHECK int space_discard(struct space *space, struct gva begin, struct gva end);
/* Give the pages of [from, from + bytes) the addresses from `to` on, copying nothing.  Both
 * ranges are the caller's to have in regions; `to` must have no page. */
MUST_CHECK int
space_move_pages(struct space *space, struct gva from, struct gva to, uint64_t bytes);

/* From now on records name this process. */
void space_rename(struct space *space, uint16_t process);

/*
 * Put the stack in place: a region for its first `bytes` below top, room to grow down to
 * `limit_bytes` below top, and a guard below that.
 */
MUST_CHECK int
space_place_stack(struct space *space, struct gva top, uint64_t bytes, uint64_t limit_bytes);

/* Say for [begin, end) whether large pages are wanted; pages that are there stay as they are. */
MUST_CHECK int
space_advise(struct space *space, struct gva begin, struct gva end, enum region_large large);

/* Entry bits that permissions mean: everything of a leaf but its address and size.  Whether a
 * writable page may be written without a fault also depends on its frame: space_frame_bits. */
uint64_t space_leaf_bits(const struct space *space, uint8_t permissions);
/* The same for a mapping of this frame: not writable while other mappings of a private one live. */
uint64_t space_frame_bits(const struct space *space, uint8_t permissions, uint32_t frame);

/* Make sure that page tables can be changed by the host: nothing is waiting in the edit list. */
void space_settle(struct space *space);
/* Take one present or swapped leaf entry away, by the edit list. */
void space_remove_leaf(struct space *space, struct gva address, struct ptab_slot slot);
/* Store another entry over a present one, by the edit list. */
void space_edit_leaf(
    struct space *space, struct gva address, struct ptab_slot slot, uint64_t entry);
/* Fill an entry that is zero; behind any edit of the same entry. */
void space_new_leaf(struct space *space, struct ptab_slot slot, uint64_t entry);
/* Put another frame under a present entry, here and now, without telling the guest: for a write that
 * is tried again next (fault/pager.h, retry). */
void space_replace_leaf(struct space *space, struct ptab_slot slot, uint64_t entry);
/* Write an upgrade, here and now (ptab_commit), behind any edit of the same entry. */
void space_upgrade_leaf(struct space *space, struct ptab_slot slot, uint64_t entry);
/*
 * Replace the large leaf at slot by 512 small ones, here and in every other space that maps the
 * same run; settled afterwards.  False when no frame is left for a table, or no host memory for
 * a list of more than a few of them: nothing has changed.
 */
MUST_CHECK bool space_split_leaf(struct space *space, struct ptab_slot slot);

#endif
