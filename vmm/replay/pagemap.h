/*
 * Numbers pages from 0 on, in the order of their first touch, so that everything behind it works
 * on small arrays instead of addresses.  Its memory grows with the distinct pages, at most 64
 * bytes for each; it refuses to know the page size.  Read sim.h for who uses the numbers.
 */
#ifndef REPLAY_PAGEMAP_H
#define REPLAY_PAGEMAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define PAGEMAP_PAGES_MAX ((UINT32_C(1) << 30) - 1)

/* A page of a process: the same page of another process is another page. */
struct page_key {
    uint64_t page; /* address divided by the page size */
    uint16_t process;
};

struct pagemap_slot {
    uint64_t page;
    uint32_t number; /* plus one; 0: the slot is free */
    uint16_t process;
    uint16_t reserved;
};

struct pagemap {
    struct pagemap_slot *slots; /* owns: mask + 1 of them */
    uint64_t mask;              /* a power of two, less one */
    uint32_t pages;             /* distinct ones so far */
};

/* ERR_ENVIRONMENT: no memory. */
MUST_CHECK bool pagemap_create(struct pagemap *map, struct err *err);
void pagemap_destroy(struct pagemap *map); /* accepts a zeroed struct */

/*
 * Write the number of keys[i] to ids[i] for each i below count; keys not seen before get the
 * next numbers.  ERR_ENVIRONMENT: no memory; ERR_INPUT: more than PAGEMAP_PAGES_MAX pages.  On
 * failure the map can only be destroyed.
 */
MUST_CHECK bool pagemap_number(
    struct pagemap *map,
    const struct page_key *keys,
    uint32_t *ids,
    size_t count,
    struct err *err);

#endif
