/*
 * Which virtual page shows which frame, and where in it the words of a chain lie: the layout
 * decides what is measured.  Pure data; it knows nothing of guest or host (field.h maps it).
 *
 * Two sets of words: the test, one word to a page, and its control, as many words in as many cache
 * lines through 1/64 of the pages.  Words of the two sets may share a line: the test uses its
 * bytes from 0 on, the control those from LAYOUT_CONTROL_BYTES on.
 */
#ifndef MEASURE_LAYOUT_H
#define MEASURE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define LAYOUT_LINE_BYTES     64
#define LAYOUT_PAGE_LINES     64
#define LAYOUT_CONTROL_BYTES  32
#define LAYOUT_CONTROL_REGION (UINT64_C(1) << 39) /* from the first test page to the control */

enum layout_backing {
    LAYOUT_PLAIN,   /* host memory as it comes */
    LAYOUT_THP,     /* madvise(MADV_HUGEPAGE) */
    LAYOUT_HUGETLB, /* MAP_HUGETLB */
    LAYOUT_BACKINGS
};

enum layout_set { LAYOUT_TEST, LAYOUT_CONTROL, LAYOUT_SETS };

/* One leaf: page `address` shows frame number `frame` (of the leaf's size). */
struct layout_map {
    uint64_t address;
    uint32_t frame;
};

struct layout_word {
    uint32_t map;    /* index into maps */
    uint32_t offset; /* of the word from the start of the leaf, its set's bytes included */
};

struct layout {
    unsigned level; /* of every leaf: 1, 2 or 3 */
    enum layout_backing backing;
    bool executable; /* words are code: pages are r-x */
    bool contiguous; /* frames are wanted as neighbours in host memory too */
    bool
        shared; /* of level 2: many leaves show a frame, the last frame_count ones each in turn */
    size_t map_count; /* of maps */
    size_t frame_count;
    size_t word_count;                      /* of each set */
    struct layout_map *maps;                /* owns */
    struct layout_word *words[LAYOUT_SETS]; /* owns; the control may be NULL */
};

/*
 * uniq: page i's word is line (i + i / 64) % 64 of frame i / 64, so that each page has a line of its own and
 * data is 64 times denser than pages; frames are shuffled.  The control shows each frame once.
 * address: `pages` page addresses of 4 KiB, in EXP_PAGES … ; copied.  ERR_ENVIRONMENT: no memory.
 */
MUST_CHECK bool layout_make_uniq(
    struct layout *layout,
    const uint64_t *address,
    size_t pages,
    uint64_t seed,
    struct err *err);

/* Give the words of each frame of a uniq layout a random order of lines, the same in both sets:
 * addresses lose their regular pattern, which a branch predictor's index does not like. */
void layout_scatter(struct layout *layout, uint64_t seed);

/* own: each page has a frame of its own, in order or shuffled; the word is in the line of uniq.  The
 * control has frames of its own. */
MUST_CHECK bool layout_make_own(
    struct layout *layout,
    const uint64_t *address,
    size_t pages,
    bool shuffled,
    uint64_t seed,
    struct err *err);

/*
 * large: one leaf of `level` at `address`; `units` words in units unit_bytes apart, word i in line
 * i % 64 of its unit.  The control has the words in units / 64 units of 4 KiB.
 */
MUST_CHECK bool layout_make_large(
    struct layout *layout,
    unsigned level,
    uint64_t address,
    size_t units,
    uint64_t unit_bytes,
    enum layout_backing backing,
    struct err *err);

/*
 * leaves: `pages` leaves of `level` (2 or 3) from `address` on, each of a frame of its own, one word in
 * each, in the line of uniq.  The control has words in as many lines of the first 1/64 of them.
 */
MUST_CHECK bool layout_make_leaves(
    struct layout *layout,
    unsigned level,
    uint64_t address,
    size_t pages,
    enum layout_backing backing,
    struct err *err);

/*
 * shared: `pages` leaves of 2 MiB from `address` on, LAYOUT_SHARERS of them to a frame, so that memory does
 * not grow with them.  Page i's word has a line of its own, in a small page that no more than one
 * other shares: numbers of small pages and of lines are spread evenly, so that caches and TLBs fill
 * evenly even where a large page is splintered below.  The control has as many lines of the same
 * frames, 64 to a small page, by one leaf for each frame: these maps come last, frames in order.
 */
#define LAYOUT_SHARERS 256
MUST_CHECK bool layout_make_shared(
    struct layout *layout,
    uint64_t address,
    size_t pages,
    enum layout_backing backing,
    struct err *err);

/*
 * names: two names for each of `count` lines.  Words 2m and 2m + 1 of the test are line m % 64 of
 * frame m / 64, by the addresses A and A ^ masks[m] (the second uses the line's next word); of the
 * control, the second is half a frame away, in another line.  masks: page-aligned, distinct, below
 * LAYOUT_CONTROL_REGION; base: a multiple of it.
 */
MUST_CHECK bool layout_make_names(
    struct layout *layout, uint64_t base, const uint64_t *masks, size_t count, struct err *err);

void layout_destroy(struct layout *layout); /* accepts a zeroed struct */

uint64_t layout_leaf_bytes(const struct layout *layout);
uint64_t layout_word_address(const struct layout *layout, enum layout_set set, size_t word);
/* Page tables of level 1 to 3 that the maps take, for the size of guest memory. */
size_t layout_tables(const struct layout *layout);

/* A random single cycle over 0 … count - 1 (Sattolo): next[i] follows i.  The walk from 0 is
 * verified to come back after exactly count steps. */
void layout_make_cycle(uint32_t *next, size_t count, uint64_t *random);

/* A random order of 0 … count - 1 (Fisher and Yates). */
void layout_shuffle(uint32_t *order, size_t count, uint64_t *random);

#endif
