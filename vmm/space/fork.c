/*
 * fork: a second address space over the same pages.  Page tables are copied one at a time; private
 * pages lose write permission on both sides, in place on the parent's, which is then announced to
 * the back end as a whole: so the cost is in tables, not in pages.  Read fault/cow.c for the first
 * write.
 */
#include <string.h>

#include "space/leaf.h"
#include "space/range.h"
#include "space/rmap.h"
#include "space/space.h"

/* One more mapping of what a present entry of the parent shows; the child's entry. */
static uint64_t share_present(struct space *child, struct gva address, uint64_t entry)
{
    struct memory *memory = child->memory;
    uint32_t frame = frames_index(gpa_of(entry & PTE_ADDRESS));

    if (frames_record(memory->config.frames, frame)->use == FRAME_SHARED) {
        return 0; /* found again through its object by the child's own fault */
    }
    memory_add_mapping(memory, child, address, frame, false);
    return entry & ~PTE_WRITABLE;
}

static uint64_t share_entry(struct space *child, struct gva address, uint64_t entry)
{
    if (leaf_is_present(entry)) {
        return share_present(child, address, entry);
    }
    if (leaf_is_swapped(entry)) {
        swap_get(child->memory->config.swap, leaf_slot(entry));
    }
    return entry;
}

/* The parent's entry keeps what it maps.  True if it changed. */
static bool protect_parent(uint64_t *entry, uint64_t child_entry)
{
    if (!leaf_is_present(*entry) || child_entry == 0 || (*entry & PTE_WRITABLE) == 0) {
        return false;
    }
    *entry &= ~PTE_WRITABLE;
    return true;
}

static bool
copy_piece(struct space *parent, struct space *child, const struct ptab_piece *piece)
{
    uint64_t values[PTE_ENTRIES];
    struct ptab_slot slot;
    bool changed = false;

    if (!ptab_prepare(&child->ptab, piece->begin, piece->slot.level, &slot)) {
        return false;
    }
    uint64_t bytes = ptab_levels[piece->slot.level].entry_bytes;
    for (unsigned i = 0; i < piece->entries; i++) {
        uint64_t *entry = &piece->slot.entry[i];
        values[i] =
            *entry == 0 ? 0 : share_entry(child, gva_add(piece->begin, i * bytes), *entry);
        changed |= protect_parent(entry, values[i]);
    }
    ptab_fill(&child->ptab, slot, values, piece->entries);
    if (changed) {
        range_make_room(parent, 0, 0);
        edits_announce(parent->memory->config.edits, piece->slot.entry_gpa);
        parent->stale = true;
    }
    return true;
}

static bool copy_tables(struct space *parent, struct space *child, struct err *err)
{
    struct gva from = gva_of(LAYOUT_USER_BEGIN);
    struct ptab_piece piece;

    space_settle(parent);
    while (ptab_next_piece(&parent->ptab, &from, gva_of(LAYOUT_USER_END), &piece)) {
        if (!copy_piece(parent, child, &piece)) {
            return err_set(err, ERR_ENVIRONMENT, "fork: no frame is left for page tables");
        }
    }
    return true;
}

bool space_fork(struct space *parent, struct space **child, struct err *err)
{
    struct space *made;

    *child = NULL;
    if (!space_create(&made, parent->memory, err)) {
        return false;
    }
    regions_destroy(made->regions);
    made->regions = regions_clone(parent->regions);
    made->stack_lowest = parent->stack_lowest;
    made->heap_begin = parent->heap_begin;
    made->heap_end = parent->heap_end;
    made->map_top = parent->map_top;
    if (made->regions == NULL) {
        err_set(err, ERR_ENVIRONMENT, "fork: no memory for the regions");
        space_destroy(made);
        return false;
    }
    if (!copy_tables(parent, made, err)) {
        space_destroy(made);
        return false;
    }
    *child = made;
    return true;
}
