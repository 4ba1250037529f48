/*
 * Downgrades over a range, table by table.  A few entries of a table go into the edit list; where
 * many change, the host rewrites the table in place and announces it (paging/edits.h), which takes
 * the guest kernel four instructions instead of seven for each entry.  Read space.c for who calls.
 */
#include "space/range.h"

#include <assert.h>
#include <stdlib.h>

#include "space/leaf.h"
#include "space/rmap.h"

/* From here on rewriting costs less: an announcement is a store that the host emulates and a CR3
 * reload, about 15 us where ring 0 is interpreted; an edit there is about 5 us (bench/). */
#define FEW_EDITS 8

void range_make_room(struct space *space, unsigned edits, unsigned releases)
{
    if (!edits_have_room(space->memory->config.edits, edits, releases)) {
        space_settle(space);
    }
}

/* An edit reaches every CPU that runs this space; kept translations of another one are stale. */
void space_edit_leaf(
    struct space *space, struct gva address, struct ptab_slot slot, uint64_t entry)
{
    range_make_room(space, 1, 0);
    edits_add(space->memory->config.edits, slot, entry, address);
    space->stale = true;
}

void space_replace_leaf(struct space *space, struct ptab_slot slot, uint64_t entry)
{
    const struct edits *edits = space->memory->config.edits;

    assert((*slot.entry & entry & PTE_PRESENT) != 0);
    if (edits->count != 0 && edits_hold(edits, slot.entry_gpa)) {
        space_settle(space);
    }
    *slot.entry = entry;
}

void space_new_leaf(struct space *space, struct ptab_slot slot, uint64_t entry)
{
    const struct edits *edits = space->memory->config.edits;

    if (edits->count != 0 && edits_hold(edits, slot.entry_gpa)) {
        space_settle(space);
    }
    ptab_fill(&space->ptab, slot, &entry, 1);
}

void space_upgrade_leaf(struct space *space, struct ptab_slot slot, uint64_t entry)
{
    const struct edits *edits = space->memory->config.edits;

    if (edits->count != 0 && edits_hold(edits, slot.entry_gpa)) {
        space_settle(space);
    }
    if ((*slot.entry & PTE_PRESENT) != 0) {
        entry |= *slot.entry & PTE_USER; /* a page that is open stays so (memory.h) */
    }
    ptab_commit(&space->ptab, slot, entry);
}

/* --- removing --- */

/* The entries that point to tables which are now empty go by edits; each table is released when
 * that was done. */
static void unlink_tables(
    struct space *space, struct gva address, const struct ptab_slot *empty, unsigned tables)
{
    struct edits *edits = space->memory->config.edits;

    for (unsigned i = 0; i < tables; i++) {
        edits_release(edits, frames_index(gpa_of(*empty[i].entry & PTE_ADDRESS)));
        edits_add(edits, empty[i], 0, address);
    }
}

/* Zero at one entry, by an edit or (in_place) by the host's own store. */
static void
clear_entry(struct space *space, struct gva address, struct ptab_slot slot, bool in_place)
{
    struct ptab_slot empty[3];

    unsigned tables = ptab_forget(&space->ptab, address, slot, empty);

    if (in_place) {
        *slot.entry = 0;
    } else {
        edits_add(space->memory->config.edits, slot, 0, address);
    }
    unlink_tables(space, address, empty, tables);
}

void space_remove_leaf(struct space *space, struct gva address, struct ptab_slot slot)
{
    uint64_t entry = *slot.entry;

    range_make_room(space, 4, 4);
    clear_entry(space, address, slot, false);
    memory_forget_entry(space->memory, space, address, slot.level, entry);
    space->stale = true;
}

void range_empty_piece(struct space *space, const struct ptab_piece *piece, uint64_t *taken)
{
    const uint64_t bytes = ptab_levels[piece->slot.level].entry_bytes;
    bool in_place = piece->used > FEW_EDITS;

    range_make_room(space, in_place ? 4 : piece->used + 4, piece->used + 4);
    for (unsigned i = 0; i < piece->entries; i++) {
        struct ptab_slot slot = ptab_piece_slot(piece, i);
        struct gva address = gva_add(piece->begin, i * bytes);
        uint64_t entry = *slot.entry;
        if (taken != NULL) {
            taken[i] = entry;
        }
        if (entry == 0) {
            continue;
        }
        clear_entry(space, address, slot, in_place);
        if (taken == NULL) {
            memory_forget_entry(space->memory, space, address, slot.level, entry);
        }
    }
    if (in_place) {
        edits_announce(space->memory->config.edits, piece->slot.entry_gpa);
    }
    space->stale = true;
}

void range_remove(struct space *space, struct gva begin, struct gva end)
{
    struct gva from = begin;
    struct ptab_piece piece;

    space_settle(space);
    while (ptab_next_piece(&space->ptab, &from, end, &piece)) {
        range_empty_piece(space, &piece, NULL);
    }
}

/* --- permissions --- */

#define PERMISSION_BITS (PTE_PRESENT | PTE_USER | PTE_WRITABLE | PTE_NO_EXECUTE)

static bool is_upgrade(uint64_t old, uint64_t new)
{
    return ((old & (PTE_USER | PTE_WRITABLE)) & ~new) == 0 &&
           ((new &PTE_NO_EXECUTE) & ~old) == 0;
}

static uint64_t protected_entry(struct space *space, uint64_t entry, uint8_t permissions)
{
    if (!leaf_is_present(entry)) {
        return entry;
    }
    uint32_t frame = frames_index(gpa_of(entry & PTE_ADDRESS));
    return (entry & ~PERMISSION_BITS) |
           (space_frame_bits(space, permissions, frame) & PERMISSION_BITS);
}

static unsigned
count_downgrades(struct space *space, const struct ptab_piece *piece, uint8_t permissions)
{
    unsigned count = 0;

    for (unsigned i = 0; i < piece->entries; i++) {
        uint64_t entry = piece->slot.entry[i];
        count += is_upgrade(entry, protected_entry(space, entry, permissions)) ? 0 : 1;
    }
    return count;
}

static void
protect_piece(struct space *space, const struct ptab_piece *piece, uint8_t permissions)
{
    bool in_place = count_downgrades(space, piece, permissions) > FEW_EDITS;

    if (in_place) {
        range_make_room(space, 0, 0);
        edits_announce(space->memory->config.edits, piece->slot.entry_gpa);
        space->stale = true;
    }
    for (unsigned i = 0; i < piece->entries; i++) {
        struct ptab_slot slot = ptab_piece_slot(piece, i);
        uint64_t old = *slot.entry;
        uint64_t new = protected_entry(space, old, permissions);
        if (new == old) {
            continue;
        }
        if (in_place) {
            *slot.entry = new;
        } else if (is_upgrade(old, new)) {
            space_upgrade_leaf(space, slot, new);
        } else {
            space_edit_leaf(
                space, gva_add(piece->begin, i * ptab_levels[slot.level].entry_bytes), slot,
                new);
        }
    }
}

void range_protect(struct space *space, struct gva begin, struct gva end, uint8_t permissions)
{
    struct gva from = begin;
    struct ptab_piece piece;

    space_settle(space);
    while (ptab_next_piece(&space->ptab, &from, end, &piece)) {
        protect_piece(space, &piece, permissions);
    }
}

/* --- splitting --- */

/* 512 records for one: each small frame lives where its part of the run did.  The pager holds a run
 * by its first frame, and will let go of no other. */
static void
split_run(struct memory *memory, uint32_t frame, const struct space *space, struct gva home)
{
    struct frame *record = frames_record(memory->config.frames, frame);

    frames_split(memory->config.frames, frame);
    for (uint32_t i = 0; i < PTE_ENTRIES; i++) {
        record[i].owner = 0;
        record[i].flags &= i > 0 ? (uint8_t)~FRAME_HELD : UINT8_MAX;
        rmap_add(memory, frame + i, space, gva_add(home, i * PAGE_BYTES));
    }
}

struct sharers {
    struct rmap_mapping *mapping;
    uint64_t *entry; /* what takes its place */
    unsigned count, capacity;
    bool failed;
};

static bool prepare_sharer(void *context, const struct rmap_mapping *mapping)
{
    struct sharers *sharers = context;

    if (sharers->count == sharers->capacity ||
        !ptab_prepare_split(
            &mapping->space->ptab, mapping->slot, &sharers->entry[sharers->count])) {
        sharers->failed = true;
        return false;
    }
    sharers->mapping[sharers->count++] = *mapping;
    return true;
}

static void commit_split(
    struct memory *memory, uint32_t frame, const struct sharers *sharers, struct space *space)
{
    struct gva home = rmap_home(frames_record(memory->config.frames, frame));
    bool large = memory->watch.unmapped != NULL;

    if (large) {
        memory->watch.unmapped(memory->watch.context, frame, false);
    }
    split_run(memory, frame, space, home);
    for (uint32_t i = 0; large && i < PTE_ENTRIES; i++) {
        memory_tell_mapped(memory, frame + i);
    }
    for (unsigned i = 0; i < sharers->count; i++) {
        const struct rmap_mapping *mapping = &sharers->mapping[i];
        space_edit_leaf(mapping->space, mapping->address, mapping->slot, sharers->entry[i]);
    }
    space_settle(space);
}

static bool split_with(struct space *space, uint32_t frame, struct sharers *sharers)
{
    struct memory *memory = space->memory;

    rmap_visit(memory, frame, prepare_sharer, sharers);
    if (sharers->failed) {
        /* Tables made so far are empty again: nobody points to them. */
        for (unsigned i = 0; i < sharers->count; i++) {
            ptab_abandon_split(&space->ptab, sharers->entry[i]);
        }
        return false;
    }
    commit_split(memory, frame, sharers, space);
    return true;
}

bool space_split_leaf(struct space *space, struct ptab_slot slot)
{
    enum { FEW = 16 };
    struct rmap_mapping few_mappings[FEW];
    uint64_t few_entries[FEW];
    struct sharers sharers = {.mapping = few_mappings, .entry = few_entries, .capacity = FEW};
    uint32_t frame = frames_index(gpa_of(*slot.entry & PTE_ADDRESS));
    uint32_t references = frames_record(space->memory->config.frames, frame)->references;

    space_settle(space);
    if (references <= FEW) {
        return split_with(space, frame, &sharers);
    }
    sharers.mapping = calloc(references, sizeof(*sharers.mapping));
    sharers.entry = calloc(references, sizeof(*sharers.entry));
    sharers.capacity = references;
    bool done =
        sharers.mapping != NULL && sharers.entry != NULL && split_with(space, frame, &sharers);
    free(sharers.mapping);
    free(sharers.entry);
    return done;
}

static bool split_across(struct space *space, struct gva edge)
{
    struct ptab_slot slot;
    uint64_t offset = edge.value & (LARGE_BYTES - 1);

    if (offset == 0 || !ptab_find_leaf(&space->ptab, edge, &slot) || slot.level == 1) {
        return true;
    }
    return space_split_leaf(space, slot);
}

bool range_split_edges(struct space *space, struct gva begin, struct gva end)
{
    space_settle(space);
    return split_across(space, begin) && split_across(space, end);
}
