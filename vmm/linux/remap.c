/*
 * mremap: a mapping grows, shrinks or moves.  Pages keep their frames (space_move_pages).
 */
#include <errno.h>
#include <sys/mman.h>

#include "linux/requests.h"

struct remap {
    struct gva from, to;
    uint64_t old_bytes, new_bytes;
};

static int64_t move_mapping(
    struct space *space, const struct remap *remap, const struct region *region, bool replace)
{
    /* The region may be merged away, and the move may begin inside it. */
    struct region_spec spec = region_spec_at(region, remap->from);
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

/* Within one region; MREMAP_DONTUNMAP and explicit large pages are not offered. */
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
    if (region->spec.page_shift != PAGE_SHIFT) {
        return -EINVAL;
    }
    if ((flags & MREMAP_FIXED) != 0) {
        if ((argument[4] & (PAGE_BYTES - 1)) != 0 ||
            !request_range_is_user(argument[4], remap.new_bytes) || ranges_overlap(&remap)) {
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
