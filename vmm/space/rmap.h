/*
 * The reverse map: from a frame to all leaf entries that map it.  A frame remembers its home, the
 * space and page where it was mapped first.  fork gives every further mapping the same address in
 * another space, so the mappings of a frame are found by looking at its home page in each space;
 * what lies elsewhere (mremap of a shared page, a file mapped at two addresses) is listed by name.
 * So a frame costs nothing more for being shared, and a fork writes no list.
 */
#ifndef SPACE_RMAP_H
#define SPACE_RMAP_H

#include "space/memory.h"
#include "space/space.h"

struct rmap_mapping {
    struct space *space;
    struct gva address; /* of the page, or of the large page */
    struct ptab_slot slot;
};

/* Record that `address` of `space` maps the frame.  The first mapping becomes its home.  Running
 * out of host memory is survived: the page is locked then. */
void rmap_add(
    struct memory *memory, uint32_t frame, const struct space *space, struct gva address);
void rmap_remove(
    struct memory *memory, uint32_t frame, const struct space *space, struct gva address);

/* The page at `from` is at `to` now (mremap): a page of its own takes its home along. */
void rmap_move(
    struct memory *memory,
    uint32_t frame,
    const struct space *space,
    struct gva from,
    struct gva to);

/*
 * Visit the present leaf entries that map the frame (a run: its large leaves), as the tables in
 * memory have them.  visit must not change tables; false stops.  Cost: one walk for each address
 * space at most, one alone if the frame has one mapping.
 */
typedef bool rmap_visit_fn(void *context, const struct rmap_mapping *mapping);
void rmap_visit(struct memory *memory, uint32_t frame, rmap_visit_fn *visit, void *context);

/* Any of these bits in any of the leaf entries: PTE_ACCESSED, PTE_DIRTY. */
uint64_t rmap_bits(struct memory *memory, uint32_t frame, uint64_t bits);

/* The home address of a frame, and the number of its space's slot. */
struct gva rmap_home(const struct frame *record);
unsigned rmap_home_slot(const struct frame *record);

#endif
