/*
 * Owns the tree of regions: order, balance and free ranges, each in O(log n).  It refuses to know
 * what a region is.  Read region.c next, which splits and merges them.
 *
 * Treap: Seidel and Aragon, "Randomized Search Trees", Algorithmica 16 (1996).
 */
#include "space/treap.h"

#include <stdlib.h>

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

static void region_free(struct region *region)
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
            region_free(at);
            at = parent;
        }
    }
    free(regions);
}

void regions_continue_ids(struct regions *regions, const struct regions *before)
{
    regions->next_id = before->next_id;
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

struct region *regions_first_from_recent(struct regions *regions, struct gva address)
{
    struct region *recent = regions->recent;

    if (recent != NULL && recent->begin.value <= address.value &&
        address.value < recent->end.value) {
        return recent;
    }
    regions->recent = regions_first_from(regions, address);
    return regions->recent;
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

void treap_refresh_gap(const struct regions *regions, struct region *region)
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

void treap_link(struct regions *regions, struct region *region)
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
    treap_refresh_gap(regions, region);
    while (region->parent != NULL && region->parent->priority < region->priority) {
        rotate_up(regions, region);
    }
    treap_refresh_gap(regions, regions_next(region));
    update_upwards(region);
}

void treap_unlink(struct regions *regions, struct region *region)
{
    struct region *next = regions_next(region);

    regions->recent = NULL;
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
    treap_refresh_gap(regions, next);
    region_free(region);
}

void treap_set_end(struct regions *regions, struct region *region, struct gva end)
{
    regions->total_bytes += end.value - region->end.value;
    region->end = end;
    region->described = false;
    treap_refresh_gap(regions, regions_next(region));
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
