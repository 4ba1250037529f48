/*
 * The fault path told in order: find the region, see what kind of fault it is, carry the
 * default policy's action out, write the entry.  Each early return says what it means for the
 * program. Read paging/ptab.h for prepare and commit, space/space.h for downgrades.
 */
#include "fault/pager.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static bool refuse(
    struct fault_record *record,
    struct pager_signal *signal,
    enum fault_kind kind,
    int number,
    int code)
{
    record->kind = (uint8_t)kind;
    record->action = (uint8_t)(number == SIGKILL ? ACTION_KILL : ACTION_SIGNAL);
    *signal = (struct pager_signal){.number = number, .code = code};
    return false;
}

static bool out_of_memory(struct fault_record *record, struct pager_signal *signal)
{
    return refuse(record, signal, FAULT_OUT_OF_MEMORY, SIGKILL, 0);
}

/* 1. The region: the one at the address, or the stack if it may grow to it. */
static const struct region *
find_region(struct space *space, struct fault_record *record, bool *grown)
{
    struct gva address = gva_of(record->address);
    struct region *region = regions_first_from(space->regions, address);

    *grown = false;
    if (region == NULL || region->begin.value <= address.value) {
        return region;
    }
    if (region->spec.kind != REGION_STACK || address.value < space->stack_lowest.value ||
        regions_move_begin(space->regions, region, gva_page(address)) != REGION_OK) {
        return NULL;
    }
    *grown = true;
    return region;
}

/* 2. May the region be touched like this?  FAULT_KINDS: yes.  Any permission implies reading,
 * as x86 entries have it. */
static enum fault_kind forbidden_kind(const struct region *region, uint8_t access)
{
    uint8_t permissions = region->spec.permissions;

    if (permissions == 0) {
        return region->spec.kind == REGION_GUARD ? FAULT_STACK_LIMIT : FAULT_NO_ACCESS;
    }
    if ((access & RECORD_WRITE) != 0 && (permissions & REGION_WRITE) == 0) {
        return FAULT_READ_ONLY;
    }
    if ((access & RECORD_FETCH) != 0 && (permissions & REGION_EXEC) == 0) {
        return FAULT_NO_EXECUTE;
    }
    return FAULT_KINDS;
}

/* 3. Contents from the file: the part of the page that the file has; the rest reads zero. */
static bool
load_page(const struct region *region, uint64_t offset, uint8_t *page, uint64_t bytes)
{
    uint64_t have = region->spec.file_bytes - offset;
    uint64_t want = have < bytes ? have : bytes;
    uint64_t done = 0;

    while (done < want) {
        ssize_t n = pread(
            region->spec.backing->fd, page + done, want - done,
            (off_t)(region->spec.file_offset + offset + done));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        done += (uint64_t)n;
    }
    return true;
}

static uint32_t new_frame(struct frames *frames, unsigned level)
{
    return level == 1 ? frames_alloc_zeroed(frames, FRAME_DATA)
                      : frames_alloc_large_zeroed(frames, FRAME_DATA);
}

/* 4. Nothing is mapped there yet: make a frame, fill it, write the entry (an upgrade). */
static bool map_new(
    struct space *space,
    struct fault_record *record,
    struct pager_signal *signal,
    const struct region *region,
    struct ptab_slot slot)
{
    struct frames *frames = space->config.frames;
    uint64_t page_bytes = ptab_levels[slot.level].entry_bytes;
    uint64_t offset = round_down(record->address, page_bytes) - region->begin.value;
    uint32_t frame = new_frame(frames, slot.level);

    if (frame == FRAMES_NONE) {
        return out_of_memory(record, signal);
    }
    record->action = ACTION_MAP_ZERO;
    if (region->spec.backing != NULL && offset < region->spec.file_bytes) {
        record->kind = FAULT_FILE_LOAD;
        record->action = ACTION_MAP_FILE;
        if (!load_page(region, offset, frames_hva(frames, frame), page_bytes)) {
            frames_release(frames, frame);
            return refuse(record, signal, FAULT_FILE_LOAD, SIGBUS, BUS_ADRERR);
        }
    }
    uint64_t entry = frames_gpa(frame).value |
                     space_leaf_bits(space, region->spec.permissions) |
                     (slot.level > 1 ? PTE_PAGE_SIZE : 0) |
                     ((record->access & RECORD_WRITE) != 0 ? PTE_DIRTY : 0);
    ptab_commit(&space->ptab, slot, entry);
    record->entry_after = entry;
    record->frame = frame;
    record->level = (uint8_t)slot.level;
    return true;
}

/* 5. Something is mapped and the region allows the access: either the entry allows it too, and
 * the CPU used a stale translation, which the guest must flush; or it does not yet. */
static bool retry_or_upgrade(
    struct space *space,
    struct fault_record *record,
    const struct region *region,
    struct ptab_slot slot)
{
    uint64_t bits = space_leaf_bits(space, region->spec.permissions) &
                    (PTE_PRESENT | PTE_USER | PTE_WRITABLE | PTE_ACCESSED);
    uint64_t entry = *slot.entry | bits;

    if ((region->spec.permissions & REGION_EXEC) != 0) {
        entry &= ~PTE_NO_EXECUTE;
    }
    record->kind = FAULT_SPURIOUS;
    record->level = (uint8_t)slot.level;
    record->frame = frames_index(gpa_of(entry & PTE_ADDRESS));
    record->entry_after = entry;
    record->action = entry == *slot.entry ? ACTION_RETRY : ACTION_UPGRADE;
    if (record->action == ACTION_UPGRADE) {
        ptab_commit(&space->ptab, slot, entry);
    } else if ((record->access & RECORD_HOST) == 0) {
        edits_add(space->config.edits, slot.entry_gpa, entry, gva_of(record->address));
    }
    return true;
}

bool pager_fault(
    struct space *space,
    struct fault_record *record,
    struct pager_signal *signal,
    const struct region **region)
{
    bool grown = false;
    struct ptab_slot slot;

    record->frame = RECORD_NO_FRAME;
    record->evicted = RECORD_NO_FRAME;
    record->region = RECORD_NO_REGION;
    record->process = space->process;
    *region = NULL;
    space_settle(space);
    if (record->address >= LAYOUT_USER_END) {
        return refuse(record, signal, FAULT_KERNEL_PAGE, SIGSEGV, SEGV_MAPERR);
    }
    const struct region *found = find_region(space, record, &grown);
    *region = found;
    if (found == NULL) {
        return refuse(record, signal, FAULT_UNMAPPED, SIGSEGV, SEGV_MAPERR);
    }
    record->region = found->id;
    enum fault_kind forbidden = forbidden_kind(found, record->access);
    if (forbidden != FAULT_KINDS) {
        return refuse(
            record, signal, forbidden, SIGSEGV,
            forbidden == FAULT_STACK_LIMIT ? SEGV_MAPERR : SEGV_ACCERR);
    }
    record->kind = (uint8_t)(grown ? FAULT_STACK_GROWTH : FAULT_DEMAND_ZERO);
    unsigned level = found->spec.page_shift == LARGE_SHIFT ? 2 : 1;
    if (!ptab_prepare(&space->ptab, gva_of(record->address), level, &slot)) {
        return out_of_memory(record, signal);
    }
    record->entry_before = *slot.entry;
    return (*slot.entry & PTE_PRESENT) == 0 ? map_new(space, record, signal, found, slot)
                                            : retry_or_upgrade(space, record, found, slot);
}
