/*
 * Regions (what Linux calls VMAs): which ranges of an address space may be touched, how, and
 * where their contents come from.  Pure bookkeeping: it never looks at a page table.  All
 * operations on one address are O(log n) in the number of regions; ranges add the number of
 * regions they meet.
 */
#ifndef SPACE_REGION_H
#define SPACE_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "memory/object.h"

/* Permissions; the same bits as PROT_READ, PROT_WRITE and PROT_EXEC. */
#define REGION_READ  0x1
#define REGION_WRITE 0x2
#define REGION_EXEC  0x4

enum region_kind {
    REGION_ANONYMOUS, /* demand-zero */
    REGION_FILE,      /* contents of a file, private */
    REGION_HEAP,      /* anonymous, below the program break */
    REGION_STACK,     /* anonymous; grows down on demand to a limit */
    REGION_GUARD,     /* nothing may touch it */
};
const char *region_kind_name(enum region_kind kind);

/* A file that regions take their contents from; counted, closed with the last region. */
struct backing {
    int fd; /* owns */
    unsigned references;
    char *name; /* owns: base name, for messages */
};
/* Takes fd over, also on failure.  The new backing has one reference, the caller's. */
MUST_CHECK bool
backing_create(struct backing **backing, int fd, const char *path, struct err *err);
struct backing *backing_get(struct backing *backing); /* accepts NULL */
void backing_put(struct backing *backing);            /* accepts NULL */

/* Whether a first touch may bring 2 MiB: as the run has it, or as madvise said. */
enum region_large {
    REGION_LARGE_DEFAULT = 0,
    REGION_LARGE_ALWAYS, /* MADV_HUGEPAGE */
    REGION_LARGE_NEVER,  /* MADV_NOHUGEPAGE */
};

/* What a range is; equal specs that continue each other are merged. */
struct region_spec {
    enum region_kind kind;
    uint8_t permissions;     /* REGION_READ | … */
    uint8_t page_shift;      /* PAGE_SHIFT or LARGE_SHIFT: the leaf that a fault maps */
    bool shared;             /* MAP_SHARED: kept by fork */
    bool sealed;             /* shared, of a file that may not be written: mprotect refuses */
    bool strict;             /* pages wholly behind the contents are SIGBUS, as for mmap */
    uint8_t large;           /* enum region_large */
    struct backing *backing; /* NULL: reads zero.  Counted by each region. */
    struct object *object;   /* shared: what it shows.  Counted by each region. */
    uint64_t file_offset;    /* of the first byte of the range; page aligned */
    uint64_t file_bytes;     /* from the first byte on; what lies behind reads zero */
    const char *label;       /* borrows, static or the backing's: "text", "bss"… or NULL */
};

struct region {
    struct gva begin, end; /* page aligned (to page_shift), begin < end */
    struct region_spec spec;
    uint32_t id; /* not reused within one set */
    /* What the region is has been recorded.  Every change clears it; session/announce.h sets it. */
    bool described;
    /* Private to region.c: the tree and its largest-gap augmentation. */
    struct region *left, *right, *parent;
    uint64_t priority, gap_before, gap_largest;
};

struct regions; /* the set of one address space */

/* The spec of the part of a region that begins at `from`, which lies in it. */
struct region_spec region_spec_at(const struct region *region, struct gva from);

/* begin and end bound all regions: [LAYOUT_USER_BEGIN, LAYOUT_USER_END) for a program. */
MUST_CHECK bool
regions_create(struct regions **regions, struct gva begin, struct gva end, struct err *err);
void regions_destroy(struct regions *regions); /* accepts NULL */

/* The region that holds address, or NULL. */
struct region *regions_find(const struct regions *regions, struct gva address);
/* The first region whose end is above address, or NULL; then the one behind it. */
struct region *regions_first_from(const struct regions *regions, struct gva address);
/* The same, fast where it is the region that was found last: faults come in clusters. */
struct region *regions_first_from_recent(struct regions *regions, struct gva address);
struct region *regions_next(const struct region *region);
struct region *regions_previous(const struct region *region);

enum region_result {
    REGION_OK,
    REGION_OUTSIDE,   /* beyond the bounds, wraps, empty or not aligned */
    REGION_OVERLAPS,  /* insert: a region is in the way */
    REGION_HOLE,      /* protect: part of the range is in no region; nothing was changed */
    REGION_NO_MEMORY, /* the host has none; nothing was changed */
};

/* Add [begin, end); merges with neighbours where they continue.  *out, if not NULL: the region
 * that now holds begin. */
MUST_CHECK enum region_result regions_insert(
    struct regions *regions,
    struct gva begin,
    struct gva end,
    const struct region_spec *spec,
    struct region **out);
/* Remove whatever lies in [begin, end), cutting regions at its edges; holes are fine. */
MUST_CHECK enum region_result
regions_remove(struct regions *regions, struct gva begin, struct gva end);
/* Give [begin, end) these permissions, cutting and merging. */
MUST_CHECK enum region_result
regions_protect(struct regions *regions, struct gva begin, struct gva end, uint8_t permissions);
/* Say for [begin, end), where regions are, whether large pages are wanted; holes are skipped. */
MUST_CHECK enum region_result regions_advise(
    struct regions *regions, struct gva begin, struct gva end, enum region_large large);
/* Another set with the same regions and the same ids: fork.  NULL: no memory. */
struct regions *regions_clone(const struct regions *regions);
/* Ids go on behind those of another set: both are of one process.  To be called while there is no region. */
void regions_continue_ids(struct regions *regions, const struct regions *before);
/* Move the edge of a region into free space next to it (stack growth, brk, mremap in place).
 * Refuses (OVERLAPS) to meet the neighbour, (OUTSIDE) to leave the bounds or to become empty. A
 * shrinking edge only changes the bookkeeping; the caller unmaps the pages. */
MUST_CHECK enum region_result
regions_move_begin(struct regions *regions, struct region *region, struct gva begin);
MUST_CHECK enum region_result
regions_move_end(struct regions *regions, struct region *region, struct gva end);

/*
 * The highest free range of `bytes` that ends at or below `below`, aligned to `align` (a power
 * of two, at least a page).  Returns false when there is none.  O(log n) by the gap
 * augmentation.
 */
MUST_CHECK bool regions_find_gap(
    const struct regions *regions,
    uint64_t bytes,
    uint64_t align,
    struct gva below,
    struct gva *begin);

size_t regions_count(const struct regions *regions);
uint64_t regions_total_bytes(const struct regions *regions);

#endif
