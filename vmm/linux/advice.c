/*
 * Requests that say or ask something about memory that is mapped already: madvise, mincore, msync,
 * mlock and their kind.  They check arguments as Linux does.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "fault/evict.h"
#include "fault/writeback.h"
#include "linux/requests.h"
#include "space/leaf.h"

bool request_range_is_user(uint64_t begin, uint64_t bytes)
{
    return begin >= LAYOUT_USER_BEGIN && begin < LAYOUT_USER_END &&
           bytes <= LAYOUT_USER_END - begin;
}

/* A range as most of these calls take it: page aligned, in the program's half.  0 or an errno. */
static int check_range(uint64_t begin, uint64_t length, uint64_t *bytes)
{
    *bytes = round_up(length, PAGE_BYTES);
    if ((begin & (PAGE_BYTES - 1)) != 0 || (length != 0 && *bytes == 0)) {
        return EINVAL;
    }
    return *bytes != 0 && !request_range_is_user(begin, *bytes) ? ENOMEM : 0;
}

void request_populate(struct process *process, struct gva begin, uint64_t bytes, bool write)
{
    size_t here;

    for (uint64_t offset = 0; offset < bytes; offset += PAGE_BYTES) {
        if (access_page(&process->access, gva_add(begin, offset), write, &here) == NULL) {
            return;
        }
    }
}

/* --- madvise --- */

/* Evict what is in memory, as far as it can go. */
static void page_out(struct process *process, struct gva begin, struct gva end)
{
    struct space *space = process->access.space;
    struct gva from = begin;
    struct ptab_piece piece;

    pager_let_go(space->memory->pager);
    while (ptab_next_piece(&space->ptab, &from, end, &piece)) {
        for (unsigned i = 0; i < piece.entries; i++) {
            uint64_t entry = piece.slot.entry[i];
            if (piece.slot.level == 1 && leaf_is_present(entry)) {
                (void)!evict_page(
                    space->memory->pager, frames_index(gpa_of(entry & PTE_ADDRESS)));
            }
        }
    }
}

/* Each page of [begin, end) that a region allows to be touched. */
static int
populate_regions(struct process *process, struct gva begin, struct gva end, bool write)
{
    const struct regions *regions = process->access.space->regions;
    struct gva at = begin;

    while (at.value < end.value) {
        const struct region *region = regions_find(regions, at);
        if (region == NULL) {
            return ENOMEM;
        }
        struct gva stop = region->end.value < end.value ? region->end : end;
        bool allowed = (region->spec.permissions & (write ? REGION_WRITE : 7)) != 0;
        if (allowed) {
            request_populate(process, at, stop.value - at.value, write);
        } else if (write) {
            return EFAULT;
        }
        at = stop;
    }
    return 0;
}

int64_t request_madvise(struct process *process, const uint64_t argument[6])
{
    struct space *space = process->access.space;
    struct gva begin = gva_of(argument[0]);
    uint64_t bytes;
    int error = check_range(argument[0], argument[1], &bytes);

    if (error != 0) {
        return -error;
    }
    struct gva end = gva_add(begin, bytes);
    bool empty = bytes == 0;
    switch (argument[2]) {
    case MADV_DONTNEED:
    case MADV_FREE:
        return empty ? 0 : -space_discard(space, begin, end);
    case MADV_HUGEPAGE:
        return empty ? 0 : -space_advise(space, begin, end, REGION_LARGE_ALWAYS);
    case MADV_NOHUGEPAGE:
        return empty ? 0 : -space_advise(space, begin, end, REGION_LARGE_NEVER);
    case MADV_WILLNEED:
    case MADV_POPULATE_READ:
        return -populate_regions(process, begin, end, false);
    case MADV_POPULATE_WRITE:
        return -populate_regions(process, begin, end, true);
    case MADV_PAGEOUT:
        page_out(process, begin, end);
        return 0;
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_COLD:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
        return 0; /* known, and no reason to do anything */
    default:
        return -EINVAL;
    }
}

/* --- mincore --- */

/* In a frame: mapped here, or a page of an object that is in memory. */
static bool is_resident(const struct space *space, struct gva address)
{
    const struct region *region = regions_find(space->regions, address);
    struct ptab_slot slot;

    if (ptab_find_leaf(&space->ptab, address, &slot) && leaf_is_present(*slot.entry)) {
        return true;
    }
    if (region == NULL || region->spec.object == NULL) {
        return false;
    }
    uint64_t offset = region->spec.file_offset + (address.value - region->begin.value);
    const struct object_page *page = object_find(region->spec.object, offset >> PAGE_SHIFT);
    return page != NULL && page->frame != FRAMES_NONE;
}

int64_t request_mincore(struct process *process, const uint64_t argument[6])
{
    struct space *space = process->access.space;
    uint8_t vector[256];
    uint64_t bytes;
    int error = check_range(argument[0], argument[1], &bytes);

    if (error != 0) {
        return -error;
    }
    for (uint64_t page = 0; page < bytes >> PAGE_SHIFT;) {
        size_t count = 0;
        for (; count < sizeof(vector) && page + count < bytes >> PAGE_SHIFT; count++) {
            struct gva at = gva_of(argument[0] + (page + count) * PAGE_BYTES);
            if (regions_find(space->regions, at) == NULL) {
                return -ENOMEM;
            }
            vector[count] = is_resident(space, at) ? 1 : 0;
        }
        if (access_write(&process->access, gva_of(argument[2] + page), vector, count) != 0) {
            return -EFAULT;
        }
        page += count;
    }
    return 0;
}

/* --- msync --- */

#define KNOWN_SYNC (MS_ASYNC | MS_INVALIDATE | MS_SYNC)

static int
sync_region(struct process *process, const struct region *region, uint64_t begin, uint64_t end)
{
    struct object *object = region->spec.object;

    if (object == NULL || object->fd < 0) {
        return 0;
    }
    uint64_t base = region->spec.file_offset - region->begin.value;
    return writeback_pages(
        process->access.space->memory->pager, object, (base + begin) >> PAGE_SHIFT,
        (base + end) >> PAGE_SHIFT);
}

int64_t request_msync(struct process *process, const uint64_t argument[6])
{
    struct regions *regions = process->access.space->regions;
    uint64_t bytes, flags = argument[2];
    int error = check_range(argument[0], argument[1], &bytes);
    bool hole = false;

    if ((flags & ~(uint64_t)KNOWN_SYNC) != 0 ||
        (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC) || error == EINVAL) {
        return -EINVAL;
    }
    uint64_t at = argument[0], end = argument[0] + bytes;
    while (error == 0 && at < end) {
        const struct region *region = regions_first_from(regions, gva_of(at));
        hole |= region == NULL || region->begin.value > at;
        if (region == NULL || region->begin.value >= end) {
            break;
        }
        uint64_t from = region->begin.value > at ? region->begin.value : at;
        uint64_t stop = region->end.value < end ? region->end.value : end;
        error = sync_region(process, region, from, stop) != 0 ? EIO : 0;
        at = stop;
    }
    return error != 0 ? -error : (hole ? -ENOMEM : 0);
}

/* --- mlock --- */

static void set_locked(struct process *process, struct gva begin, struct gva end, bool locked)
{
    struct space *space = process->access.space;
    struct gva from = begin;
    struct ptab_piece piece;

    while (ptab_next_piece(&space->ptab, &from, end, &piece)) {
        for (unsigned i = 0; i < piece.entries; i++) {
            uint64_t entry = piece.slot.entry[i];
            if (!leaf_is_present(entry)) {
                continue;
            }
            uint32_t frame = frames_index(gpa_of(entry & PTE_ADDRESS));
            if (locked) {
                memory_lock_frame(space->memory, frame);
            } else {
                memory_unlock_frame(space->memory, frame);
            }
        }
    }
}

static int64_t lock_range(struct process *process, const uint64_t argument[6], bool locked)
{
    struct gva begin = gva_of(round_down(argument[0], PAGE_BYTES));
    uint64_t bytes;
    int error = check_range(begin.value, argument[1] + (argument[0] - begin.value), &bytes);

    if (error == 0 && locked) {
        error = populate_regions(process, begin, gva_add(begin, bytes), false);
    }
    if (error == 0) {
        set_locked(process, begin, gva_add(begin, bytes), locked);
    }
    return -error;
}

/* The pages that are there stay; those that come later are not locked. */
int64_t request_mlock(struct process *process, const uint64_t argument[6])
{
    return lock_range(process, argument, true);
}

int64_t request_munlock(struct process *process, const uint64_t argument[6])
{
    return lock_range(process, argument, false);
}

/* MCL_CURRENT, which brings in everything, or MCL_CURRENT | MCL_ONFAULT, which does not. */
int64_t request_mlockall(struct process *process, const uint64_t argument[6])
{
    struct regions *regions = process->access.space->regions;

    if (argument[0] != MCL_CURRENT && argument[0] != (MCL_CURRENT | MCL_ONFAULT)) {
        return -EINVAL;
    }
    const struct region *region = regions_first_from(regions, gva_of(LAYOUT_USER_BEGIN));
    for (; region != NULL; region = regions_next(region)) {
        if (argument[0] == MCL_CURRENT && region->spec.permissions != 0) {
            request_populate(
                process, region->begin, region->end.value - region->begin.value, false);
        }
    }
    set_locked(process, gva_of(LAYOUT_USER_BEGIN), gva_of(LAYOUT_USER_END), true);
    return 0;
}

int64_t
request_munlockall(struct process *process, const uint64_t argument[6] __attribute__((unused)))
{
    set_locked(process, gva_of(LAYOUT_USER_BEGIN), gva_of(LAYOUT_USER_END), false);
    return 0;
}
