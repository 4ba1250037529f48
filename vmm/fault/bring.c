/*
 * The ways in which a page comes into memory: as zeros, from a file, from swap, from an object that
 * others map, or as 2 MiB of zeros at once.  Each makes the frame first and writes the entry last.
 * Read evict.c for where room comes from.
 */
#include "fault/bring.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault/evict.h"
#include "space/leaf.h"
#include "space/rmap.h"

static struct memory *memory_of(const struct bring *bring)
{
    return bring->pager->config.memory;
}

uint32_t
bring_frame(const struct bring *bring, enum frame_use use, bool zeroed, uint32_t *evicted)
{
    struct memory *memory = memory_of(bring);

    if (!memory_has_room(memory, 1) ||
        frames_used(memory->config.frames) == frames_total(memory->config.frames)) {
        if (bring->around || !evict_make_room(bring->pager, evicted)) {
            return FRAMES_NONE;
        }
    }
    return zeroed ? frames_alloc_zeroed(memory->config.frames, use)
                  : frames_alloc(memory->config.frames, use);
}

/* --- the entry --- */

static struct gva page_of(const struct bring *bring, unsigned level)
{
    return gva_of(round_down(bring->address.value, ptab_levels[level].entry_bytes));
}

static uint64_t
entry_of(const struct bring *bring, uint32_t frame, unsigned level, uint64_t permission_bits)
{
    uint64_t entry =
        frames_gpa(frame).value | permission_bits | (level > 1 ? PTE_PAGE_SIZE : 0);

    if (bring->write && (entry & PTE_WRITABLE) != 0) {
        entry |= PTE_DIRTY;
    }
    return bring->around ? entry & ~PTE_ACCESSED : entry;
}

static void fill_record(
    const struct bring *bring,
    struct ptab_slot slot,
    uint32_t frame,
    uint64_t entry,
    enum record_action action)
{
    struct fault_record *record = bring->record;

    record->entry_before = *slot.entry;
    record->entry_after = entry;
    record->action = (uint8_t)action;
    record->frame = frame;
    record->level = (uint8_t)slot.level;
}

void bring_install(
    const struct bring *bring, struct ptab_slot slot, uint32_t frame, enum record_action action)
{
    uint64_t bits = space_frame_bits(bring->space, bring->region->spec.permissions, frame);
    uint64_t entry = entry_of(bring, frame, slot.level, bits);

    fill_record(bring, slot, frame, entry, action);
    space_upgrade_leaf(bring->space, slot, entry);
}

void bring_install_new(
    const struct bring *bring, struct ptab_slot slot, uint32_t frame, enum record_action action)
{
    struct memory *memory = memory_of(bring);
    uint64_t bits = space_leaf_bits(bring->space, bring->region->spec.permissions);
    uint64_t entry = entry_of(bring, frame, slot.level, bits);

    memory_add_first_mapping(memory, bring->space, page_of(bring, slot.level), frame);
    fill_record(bring, slot, frame, entry, action);
    space_new_leaf(bring->space, slot, entry);
    memory_tell_mapped(memory, frame);
}

enum bring_result bring_first_touch(
    struct space *space,
    uint8_t permissions,
    struct ptab_slot slot,
    struct fault_record *record)
{
    struct memory *memory = space->memory;
    uint32_t frame = frames_alloc_zeroed(memory->config.frames, FRAME_DATA);

    if (frame == FRAMES_NONE) {
        return BRING_NO_FRAME;
    }
    uint64_t entry = frames_gpa(frame).value | space_leaf_bits(space, permissions);
    if ((record->access & RECORD_WRITE) != 0) {
        entry |= PTE_DIRTY; /* as the CPU would, and the region allows it */
    }
    memory_add_first_mapping(memory, space, gva_of(record->address), frame);
    space_new_leaf(space, slot, entry);
    record->entry_after = entry;
    record->action = ACTION_MAP_ZERO;
    record->frame = frame;
    record->level = 1;
    return BRING_DONE;
}

/* --- private pages --- */

static uint64_t offset_in_region(const struct bring *bring)
{
    return page_of(bring, 1).value - bring->region->begin.value;
}

/* How much of the page may come from the file: of a mapping all that the file has now, of a segment
 * what its header says. */
static uint64_t bytes_from_file(const struct bring *bring)
{
    const struct region_spec *spec = &bring->region->spec;
    uint64_t offset = offset_in_region(bring);

    if (spec->strict) {
        return PAGE_BYTES;
    }
    uint64_t have = spec->file_bytes > offset ? spec->file_bytes - offset : 0;
    return have < PAGE_BYTES ? have : PAGE_BYTES;
}

/* The part of the page that the file has; the rest reads zero. */
static enum bring_result load_page(const struct bring *bring, uint8_t *page, uint64_t bytes)
{
    const struct region_spec *spec = &bring->region->spec;
    off_t at = (off_t)(spec->file_offset + offset_in_region(bring));
    uint64_t done = 0;

    while (done < bytes) {
        ssize_t n = pread(spec->backing->fd, page + done, bytes - done, at + (off_t)done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return BRING_IO_ERROR;
        }
        if (n == 0) {
            break;
        }
        done += (uint64_t)n;
    }
    return done != 0 ? BRING_DONE : BRING_BEHIND;
}

/* The entry to fill: the one that was found, or one in a table that is made for it. */
static bool find_slot(const struct bring *bring, struct ptab_slot *slot)
{
    if (bring->has_table && bring->slot.level == 1) {
        *slot = bring->slot;
        return true;
    }
    return ptab_prepare(&bring->space->ptab, bring->address, 1, slot);
}

static enum bring_result bring_zero(const struct bring *bring)
{
    struct memory *memory = memory_of(bring);
    struct ptab_slot slot = bring->slot;
    uint32_t frame = bring_frame(bring, FRAME_DATA, true, &bring->record->evicted);

    if (frame == FRAMES_NONE) {
        return BRING_NO_FRAME;
    }
    if (!find_slot(bring, &slot)) {
        frames_release(memory->config.frames, frame);
        return BRING_NO_TABLE;
    }
    bring_install_new(bring, slot, frame, ACTION_MAP_ZERO);
    return BRING_DONE;
}

static enum bring_result bring_file(const struct bring *bring)
{
    struct memory *memory = memory_of(bring);
    uint64_t bytes = bytes_from_file(bring);
    struct ptab_slot slot;

    if (bytes == 0) {
        return bring_zero(bring);
    }
    bring->record->kind = FAULT_FILE_LOAD;
    uint32_t frame = bring_frame(bring, FRAME_DATA, true, &bring->record->evicted);
    if (frame == FRAMES_NONE) {
        return BRING_NO_FRAME;
    }
    enum bring_result result =
        find_slot(bring, &slot)
            ? load_page(bring, frames_hva(memory->config.frames, frame), bytes)
            : BRING_NO_TABLE;
    if (result != BRING_DONE) {
        frames_release(memory->config.frames, frame);
        return result;
    }
    bring_install_new(bring, slot, frame, ACTION_MAP_FILE);
    return BRING_DONE;
}

/* --- 2 MiB at once --- */

static bool wants_large(const struct bring *bring)
{
    const struct region *region = bring->region;
    const struct region_spec *spec = &region->spec;
    struct gva begin = page_of(bring, 2);

    if (spec->page_shift == LARGE_SHIFT) {
        return true;
    }
    if (spec->backing != NULL || spec->object != NULL || spec->kind == REGION_STACK ||
        begin.value < region->begin.value || begin.value + LARGE_BYTES > region->end.value) {
        return false;
    }
    switch (memory_of(bring)->config.page_size) {
    case MEMORY_PAGES_4K:
        return spec->large == REGION_LARGE_ALWAYS;
    case MEMORY_PAGES_AUTO:
        return spec->large != REGION_LARGE_NEVER;
    case MEMORY_PAGES_2M:
        return true;
    }
    return false;
}

/* BRING_PRESENT: not here, try a small page. */
static enum bring_result bring_large(const struct bring *bring)
{
    struct memory *memory = memory_of(bring);
    bool must = bring->region->spec.page_shift == LARGE_SHIFT;
    struct ptab_slot slot;

    if (!ptab_prepare(&bring->space->ptab, bring->address, 2, &slot) || *slot.entry != 0) {
        return slot.entry == NULL ? BRING_NO_TABLE : BRING_PRESENT;
    }
    uint32_t run = memory_has_room(memory, PTE_ENTRIES)
                       ? frames_alloc_large_zeroed(memory->config.frames, FRAME_DATA)
                       : FRAMES_NONE;
    if (run == FRAMES_NONE) {
        return must ? BRING_NO_FRAME : BRING_PRESENT;
    }
    bring_install_new(bring, slot, run, ACTION_MAP_ZERO);
    return BRING_DONE;
}

/* --- from swap --- */

/* In memory already: another process has brought it in, and the page is shared again. */
static void share_swapped(
    const struct bring *bring, struct ptab_slot slot, uint32_t frame, uint32_t swap_slot)
{
    struct memory *memory = memory_of(bring);

    memory_add_mapping(memory, bring->space, page_of(bring, 1), frame, false);
    bring_install(bring, slot, frame, ACTION_SHARE);
    swap_put(memory->config.swap, swap_slot);
}

static enum bring_result
read_swapped(const struct bring *bring, struct ptab_slot slot, uint32_t swap_slot)
{
    struct memory *memory = memory_of(bring);
    uint32_t frame = bring_frame(bring, FRAME_DATA, false, &bring->record->evicted);

    if (frame == FRAMES_NONE) {
        return BRING_NO_FRAME;
    }
    if (!swap_read(memory->config.swap, swap_slot, frames_hva(memory->config.frames, frame))) {
        frames_release(memory->config.frames, frame);
        return BRING_IO_ERROR;
    }
    /* The entry's reference of the slot becomes the frame's: while nobody writes to the page it
     * need not be written out again. */
    frames_record(memory->config.frames, frame)->slot = swap_slot + 1;
    swap_set_frame(memory->config.swap, swap_slot, frame);
    memory_add_mapping(memory, bring->space, page_of(bring, 1), frame, true);
    bring_install(bring, slot, frame, ACTION_SWAP_IN);
    memory_tell_mapped(memory, frame);
    return BRING_DONE;
}

static enum bring_result bring_swapped(const struct bring *bring, struct ptab_slot slot)
{
    uint32_t swap_slot = leaf_slot(*slot.entry);
    uint32_t frame = swap_frame(memory_of(bring)->config.swap, swap_slot);

    bring->record->kind = FAULT_SWAP_IN;
    if (frame != FRAMES_NONE) {
        share_swapped(bring, slot, frame, swap_slot);
        return BRING_DONE;
    }
    return read_swapped(bring, slot, swap_slot);
}

/* --- pages of objects --- */

/* Fill a new frame of the object with the contents that it has elsewhere. */
static enum bring_result fill_object_page(
    const struct bring *bring, struct object *object, uint64_t index, uint32_t frame)
{
    struct memory *memory = memory_of(bring);
    const struct object_page *page = object_find(object, index);
    void *to = frames_hva(memory->config.frames, frame);

    if (page != NULL && page->slot != SWAP_NONE) {
        bring->record->kind = FAULT_SWAP_IN;
        bring->record->action = ACTION_SWAP_IN;
        return swap_read(memory->config.swap, page->slot, to) ? BRING_DONE : BRING_IO_ERROR;
    }
    bring->record->action = ACTION_MAP_ZERO;
    if (object->fd < 0) {
        return BRING_DONE;
    }
    bring->record->kind = FAULT_FILE_LOAD;
    bring->record->action = ACTION_MAP_FILE;
    int error = object_read(object, index, to);
    return error == 0 ? BRING_DONE : (error == EFAULT ? BRING_BEHIND : BRING_IO_ERROR);
}

static enum bring_result load_object_page(
    const struct bring *bring, struct object *object, uint64_t index, uint32_t *out)
{
    struct memory *memory = memory_of(bring);
    uint32_t frame = bring_frame(bring, FRAME_SHARED, true, &bring->record->evicted);

    if (frame == FRAMES_NONE) {
        return BRING_NO_FRAME;
    }
    enum bring_result result = fill_object_page(bring, object, index, frame);
    struct object_page *page = result == BRING_DONE ? object_make(object, index) : NULL;
    if (page == NULL) {
        frames_release(memory->config.frames, frame);
        return result == BRING_DONE ? BRING_NO_FRAME : result;
    }
    page->frame = frame;
    struct frame *record = frames_record(memory->config.frames, frame);
    record->object = object->number;
    record->index = (uint32_t)index;
    record->flags = page->slot == SWAP_NONE ? FRAME_FRESH : 0;
    *out = frame;
    return BRING_DONE;
}

static enum bring_result bring_object(const struct bring *bring)
{
    struct memory *memory = memory_of(bring);
    struct object *object = bring->region->spec.object;
    uint64_t index = (bring->region->spec.file_offset + offset_in_region(bring)) >> PAGE_SHIFT;
    const struct object_page *page = object_find(object, index);
    bool resident = page != NULL && page->frame != FRAMES_NONE;
    uint32_t frame = resident ? page->frame : FRAMES_NONE;
    struct ptab_slot slot;

    if (!find_slot(bring, &slot)) {
        return BRING_NO_TABLE;
    }
    if (resident) {
        bring->record->kind = FAULT_SHARED;
        bring->record->action = ACTION_SHARE;
    } else {
        enum bring_result result = load_object_page(bring, object, index, &frame);
        if (result != BRING_DONE) {
            return result;
        }
    }
    memory_add_mapping(memory, bring->space, page_of(bring, 1), frame, false);
    bring_install(bring, slot, frame, (enum record_action)bring->record->action);
    if (!resident) {
        memory_tell_mapped(memory, frame);
    }
    return BRING_DONE;
}

enum bring_result bring_page(const struct bring *bring)
{
    if (!bring->has_table && edits_pending(memory_of(bring)->config.edits)) {
        /* An edit may wait that unlinks the last table there, and would unlink the new one. */
        space_settle(bring->space);
    }
    if (bring->has_table && *bring->slot.entry != 0) {
        if (leaf_is_present(*bring->slot.entry)) {
            return BRING_PRESENT;
        }
        if (bring->slot.level == 1 && leaf_is_swapped(*bring->slot.entry)) {
            return bring_swapped(bring, bring->slot);
        }
    }
    if (bring->region->spec.object != NULL) {
        return bring_object(bring);
    }
    if (!bring->around && wants_large(bring)) {
        enum bring_result result = bring_large(bring);
        if (result != BRING_PRESENT) {
            return result;
        }
    }
    return bring->region->spec.backing != NULL ? bring_file(bring) : bring_zero(bring);
}
