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
    FRAME_DATA,   /* mapped, or about to be, for a program */
};

struct frame {
    uint32_t references; /* mappings of this frame; copy-on-write looks at it */
    uint32_t next;       /* free list within the block */
    uint16_t used;       /* FRAME_TABLE: entries in use */
    uint8_t use;         /* enum frame_use */
    uint8_t order;       /* 0, or 9 on the first frame of a 2 MiB run */
    uint32_t reserved;
    uint64_t owner; /* reverse map: for the owner's use, 0 when handed out */
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

/* Break a 2 MiB run into 512 single frames, each with the run's use and references. */
void frames_split(struct frames *frames, uint32_t index);

/* The record of a frame: references, used and owner may be changed, use and order may not.  Of
 * a run only the first frame has one. */
struct frame *frames_record(struct frames *frames, uint32_t index);
struct gpa frames_gpa(uint32_t index);
uint32_t frames_index(struct gpa gpa);
void *frames_hva(const struct frames *frames, uint32_t index);

/* In frames of 4 KiB. */
uint64_t frames_total(const struct frames *frames);
uint64_t frames_used(const struct frames *frames);
uint64_t frames_used_peak(const struct frames *frames);
uint64_t frames_used_as(const struct frames *frames, enum frame_use use);

#endif
