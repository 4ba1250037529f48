/*
 * Fans: a fixed number of pages, in turn through k tables of one level.  Only k differs from size
 * to size, so that a step in the cost is about that level's entries: the pages, the lines of the lower
 * tables and the data stay as many.  Pure arithmetic; experiment/pwc.c measures with it.
 */
#ifndef MEASURE_FAN_H
#define MEASURE_FAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * level: of the entries that are counted, 2 to 4; each points to a table of the level below.
 *   2: k tables of last-level entries hold the pages;
 *   3: each page has a table of last-level entries of its own, and k tables of level 2 hold those;
 *   4: each page has a table of level 2 of its own too, and k tables of level 3 hold those.
 * Valid: fan_least(fan) <= k <= most for every size k.
 */
struct fan {
    unsigned level;
    size_t pages;        /* P: in use at every size */
    size_t most;         /* tables */
    bool apart;          /* the entry of each table is in a line of its own; else 8 share one */
    bool only_most;      /* no other size will be asked for: fewer pages are mapped */
    unsigned line_pages; /* level 2: pages that share a line of last-level entries, 1 or 8 */
};

/* The fewest tables that hold the pages; all 512 entries of each are in use then (of level 2 with
 * one page to a line: 64). */
size_t fan_least(const struct fan *fan);

/* Pages that all sizes together need: table t has pages / max(t + 1, least), rounded up. */
size_t fan_words(const struct fan *fan);

/* Their addresses from `base` on, table by table.  base: aligned to 512 GiB.  address:
 * fan_words().  Random where the fan leaves a choice, by the seed. */
void fan_place(const struct fan *fan, uint64_t base, uint64_t seed, uint64_t *address);

/*
 * The pages of size k in the order of a visit: from table to table, in a random order of tables that stays the same from
 * round to round, so that a cache of fewer than k entries in order of use always misses.  The pages of a
 * table come in random order, for there are prefetchers that follow a regular one.
 * words: fan->pages indices into what fan_place() filled.  scratch: fan_scratch() of them.
 */
void fan_visit(
    const struct fan *fan, size_t k, uint64_t seed, uint32_t *words, uint32_t *scratch);
size_t fan_scratch(const struct fan *fan);

#endif
