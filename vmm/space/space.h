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
#include "space/region.h"

/* Software meaning of a leaf in the lower half: present without PTE_USER is a page that
 * PROT_NONE took away from the program, with its frame kept. */

struct space_config {
    struct frames *frames;  /* borrows */
    struct ptab_pool *pool; /* borrows */
    struct edits *edits;    /* borrows */
    /* Have the guest carry the edit list out now; the list is empty afterwards. */
    void (*drain)(void *context);
    void *context;
    bool no_execute; /* EFER.NXE is set */
};

struct space {
    struct space_config config;
    struct ptab ptab;
    struct regions *regions; /* owns */
    struct gva stack_lowest; /* the stack grows down to here */
    struct gva heap_begin;   /* the program break at start, page aligned */
    struct gva heap_end;     /* the program break, any byte */
    struct gva map_top;      /* mmap without address looks below */
    uint16_t process;        /* for records */
};

MUST_CHECK bool
space_create(struct space **space, const struct space_config *config, struct err *err);
/* Releases frames and tables; the vCPU must not run on them any more.  Accepts NULL. */
void space_destroy(struct space *space);

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

/*
 * Put the stack in place: a region for its first `bytes` below top, room to grow down to
 * `limit_bytes` below top, and a guard below that.
 */
MUST_CHECK int
space_place_stack(struct space *space, struct gva top, uint64_t bytes, uint64_t limit_bytes);

/* Entry bits that permissions mean: everything of a leaf but its address and size. */
uint64_t space_leaf_bits(const struct space *space, uint8_t permissions);

/* Make sure that page tables can be changed by the host: nothing is waiting in the edit list. */
void space_settle(struct space *space);

#endif
