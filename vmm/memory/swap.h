/*
 * Swap: a file of page-sized slots for what does not fit the frames.  It owns the file, counts
 * who refers to each slot, and remembers which frame holds the same contents (the swap cache).
 * It refuses to know what an entry of a page table looks like: space/leaf.h does.
 */
#ifndef MEMORY_SWAP_H
#define MEMORY_SWAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "memory/frames.h"

#define SWAP_NONE UINT32_MAX

struct swap; /* opaque */

/*
 * path: the file to use, made if it is not there and kept at the end; NULL: a nameless temporary
 * file in $TMPDIR or /tmp.  bytes: its size, a multiple of a page; 0: that of the file as it is.
 * Fails with ERR_INPUT (no such folder, no permission, not a regular file, empty) or
 * ERR_ENVIRONMENT.
 */
MUST_CHECK bool
swap_create(struct swap **swap, const char *path, uint64_t bytes, struct err *err);
void swap_destroy(struct swap *swap); /* accepts NULL */

/* A slot with one reference, or SWAP_NONE when all are in use.  O(1). */
uint32_t swap_alloc(struct swap *swap);
void swap_get(struct swap *swap, uint32_t slot);
void swap_put(struct swap *swap, uint32_t slot); /* drop one reference; at none it is free */
uint32_t swap_references(const struct swap *swap, uint32_t slot);

/* The frame that holds what the slot holds, or FRAMES_NONE. */
uint32_t swap_frame(const struct swap *swap, uint32_t slot);
void swap_set_frame(struct swap *swap, uint32_t slot, uint32_t frame);

/* One page between memory and the slot.  False with errno: the disk is full, or does not read
 * back; swap_error() then has a sentence. */
bool swap_write(struct swap *swap, uint32_t slot, const void *page);
bool swap_read(struct swap *swap, uint32_t slot, void *page);
/* What went wrong first: "swap file x: cannot write slot 12: No space left on device"; or NULL. */
const char *swap_error(const struct swap *swap);

/* In slots. */
uint32_t swap_total(const struct swap *swap);
uint32_t swap_used(const struct swap *swap);
/* Pages written and read so far. */
uint64_t swap_writes(const struct swap *swap);
uint64_t swap_reads(const struct swap *swap);

#endif
