/*
 * Random replacement: any resident page goes, each as likely as the next; the yardstick for
 * policies that claim to know better.  It refuses to surprise: the same seed gives the same
 * victims.  The generator is xorshift64* (S. Vigna: "An experimental exploration of Marsaglia's
 * xorshift generators, scrambled", ACM TOMS 42(4), 2016).
 */
#include "replay/grow.h"
#include "replay/sim.h"

struct lottery {
    uint64_t random; /* not 0 */
    uint32_t frames;
    uint32_t used;
    uint32_t pages;    /* room in resident */
    uint32_t room;     /* room in frame */
    uint32_t *frame;   /* owns: page in each frame */
    uint8_t *resident; /* owns: by page */
};

static void *create(uint32_t frames, uint64_t seed)
{
    struct lottery *lottery = calloc(1, sizeof(*lottery));

    if (lottery != NULL) {
        lottery->frames = frames;
        lottery->random = seed != 0 ? seed : 1;
    }
    return lottery;
}

static void destroy(void *state)
{
    struct lottery *lottery = state;

    if (lottery != NULL) {
        free(lottery->frame);
        free(lottery->resident);
        free(lottery);
    }
}

static bool reserve(void *state, uint32_t pages)
{
    struct lottery *lottery = state;
    uint32_t room = pages < lottery->frames ? pages : lottery->frames;
    uint8_t *resident = grow_array(lottery->resident, lottery->pages, pages, sizeof(*resident));
    uint32_t *frame;

    if (resident == NULL) {
        return false;
    }
    lottery->resident = resident;
    lottery->pages = pages;
    frame = grow_array(lottery->frame, lottery->room, room, sizeof(*frame));
    if (frame == NULL) {
        return false;
    }
    lottery->frame = frame;
    lottery->room = room;
    return true;
}

/* A number below limit: the high half of a 32 by 32 bit product. */
static uint32_t draw(struct lottery *lottery, uint32_t limit)
{
    uint64_t x = lottery->random;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    lottery->random = x;
    return (uint32_t)((((x * UINT64_C(2685821657736338717)) >> 32) * limit) >> 32);
}

static void load(struct lottery *lottery, uint32_t id)
{
    uint32_t victim;

    lottery->resident[id] = 1;
    if (lottery->used < lottery->frames) {
        lottery->frame[lottery->used++] = id;
        return;
    }
    victim = draw(lottery, lottery->frames);
    lottery->resident[lottery->frame[victim]] = 0;
    lottery->frame[victim] = id;
}

static uint64_t touch(void *state, const uint32_t *ids, const uint32_t *next, size_t count)
{
    struct lottery *lottery = state;
    uint64_t faults = 0;

    (void)next;
    for (size_t i = 0; i < count; i++) {
        if (lottery->resident[ids[i]] == 0) {
            load(lottery, ids[i]);
            faults++;
        }
    }
    return faults;
}

const struct sim_ops sim_random = {
    .name = "random",
    .summary = "any page goes (seeded: the same each time)",
    .create = create,
    .reserve = reserve,
    .touch = touch,
    .destroy = destroy,
};
