/*
 * The set of regions of one address space: a treap ordered by address, in which each node also
 * knows the largest free gap below any region of its subtree, so that finding a region, a
 * neighbour and a free range all take O(log n).  Changes allocate first and cannot fail
 * afterwards.  It knows nothing of pages; read space.h for who keeps page tables in step.
 *
 * Treap: Seidel and Aragon, "Randomized Search Trees", Algorithmica 16 (1996).
 */
#include "space/region.h"

#include <stdlib.h>

struct regions {
    struct gva begin, end;
    struct region *root;
    size_t count;
    uint64_t total_bytes;
    uint64_t random; /* xorshift state: priorities are the same in every run */
    uint32_t next_id;
};

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

bool regions_create(struct regions **regions, struct gva begin, struct gva end, struct err *err)
{
    struct regions *made = calloc(1, sizeof(*made));

    *regions = NULL;
    if (made == NULL) {
        return err_set_errno(err, ERR_ENVIRONMENT, "regions");
    }
    made->begin = begin;
    made->end = end;
    made->random = UINT64_C(0x9e3779b97f4a7c15);
    *regions = made;
    return true;
}

static void free_region(struct region *region)
{
    backing_put(region->spec.backing);
    object_put(region->spec.object);
    free(region);
}

void regions_destroy(struct regions *regions)
{
    if (regions == NULL) {
        return;
    }
    /* Leaves first, without recursion: the tree is as deep as chance made it. */
    struct region *at = regions->root;
    while (at != NULL) {
        if (at->left != NULL) {
            at = at->left;
        } else if (at->right != NULL) {
            at = at->right;
        } else {
            struct region *parent = at->parent;
            if (parent != NULL && parent->left == at) {
                parent->left = NULL;
            } else if (parent != NULL) {
                parent->right = NULL;
            }
            free_region(at);
            at = parent;
        }
    }
    free(regions);
}

size_t regions_count(const struct regions *regions)
{
    return regions->count;
}

uint64_t regions_total_bytes(const struct regions *regions)
{
    return regions->total_bytes;
}

/* --- order --- */

struct region *regions_first_from(const struct regions *regions, struct gva address)
{
    struct region *at = regions->root;
    struct region *best = NULL;

    while (at != NULL) {
        if (address.value < at->end.value) {
            best = at;
            at = at->left;
        } else {
            at = at->right;
        }
    }
    return best;
}

struct region *regions_find(const struct regions *regions, struct gva address)
{
    struct region *region = regions_first_from(regions, address);

    return region != NULL && region->begin.value <= address.value ? region : NULL;
}

struct region *regions_next(const struct region *region)
{
    if (region->right != NULL) {
        struct region *at = region->right;
        while (at->left != NULL) {
            at = at->left;
        }
        return at;
    }
    while (region->parent != NULL && region->parent->right == region) {
        region = region->parent;
    }
    return region->parent;
}

struct region *regions_previous(const struct region *region)
{
    if (region->left != NULL) {
        struct region *at = region->left;
        while (at->right != NULL) {
            at = at->right;
        }
        return at;
    }
    while (region->parent != NULL && region->parent->left == region) {
        region = region->parent;
    }
    return region->parent;
}

static struct region *last_region(const struct regions *regions)
{
    struct region *at = regions->root;

    while (at != NULL && at->right != NULL) {
        at = at->right;
    }
    return at;
}

/* --- the augmentation --- */

static uint64_t largest_of(const struct region *node)
{
    uint64_t largest = node->gap_before;

    if (node->left != NULL && node->left->gap_largest > largest) {
        largest = node->left->gap_largest;
    }
    if (node->right != NULL && node->right->gap_largest > largest) {
        largest = node->right->gap_largest;
    }
    return largest;
}

static void update_upwards(struct region *node)
{
    for (; node != NULL; node = node->parent) {
        node->gap_largest = largest_of(node);
    }
}

/* The region's begin, or what lies before it, has changed. */
static void refresh_gap(const struct regions *regions, struct region *region)
{
    if (region == NULL) {
        return;
    }
    const struct region *before = regions_previous(region);
    struct gva from = before != NULL ? before->end : regions->begin;

    region->gap_before = region->begin.value - from.value;
    update_upwards(region);
}

/* --- the treap --- */

static uint64_t next_random(struct regions *regions)
{
    /* Marsaglia, "Xorshift RNGs", 2003: the triple (13, 7, 17). */
    regions->random ^= regions->random << 13;
    regions->random ^= regions->random >> 7;
    regions->random ^= regions->random << 17;
    return regions->random;
}

static void replace_child(
    struct regions *regions,
    struct region *parent,
    const struct region *old,
    struct region *new)
{
    if (parent == NULL) {
        regions->root = new;
    } else if (parent->left == old) {
        parent->left = new;
    } else {
        parent->right = new;
    }
    if (new != NULL) {
        new->parent = parent;
    }
}

/* Swap a node with its parent, keeping the order. */
static void rotate_up(struct regions *regions, struct region *node)
{
    struct region *parent = node->parent;
    struct region *inner;

    replace_child(regions, parent->parent, parent, node);
    if (parent->left == node) {
        inner = node->right;
        parent->left = inner;
        node->right = parent;
    } else {
        inner = node->left;
        parent->right = inner;
        node->left = parent;
    }
    if (inner != NULL) {
        inner->parent = parent;
    }
    parent->parent = node;
    parent->gap_largest = largest_of(parent);
    node->gap_largest = largest_of(node);
}

static void link_region(struct regions *regions, struct region *region)
{
    struct region **place = &regions->root;
    struct region *parent = NULL;

    while (*place != NULL) {
        parent = *place;
        place = region->begin.value < parent->begin.value ? &parent->left : &parent->right;
    }
    *place = region;
    region->parent = parent;
    region->left = region->right = NULL;
    region->priority = next_random(regions);
    region->id = regions->next_id++;
    regions->count++;
    regions->total_bytes += region->end.value - region->begin.value;
    refresh_gap(regions, region);
    while (region->parent != NULL && region->parent->priority < region->priority) {
        rotate_up(regions, region);
    }
    refresh_gap(regions, regions_next(region));
    update_upwards(region);
}

static void unlink_region(struct regions *regions, struct region *region)
{
    struct region *next = regions_next(region);

    while (region->left != NULL && region->right != NULL) {
        rotate_up(
            regions,
            region->left->priority > region->right->priority ? region->left : region->right);
    }
    struct region *child = region->left != NULL ? region->left : region->right;
    struct region *parent = region->parent;
    replace_child(regions, parent, region, child);
    update_upwards(parent);
    regions->count--;
    regions->total_bytes -= region->end.value - region->begin.value;
    refresh_gap(regions, next);
    free_region(region);
}

static void set_end(struct regions *regions, struct region *region, struct gva end)
{
    regions->total_bytes += end.value - region->end.value;
    region->end = end;
    refresh_gap(regions, regions_next(region));
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
        unlink_region(regions, next);
        set_end(regions, region, end);
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
    link_region(regions, region);
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
    set_end(regions, left, at);
    link_region(regions, piece);
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
        unlink_region(regions, region);
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

    if (!regions_create(&clone, regions->begin, regions->end, &err)) {
        return NULL;
    }
    const struct region *region = regions_first_from(regions, regions->begin);
    for (; region != NULL; region = regions_next(region)) {
        struct region *copy = new_region(region->begin, region->end, &region->spec);
        if (copy == NULL) {
            regions_destroy(clone);
            return NULL;
        }
        link_region(clone, copy);
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
    refresh_gap(regions, region);
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
    set_end(regions, region, end);
    merge_around(regions, region);
    return REGION_OK;
}

/* --- free ranges --- */

struct gap_search {
    uint64_t bytes, align, below;
};

/* The highest aligned place in [from, to), clipped to end at or below `below`. */
static bool fits(const struct gap_search *search, uint64_t from, uint64_t to, struct gva *begin)
{
    uint64_t end = to < search->below ? to : search->below;

    if (end <= from || end - from < search->bytes) {
        return false;
    }
    uint64_t at = round_down(end - search->bytes, search->align);
    if (at < from) {
        return false;
    }
    *begin = gva_of(at);
    return true;
}

/* Highest first; a subtree without a gap of that size, or above `below`, is not entered. */
static bool
search_gap(const struct gap_search *search, const struct region *node, struct gva *begin)
{
    while (node != NULL && node->gap_largest >= search->bytes) {
        uint64_t gap_begin = node->begin.value - node->gap_before;
        if (node->end.value < search->below && search_gap(search, node->right, begin)) {
            return true;
        }
        if (gap_begin < search->below && fits(search, gap_begin, node->begin.value, begin)) {
            return true;
        }
        node = node->left;
    }
    return false;
}

bool regions_find_gap(
    const struct regions *regions,
    uint64_t bytes,
    uint64_t align,
    struct gva below,
    struct gva *begin)
{
    const struct gap_search search = {.bytes = bytes, .align = align, .below = below.value};
    const struct region *last = last_region(regions);
    uint64_t from = last != NULL ? last->end.value : regions->begin.value;

    if (bytes == 0) {
        return false;
    }
    return fits(&search, from, regions->end.value, begin) ||
           search_gap(&search, regions->root, begin);
}
