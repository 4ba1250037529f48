/*
 * Guest-physical memory: one stretch of anonymous host memory behind one KVM slot from
 * LAYOUT_RAM_BASE on.  It turns guest-physical addresses into host pointers and refuses to know
 * who uses which page (frames.h does).
 */
#ifndef MEMORY_GMEM_H
#define MEMORY_GMEM_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "layout.h"

#include "base/addr.h"
#include "base/err.h"

struct gmem {
    uint8_t *hva;   /* owns; 2 MiB aligned */
    uint64_t bytes; /* a multiple of 2 MiB */
};

/*
 * Reserve guest memory.  bytes: a positive multiple of LARGE_BYTES.  The memory reads zero and
 * takes no host page before its first touch.  Not inherited by fork, not in core dumps.
 * Fails with ERR_ENVIRONMENT when the host will not promise that much (overcommit heuristic:
 * more than its RAM and swap together).
 */
MUST_CHECK bool gmem_create(struct gmem *mem, uint64_t bytes, struct err *err);

/* Ask the host for 2 MiB pages behind guest memory, where it has them: then a large leaf of the guest
 * costs one fault of the host's, and one translation where the host pages twice. */
void gmem_prefer_large(const struct gmem *mem);

/* Accepts a zeroed struct. */
void gmem_destroy(struct gmem *mem);

/* Whether [gpa, gpa + bytes) is guest RAM; no wrap-around passes. */
static inline bool gmem_contains(const struct gmem *mem, struct gpa gpa, uint64_t bytes)
{
    return gpa.value >= LAYOUT_RAM_BASE && gpa.value - LAYOUT_RAM_BASE <= mem->bytes &&
           bytes <= mem->bytes - (gpa.value - LAYOUT_RAM_BASE);
}

/* The host's pointer to guest RAM; gpa must be inside. */
static inline void *gmem_hva(const struct gmem *mem, struct gpa gpa)
{
    assert(gmem_contains(mem, gpa, 1));
    return mem->hva + (gpa.value - LAYOUT_RAM_BASE);
}

#endif
