/*
 * random: any page, each with the same chance.  The resident frames lie densely in one array, so
 * that drawing, adding and removing take constant time; the same seed gives the same run.  It
 * refuses to learn anything, which makes it the control for all others.  Read policy/fifo.c next.
 */
#include <stdio.h>
#include <stdlib.h>

#include "policy/builtin.h"
#include "policy/keys.h"
#include "policy/lists.h"

#define DRAWS 8 /* before a run of pinned pages is walked instead */

struct random {
    const struct vmm_policy_host *host;
    uint32_t *resident; /* owns: frames in no order */
    uint32_t *place;    /* owns: by frame, its index in resident + 1; 0: not there */
    uint32_t count;
    uint64_t state;
};

static void destroy(void *self)
{
    struct random *random = self;

    free(random->place);
    free(random->resident);
    free(random);
}

static void *
create(const struct vmm_policy_host *host, const char *options, char *error, size_t error_bytes)
{
    uint64_t seed = 1;
    const struct key keys[] = {{"seed", 0, UINT64_MAX, &seed}};

    if (!keys_parse(options, keys, 1, error, error_bytes)) {
        return NULL;
    }
    struct random *random = calloc(1, sizeof(*random));
    if (random == NULL) {
        snprintf(error, error_bytes, "no memory");
        return NULL;
    }
    random->host = host;
    random->state = seed;
    random->resident = calloc((size_t)host->frames + 1, sizeof(*random->resident));
    random->place = calloc((size_t)host->frames + 1, sizeof(*random->place));
    if (random->resident == NULL || random->place == NULL) {
        destroy(random);
        snprintf(error, error_bytes, "no memory for %u frames", host->frames);
        return NULL;
    }
    return random;
}

static void on_map(void *self, const struct vmm_page *page)
{
    struct random *random = self;

    if (random->place[page->frame] == 0) {
        random->resident[random->count++] = page->frame;
        random->place[page->frame] = random->count;
    }
}

/* The last one fills the gap. */
static void on_unmap(void *self, const struct vmm_page *page, bool evicted)
{
    struct random *random = self;
    uint32_t place = random->place[page->frame];

    (void)evicted;
    if (place == 0) {
        return;
    }
    uint32_t last = random->resident[--random->count];
    random->resident[place - 1] = last;
    random->place[last] = place;
    random->place[page->frame] = 0;
}

/* A number below `end`: the state steps by an odd constant, and its bits are mixed until each
 * depends on all (SplitMix64; Steele, Lea and Flood 2014). */
static uint32_t draw(struct random *random, uint32_t end)
{
    uint64_t mixed = random->state += UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    mixed ^= mixed >> 31;
    return (uint32_t)(((mixed >> 32) * end) >> 32);
}

static uint32_t choose_victim(void *self, const struct vmm_fault *fault)
{
    struct random *random = self;
    uint32_t at = 0;

    (void)fault;
    if (random->count == 0) {
        return VMM_NO_FRAME;
    }
    for (unsigned i = 0; i < DRAWS; i++) {
        at = draw(random, random->count);
        if (lists_can_go(random->host, random->resident[at])) {
            return random->resident[at];
        }
    }
    for (uint32_t left = random->count; left > 0; left--) {
        at = at + 1 == random->count ? 0 : at + 1;
        if (lists_can_go(random->host, random->resident[at])) {
            return random->resident[at];
        }
    }
    return VMM_NO_FRAME;
}

const struct vmm_policy random_policy = {
    .version = VMM_POLICY_VERSION,
    .bytes = sizeof(struct vmm_policy),
    .name = "random",
    .summary = "any page, each with the same chance",
    .options = "seed=N    another run of chance (1)",
    .create = create,
    .destroy = destroy,
    .on_map = on_map,
    .on_unmap = on_unmap,
    .choose_victim = choose_victim,
};
