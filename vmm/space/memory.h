/*
 * What all address spaces of a machine share: frames, page tables, the edit list, swap, objects,
 * the limit on resident pages, and who is told when a page comes or goes.  It keeps the account
 * of each frame: which mappings it has, and what must happen when the last one goes.  It refuses
 * to decide which page goes (vmm/fault/evict.h).
 */
#ifndef SPACE_MEMORY_H
#define SPACE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "memory/frames.h"
#include "memory/object.h"
#include "memory/swap.h"
#include "paging/edits.h"
#include "paging/ptab.h"

struct space;
struct pager;

/* The size of the leaves that a first touch of anonymous memory brings. */
enum memory_page_size {
    MEMORY_PAGES_4K = 0, /* unless a region asks for more: MADV_HUGEPAGE, MAP_HUGETLB */
    MEMORY_PAGES_2M,     /* 2 MiB wherever region and frames allow */
    MEMORY_PAGES_AUTO,   /* the same, but for regions that asked for 4 KiB */
};

/* Who wants to know of pages (a replacement policy); each may be NULL. */
struct memory_watch {
    void *context;
    void (*mapped)(void *context, uint32_t frame);
    /* Told while the frame's record is still as it was. */
    void (*unmapped)(void *context, uint32_t frame, bool evicted);
};

/*
 * Pages that are mapped closed: without PTE_USER, so that each touch by ring 3 is seen, and opened
 * for one instruction at a time (watch/opened.h).  The host's own access does not mind.
 */
#define MEMORY_CLOSED_DATA 0x1 /* of regions that are not executable */
#define MEMORY_CLOSED_TEXT 0x2

struct memory_config {
    struct frames *frames;  /* borrows */
    struct ptab_pool *pool; /* borrows */
    struct edits *edits;    /* borrows */
    /* Have the guest carry out what waits in edits now; nothing waits afterwards. */
    void (*drain)(void *context);
    void *context;
    bool no_execute;       /* EFER.NXE is set */
    struct swap *swap;     /* borrows; NULL: none */
    uint64_t limit_frames; /* resident pages of programs, in 4 KiB; UINT64_MAX: all there are */
    unsigned spaces;       /* address spaces at most; 0: 64 */
    enum memory_page_size page_size;
};

/* A mapping that is not at the frame's home address: see rmap.h. */
struct memory_extra {
    uint32_t frame; /* FRAMES_NONE: the place is free */
    uint16_t space;
    uint64_t page;
};

struct memory {
    struct memory_config config;
    uint64_t leaf_bits[8]; /* by permissions: see space_leaf_bits */
    uint8_t closed;        /* MEMORY_CLOSED_*: which pages are mapped without PTE_USER */
    struct objects objects;
    struct memory_watch watch;
    struct pager *pager;   /* borrows: who decides faults (fault/pager.h) */
    struct space **spaces; /* owns the array, borrows the spaces: by space->slot, or NULL */
    unsigned space_count;  /* places in the array */
    struct memory_extra *extra; /* owns; see rmap.c */
    uint32_t extra_count, extra_capacity;
    uint64_t locked; /* resident pages that mlock keeps, in 4 KiB */
    /* Regions are gone whose pages are still in tables: their objects are not taken apart yet. */
    bool unmapping;
    bool closing; /* the machine goes: nothing needs to be announced any more */
};

MUST_CHECK bool
memory_create(struct memory **memory, const struct memory_config *config, struct err *err);
/* After the last space.  Dirty pages of shared files have been written back by then, or by
 * memory_write_back().  Accepts NULL. */
void memory_destroy(struct memory *memory);

/* From now on pages are mapped closed: MEMORY_CLOSED_*.  Those that are mapped stay as they are. */
void memory_map_closed(struct memory *memory, uint8_t closed);

/* Nothing waits in the edit list afterwards, and objects without a region are gone. */
void memory_settle(struct memory *memory);

/* Resident pages of programs, in 4 KiB. */
uint64_t memory_resident(const struct memory *memory);
/* Whether `frames` more fit the limit. */
bool memory_has_room(const struct memory *memory, uint64_t frames);

/* A page came into memory, all of its record is filled in. */
void memory_tell_mapped(struct memory *memory, uint32_t frame);

/*
 * The account of one mapping.  memory_add_mapping: `address` of `space` will show the frame (or
 * run); the first mapping uses the reference that the allocation gave, each other one takes its
 * own.  memory_drop_mapping: the entry, as it was read, is going; *last: the frame lost its last
 * reference with it.  The reference itself is dropped by memory_release, now or when the edit
 * list was carried out (edits_release).
 */
void memory_add_mapping(
    struct memory *memory, struct space *space, struct gva address, uint32_t frame, bool first);
/* memory_add_mapping for a frame that was just handed out, with what a first touch brings. */
void memory_add_first_mapping(
    struct memory *memory, struct space *space, struct gva address, uint32_t frame);
void memory_drop_mapping(
    struct memory *memory,
    struct space *space,
    struct gva address,
    unsigned level,
    uint64_t entry);
/* Drop one reference of a data or shared frame, or give a table back to its pool. */
void memory_release(struct memory *memory, uint32_t frame, bool evicted);

/* mlock and munlock of a resident page; a large one counts as 512. */
void memory_lock_frame(struct memory *memory, uint32_t frame);
void memory_unlock_frame(struct memory *memory, uint32_t frame);

/* Whether a private page has one mapping, and no swapped entry stands for the same contents. */
bool memory_is_sole(const struct memory *memory, uint32_t frame);
/* What the swap slot holds is no longer what the frame holds: they part. */
void memory_drop_slot(struct memory *memory, uint32_t frame);

/* An entry of an address space goes: what it held is given up, at once for a swap slot, with the
 * edit list for a frame. */
void memory_forget_entry(
    struct memory *memory,
    struct space *space,
    struct gva address,
    unsigned level,
    uint64_t entry);

#endif
