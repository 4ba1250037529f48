/*
 * Clock (second chance): a hand goes round the frames, forgives each page touched since its last
 * visit once, and takes the first that was not.  A page is touched by being loaded, as the
 * accessed bit of its entry would show.  F. J. Corbató: "A paging experiment with the Multics
 * system", MIT Project MAC, 1968.
 */
#include "replay/grow.h"
#include "replay/sim.h"

#define RESIDENT 0x01
#define TOUCHED  0x02

struct clock {
    uint32_t frames;
    uint32_t used;
    uint32_t hand;   /* index into frame, once all frames are in use */
    uint32_t pages;  /* room in bits */
    uint32_t room;   /* room in frame */
    uint32_t *frame; /* owns: page in each frame */
    uint8_t *bits;   /* owns: by page, RESIDENT and TOUCHED */
};

static void *create(uint32_t frames, uint64_t seed)
{
    struct clock *clock = calloc(1, sizeof(*clock));

    (void)seed;
    if (clock != NULL) {
        clock->frames = frames;
    }
    return clock;
}

static void destroy(void *state)
{
    struct clock *clock = state;

    if (clock != NULL) {
        free(clock->frame);
        free(clock->bits);
        free(clock);
    }
}

static bool reserve(void *state, uint32_t pages)
{
    struct clock *clock = state;
    uint32_t room = pages < clock->frames ? pages : clock->frames;
    uint8_t *bits = grow_array(clock->bits, clock->pages, pages, sizeof(*bits));
    uint32_t *frame;

    if (bits == NULL) {
        return false;
    }
    clock->bits = bits;
    clock->pages = pages;
    frame = grow_array(clock->frame, clock->room, room, sizeof(*frame));
    if (frame == NULL) {
        return false;
    }
    clock->frame = frame;
    clock->room = room;
    return true;
}

static void advance(struct clock *clock)
{
    clock->hand = clock->hand + 1 < clock->frames ? clock->hand + 1 : 0;
}

static void load(struct clock *clock, uint32_t id)
{
    clock->bits[id] = RESIDENT | TOUCHED;
    if (clock->used < clock->frames) {
        clock->frame[clock->used++] = id;
        return;
    }
    while ((clock->bits[clock->frame[clock->hand]] & TOUCHED) != 0) {
        clock->bits[clock->frame[clock->hand]] = RESIDENT;
        advance(clock);
    }
    clock->bits[clock->frame[clock->hand]] = 0;
    clock->frame[clock->hand] = id;
    advance(clock);
}

static uint64_t touch(void *state, const uint32_t *ids, const uint32_t *next, size_t count)
{
    struct clock *clock = state;
    uint64_t faults = 0;

    (void)next;
    for (size_t i = 0; i < count; i++) {
        uint8_t bits = clock->bits[ids[i]];

        if (bits == 0) {
            load(clock, ids[i]);
            faults++;
        } else if (bits == RESIDENT) {
            clock->bits[ids[i]] = RESIDENT | TOUCHED;
        }
    }
    return faults;
}

const struct sim_ops sim_clock = {
    .name = "clock",
    .summary = "a hand passes over pages touched since its last round",
    .create = create,
    .reserve = reserve,
    .touch = touch,
    .destroy = destroy,
};
