/*
 * Regions and page tables in step.  Every change is: see that it can be done, change the
 * regions (which allocate, and may refuse), then change the tables (which cannot fail).  Read
 * paging/edits.h for what happens to the downgrades, fault/pager.c for what happens at a touch.
 */
#include "space/space.h"

#include <errno.h>
#include <stdlib.h>

#include "space/range.h"

static bool take_slot(struct space *space, struct err *err)
{
    struct memory *memory = space->memory;

    for (unsigned i = 0; i < memory->space_count; i++) {
        if (memory->spaces[i] == NULL) {
            memory->spaces[i] = space;
            space->slot = (uint16_t)i;
            return true;
        }
    }
    return err_set(
        err, ERR_ENVIRONMENT, "there are %u address spaces already: give more --max-processes",
        memory->space_count);
}

bool space_create(struct space **space, struct memory *memory, struct err *err)
{
    struct space *made = calloc(1, sizeof(*made));

    *space = NULL;
    if (made == NULL) {
        return err_set_errno(err, ERR_ENVIRONMENT, "address space");
    }
    made->memory = memory;
    made->users = 1;
    if (!regions_create(
            &made->regions, gva_of(LAYOUT_USER_BEGIN), gva_of(LAYOUT_USER_END), err) ||
        !ptab_create(&made->ptab, memory->config.pool, err)) {
        regions_destroy(made->regions);
        free(made);
        return false;
    }
    if (!take_slot(made, err)) {
        ptab_destroy(&made->ptab);
        regions_destroy(made->regions);
        free(made);
        return false;
    }
    *space = made;
    return true;
}

/* Each table reads zero by now; it serves again once the back end knows. */
static void release_table(void *context, uint32_t frame)
{
    struct space *space = context;

    range_make_room(space, 0, 1);
    edits_announce(space->memory->config.edits, frames_gpa(frame));
    edits_release(space->memory->config.edits, frame);
}

static void give_up_pages(struct space *space)
{
    struct gva from = gva_of(LAYOUT_USER_BEGIN);
    struct ptab_piece piece;

    while (ptab_next_piece(&space->ptab, &from, gva_of(LAYOUT_USER_END), &piece)) {
        uint64_t bytes = ptab_levels[piece.slot.level].entry_bytes;
        range_make_room(space, 0, piece.entries);
        for (unsigned i = 0; i < piece.entries; i++) {
            memory_forget_entry(
                space->memory, space, gva_add(piece.begin, i * bytes), piece.slot.level,
                piece.slot.entry[i]);
        }
    }
}

void space_destroy(struct space *space)
{
    if (space == NULL) {
        return;
    }
    space_settle(space);
    give_up_pages(space);
    ptab_dismantle(&space->ptab, release_table, space);
    regions_destroy(space->regions);
    space->memory->spaces[space->slot] = NULL;
    space_settle(space);
    free(space);
}

uint64_t space_leaf_bits(const struct space *space, uint8_t permissions)
{
    return space->memory->leaf_bits[permissions & 7];
}

uint64_t space_frame_bits(const struct space *space, uint8_t permissions, uint32_t frame)
{
    const struct frame *record = frames_record(space->memory->config.frames, frame);
    uint64_t bits = space_leaf_bits(space, permissions);

    return record->use == FRAME_DATA && !memory_is_sole(space->memory, frame)
               ? bits & ~PTE_WRITABLE
               : bits;
}

void space_settle(struct space *space)
{
    memory_settle(space->memory);
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
    if (!range_split_edges(space, begin, end)) {
        return ENOMEM;
    }
    /* What dirty bits say of an object's pages is known only once their entries are gone. */
    space->memory->unmapping = true;
    int error = errno_of(regions_remove(space->regions, begin, end));
    if (error == 0) {
        range_remove(space, begin, end);
    }
    space->memory->unmapping = false;
    return error;
}

int space_protect(struct space *space, struct gva begin, struct gva end, uint8_t permissions)
{
    if (permissions_conflict(permissions)) {
        return EACCES;
    }
    if (!range_split_edges(space, begin, end)) {
        return ENOMEM;
    }
    int error = errno_of(regions_protect(space->regions, begin, end, permissions));
    if (error == 0) {
        range_protect(space, begin, end, permissions);
    }
    return error;
}

int space_discard(struct space *space, struct gva begin, struct gva end)
{
    if (!range_split_edges(space, begin, end)) {
        return ENOMEM;
    }
    range_remove(space, begin, end);
    return 0;
}

int space_advise(struct space *space, struct gva begin, struct gva end, enum region_large large)
{
    return errno_of(regions_advise(space->regions, begin, end, large));
}

void space_rename(struct space *space, uint16_t process)
{
    struct region *region = regions_first_from(space->regions, gva_of(0));

    space->process = process;
    for (; region != NULL; region = regions_next(region)) {
        region->described = false;
    }
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
