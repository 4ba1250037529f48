/*
 * The frame table: one small record for each 4 KiB frame of guest RAM, and the allocator that
 * hands frames out singly or as an aligned 2 MiB run.  It refuses to know about virtual
 * addresses.
 *
 * RAM is cut into blocks of 512 frames (2 MiB).  Single frames come from partly used blocks,
 * runs from untouched or wholly free ones; alloc and free are O(1).  A frame that was never
 * handed out still reads zero from the host, which saves the common demand-zero fault one pass
 * over the page: frames_alloc_zeroed() clears only what needs it.
 */
#ifndef MEMORY_FRAMES_H
#define MEMORY_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "memory/gmem.h"

#define FRAMES_NONE UINT32_MAX

enum frame_use {
    FRAME_FREE = 0,
    FRAME_KERNEL, /* the guest kernel's few pages */
    FRAME_TABLE,  /* a page table; `used` counts its entries that are not zero */
    FRAME_DATA,   /* a program's own page: anonymous, or its copy of a file's */
    FRAME_SHARED, /* a page of an object (object.h), which holds one reference */
};

/* Flags of a data or shared frame; the last one is a table's. */
#define FRAME_FRESH  0x01 /* holds what a first touch would bring: it can be dropped unwritten */
#define FRAME_DIRTY  0x02 /* shared: written through a mapping that is gone */
#define FRAME_LOCKED 0x04 /* never to be evicted: mlock */
#define FRAME_HELD   0x08 /* not to be evicted now: in use by what is being served */
#define FRAME_SHOWN  0x10 /* table: ring 3 may have a leaf over it that only reads */

struct frame {
    uint32_t references; /* mappings of this frame; copy-on-write looks at it */
    union {
        uint32_t next;   /* free: the list within the block.  Table: free list of the pool. */
        uint32_t slot;   /* data: swap slot + 1 that holds the same contents, 0 for none */
        uint32_t object; /* shared: number of the object */
    };
    uint16_t used;  /* table: entries in use */
    uint8_t use;    /* enum frame_use */
    uint8_t order;  /* 0, or 9 on the first frame of a 2 MiB run */
    uint32_t index; /* shared: page number within the object */
    uint64_t owner; /* data, shared: where it was mapped first (space/rmap.h).  0: handed out */
    uint8_t flags;  /* FRAME_FRESH | ... */
    uint8_t reserved[7];
};
_Static_assert(sizeof(struct frame) <= 32, "DESIGN: 32 bytes a frame");

struct frames; /* opaque: block lists and counts */

/* Manage all of mem.  mem is borrowed and must outlive the table.  Fails with ERR_ENVIRONMENT. */
MUST_CHECK bool frames_create(struct frames **frames, const struct gmem *mem, struct err *err);
void frames_destroy(struct frames *frames); /* accepts NULL */

/*
 * Hand out one frame, or (large) an aligned run of 512.  Returns the index of the (first) frame
 * from the start of guest RAM, FRAMES_NONE when none is left.  The record of the first frame
 * has references 1 and the use given.  _zeroed: the memory reads zero; otherwise contents are
 * stale.
 */
uint32_t frames_alloc(struct frames *frames, enum frame_use use);
uint32_t frames_alloc_zeroed(struct frames *frames, enum frame_use use);
uint32_t frames_alloc_large(struct frames *frames, enum frame_use use);
uint32_t frames_alloc_large_zeroed(struct frames *frames, enum frame_use use);

/* Drop one reference; at zero the frame (or the run, by its first frame) is free again. */
void frames_release(struct frames *frames, uint32_t index);

/* Break a 2 MiB run into 512 single frames, each with the run's use, references and flags; owner
 * is the caller's to set. */
void frames_split(struct frames *frames, uint32_t index);

/* The record of a frame: references, used and owner may be changed, use and order may not.  Of
 * a run only the first frame has one. */
struct frame *frames_record(struct frames *frames, uint32_t index);
struct gpa frames_gpa(uint32_t index);
uint32_t frames_index(struct gpa gpa);
void *frames_hva(const struct frames *frames, uint32_t index);

/* In frames of 4 KiB. */
uint64_t frames_total(const struct frames *frames);
/* Every frame that was ever handed out has an index below this. */
uint32_t frames_touched(const struct frames *frames);
uint64_t frames_used(const struct frames *frames);
uint64_t frames_used_peak(const struct frames *frames);
uint64_t frames_used_as(const struct frames *frames, enum frame_use use);

#endif
