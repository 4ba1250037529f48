/*
 * mremap: pages change their addresses, and nothing is copied.  All tables that the new addresses
 * need are made before anything moves, so that it succeeds as a whole or not at all.
 */
#include <assert.h>
#include <errno.h>

#include "space/leaf.h"
#include "space/range.h"
#include "space/rmap.h"

/* Large pages move as small ones: the distance need not be a multiple of 2 MiB. */
static bool split_all(struct space *space, struct gva begin, struct gva end)
{
    struct gva from = begin;
    struct ptab_piece piece;

    if (!range_split_edges(space, begin, end)) {
        return false;
    }
    while (ptab_next_piece(&space->ptab, &from, end, &piece)) {
        if (piece.slot.level > 1 && !space_split_leaf(space, piece.slot)) {
            return false;
        }
    }
    return true;
}

/* See that tables for all of [to, to + bytes) can be had. */
static bool prepare_tables(struct space *space, struct gva to, uint64_t bytes)
{
    struct ptab_slot slot;

    for (uint64_t offset = 0; offset < bytes; offset += LARGE_BYTES) {
        if (!ptab_prepare(&space->ptab, gva_add(to, offset), 1, &slot)) {
            return false;
        }
    }
    return ptab_prepare(&space->ptab, gva_add(to, bytes - PAGE_BYTES), 1, &slot);
}

static void put_entry(struct space *space, struct gva from, struct gva to, uint64_t entry)
{
    struct ptab_slot slot;
    bool prepared = ptab_prepare(&space->ptab, to, 1, &slot);

    assert(prepared); /* the table exists, or one has just become free */
    (void)prepared;
    if (!leaf_is_present(entry)) {
        ptab_store_absent(&space->ptab, slot, entry);
        return;
    }
    ptab_commit(&space->ptab, slot, entry);
    rmap_move(space->memory, frames_index(gpa_of(entry & PTE_ADDRESS)), space, from, to);
}

int space_move_pages(struct space *space, struct gva from, struct gva to, uint64_t bytes)
{
    struct gva next = from;
    struct ptab_piece piece;
    uint64_t taken[PTE_ENTRIES];

    if (!split_all(space, from, gva_add(from, bytes)) || !prepare_tables(space, to, bytes)) {
        return ENOMEM;
    }
    while (ptab_next_piece(&space->ptab, &next, gva_add(from, bytes), &piece)) {
        range_empty_piece(space, &piece, taken);
        /* The old entries must be gone before a table of theirs may serve again. */
        space_settle(space);
        for (unsigned i = 0; i < piece.entries; i++) {
            struct gva old = gva_add(piece.begin, i * PAGE_BYTES);
            if (taken[i] != 0) {
                put_entry(space, old, gva_add(to, old.value - from.value), taken[i]);
            }
        }
    }
    return 0;
}
