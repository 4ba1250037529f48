/*
 * The tree that the regions of an address space are kept in: a treap ordered by address, in which
 * each node also knows the largest free gap below any region of its subtree.  Only region.c
 * changes it; region.h is the interface.
 */
#ifndef SPACE_TREAP_H
#define SPACE_TREAP_H

#include "space/region.h"

struct regions {
    struct gva begin, end;
    struct region *root;
    size_t count;
    uint64_t total_bytes;
    uint64_t random; /* xorshift state: priorities are the same in every run */
    uint32_t next_id;
    struct region *recent; /* found last, or NULL; never one that is gone */
};

/* Put a region in, which is owned from then on and overlaps none. */
void treap_link(struct regions *regions, struct region *region);
/* Take a region out and free it. */
void treap_unlink(struct regions *regions, struct region *region);
/* The end moves, up to the next region at most. */
void treap_set_end(struct regions *regions, struct region *region, struct gva end);
/* The region's begin, or what lies before it, has changed.  Accepts NULL. */
void treap_refresh_gap(const struct regions *regions, struct region *region);

#endif
