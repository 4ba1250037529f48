/*
 * Keys of evicted pages in an array of entries that are chained three ways: by age within a
 * list, by hash within a bucket, and as spares.  It owns that array and refuses to grow it: a
 * policy knows from the start how many it may remember.  Read policy/arc.c for a use.
 */
#include "policy/ghosts.h"

#include <stdlib.h>

struct ghost {
    uint64_t key;
    uint32_t older, newer; /* entries of the same list; 0: none */
    uint32_t next;         /* of the same bucket, or the next spare; 0: none */
    uint32_t list;
};

bool ghosts_create(struct ghosts *ghosts, uint32_t capacity)
{
    uint32_t buckets = 16;

    while (buckets < capacity && buckets < (UINT32_C(1) << 31)) {
        buckets *= 2;
    }
    *ghosts = (struct ghosts){.mask = buckets - 1, .capacity = capacity, .fresh = 1};
    ghosts->entry = calloc((size_t)capacity + 1, sizeof(*ghosts->entry));
    ghosts->bucket = calloc(buckets, sizeof(*ghosts->bucket));
    return ghosts->entry != NULL && ghosts->bucket != NULL;
}

void ghosts_destroy(struct ghosts *ghosts)
{
    free(ghosts->bucket);
    free(ghosts->entry);
    *ghosts = (struct ghosts){0};
}

/* Keys are often addresses or counts: multiply, and take the bits on which all others act. */
static uint32_t *bucket_of(const struct ghosts *ghosts, uint64_t key)
{
    uint64_t mixed = (key ^ (key >> 32)) * UINT64_C(0x9e3779b97f4a7c15);

    return &ghosts->bucket[(uint32_t)(mixed >> 32) & ghosts->mask];
}

static uint32_t find_entry(const struct ghosts *ghosts, uint64_t key)
{
    uint32_t at = *bucket_of(ghosts, key);

    while (at != 0 && ghosts->entry[at].key != key) {
        at = ghosts->entry[at].next;
    }
    return at;
}

/* Out of its bucket and its list, to the spares. */
static void release_entry(struct ghosts *ghosts, uint32_t at)
{
    struct ghost *ghost = &ghosts->entry[at];
    uint32_t *link = bucket_of(ghosts, ghost->key);

    while (*link != at) {
        link = &ghosts->entry[*link].next;
    }
    *link = ghost->next;
    *(ghost->older == 0 ? &ghosts->oldest[ghost->list] : &ghosts->entry[ghost->older].newer) =
        ghost->newer;
    *(ghost->newer == 0 ? &ghosts->newest[ghost->list] : &ghosts->entry[ghost->newer].older) =
        ghost->older;
    ghosts->count[ghost->list]--;
    ghost->next = ghosts->spare;
    ghosts->spare = at;
}

static uint32_t take_entry(struct ghosts *ghosts, uint32_t list)
{
    if (ghosts->spare == 0 && ghosts->fresh > ghosts->capacity) {
        ghosts_drop_oldest(ghosts, ghosts->oldest[list] != 0 ? list : 1 - list);
    }
    if (ghosts->spare == 0) {
        return ghosts->fresh++;
    }
    uint32_t at = ghosts->spare;
    ghosts->spare = ghosts->entry[at].next;
    return at;
}

void ghosts_push(struct ghosts *ghosts, uint32_t list, uint64_t key)
{
    (void)ghosts_remove(ghosts, key);

    uint32_t at = take_entry(ghosts, list);
    uint32_t *bucket = bucket_of(ghosts, key);
    uint32_t older = ghosts->newest[list];

    ghosts->entry[at] =
        (struct ghost){.key = key, .older = older, .next = *bucket, .list = list};
    *bucket = at;
    *(older == 0 ? &ghosts->oldest[list] : &ghosts->entry[older].newer) = at;
    ghosts->newest[list] = at;
    ghosts->count[list]++;
}

uint32_t ghosts_find(const struct ghosts *ghosts, uint64_t key)
{
    uint32_t at = find_entry(ghosts, key);

    return at == 0 ? GHOSTS_NONE : ghosts->entry[at].list;
}

uint32_t ghosts_remove(struct ghosts *ghosts, uint64_t key)
{
    uint32_t at = find_entry(ghosts, key);

    if (at == 0) {
        return GHOSTS_NONE;
    }
    release_entry(ghosts, at);
    return ghosts->entry[at].list;
}

void ghosts_drop_oldest(struct ghosts *ghosts, uint32_t list)
{
    if (ghosts->oldest[list] != 0) {
        release_entry(ghosts, ghosts->oldest[list]);
    }
}
