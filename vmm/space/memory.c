/*
 * Owns the account of frames: mappings, references, and what goes with the last one.  It refuses
 * to write page tables (space.c and fault/ do).  Read rmap.c for finding mappings again.
 */
#include "space/memory.h"

#include <stdlib.h>

#include "space/leaf.h"
#include "space/rmap.h"
#include "space/space.h"

#define DEFAULT_SPACES 64

static void release_edited(void *context, uint32_t frame)
{
    memory_release(context, frame, false);
}

static uint64_t leaf_bits(const struct memory *memory, uint8_t permissions)
{
    bool executable = (permissions & REGION_EXEC) != 0;
    bool closed =
        (memory->closed & (executable ? MEMORY_CLOSED_TEXT : MEMORY_CLOSED_DATA)) != 0;

    return PTE_PRESENT | PTE_ACCESSED | (permissions != 0 && !closed ? PTE_USER : 0) |
           ((permissions & REGION_WRITE) != 0 ? PTE_WRITABLE : 0) |
           (!executable && memory->config.no_execute ? PTE_NO_EXECUTE : 0);
}

void memory_map_closed(struct memory *memory, uint8_t closed)
{
    memory->closed = closed;
    for (uint8_t permissions = 0; permissions < 8; permissions++) {
        memory->leaf_bits[permissions] = leaf_bits(memory, permissions);
    }
}

bool memory_create(struct memory **memory, const struct memory_config *config, struct err *err)
{
    struct memory *made = calloc(1, sizeof(*made));

    *memory = NULL;
    if (made == NULL) {
        return err_set_errno(err, ERR_ENVIRONMENT, "memory");
    }
    made->config = *config;
    memory_map_closed(made, 0);
    made->space_count = config->spaces != 0 ? config->spaces : DEFAULT_SPACES;
    made->spaces = calloc(made->space_count, sizeof(struct space *));
    if (made->spaces == NULL) {
        free(made);
        return err_set_errno(err, ERR_ENVIRONMENT, "address spaces");
    }
    objects_create(&made->objects, config->frames, config->swap);
    edits_set_release(config->edits, release_edited, made);
    *memory = made;
    return true;
}

void memory_destroy(struct memory *memory)
{
    if (memory == NULL) {
        return;
    }
    memory->closing = true;
    memory_settle(memory);
    edits_set_release(memory->config.edits, NULL, NULL);
    objects_destroy(&memory->objects);
    free(memory->extra);
    free(memory->spaces);
    free(memory);
}

static void release_object_page(void *context, uint32_t frame)
{
    memory_release(context, frame, false);
}

void memory_settle(struct memory *memory)
{
    if (memory->closing) {
        edits_done(memory->config.edits);
    } else if (edits_pending(memory->config.edits)) {
        memory->config.drain(memory->config.context);
    }
    if (memory->objects.dying > 0 && !memory->unmapping) {
        objects_collect(&memory->objects, release_object_page, memory);
    }
}

uint64_t memory_resident(const struct memory *memory)
{
    return frames_used_as(memory->config.frames, FRAME_DATA) +
           frames_used_as(memory->config.frames, FRAME_SHARED);
}

bool memory_has_room(const struct memory *memory, uint64_t frames)
{
    uint64_t resident = memory_resident(memory);

    return resident < memory->config.limit_frames &&
           frames <= memory->config.limit_frames - resident;
}

void memory_tell_mapped(struct memory *memory, uint32_t frame)
{
    if (memory->watch.mapped != NULL) {
        memory->watch.mapped(memory->watch.context, frame);
    }
}

static uint64_t pages_of(const struct frame *record)
{
    return record->order == 0 ? 1 : PTE_ENTRIES;
}

void memory_lock_frame(struct memory *memory, uint32_t frame)
{
    struct frame *record = frames_record(memory->config.frames, frame);

    if ((record->flags & FRAME_LOCKED) == 0) {
        record->flags |= FRAME_LOCKED;
        memory->locked += pages_of(record);
    }
}

void memory_unlock_frame(struct memory *memory, uint32_t frame)
{
    struct frame *record = frames_record(memory->config.frames, frame);

    if ((record->flags & FRAME_LOCKED) != 0) {
        record->flags &= (uint8_t)~FRAME_LOCKED;
        memory->locked -= pages_of(record);
    }
}

void memory_add_mapping(
    struct memory *memory, struct space *space, struct gva address, uint32_t frame, bool first)
{
    struct frame *record = frames_record(memory->config.frames, frame);

    if (!first) {
        record->references++;
    }
    rmap_add(memory, frame, space, address);
    space->resident += pages_of(record);
}

bool memory_is_sole(const struct memory *memory, uint32_t frame)
{
    const struct frame *record = frames_record(memory->config.frames, frame);

    return record->references == 1 &&
           (record->slot == 0 || swap_references(memory->config.swap, record->slot - 1) == 1);
}

static void drop_slot(struct memory *memory, struct frame *record)
{
    if (record->slot != 0) {
        swap_set_frame(memory->config.swap, record->slot - 1, FRAMES_NONE);
        swap_put(memory->config.swap, record->slot - 1);
        record->slot = 0;
    }
}

void memory_drop_slot(struct memory *memory, uint32_t frame)
{
    drop_slot(memory, frames_record(memory->config.frames, frame));
}

void memory_add_first_mapping(
    struct memory *memory, struct space *space, struct gva address, uint32_t frame)
{
    struct frame *record = frames_record(memory->config.frames, frame);

    record->owner = rmap_home_of(space, address);
    record->flags = FRAME_FRESH;
    space->resident += pages_of(record);
}

void memory_drop_mapping(
    struct memory *memory,
    struct space *space,
    struct gva address,
    unsigned level,
    uint64_t entry)
{
    uint32_t frame = frames_index(gpa_of(entry & PTE_ADDRESS));
    struct frame *record = frames_record(memory->config.frames, frame);

    (void)level;
    rmap_remove(memory, frame, space, address);
    space->resident -= pages_of(record);
    if ((entry & PTE_DIRTY) == 0) {
        return;
    }
    /* The bit goes with the entry; other mappings of the frame must not lose the news. */
    record->flags &= (uint8_t)~FRAME_FRESH;
    if (record->use == FRAME_SHARED) {
        record->flags |= FRAME_DIRTY;
    } else {
        drop_slot(memory, record);
    }
}

void memory_release(struct memory *memory, uint32_t frame, bool evicted)
{
    struct frame *record = frames_record(memory->config.frames, frame);

    if (record->use == FRAME_TABLE) {
        ptab_release_table(memory->config.pool, frame);
        return;
    }
    if (record->references == 1) {
        if (memory->watch.unmapped != NULL) {
            memory->watch.unmapped(memory->watch.context, frame, evicted);
        }
        if (record->use == FRAME_DATA) {
            drop_slot(memory, record);
        }
        memory_unlock_frame(memory, frame);
    }
    frames_release(memory->config.frames, frame);
}

void memory_forget_entry(
    struct memory *memory,
    struct space *space,
    struct gva address,
    unsigned level,
    uint64_t entry)
{
    if (leaf_is_present(entry)) {
        memory_drop_mapping(memory, space, address, level, entry);
        edits_release(memory->config.edits, frames_index(gpa_of(entry & PTE_ADDRESS)));
    } else if (leaf_is_swapped(entry)) {
        swap_put(memory->config.swap, leaf_slot(entry));
    }
}
