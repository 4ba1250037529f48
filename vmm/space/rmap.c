/* Owns the homes of frames and the list of mappings away from home; see rmap.h. */
#include "space/rmap.h"

#include <stdlib.h>
#include <string.h>

#define SLOT_SHIFT     48
#define PAGE_MASK      ((UINT64_C(1) << SLOT_SHIFT) - 1)
#define FIRST_CAPACITY 64

static uint64_t home_of(const struct space *space, struct gva address)
{
    return (uint64_t)(space->slot + 1u) << SLOT_SHIFT | address.value >> PAGE_SHIFT;
}

struct gva rmap_home(const struct frame *record)
{
    return gva_of((record->owner & PAGE_MASK) << PAGE_SHIFT);
}

unsigned rmap_home_slot(const struct frame *record)
{
    return (unsigned)(record->owner >> SLOT_SHIFT) - 1;
}

static bool is_home_page(const struct frame *record, struct gva address)
{
    return (record->owner & PAGE_MASK) == address.value >> PAGE_SHIFT;
}

/* --- away from home: a hash table by frame, with linear probing --- */

static uint32_t place_of(const struct memory *memory, uint32_t frame)
{
    return frame * UINT32_C(2654435769) & (memory->extra_capacity - 1);
}

static void insert(struct memory *memory, struct memory_extra extra)
{
    uint32_t at = place_of(memory, extra.frame);

    while (memory->extra[at].frame != FRAMES_NONE) {
        at = (at + 1) & (memory->extra_capacity - 1);
    }
    memory->extra[at] = extra;
    memory->extra_count++;
}

static bool make_room(struct memory *memory)
{
    if (memory->extra_capacity > 0 && memory->extra_count < memory->extra_capacity / 2) {
        return true;
    }
    uint32_t old_capacity = memory->extra_capacity;
    uint32_t capacity = old_capacity == 0 ? FIRST_CAPACITY : 2 * old_capacity;
    struct memory_extra *old = memory->extra;
    struct memory_extra *larger = malloc(capacity * sizeof(*larger));

    if (larger == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < capacity; i++) {
        larger[i] = (struct memory_extra){.frame = FRAMES_NONE};
    }
    memory->extra = larger;
    memory->extra_capacity = capacity;
    memory->extra_count = 0;
    for (uint32_t i = 0; i < old_capacity; i++) {
        if (old[i].frame != FRAMES_NONE) {
            insert(memory, old[i]);
        }
    }
    free(old);
    return true;
}

/* Take one out and close the gap: what probes past it must still be found (Knuth, TAOCP volume 3,
 * 6.4, algorithm R). */
static void take_out(struct memory *memory, uint32_t at)
{
    uint32_t mask = memory->extra_capacity - 1;
    uint32_t hole = at;

    memory->extra[hole].frame = FRAMES_NONE;
    memory->extra_count--;
    for (uint32_t next = (hole + 1) & mask; memory->extra[next].frame != FRAMES_NONE;
         next = (next + 1) & mask) {
        uint32_t wanted = place_of(memory, memory->extra[next].frame);
        if (((next - wanted) & mask) >= ((next - hole) & mask)) {
            memory->extra[hole] = memory->extra[next];
            memory->extra[next].frame = FRAMES_NONE;
            hole = next;
        }
    }
}

void rmap_add(
    struct memory *memory, uint32_t frame, const struct space *space, struct gva address)
{
    struct frame *record = frames_record(memory->config.frames, frame);

    if (record->owner == 0) {
        record->owner = home_of(space, address);
        return;
    }
    if (is_home_page(record, address)) {
        return;
    }
    if (!make_room(memory)) {
        memory_lock_frame(memory, frame);
        return;
    }
    insert(
        memory, (struct memory_extra){
                    .frame = frame, .space = space->slot, .page = address.value >> PAGE_SHIFT});
}

void rmap_remove(
    struct memory *memory, uint32_t frame, const struct space *space, struct gva address)
{
    const struct frame *record = frames_record(memory->config.frames, frame);

    if (is_home_page(record, address) || memory->extra_capacity == 0) {
        return;
    }
    uint32_t at = place_of(memory, frame);
    while (memory->extra[at].frame != FRAMES_NONE) {
        const struct memory_extra *extra = &memory->extra[at];
        if (extra->frame == frame && extra->space == space->slot &&
            extra->page == address.value >> PAGE_SHIFT) {
            take_out(memory, at);
            return;
        }
        at = (at + 1) & (memory->extra_capacity - 1);
    }
}

void rmap_move(
    struct memory *memory,
    uint32_t frame,
    const struct space *space,
    struct gva from,
    struct gva to)
{
    struct frame *record = frames_record(memory->config.frames, frame);

    rmap_remove(memory, frame, space, from);
    if (record->references == 1) {
        record->owner = 0;
    }
    rmap_add(memory, frame, space, to);
}

/* --- finding --- */

static bool
maps(struct space *space, struct gva address, uint32_t frame, struct rmap_mapping *mapping)
{
    struct ptab_slot slot;

    if (space == NULL || !ptab_find_leaf(&space->ptab, address, &slot) ||
        (*slot.entry & PTE_PRESENT) == 0 ||
        frames_index(gpa_of(*slot.entry & PTE_ADDRESS)) != frame) {
        return false;
    }
    *mapping = (struct rmap_mapping){.space = space, .address = address, .slot = slot};
    return true;
}

/* False when visit wants no more. */
static bool
visit_extras(struct memory *memory, uint32_t frame, rmap_visit_fn *visit, void *context)
{
    struct rmap_mapping mapping;

    if (memory->extra_count == 0) {
        return true;
    }
    for (uint32_t at = place_of(memory, frame); memory->extra[at].frame != FRAMES_NONE;
         at = (at + 1) & (memory->extra_capacity - 1)) {
        const struct memory_extra *extra = &memory->extra[at];
        if (extra->frame == frame &&
            maps(
                memory->spaces[extra->space], gva_of(extra->page << PAGE_SHIFT), frame,
                &mapping) &&
            !visit(context, &mapping)) {
            return false;
        }
    }
    return true;
}

void rmap_visit(struct memory *memory, uint32_t frame, rmap_visit_fn *visit, void *context)
{
    const struct frame *record = frames_record(memory->config.frames, frame);
    struct gva home = rmap_home(record);
    unsigned first = rmap_home_slot(record);
    struct rmap_mapping mapping;

    if (record->owner == 0) {
        return;
    }
    if (maps(memory->spaces[first], home, frame, &mapping)) {
        if (!visit(context, &mapping) || record->references == 1) {
            return;
        }
    }
    for (unsigned i = 0; i < memory->space_count; i++) {
        if (i != first && maps(memory->spaces[i], home, frame, &mapping) &&
            !visit(context, &mapping)) {
            return;
        }
    }
    visit_extras(memory, frame, visit, context);
}

struct bits {
    uint64_t wanted, found;
};

static bool gather_bits(void *context, const struct rmap_mapping *mapping)
{
    struct bits *bits = context;

    bits->found |= *mapping->slot.entry & bits->wanted;
    return bits->found != bits->wanted;
}

uint64_t rmap_bits(struct memory *memory, uint32_t frame, uint64_t wanted)
{
    struct bits bits = {.wanted = wanted};

    rmap_visit(memory, frame, gather_bits, &bits);
    return bits.found;
}
