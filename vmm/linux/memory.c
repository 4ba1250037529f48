/*
 * Requests that change the address space: brk, mmap, munmap, mprotect, mremap, madvise.  They
 * check arguments as Linux does and leave the work to space/space.h.  File mappings are not
 * offered: no file can be opened.
 */
#include <errno.h>
#include <linux/mman.h>
#include <sys/mman.h>

#include "linux/requests.h"

/* Whether [begin, begin + bytes) lies in the program's half, without wrapping. */
static bool range_in_user(uint64_t begin, uint64_t bytes)
{
    return begin >= LAYOUT_USER_BEGIN && begin < LAYOUT_USER_END &&
           bytes <= LAYOUT_USER_END - begin;
}

/* --- brk --- */

static const struct region_spec heap_spec = {
    .kind = REGION_HEAP,
    .permissions = REGION_READ | REGION_WRITE,
    .page_shift = PAGE_SHIFT,
    .label = "heap"};

int64_t request_brk(struct process *process, const uint64_t argument[6])
{
    struct space *space = process->access.space;
    uint64_t wanted = argument[0];
    uint64_t old_top = round_up(space->heap_end.value, PAGE_BYTES);
    int error = 0;

    /* Every refusal is answered with the break as it is. */
    if (wanted < space->heap_begin.value || wanted >= space->map_top.value) {
        return (int64_t)space->heap_end.value;
    }
    uint64_t new_top = round_up(wanted, PAGE_BYTES);
    if (new_top > old_top) {
        error = space_add(space, gva_of(old_top), gva_of(new_top), &heap_spec);
    } else if (new_top < old_top) {
        error = space_unmap(space, gva_of(new_top), gva_of(old_top));
    }
    if (error == 0) {
        space->heap_end = gva_of(wanted);
    }
    return (int64_t)space->heap_end.value;
}

/* --- mmap --- */

#define KNOWN_PROT (PROT_READ | PROT_WRITE | PROT_EXEC)

static int64_t mapping_spec(const uint64_t argument[6], struct region_spec *spec)
{
    uint64_t flags = argument[3];
    uint64_t type = flags & MAP_TYPE;
    uint64_t huge = flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;

    if ((argument[2] & ~(uint64_t)KNOWN_PROT) != 0 ||
        (type != MAP_PRIVATE && type != MAP_SHARED && type != MAP_SHARED_VALIDATE)) {
        return -EINVAL;
    }
    if ((flags & MAP_ANONYMOUS) == 0) {
        return (int)argument[4] >= 0 && (int)argument[4] <= 2 ? -ENODEV : -EBADF;
    }
    if ((flags & MAP_HUGETLB) != 0 && huge != 0 && huge != LARGE_SHIFT) {
        return -EINVAL;
    }
    *spec = (struct region_spec){
        .kind = REGION_ANONYMOUS,
        .permissions = (uint8_t)argument[2],
        .page_shift = (flags & MAP_HUGETLB) != 0 ? LARGE_SHIFT : PAGE_SHIFT,
        .shared = type != MAP_PRIVATE,
    };
    return 0;
}

/* Where the mapping goes: exactly there, at the hint if it is free, or the highest gap.  0 or an
 * errno. */
static int choose_address(
    struct process *process,
    const uint64_t argument[6],
    uint64_t bytes,
    uint64_t align,
    struct gva *begin)
{
    struct space *space = process->access.space;
    uint64_t hint = argument[0], flags = argument[3];
    struct gva below = (flags & MAP_32BIT) != 0 ? gva_of(UINT64_C(0x80000000)) : space->map_top;

    if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0) {
        *begin = gva_of(hint);
        if ((hint & (align - 1)) != 0) {
            return EINVAL;
        }
        if (!range_in_user(hint, bytes)) {
            return hint < LAYOUT_USER_BEGIN ? EPERM : ENOMEM;
        }
        return 0;
    }
    hint = round_down(hint, align);
    if (hint != 0 && range_in_user(hint, bytes)) {
        const struct region *next = regions_first_from(space->regions, gva_of(hint));
        if (next == NULL || next->begin.value >= hint + bytes) {
            *begin = gva_of(hint);
            return 0;
        }
    }
    return regions_find_gap(space->regions, bytes, align, below, begin) ? 0 : ENOMEM;
}

/* MAP_POPULATE: as if the program had touched every page.  Running out of memory is no error. */
static void
populate(struct process *process, struct gva begin, uint64_t bytes, uint64_t step, bool write)
{
    size_t here;

    for (uint64_t offset = 0; offset < bytes; offset += step) {
        if (access_page(&process->access, gva_add(begin, offset), write, &here) == NULL) {
            return;
        }
    }
}

int64_t request_mmap(struct process *process, const uint64_t argument[6])
{
    struct space *space = process->access.space;
    uint64_t flags = argument[3];
    struct region_spec spec;
    int64_t error = mapping_spec(argument, &spec);

    if (error != 0) {
        return error;
    }
    uint64_t align = UINT64_C(1) << spec.page_shift;
    if (argument[1] == 0 || (argument[5] & (PAGE_BYTES - 1)) != 0) {
        return -EINVAL;
    }
    uint64_t bytes = round_up(argument[1], align);
    if (argument[1] > LAYOUT_USER_END || bytes == 0) {
        return -ENOMEM;
    }
    struct gva begin;
    error = choose_address(process, argument, bytes, align, &begin);
    if (error != 0) {
        return -error;
    }
    bool replace = (flags & MAP_FIXED) != 0 && (flags & MAP_FIXED_NOREPLACE) == 0;
    error = replace ? space_map(space, begin, gva_add(begin, bytes), &spec)
                    : space_add(space, begin, gva_add(begin, bytes), &spec);
    if (error != 0) {
        return -error;
    }
    if ((flags & MAP_POPULATE) != 0) {
        populate(process, begin, bytes, align, (spec.permissions & REGION_WRITE) != 0);
    }
    return (int64_t)begin.value;
}

int64_t request_munmap(struct process *process, const uint64_t argument[6])
{
    uint64_t bytes = round_up(argument[1], PAGE_BYTES);

    if ((argument[0] & (PAGE_BYTES - 1)) != 0 || argument[1] == 0 || bytes == 0 ||
        argument[0] >= LAYOUT_USER_END || bytes > LAYOUT_USER_END - argument[0]) {
        return -EINVAL;
    }
    uint64_t begin = argument[0] < LAYOUT_USER_BEGIN ? LAYOUT_USER_BEGIN : argument[0];
    if (argument[0] + bytes <= begin) {
        return 0;
    }
    return -space_unmap(process->access.space, gva_of(begin), gva_of(argument[0] + bytes));
}

int64_t request_mprotect(struct process *process, const uint64_t argument[6])
{
    uint64_t bytes = round_up(argument[1], PAGE_BYTES);

    if ((argument[0] & (PAGE_BYTES - 1)) != 0 || (argument[2] & ~(uint64_t)KNOWN_PROT) != 0) {
        return -EINVAL;
    }
    if (argument[1] == 0) {
        return 0;
    }
    if (bytes == 0 || !range_in_user(argument[0], bytes)) {
        return -ENOMEM;
    }
    return -space_protect(
        process->access.space, gva_of(argument[0]), gva_of(argument[0] + bytes),
        (uint8_t)argument[2]);
}

/* --- mremap --- */

struct remap {
    struct gva from, to;
    uint64_t old_bytes, new_bytes;
};

static int64_t move_mapping(
    struct space *space, const struct remap *remap, const struct region *region, bool replace)
{
    struct region_spec spec = region->spec; /* the region may be merged away */
    struct gva to_end = gva_add(remap->to, remap->new_bytes);
    uint64_t moved = remap->old_bytes < remap->new_bytes ? remap->old_bytes : remap->new_bytes;
    int error = replace ? space_map(space, remap->to, to_end, &spec)
                        : space_add(space, remap->to, to_end, &spec);

    if (error == 0) {
        error = space_move_pages(space, remap->from, remap->to, moved);
        if (error != 0 && space_unmap(space, remap->to, to_end) != 0) {
            return -ENOMEM;
        }
    }
    if (error == 0) {
        error = space_unmap(space, remap->from, gva_add(remap->from, remap->old_bytes));
    }
    return error == 0 ? (int64_t)remap->to.value : -error;
}

static int64_t grow_or_move(
    struct process *process, struct remap *remap, struct region *region, uint64_t flags)
{
    struct space *space = process->access.space;

    if (region->end.value == remap->from.value + remap->old_bytes &&
        regions_move_end(space->regions, region, gva_add(remap->from, remap->new_bytes)) ==
            REGION_OK) {
        return (int64_t)remap->from.value;
    }
    if ((flags & MREMAP_MAYMOVE) == 0) {
        return -ENOMEM;
    }
    if (!regions_find_gap(
            space->regions, remap->new_bytes, PAGE_BYTES, space->map_top, &remap->to)) {
        return -ENOMEM;
    }
    return move_mapping(space, remap, region, false);
}

static bool ranges_overlap(const struct remap *remap)
{
    return remap->from.value < remap->to.value + remap->new_bytes &&
           remap->to.value < remap->from.value + remap->old_bytes;
}

/* Anonymous memory in 4 KiB pages, within one region; MREMAP_DONTUNMAP is not offered. */
int64_t request_mremap(struct process *process, const uint64_t argument[6])
{
    struct space *space = process->access.space;
    uint64_t flags = argument[3];
    struct remap remap = {
        .from = gva_of(argument[0]),
        .to = gva_of(argument[4]),
        .old_bytes = round_up(argument[1], PAGE_BYTES),
        .new_bytes = round_up(argument[2], PAGE_BYTES)};

    if ((argument[0] & (PAGE_BYTES - 1)) != 0 ||
        (flags & ~(uint64_t)(MREMAP_MAYMOVE | MREMAP_FIXED)) != 0 || remap.old_bytes == 0 ||
        remap.new_bytes == 0 || remap.new_bytes > LAYOUT_USER_END ||
        ((flags & MREMAP_FIXED) != 0 && (flags & MREMAP_MAYMOVE) == 0)) {
        return -EINVAL;
    }
    struct region *region = regions_find(space->regions, remap.from);
    if (region == NULL || remap.old_bytes > region->end.value - remap.from.value) {
        return -EFAULT;
    }
    if (region->spec.backing != NULL || region->spec.page_shift != PAGE_SHIFT) {
        return -EINVAL;
    }
    if ((flags & MREMAP_FIXED) != 0) {
        if ((argument[4] & (PAGE_BYTES - 1)) != 0 ||
            !range_in_user(argument[4], remap.new_bytes) || ranges_overlap(&remap)) {
            return -EINVAL;
        }
        return move_mapping(space, &remap, region, true);
    }
    if (remap.new_bytes > remap.old_bytes) {
        return grow_or_move(process, &remap, region, flags);
    }
    if (remap.new_bytes < remap.old_bytes) {
        int error = space_unmap(
            space, gva_add(remap.from, remap.new_bytes), gva_add(remap.from, remap.old_bytes));
        return error == 0 ? (int64_t)argument[0] : -error;
    }
    return (int64_t)argument[0];
}

/* Advice that frees memory is taken; the other known kinds are accepted and change nothing. */
int64_t request_madvise(struct process *process, const uint64_t argument[6])
{
    uint64_t bytes = round_up(argument[1], PAGE_BYTES);

    if ((argument[0] & (PAGE_BYTES - 1)) != 0 || (argument[1] != 0 && bytes == 0)) {
        return -EINVAL;
    }
    if (bytes != 0 && !range_in_user(argument[0], bytes)) {
        return -ENOMEM;
    }
    switch (argument[2]) {
    case MADV_DONTNEED:
    case MADV_FREE:
        return bytes == 0 ? 0
                          : -space_discard(
                                process->access.space, gva_of(argument[0]),
                                gva_of(argument[0] + bytes));
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
        return 0;
    default:
        return -EINVAL;
    }
}
