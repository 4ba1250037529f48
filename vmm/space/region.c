/*
 * The set of regions of one address space: what they are, where they are split and when they are
 * one again.  Changes allocate first and cannot fail afterwards.  It knows nothing of pages; read
 * treap.h for how regions are found, and space.h for who keeps page tables in step.
 */
#include <stdlib.h>

#include "space/treap.h"

const char *region_kind_name(enum region_kind kind)
{
    switch (kind) {
    case REGION_ANONYMOUS:
        return "anonymous";
    case REGION_FILE:
        return "file";
    case REGION_HEAP:
        return "heap";
    case REGION_STACK:
        return "stack";
    case REGION_GUARD:
        return "guard";
    }
    return "unknown";
}

/* --- specs --- */

/* The spec of what lies `bytes` further on in the same mapping. */
static struct region_spec spec_behind(const struct region_spec *spec, uint64_t bytes)
{
    struct region_spec behind = *spec;

    if (spec->backing != NULL || spec->object != NULL) {
        behind.file_offset += bytes;
        behind.file_bytes = spec->file_bytes > bytes ? spec->file_bytes - bytes : 0;
    }
    return behind;
}

struct region_spec region_spec_at(const struct region *region, struct gva from)
{
    return spec_behind(&region->spec, from.value - region->begin.value);
}

static bool specs_equal(const struct region_spec *a, const struct region_spec *b)
{
    return a->kind == b->kind && a->permissions == b->permissions &&
           a->page_shift == b->page_shift && a->shared == b->shared && a->strict == b->strict &&
           a->sealed == b->sealed && a->large == b->large && a->object == b->object &&
           a->backing == b->backing && a->file_offset == b->file_offset &&
           a->file_bytes == b->file_bytes && a->label == b->label;
}

/* Whether `right`, which begins where `left` ends, is the same mapping going on. */
static bool continues(const struct region *left, const struct region *right)
{
    uint64_t bytes = left->end.value - left->begin.value;

    if (left->end.value != right->begin.value || left->spec.kind == REGION_STACK ||
        left->spec.kind == REGION_GUARD) {
        return false;
    }
    struct region_spec wanted = spec_behind(&left->spec, bytes);
    return specs_equal(&wanted, &right->spec);
}

static struct region *merge_with_next(struct regions *regions, struct region *region)
{
    struct region *next = regions_next(region);

    if (next != NULL && continues(region, next)) {
        struct gva end = next->end;
        treap_unlink(regions, next);
        treap_set_end(regions, region, end);
    }
    return region;
}

static struct region *merge_around(struct regions *regions, struct region *region)
{
    struct region *before = regions_previous(region);

    merge_with_next(regions, region);
    if (before != NULL && continues(before, region)) {
        return merge_with_next(regions, before);
    }
    return region;
}

/* --- changes --- */

static struct region *
new_region(struct gva begin, struct gva end, const struct region_spec *spec)
{
    struct region *region = calloc(1, sizeof(*region));

    if (region != NULL) {
        region->begin = begin;
        region->end = end;
        region->spec = *spec;
        backing_get(spec->backing);
        object_get(spec->object);
    }
    return region;
}

static bool range_is_valid(
    const struct regions *regions, struct gva begin, struct gva end, unsigned page_shift)
{
    uint64_t mask = (UINT64_C(1) << page_shift) - 1;

    return begin.value < end.value && begin.value >= regions->begin.value &&
           end.value <= regions->end.value && ((begin.value | end.value) & mask) == 0;
}

enum region_result regions_insert(
    struct regions *regions,
    struct gva begin,
    struct gva end,
    const struct region_spec *spec,
    struct region **out)
{
    if (!range_is_valid(regions, begin, end, spec->page_shift)) {
        return REGION_OUTSIDE;
    }
    const struct region *next = regions_first_from(regions, begin);
    if (next != NULL && next->begin.value < end.value) {
        return REGION_OVERLAPS;
    }
    struct region *region = new_region(begin, end, spec);
    if (region == NULL) {
        return REGION_NO_MEMORY;
    }
    treap_link(regions, region);
    region = merge_around(regions, region);
    if (out != NULL) {
        *out = region;
    }
    return REGION_OK;
}

/* Room for the pieces that cutting at two edges makes: taken before anything changes. */
struct spare {
    struct region *piece[2];
};

static bool cut_is_aligned(const struct region *region, struct gva at)
{
    return (at.value & ((UINT64_C(1) << region->spec.page_shift) - 1)) == 0;
}

static bool is_cut(const struct region *region, struct gva at)
{
    return region != NULL && region->begin.value < at.value && at.value < region->end.value;
}

static enum region_result prepare_cuts(
    const struct regions *regions, struct gva begin, struct gva end, struct spare *spare)
{
    const struct gva edges[2] = {begin, end};

    *spare = (struct spare){{NULL, NULL}};
    for (unsigned i = 0; i < 2; i++) {
        const struct region *region = regions_find(regions, edges[i]);
        if (!is_cut(region, edges[i])) {
            continue;
        }
        if (!cut_is_aligned(region, edges[i])) {
            free(spare->piece[0]);
            return REGION_OUTSIDE;
        }
        spare->piece[i] = calloc(1, sizeof(struct region));
        if (spare->piece[i] == NULL) {
            free(spare->piece[0]);
            return REGION_NO_MEMORY;
        }
    }
    return REGION_OK;
}

/* Cut the region at `at`, if one lies across it; the right part gets the spare node. */
static void cut(struct regions *regions, struct gva at, struct region *piece)
{
    struct region *left = regions_find(regions, at);

    if (piece == NULL) {
        return;
    }
    *piece = (struct region){
        .begin = at,
        .end = left->end,
        .spec = spec_behind(&left->spec, at.value - left->begin.value)};
    backing_get(piece->spec.backing);
    object_get(piece->spec.object);
    treap_set_end(regions, left, at);
    treap_link(regions, piece);
}

enum region_result regions_remove(struct regions *regions, struct gva begin, struct gva end)
{
    struct spare spare;

    if (!range_is_valid(regions, begin, end, PAGE_SHIFT)) {
        return REGION_OUTSIDE;
    }
    enum region_result result = prepare_cuts(regions, begin, end, &spare);
    if (result != REGION_OK) {
        return result;
    }
    cut(regions, begin, spare.piece[0]);
    cut(regions, end, spare.piece[1]);
    struct region *region = regions_first_from(regions, begin);
    while (region != NULL && region->begin.value < end.value) {
        struct region *next = regions_next(region);
        treap_unlink(regions, region);
        region = next;
    }
    return REGION_OK;
}

static bool is_covered(const struct regions *regions, struct gva begin, struct gva end)
{
    const struct region *region = regions_find(regions, begin);

    while (region != NULL && region->end.value < end.value) {
        const struct region *next = regions_next(region);
        if (next == NULL || next->begin.value != region->end.value) {
            return false;
        }
        region = next;
    }
    return region != NULL;
}

/* What changes for the regions of a range. */
struct change {
    bool permit;
    uint8_t permissions;
    enum region_large large;
};

static enum region_result
change_range(struct regions *regions, struct gva begin, struct gva end, struct change change)
{
    struct spare spare;
    enum region_result result = prepare_cuts(regions, begin, end, &spare);

    if (result != REGION_OK) {
        return result;
    }
    cut(regions, begin, spare.piece[0]);
    cut(regions, end, spare.piece[1]);
    struct region *region = regions_first_from(regions, begin);
    while (region != NULL && region->begin.value < end.value) {
        if (change.permit) {
            region->spec.permissions = change.permissions;
            region->described = false;
        } else {
            region->spec.large = (uint8_t)change.large;
        }
        region = merge_around(regions, region);
        region = regions_next(region);
    }
    /* The last one may now continue into what lies behind, and what was cut in vain rejoins. */
    region = regions_find(regions, gva_of(end.value - 1));
    if (region != NULL) {
        merge_around(regions, region);
    }
    return REGION_OK;
}

enum region_result
regions_protect(struct regions *regions, struct gva begin, struct gva end, uint8_t permissions)
{
    if (!range_is_valid(regions, begin, end, PAGE_SHIFT)) {
        return REGION_OUTSIDE;
    }
    if (!is_covered(regions, begin, end)) {
        return REGION_HOLE;
    }
    return change_range(
        regions, begin, end, (struct change){.permit = true, .permissions = permissions});
}

enum region_result regions_advise(
    struct regions *regions, struct gva begin, struct gva end, enum region_large large)
{
    if (!range_is_valid(regions, begin, end, PAGE_SHIFT)) {
        return REGION_OUTSIDE;
    }
    return change_range(regions, begin, end, (struct change){.large = large});
}

struct regions *regions_clone(const struct regions *regions)
{
    struct regions *clone = NULL;
    struct err err;

    if (!regions_create(&clone, regions->begin, regions->end, &err) || clone == NULL) {
        return NULL;
    }
    const struct region *region = regions_first_from(regions, regions->begin);
    for (; region != NULL; region = regions_next(region)) {
        struct region *copy = new_region(region->begin, region->end, &region->spec);
        if (copy == NULL) {
            regions_destroy(clone);
            return NULL;
        }
        treap_link(clone, copy);
        copy->id = region->id;
    }
    clone->next_id = regions->next_id;
    return clone;
}

enum region_result
regions_move_begin(struct regions *regions, struct region *region, struct gva begin)
{
    const struct region *before = regions_previous(region);

    if (!range_is_valid(regions, begin, region->end, region->spec.page_shift) ||
        region->spec.backing != NULL || region->spec.object != NULL) {
        return REGION_OUTSIDE;
    }
    if (before != NULL && begin.value < before->end.value) {
        return REGION_OVERLAPS;
    }
    regions->total_bytes += region->begin.value - begin.value;
    region->begin = begin;
    region->described = false;
    treap_refresh_gap(regions, region);
    return REGION_OK;
}

enum region_result
regions_move_end(struct regions *regions, struct region *region, struct gva end)
{
    const struct region *next = regions_next(region);

    if (!range_is_valid(regions, region->begin, end, region->spec.page_shift)) {
        return REGION_OUTSIDE;
    }
    if (next != NULL && end.value > next->begin.value) {
        return REGION_OVERLAPS;
    }
    treap_set_end(regions, region, end);
    merge_around(regions, region);
    return REGION_OK;
}
