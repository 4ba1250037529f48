/*
 * Least recently used, exactly: all resident pages in a list by their last touch.  It refuses to
 * answer for more than one number of frames: curve.h does, for all of them in one pass.
 * R. L. Mattson, J. Gecsei, D. R. Slutz, I. L. Traiger: "Evaluation techniques for storage
 * hierarchies", IBM Systems Journal 9(2), 1970.
 */
#include "replay/grow.h"
#include "replay/idlist.h"
#include "replay/sim.h"

struct lru {
    uint32_t frames;
    uint32_t pages;           /* room in node and resident */
    struct idlist recent;     /* newest touch at the head */
    struct idlist_node *node; /* owns */
    uint8_t *resident;        /* owns */
};

static void *create(uint32_t frames, uint64_t seed)
{
    struct lru *lru = calloc(1, sizeof(*lru));

    (void)seed;
    if (lru != NULL) {
        lru->frames = frames;
        lru->recent = idlist_empty();
    }
    return lru;
}

static void destroy(void *state)
{
    struct lru *lru = state;

    if (lru != NULL) {
        free(lru->node);
        free(lru->resident);
        free(lru);
    }
}

static bool reserve(void *state, uint32_t pages)
{
    struct lru *lru = state;
    struct idlist_node *node = grow_array(lru->node, lru->pages, pages, sizeof(*node));
    uint8_t *resident;

    if (node == NULL) {
        return false;
    }
    lru->node = node;
    resident = grow_array(lru->resident, lru->pages, pages, sizeof(*resident));
    if (resident == NULL) {
        return false;
    }
    lru->resident = resident;
    lru->pages = pages;
    return true;
}

static uint64_t touch(void *state, const uint32_t *ids, const uint32_t *next, size_t count)
{
    struct lru *lru = state;
    uint64_t faults = 0;

    (void)next;
    for (size_t i = 0; i < count; i++) {
        uint32_t id = ids[i];

        if (i + SIM_AHEAD < count) {
            __builtin_prefetch(&lru->node[ids[i + SIM_AHEAD]], 1);
        }
        if (lru->resident[id] != 0) {
            idlist_renew(&lru->recent, lru->node, id);
            continue;
        }
        faults++;
        if (lru->recent.count == lru->frames) {
            lru->resident[idlist_pop_tail(&lru->recent, lru->node)] = 0;
        }
        lru->resident[id] = 1;
        idlist_push_head(&lru->recent, lru->node, id);
    }
    return faults;
}

const struct sim_ops sim_lru = {
    .name = "lru",
    .summary = "the page not touched for longest goes first (exact)",
    .create = create,
    .reserve = reserve,
    .touch = touch,
    .destroy = destroy,
};
