/*
 * Memories of pages that were evicted: lists of keys in the order of their eviction, with a hash
 * table over all of them, so that a page that comes back is known in constant time.  It refuses
 * to know what a policy concludes from that.  Read policy/two_q.c for a use.
 */
#ifndef POLICY_GHOSTS_H
#define POLICY_GHOSTS_H

#include <stdbool.h>
#include <stdint.h>

#define GHOSTS_LISTS 2
#define GHOSTS_NONE  UINT32_MAX

struct ghost; /* one key and its links */

struct ghosts {
    struct ghost *entry; /* owns: entry 0 is no ghost */
    uint32_t *bucket;    /* owns: first entry of each chain; a power of two of them */
    uint32_t mask;       /* of buckets */
    uint32_t capacity;
    uint32_t fresh; /* entries from here on were never used */
    uint32_t spare; /* chain of entries that are free again */
    uint32_t oldest[GHOSTS_LISTS], newest[GHOSTS_LISTS], count[GHOSTS_LISTS];
};

/* capacity: keys in all lists together, at least 1.  False: no memory. */
bool ghosts_create(struct ghosts *ghosts, uint32_t capacity);
void ghosts_destroy(struct ghosts *ghosts); /* accepts a zeroed struct, and one half built */

/* Remember a key as the newest of a list; one that is remembered already moves there.  When all
 * entries are used the oldest of that list is forgotten (of the other, where it is empty). */
void ghosts_push(struct ghosts *ghosts, uint32_t list, uint64_t key);
/* The list that remembers a key; GHOSTS_NONE. */
uint32_t ghosts_find(const struct ghosts *ghosts, uint64_t key);
/* Forget a key; returns what ghosts_find would have said before. */
uint32_t ghosts_remove(struct ghosts *ghosts, uint64_t key);
/* Forget the oldest of a list; nothing happens where it is empty. */
void ghosts_drop_oldest(struct ghosts *ghosts, uint32_t list);

#endif
