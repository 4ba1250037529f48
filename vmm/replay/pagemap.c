/*
 * The hash table behind pagemap.h: open addressing, linear probing, at most half full.  Most
 * touches go to the page of the touch before, which is answered without the table; the others
 * have their slot fetched ahead, a batch at a time.  Read pagemap.h for the contract.
 */
#include "replay/pagemap.h"

#include <stdlib.h>

#define SLOTS_AT_FIRST 1024
#define AHEAD          12

bool pagemap_create(struct pagemap *map, struct err *err)
{
    *map = (struct pagemap){
        .slots = calloc(SLOTS_AT_FIRST, sizeof(*map->slots)),
        .mask = SLOTS_AT_FIRST - 1,
    };
    if (map->slots == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for the table of pages");
    }
    return true;
}

void pagemap_destroy(struct pagemap *map)
{
    free(map->slots);
    map->slots = NULL;
}

static bool same_page(const struct page_key *a, const struct page_key *b)
{
    return a->page == b->page && a->process == b->process;
}

/* Neighbouring pages get far-apart values: the multiplier is 2^64 divided by the golden ratio
 * (Knuth, The Art of Computer Programming 3, "Hashing"); the fold brings high bits down. */
static uint64_t hash(const struct page_key *key)
{
    uint64_t mixed = (key->page ^ (uint64_t)key->process << 48) * UINT64_C(0x9e3779b97f4a7c15);

    return mixed ^ mixed >> 32;
}

/* The slot of key, or the free one where it belongs. */
static struct pagemap_slot *find(const struct pagemap *map, const struct page_key *key)
{
    for (uint64_t i = hash(key);; i++) {
        struct pagemap_slot *slot = &map->slots[i & map->mask];

        if (slot->number == 0 || (slot->page == key->page && slot->process == key->process)) {
            return slot;
        }
    }
}

static bool double_slots(struct pagemap *map, struct err *err)
{
    struct pagemap larger = {.mask = map->mask * 2 + 1, .pages = map->pages};

    larger.slots = calloc(larger.mask + 1, sizeof(*larger.slots));
    if (larger.slots == NULL) {
        return err_set(
            err, ERR_ENVIRONMENT, "no memory for the table of more than %u pages", map->pages);
    }
    for (uint64_t i = 0; i <= map->mask; i++) {
        const struct pagemap_slot *slot = &map->slots[i];

        if (slot->number != 0) {
            *find(&larger, &(struct page_key){slot->page, slot->process}) = *slot;
        }
    }
    free(map->slots);
    *map = larger;
    return true;
}

static bool
add(struct pagemap *map, struct pagemap_slot *slot, const struct page_key *key, struct err *err)
{
    if (map->pages == PAGEMAP_PAGES_MAX) {
        return err_set(err, ERR_INPUT, "more than %u different pages", PAGEMAP_PAGES_MAX);
    }
    *slot = (struct pagemap_slot){
        .page = key->page,
        .process = key->process,
        .number = ++map->pages,
    };
    return map->pages <= map->mask / 2 || double_slots(map, err);
}

bool pagemap_number(
    struct pagemap *map,
    const struct page_key *keys,
    uint32_t *ids,
    size_t count,
    struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct pagemap_slot *slot;

        if (i + AHEAD < count) {
            __builtin_prefetch(&map->slots[hash(&keys[i + AHEAD]) & map->mask]);
        }
        if (i > 0 && same_page(&keys[i], &keys[i - 1])) {
            ids[i] = ids[i - 1];
            continue;
        }
        slot = find(map, &keys[i]);
        if (slot->number == 0) {
            ids[i] = map->pages;
            if (!add(map, slot, &keys[i], err)) {
                return false;
            }
            continue;
        }
        ids[i] = slot->number - 1;
    }
    return true;
}
