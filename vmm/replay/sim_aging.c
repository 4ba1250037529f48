/*
 * Aging: each page has eight bits of history; every so many touches the bits move right and
 * "touched since" comes in at the top, and the page with the lowest number goes.  Between equal
 * numbers goes the page that was lower before, or longer there.  It refuses to look at a clock:
 * a period is as many touches as there are frames, so that its cost a touch is constant.
 * A. S. Tanenbaum, H. Bos: "Modern Operating Systems", section "Simulating LRU in Software".
 *
 * Shifting keeps the order of the numbers but for those that get the top bit.  So the resident
 * pages stay sorted by one stable partition a period, and the victim is found without a search.
 */
#include "replay/grow.h"
#include "replay/sim.h"

#define RESIDENT 0x01
#define TOUCHED  0x02
#define TOP      0x80 /* history of a page that was touched in the last period only */

struct entry {
    uint32_t id;
    uint8_t history;
};

struct aging {
    uint32_t frames;
    uint32_t resident;
    uint32_t period_left; /* touches to the end of the period */
    uint32_t pages;       /* room in bits */
    uint32_t room;        /* room in each of old, fresh and spare */
    struct entry *old;    /* owns: resident since before this period, by history */
    uint32_t old_begin, old_end;
    uint32_t *fresh; /* owns: loaded in this period, with history TOP, in order of loading */
    uint32_t fresh_begin, fresh_end;
    struct entry *spare; /* owns: where the next `old` is put together */
    uint8_t *bits;       /* owns: by page, RESIDENT and TOUCHED */
};

static void *create(uint32_t frames, uint64_t seed)
{
    struct aging *aging = calloc(1, sizeof(*aging));

    (void)seed;
    if (aging != NULL) {
        aging->frames = frames;
        aging->period_left = frames;
    }
    return aging;
}

static void destroy(void *state)
{
    struct aging *aging = state;

    if (aging != NULL) {
        free(aging->old);
        free(aging->fresh);
        free(aging->spare);
        free(aging->bits);
        free(aging);
    }
}

/* No array holds more than the pages loaded in one period, or more than the frames. */
static bool reserve(void *state, uint32_t pages)
{
    struct aging *aging = state;
    uint32_t room = aging->frames;
    uint8_t *bits = grow_array(aging->bits, aging->pages, pages, sizeof(*bits));
    struct entry *entries;
    uint32_t *fresh;

    if (bits == NULL) {
        return false;
    }
    aging->bits = bits;
    /* Fewer pages than frames: none was evicted, so none was loaded twice. */
    if (pages < room) {
        room = pages;
    }
    aging->pages = pages;
    entries = grow_array(aging->old, aging->room, room, sizeof(*entries));
    if (entries == NULL) {
        return false;
    }
    aging->old = entries;
    entries = grow_array(aging->spare, aging->room, room, sizeof(*entries));
    if (entries == NULL) {
        return false;
    }
    aging->spare = entries;
    fresh = grow_array(aging->fresh, aging->room, room, sizeof(*fresh));
    if (fresh == NULL) {
        return false;
    }
    aging->fresh = fresh;
    aging->room = room;
    return true;
}

/* The resident pages from the lowest history to the highest. */
static struct entry next_in_order(struct aging *aging)
{
    bool has_old = aging->old_begin < aging->old_end;
    bool has_fresh = aging->fresh_begin < aging->fresh_end;

    if (has_old && (!has_fresh || aging->old[aging->old_begin].history <= TOP)) {
        return aging->old[aging->old_begin++];
    }
    return (struct entry){.id = aging->fresh[aging->fresh_begin++], .history = TOP};
}

/* The end of a period.  Pages that were touched are put from the end of `spare` down, and then
 * turned round behind those that were not. */
static void end_period(struct aging *aging)
{
    uint32_t low = 0;
    uint32_t high = aging->room;
    struct entry *old = aging->old;

    for (uint32_t i = 0; i < aging->resident; i++) {
        struct entry entry = next_in_order(aging);
        uint8_t touched = aging->bits[entry.id] & TOUCHED;

        aging->bits[entry.id] = RESIDENT;
        entry.history = (uint8_t)(entry.history >> 1 | (touched != 0 ? TOP : 0));
        aging->spare[touched != 0 ? --high : low++] = entry;
    }
    for (uint32_t i = high, j = aging->room; i + 1 < j; i++) {
        struct entry entry = aging->spare[i];

        aging->spare[i] = aging->spare[--j];
        aging->spare[j] = entry;
    }
    memmove(
        &aging->spare[low], &aging->spare[high], (aging->room - high) * sizeof(struct entry));
    aging->old = aging->spare;
    aging->spare = old;
    aging->old_begin = 0;
    aging->old_end = aging->resident;
    aging->fresh_begin = 0;
    aging->fresh_end = 0;
    aging->period_left = aging->frames;
}

static void load(struct aging *aging, uint32_t id)
{
    if (aging->resident == aging->frames) {
        aging->bits[next_in_order(aging).id] = 0;
    } else {
        aging->resident++;
    }
    aging->bits[id] = RESIDENT;
    aging->fresh[aging->fresh_end++] = id;
}

static uint64_t touch(void *state, const uint32_t *ids, const uint32_t *next, size_t count)
{
    struct aging *aging = state;
    uint64_t faults = 0;

    (void)next;
    for (size_t i = 0; i < count; i++) {
        uint8_t bits = aging->bits[ids[i]];

        if (bits == 0) {
            load(aging, ids[i]);
            faults++;
        } else {
            aging->bits[ids[i]] = RESIDENT | TOUCHED;
        }
        if (--aging->period_left == 0) {
            end_period(aging);
        }
    }
    return faults;
}

const struct sim_ops sim_aging = {
    .name = "aging",
    .summary = "eight bits of history; the lowest number goes first",
    .create = create,
    .reserve = reserve,
    .touch = touch,
    .destroy = destroy,
};
