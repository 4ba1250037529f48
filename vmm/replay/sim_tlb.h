/*
 * A translation lookaside buffer of given entries and ways, simulated: how many touches find no
 * entry.  The set is the low bits of the page number (page modulo sets), an entry belongs to a
 * process (as with PCID or ASID: nothing is flushed at a switch), and one page size goes in.
 * It refuses to be a model of a particular CPU: those hash their sets, have two levels and mix
 * page sizes.  Read replay.c for the user.
 */
#ifndef REPLAY_SIM_TLB_H
#define REPLAY_SIM_TLB_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "replay/pagemap.h"

enum tlb_choice {
    TLB_LRU, /* exactly the least recently used entry of the set goes */
    TLB_PLRU, /* a binary tree of bits, each pointing away from the last use: what hardware has */
};

struct tlb_shape {
    uint32_t entries; /* a multiple of ways, 1 to TLB_ENTRIES_MAX */
    uint32_t ways;    /* 1 to entries; a power of two for TLB_PLRU */
    enum tlb_choice choice;
};

#define TLB_ENTRIES_MAX (UINT32_C(1) << 24)

struct tlb; /* opaque */

/* Empty, of a valid shape.  Its memory grows with entries and distinct pages.
 * ERR_ENVIRONMENT: no memory. */
MUST_CHECK bool tlb_create(struct tlb **tlb, const struct tlb_shape *shape, struct err *err);
void tlb_destroy(struct tlb *tlb); /* accepts NULL */

/*
 * Touch the pages keys[0 … count), whose numbers (pagemap.h) are ids, each below pages; adds
 * the touches that found no entry to *misses.  ERR_ENVIRONMENT: no memory; then the TLB can only
 * be destroyed.
 */
MUST_CHECK bool tlb_touch(
    struct tlb *tlb,
    const struct page_key *keys,
    const uint32_t *ids,
    size_t count,
    uint32_t pages,
    uint64_t *misses,
    struct err *err);

#endif
