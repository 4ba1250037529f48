/*
 * The TLB behind sim_tlb.h.  By page it is known where its entry is, so that a touch never
 * searches the ways: exact LRU is a list for each set, tree-PLRU one walk over the bits of its
 * set.  Tree-PLRU: J. Handy, "The Cache Memory Book", 1998, section "Pseudo-LRU".  Read
 * sim_tlb.h for the contract.
 */
#include "replay/sim_tlb.h"

#include <assert.h>

#include "replay/grow.h"
#include "replay/idlist.h"

#define ABSENT 0 /* where[page]; else the way of its entry, plus one */

struct tlb {
    struct tlb_shape shape;
    uint32_t sets;
    uint32_t mask;            /* sets - 1 where that is a power of two, else 0 */
    uint32_t pages;           /* room in where and node */
    uint32_t *where;          /* owns: by page */
    struct idlist_node *node; /* owns, TLB_LRU: by page */
    struct idlist *recent;    /* owns, TLB_LRU: by set */
    uint32_t *page;           /* owns, TLB_PLRU: sets * ways page numbers */
    uint32_t *filled;         /* owns, TLB_PLRU: by set, ways in use */
    uint8_t *tree;            /* owns, TLB_PLRU: sets * ways, nodes from 1 on; 1: go right */
};

static bool say_no_memory(struct err *err)
{
    return err_set(err, ERR_ENVIRONMENT, "no memory for the TLB");
}

static bool is_power_of_two(uint32_t value)
{
    return (value & (value - 1)) == 0;
}

static bool allocate(struct tlb *tlb)
{
    if (tlb->shape.choice == TLB_LRU) {
        tlb->recent = malloc(tlb->sets * sizeof(*tlb->recent));
        for (uint32_t i = 0; tlb->recent != NULL && i < tlb->sets; i++) {
            tlb->recent[i] = idlist_empty();
        }
        return tlb->recent != NULL;
    }
    tlb->page = calloc(tlb->shape.entries, sizeof(*tlb->page));
    tlb->filled = calloc(tlb->sets, sizeof(*tlb->filled));
    tlb->tree = calloc(tlb->shape.entries, sizeof(*tlb->tree));
    return tlb->page != NULL && tlb->filled != NULL && tlb->tree != NULL;
}

bool tlb_create(struct tlb **out, const struct tlb_shape *shape, struct err *err)
{
    struct tlb *tlb = calloc(1, sizeof(*tlb));

    assert(shape->ways > 0 && shape->entries > 0 && shape->entries % shape->ways == 0);
    assert(shape->choice != TLB_PLRU || is_power_of_two(shape->ways));
    *out = NULL;
    if (tlb == NULL) {
        return say_no_memory(err);
    }
    tlb->shape = *shape;
    tlb->sets = shape->entries / shape->ways;
    tlb->mask = is_power_of_two(tlb->sets) ? tlb->sets - 1 : 0;
    if (!allocate(tlb)) {
        tlb_destroy(tlb);
        return say_no_memory(err);
    }
    *out = tlb;
    return true;
}

void tlb_destroy(struct tlb *tlb)
{
    if (tlb != NULL) {
        free(tlb->where);
        free(tlb->node);
        free(tlb->recent);
        free(tlb->page);
        free(tlb->filled);
        free(tlb->tree);
        free(tlb);
    }
}

static bool make_room(struct tlb *tlb, uint32_t pages)
{
    uint32_t room = tlb->pages > 0 ? tlb->pages : 1024;
    uint32_t *where;

    while (room < pages) {
        room *= 2;
    }
    where = grow_array(tlb->where, tlb->pages, room, sizeof(*where));
    if (where == NULL) {
        return false;
    }
    tlb->where = where;
    if (tlb->shape.choice == TLB_LRU) {
        struct idlist_node *node = grow_array(tlb->node, tlb->pages, room, sizeof(*node));

        if (node == NULL) {
            return false;
        }
        tlb->node = node;
    }
    tlb->pages = room;
    return true;
}

static uint32_t set_of(const struct tlb *tlb, uint64_t page)
{
    if (tlb->sets == 1 || tlb->mask != 0) {
        return (uint32_t)page & tlb->mask;
    }
    return (uint32_t)(page % tlb->sets);
}

/* Returns whether the page missed; likewise below. */
static bool touch_lru(struct tlb *tlb, uint32_t set, uint32_t id)
{
    struct idlist *recent = &tlb->recent[set];

    if (tlb->where[id] != ABSENT) {
        idlist_renew(recent, tlb->node, id);
        return false;
    }
    if (recent->count == tlb->shape.ways) {
        tlb->where[idlist_pop_tail(recent, tlb->node)] = ABSENT;
    }
    tlb->where[id] = 1;
    idlist_push_head(recent, tlb->node, id);
    return true;
}

/* Make each bit on the way to `way` point to the other side. */
static void point_away(struct tlb *tlb, uint32_t set, uint32_t way)
{
    uint8_t *tree = &tlb->tree[(size_t)set * tlb->shape.ways];

    for (uint32_t node = way + tlb->shape.ways; node > 1; node /= 2) {
        tree[node / 2] = node % 2 == 0;
    }
}

/* Follow the bits; while the set has free ways those are taken first, in order. */
static uint32_t choose_way(struct tlb *tlb, uint32_t set)
{
    const uint8_t *tree = &tlb->tree[(size_t)set * tlb->shape.ways];
    uint32_t node = 1;

    if (tlb->filled[set] < tlb->shape.ways) {
        return tlb->filled[set]++;
    }
    while (node < tlb->shape.ways) {
        node = node * 2 + tree[node];
    }
    node -= tlb->shape.ways;
    tlb->where[tlb->page[(size_t)set * tlb->shape.ways + node]] = ABSENT;
    return node;
}

static bool touch_plru(struct tlb *tlb, uint32_t set, uint32_t id)
{
    bool miss = tlb->where[id] == ABSENT;

    if (miss) {
        uint32_t way = choose_way(tlb, set);

        tlb->page[(size_t)set * tlb->shape.ways + way] = id;
        tlb->where[id] = way + 1;
    }
    point_away(tlb, set, tlb->where[id] - 1);
    return miss;
}

bool tlb_touch(
    struct tlb *tlb,
    const struct page_key *keys,
    const uint32_t *ids,
    size_t count,
    uint32_t pages,
    uint64_t *misses,
    struct err *err)
{
    bool lru = tlb->shape.choice == TLB_LRU;
    uint32_t last = UINT32_MAX;
    uint64_t found = 0;

    if (pages > tlb->pages && !make_room(tlb, pages)) {
        return say_no_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t set;

        if (ids[i] == last) {
            continue; /* a second touch in a row changes nothing */
        }
        last = ids[i];
        set = set_of(tlb, keys[i].page);
        found += lru ? touch_lru(tlb, set, last) : touch_plru(tlb, set, last);
    }
    *misses += found;
    return true;
}
