/*
 * Copy-on-write.  The copy replaces the frame under a present entry, which is a downgrade and goes
 * by the edit list, unless the write that wants it comes next (pager.h, retry); taking the page back
 * only adds a permission.  Read space/fork.c for how pages
 * come to be shared.
 */
#include "fault/cow.h"

#include <string.h>

static void finish(
    const struct bring *bring,
    struct ptab_slot slot,
    uint32_t frame,
    enum fault_kind kind,
    enum record_action action,
    uint64_t entry)
{
    bring->record->kind = (uint8_t)kind;
    bring->record->action = (uint8_t)action;
    bring->record->frame = frame;
    bring->record->level = (uint8_t)slot.level;
    bring->record->entry_after = entry;
}

static uint64_t written(const struct bring *bring, uint64_t entry)
{
    return (entry & PTE_ADDRESS) | (entry & PTE_PAGE_SIZE) |
           space_leaf_bits(bring->space, bring->region->spec.permissions) | PTE_DIRTY;
}

static enum bring_result reuse(const struct bring *bring, struct ptab_slot slot, uint32_t frame)
{
    uint64_t entry = written(bring, *slot.entry);

    memory_drop_slot(bring->space->memory, frame);
    space_upgrade_leaf(bring->space, slot, entry);
    finish(bring, slot, frame, FAULT_COW_REUSE, ACTION_UPGRADE, entry);
    return BRING_DONE;
}

enum bring_result cow_share(const struct bring *bring, struct ptab_slot slot)
{
    uint32_t frame = frames_index(gpa_of(*slot.entry & PTE_ADDRESS));
    uint64_t entry = written(bring, *slot.entry);

    memory_drop_slot(bring->space->memory, frame);
    space_upgrade_leaf(bring->space, slot, entry);
    finish(bring, slot, frame, (enum fault_kind)bring->record->kind, ACTION_UPGRADE, entry);
    return BRING_DONE;
}

/* The page that is copied must not be the one that goes to make room. */
static uint32_t frame_beside(const struct bring *bring, uint32_t source)
{
    struct frame *record = frames_record(bring->space->memory->config.frames, source);
    uint8_t was_held = record->flags & FRAME_HELD;

    record->flags |= FRAME_HELD;
    uint32_t frame = bring_frame(bring, FRAME_DATA, false, &bring->record->evicted);
    record->flags = (uint8_t)((record->flags & ~FRAME_HELD) | was_held);
    return frame;
}

/* Another frame under a present entry. */
static void
replace_entry(const struct bring *bring, struct gva page, struct ptab_slot slot, uint64_t entry)
{
    struct pager *pager = bring->pager;

    if (!pager->config.retries || (bring->record->access & RECORD_HOST) != 0) {
        space_edit_leaf(bring->space, page, slot, entry);
        return;
    }
    space_replace_leaf(bring->space, slot, entry);
    pager->retry = (struct pager_retry){.space = bring->space, .address = page, .slot = slot};
}

enum bring_result cow_copy(const struct bring *bring, struct ptab_slot slot)
{
    struct memory *memory = bring->space->memory;
    uint32_t source = frames_index(gpa_of(*slot.entry & PTE_ADDRESS));
    struct gva page = gva_page(bring->address);
    uint32_t frame = frame_beside(bring, source);

    if (frame == FRAMES_NONE) {
        return BRING_NO_FRAME;
    }
    memcpy(
        frames_hva(memory->config.frames, frame), frames_hva(memory->config.frames, source),
        PAGE_BYTES);
    uint64_t old = *slot.entry;
    uint64_t entry = written(bring, frames_gpa(frame).value);
    bool locked = (frames_record(memory->config.frames, source)->flags & FRAME_LOCKED) != 0;
    replace_entry(bring, page, slot, entry);
    memory_drop_mapping(memory, bring->space, page, 1, old);
    memory_release(memory, source, false);
    memory_add_mapping(memory, bring->space, page, frame, true);
    if (locked) {
        memory_lock_frame(memory, frame);
    }
    memory_tell_mapped(memory, frame);
    finish(bring, slot, frame, FAULT_COW_COPY, ACTION_COPY, entry);
    return BRING_DONE;
}

enum bring_result cow_write(const struct bring *bring, struct ptab_slot slot)
{
    struct memory *memory = bring->space->memory;
    uint32_t frame = frames_index(gpa_of(*slot.entry & PTE_ADDRESS));

    if (slot.level > 1) {
        if (memory_is_sole(memory, frame)) {
            return reuse(bring, slot, frame);
        }
        /* Only the part that is written is copied. */
        if (!space_split_leaf(bring->space, slot) ||
            !ptab_find_leaf(&bring->space->ptab, bring->address, &slot)) {
            return BRING_NO_TABLE;
        }
        frame = frames_index(gpa_of(*slot.entry & PTE_ADDRESS));
    }
    bool alone = frames_record(memory->config.frames, frame)->references == 1;
    return alone ? reuse(bring, slot, frame) : cow_copy(bring, slot);
}
