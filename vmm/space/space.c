/*
 * Regions and page tables in step.  Every change is: see that it can be done, change the
 * regions (which allocate, and may refuse), then change the tables (which cannot fail).  Read
 * paging/edits.h for what happens to the downgrades, fault/pager.c for what happens at a touch.
 */
#include "space/space.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

bool space_create(struct space **space, const struct space_config *config, struct err *err)
{
    struct space *made = calloc(1, sizeof(*made));

    *space = NULL;
    if (made == NULL) {
        return err_set_errno(err, ERR_ENVIRONMENT, "address space");
    }
    made->config = *config;
    if (!regions_create(
            &made->regions, gva_of(LAYOUT_USER_BEGIN), gva_of(LAYOUT_USER_END), err) ||
        !ptab_create(&made->ptab, config->pool, err)) {
        regions_destroy(made->regions);
        free(made);
        return false;
    }
    *space = made;
    return true;
}

static bool
release_leaf(void *context, struct gva address __attribute__((unused)), struct ptab_slot slot)
{
    struct frames *frames = context;

    frames_release(frames, frames_index(gpa_of(*slot.entry & PTE_ADDRESS)));
    return true;
}

void space_destroy(struct space *space)
{
    if (space == NULL) {
        return;
    }
    ptab_visit(
        &space->ptab, gva_of(LAYOUT_USER_BEGIN), gva_of(LAYOUT_USER_END), release_leaf,
        space->config.frames);
    ptab_destroy(&space->ptab);
    regions_destroy(space->regions);
    free(space);
}

uint64_t space_leaf_bits(const struct space *space, uint8_t permissions)
{
    return PTE_PRESENT | PTE_ACCESSED | (permissions != 0 ? PTE_USER : 0) |
           ((permissions & REGION_WRITE) != 0 ? PTE_WRITABLE : 0) |
           ((permissions & REGION_EXEC) == 0 && space->config.no_execute ? PTE_NO_EXECUTE : 0);
}

void space_settle(struct space *space)
{
    if (space->config.edits->count != 0) {
        space->config.drain(space->config.context);
    }
}

/* --- changing tables over a range --- */

/* ptab_visit must not see tables change, so leaves are taken in batches. */
#define BATCH 64

struct batch {
    struct gva address[BATCH];
    struct ptab_slot slot[BATCH];
    unsigned count;
};

static bool collect(void *context, struct gva address, struct ptab_slot slot)
{
    struct batch *batch = context;

    batch->address[batch->count] = address;
    batch->slot[batch->count] = slot;
    batch->count++;
    return batch->count < BATCH;
}

static uint64_t leaf_bytes(struct ptab_slot slot)
{
    return ptab_levels[slot.level].entry_bytes;
}

/* The next leaves in [*from, end); moves *from behind the last one. */
static bool
next_batch(struct space *space, struct gva *from, struct gva end, struct batch *batch)
{
    batch->count = 0;
    if (from->value >= end.value) {
        return false;
    }
    ptab_visit(&space->ptab, *from, end, collect, batch);
    if (batch->count == 0) {
        return false;
    }
    *from =
        gva_add(batch->address[batch->count - 1], leaf_bytes(batch->slot[batch->count - 1]));
    return true;
}

/* An entry and the tables that it leaves empty go by edits; each table's frame is released
 * then. */
static void remove_leaf(struct space *space, struct gva address, struct ptab_slot slot)
{
    struct edits *edits = space->config.edits;
    struct ptab_slot empty[3];

    if (!edits_have_room(edits, 5)) { /* a leaf, three tables, and the leaf's frame */
        space_settle(space);
    }
    unsigned tables = ptab_forget(&space->ptab, address, slot, empty);
    edits_add(edits, slot.entry_gpa, 0, address);
    for (unsigned i = 0; i < tables; i++) {
        edits_add(edits, empty[i].entry_gpa, 0, address);
        edits_release(edits, frames_index(gpa_of(*empty[i].entry & PTE_ADDRESS)));
    }
}

static void remove_pages(struct space *space, struct gva begin, struct gva end)
{
    struct gva from = begin;
    struct batch batch;

    space_settle(space);
    while (next_batch(space, &from, end, &batch)) {
        for (unsigned i = 0; i < batch.count; i++) {
            uint32_t frame = frames_index(gpa_of(*batch.slot[i].entry & PTE_ADDRESS));
            remove_leaf(space, batch.address[i], batch.slot[i]);
            edits_release(space->config.edits, frame);
        }
    }
}

#define PERMISSION_BITS (PTE_PRESENT | PTE_USER | PTE_WRITABLE | PTE_NO_EXECUTE)

static bool is_upgrade(uint64_t old, uint64_t new)
{
    return ((old & (PTE_USER | PTE_WRITABLE)) & ~new) == 0 &&
           ((new &PTE_NO_EXECUTE) & ~old) == 0;
}

static void
protect_pages(struct space *space, struct gva begin, struct gva end, uint8_t permissions)
{
    const uint64_t bits = space_leaf_bits(space, permissions) & PERMISSION_BITS;
    struct gva from = begin;
    struct batch batch;

    space_settle(space);
    while (next_batch(space, &from, end, &batch)) {
        for (unsigned i = 0; i < batch.count; i++) {
            uint64_t old = *batch.slot[i].entry;
            uint64_t new = (old & ~PERMISSION_BITS) | bits;
            if (new == old) {
                continue;
            }
            if (is_upgrade(old, new)) {
                ptab_commit(&space->ptab, batch.slot[i], new);
                continue;
            }
            if (!edits_have_room(space->config.edits, 1)) {
                space_settle(space);
            }
            edits_add(space->config.edits, batch.slot[i].entry_gpa, new, batch.address[i]);
        }
    }
}

/* --- the calls --- */

static int errno_of(enum region_result result)
{
    switch (result) {
    case REGION_OK:
        return 0;
    case REGION_OUTSIDE:
        return EINVAL;
    case REGION_OVERLAPS:
    case REGION_HOLE:
    case REGION_NO_MEMORY:
        return ENOMEM;
    }
    return EINVAL;
}

/* The lint allows no page that is writable and executable, so no region may ask for one. */
static bool permissions_conflict(uint8_t permissions)
{
    return (permissions & (REGION_WRITE | REGION_EXEC)) == (REGION_WRITE | REGION_EXEC);
}

int space_add(
    struct space *space, struct gva begin, struct gva end, const struct region_spec *spec)
{
    if (permissions_conflict(spec->permissions)) {
        return EACCES;
    }
    enum region_result result = regions_insert(space->regions, begin, end, spec, NULL);
    return result == REGION_OVERLAPS ? EEXIST : errno_of(result);
}

int space_map(
    struct space *space, struct gva begin, struct gva end, const struct region_spec *spec)
{
    if (permissions_conflict(spec->permissions)) {
        return EACCES;
    }
    int error = space_unmap(space, begin, end);
    return error != 0 ? error : space_add(space, begin, end, spec);
}

int space_unmap(struct space *space, struct gva begin, struct gva end)
{
    int error = errno_of(regions_remove(space->regions, begin, end));

    if (error == 0) {
        remove_pages(space, begin, end);
    }
    return error;
}

int space_protect(struct space *space, struct gva begin, struct gva end, uint8_t permissions)
{
    if (permissions_conflict(permissions)) {
        return EACCES;
    }
    int error = errno_of(regions_protect(space->regions, begin, end, permissions));
    if (error == 0) {
        protect_pages(space, begin, end, permissions);
    }
    return error;
}

int space_discard(struct space *space, struct gva begin, struct gva end)
{
    remove_pages(space, begin, end);
    return 0;
}

/* See that tables for all of [to, to + bytes) can be had, before anything moves. */
static bool prepare_range(struct space *space, struct gva to, uint64_t bytes)
{
    struct ptab_slot slot;

    for (uint64_t offset = 0; offset < bytes; offset += LARGE_BYTES) {
        if (!ptab_prepare(&space->ptab, gva_add(to, offset), 1, &slot)) {
            return false;
        }
    }
    return ptab_prepare(&space->ptab, gva_add(to, bytes - PAGE_BYTES), 1, &slot);
}

int space_move_pages(struct space *space, struct gva from, struct gva to, uint64_t bytes)
{
    struct gva next = from;
    struct batch batch;
    uint64_t entries[BATCH];

    space_settle(space);
    if (!prepare_range(space, to, bytes)) {
        return ENOMEM;
    }
    while (next_batch(space, &next, gva_add(from, bytes), &batch)) {
        for (unsigned i = 0; i < batch.count; i++) {
            assert(batch.slot[i].level == 1);
            entries[i] = *batch.slot[i].entry;
            remove_leaf(space, batch.address[i], batch.slot[i]);
        }
        /* The old entries must be gone before a table of theirs may serve again. */
        space_settle(space);
        for (unsigned i = 0; i < batch.count; i++) {
            struct ptab_slot slot;
            struct gva address = gva_add(to, batch.address[i].value - from.value);
            bool prepared = ptab_prepare(&space->ptab, address, 1, &slot);
            assert(prepared); /* the tables exist, or one has just become free */
            (void)prepared;
            ptab_commit(&space->ptab, slot, entries[i]);
        }
    }
    return 0;
}

int space_place_stack(struct space *space, struct gva top, uint64_t bytes, uint64_t limit_bytes)
{
    const struct region_spec stack = {
        .kind = REGION_STACK,
        .permissions = REGION_READ | REGION_WRITE,
        .page_shift = PAGE_SHIFT,
        .label = "stack"};
    const struct region_spec guard = {
        .kind = REGION_GUARD, .page_shift = PAGE_SHIFT, .label = "stack-guard"};
    struct gva lowest = gva_of(top.value - limit_bytes);
    struct gva guard_begin = gva_of(lowest.value - LAYOUT_STACK_GAP_BYTES);
    int error = space_map(space, gva_of(top.value - bytes), top, &stack);

    if (error == 0) {
        error = space_map(space, guard_begin, lowest, &guard);
    }
    space->stack_lowest = lowest;
    space->map_top = guard_begin;
    return error;
}
