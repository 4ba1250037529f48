/*
 * Eviction, told in order: find the mappings, see where the contents can be had again, write them
 * if that is nowhere, edit every mapping, let the frame go.  Read space/rmap.h for the first step.
 */
#include "fault/evict.h"

#include "space/leaf.h"
#include "space/range.h"
#include "space/rmap.h"

#define MAPPINGS_MAX 256
#define ATTEMPTS_MAX 4096

struct mappings {
    struct rmap_mapping mapping[MAPPINGS_MAX];
    unsigned count;
    bool dirty, overflow;
};

static bool gather(void *context, const struct rmap_mapping *mapping)
{
    struct mappings *all = context;

    if (all->count == MAPPINGS_MAX) {
        all->overflow = true;
        return false;
    }
    all->dirty |= (*mapping->slot.entry & PTE_DIRTY) != 0;
    all->mapping[all->count++] = *mapping;
    return true;
}

/* Every reference must be a mapping that was found, or the object's own: a frame that waits for
 * the edit list has others. */
static bool find_mappings(struct memory *memory, uint32_t frame, struct mappings *all)
{
    const struct frame *record = frames_record(memory->config.frames, frame);
    unsigned own = record->use == FRAME_SHARED ? 1 : 0;

    all->count = 0;
    all->dirty = (record->flags & FRAME_DIRTY) != 0;
    all->overflow = false;
    rmap_visit(memory, frame, gather, all);
    return !all->overflow && all->count + own == record->references;
}

/* --- where the contents go --- */

static uint32_t write_to_swap(struct pager *pager, uint32_t frame)
{
    struct swap *swap = pager->config.memory->config.swap;

    if (swap == NULL) {
        return SWAP_NONE;
    }
    uint32_t slot = swap_alloc(swap);
    if (slot == SWAP_NONE) {
        return SWAP_NONE;
    }
    if (!swap_write(swap, slot, frames_hva(pager->config.memory->config.frames, frame))) {
        swap_put(swap, slot);
        return SWAP_NONE;
    }
    pager->write_backs++;
    return slot;
}

/* A private page: *entry is what stands for it from now on.  The frame keeps the reference of the
 * slot until it goes. */
static bool store_private(struct pager *pager, uint32_t frame, bool dirty, uint64_t *entry)
{
    struct memory *memory = pager->config.memory;
    struct frame *record = frames_record(memory->config.frames, frame);

    if ((record->flags & FRAME_FRESH) != 0 && !dirty) {
        *entry = 0;
        return true;
    }
    if (record->slot == 0 || dirty) {
        uint32_t slot = write_to_swap(pager, frame);
        if (slot == SWAP_NONE) {
            return false;
        }
        memory_drop_slot(memory, frame);
        record->slot = slot + 1;
    }
    *entry = leaf_of_slot(record->slot - 1);
    return true;
}

/* A page of an object: its record remembers where it is. */
static bool store_shared(struct pager *pager, uint32_t frame, bool dirty)
{
    struct memory *memory = pager->config.memory;
    struct frame *record = frames_record(memory->config.frames, frame);
    struct object *object = memory->objects.object[record->object];
    struct object_page *page = object_find(object, record->index);
    bool elsewhere = page->slot != SWAP_NONE || (record->flags & FRAME_FRESH) != 0;

    if (dirty || !elsewhere) {
        if (object->fd >= 0) {
            if (object_write(object, page->index, frames_hva(memory->config.frames, frame)) !=
                0) {
                return false;
            }
            pager->write_backs++;
        } else {
            uint32_t slot = write_to_swap(pager, frame);
            if (slot == SWAP_NONE) {
                return false;
            }
            if (page->slot != SWAP_NONE) {
                swap_put(memory->config.swap, page->slot);
            }
            page->slot = slot;
        }
    }
    page->frame = FRAMES_NONE;
    return true;
}

/* --- the page goes --- */

static void
replace_mapping(struct memory *memory, const struct rmap_mapping *mapping, uint64_t entry)
{
    uint64_t old = *mapping->slot.entry;

    range_make_room(mapping->space, 1, 0);
    if (entry == 0) {
        ptab_vacate(&mapping->space->ptab, mapping->slot);
    } else {
        swap_get(memory->config.swap, leaf_slot(entry));
    }
    space_edit_leaf(mapping->space, mapping->address, mapping->slot, entry);
    /* Its contents are safe by now: the dirty bit has no news. */
    memory_drop_mapping(
        memory, mapping->space, mapping->address, mapping->slot.level, old & ~PTE_DIRTY);
}

static bool split_first(struct memory *memory, uint32_t frame)
{
    struct mappings all;

    return find_mappings(memory, frame, &all) && all.count > 0 &&
           space_split_leaf(all.mapping[0].space, all.mapping[0].slot);
}

bool evict_page(struct pager *pager, uint32_t frame)
{
    struct memory *memory = pager->config.memory;
    struct frame *record = frames_record(memory->config.frames, frame);
    struct mappings all;
    uint64_t entry = 0;

    if (record->order != 0 && !split_first(memory, frame)) {
        return false;
    }
    if (!find_mappings(memory, frame, &all)) {
        return false;
    }
    bool shared = record->use == FRAME_SHARED;
    if (shared ? !store_shared(pager, frame, all.dirty)
               : !store_private(pager, frame, all.dirty, &entry)) {
        return false;
    }
    for (unsigned i = 0; i < all.count; i++) {
        replace_mapping(memory, &all.mapping[i], entry);
    }
    for (unsigned i = 0; i < all.count + (shared ? 1 : 0); i++) {
        memory_release(memory, frame, true);
    }
    pager->evictions++;
    return true;
}

void evict_forget_page(struct pager *pager, uint32_t frame)
{
    struct memory *memory = pager->config.memory;
    struct mappings all;

    do {
        (void)find_mappings(memory, frame, &all);
        for (unsigned i = 0; i < all.count; i++) {
            replace_mapping(memory, &all.mapping[i], 0);
        }
        for (unsigned i = 0; i < all.count; i++) {
            memory_release(memory, frame, true);
        }
    } while (all.overflow);
    memory_release(memory, frame, true);
}

static bool frame_is_free(const struct memory *memory)
{
    return frames_used(memory->config.frames) < frames_total(memory->config.frames);
}

bool evict_make_room(struct pager *pager, uint32_t *evicted)
{
    struct memory *memory = pager->config.memory;
    unsigned attempt = 0;

    while (!memory_has_room(memory, 1) || !frame_is_free(memory)) {
        if (attempt == 1 && edits_pending(memory->config.edits)) {
            memory_settle(memory); /* frames may be waiting for it alone */
            if (memory_has_room(memory, 1) && frame_is_free(memory)) {
                return true;
            }
        }
        if (attempt == ATTEMPTS_MAX) {
            return false;
        }
        uint32_t frame = replace_choose(&pager->replace, attempt++);
        if (frame == FRAMES_NONE) {
            return false;
        }
        if (evict_page(pager, frame)) {
            *evicted = frame;
            attempt = 0;
        }
    }
    return true;
}
