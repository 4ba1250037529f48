/*
 * ARC, the adaptive replacement cache: two lists of resident pages (touched once, touched more
 * than once), each with a memory of the pages it lost, and a target that moves towards the list
 * whose lost pages are asked for.  It refuses to be tuned: there is nothing to tune.  N. Megiddo,
 * D. S. Modha: "ARC: a self-tuning, low overhead replacement cache", FAST 2003, figure 4; T1, T2,
 * B1, B2, p and the cases I to IV are the paper's.
 */
#include <assert.h>

#include "replay/grow.h"
#include "replay/idlist.h"
#include "replay/sim.h"

enum place {
    PLACE_NONE = 0,
    PLACE_T1, /* resident, touched once since it came */
    PLACE_T2, /* resident, touched again */
    PLACE_B1, /* gone from T1 */
    PLACE_B2, /* gone from T2 */
    PLACES
};

struct arc {
    uint32_t frames;            /* c */
    double target;              /* p: pages that T1 should have, 0 to frames */
    uint32_t pages;             /* room in node and place */
    struct idlist list[PLACES]; /* by enum place; that of PLACE_NONE is not used */
    struct idlist_node *node;   /* owns */
    uint8_t *place;             /* owns: enum place, by page */
};

static void *create(uint32_t frames, uint64_t seed)
{
    struct arc *arc = calloc(1, sizeof(*arc));

    (void)seed;
    if (arc != NULL) {
        arc->frames = frames;
        for (unsigned i = 0; i < PLACES; i++) {
            arc->list[i] = idlist_empty();
        }
    }
    return arc;
}

static void destroy(void *state)
{
    struct arc *arc = state;

    if (arc != NULL) {
        free(arc->node);
        free(arc->place);
        free(arc);
    }
}

static bool reserve(void *state, uint32_t pages)
{
    struct arc *arc = state;
    struct idlist_node *node = grow_array(arc->node, arc->pages, pages, sizeof(*node));
    uint8_t *place;

    if (node == NULL) {
        return false;
    }
    arc->node = node;
    place = grow_array(arc->place, arc->pages, pages, sizeof(*place));
    if (place == NULL) {
        return false;
    }
    arc->place = place;
    arc->pages = pages;
    return true;
}

static uint32_t count_of(const struct arc *arc, enum place place)
{
    return arc->list[place].count;
}

static void put(struct arc *arc, uint32_t id, enum place place)
{
    arc->place[id] = (uint8_t)place;
    idlist_push_head(&arc->list[place], arc->node, id);
}

static void take(struct arc *arc, uint32_t id)
{
    idlist_remove(&arc->list[arc->place[id]], arc->node, id);
    arc->place[id] = PLACE_NONE;
}

static void drop_oldest(struct arc *arc, enum place place)
{
    arc->place[idlist_pop_tail(&arc->list[place], arc->node)] = PLACE_NONE;
}

/* REPLACE(x, p): one resident page goes, and is remembered. */
static void replace(struct arc *arc, bool in_b2)
{
    double once = count_of(arc, PLACE_T1);
    bool from_t1 = once > 0 && (once > arc->target || (in_b2 && once == arc->target));
    enum place from = from_t1 ? PLACE_T1 : PLACE_T2;

    assert(count_of(arc, from) > 0);
    put(arc, idlist_pop_tail(&arc->list[from], arc->node), from_t1 ? PLACE_B1 : PLACE_B2);
}

/* How far the target moves for a hit in `lost`: further when the other memory is longer. */
static double step(const struct arc *arc, enum place lost, enum place other)
{
    double ratio = (double)count_of(arc, other) / (double)count_of(arc, lost);

    return ratio > 1 ? ratio : 1;
}

/* Cases II and III: a page that is remembered. */
static void load_again(struct arc *arc, uint32_t id)
{
    bool in_b2 = arc->place[id] == PLACE_B2;

    if (in_b2) {
        double target = arc->target - step(arc, PLACE_B2, PLACE_B1);

        arc->target = target > 0 ? target : 0;
    } else {
        double target = arc->target + step(arc, PLACE_B1, PLACE_B2);

        arc->target = target < arc->frames ? target : arc->frames;
    }
    replace(arc, in_b2);
    take(arc, id);
    put(arc, id, PLACE_T2);
}

/* Case IV: a page that no list knows. */
static void load_new(struct arc *arc, uint32_t id)
{
    uint64_t l1 = (uint64_t)count_of(arc, PLACE_T1) + count_of(arc, PLACE_B1);
    uint64_t l2 = (uint64_t)count_of(arc, PLACE_T2) + count_of(arc, PLACE_B2);

    if (l1 == arc->frames) {
        if (count_of(arc, PLACE_T1) < arc->frames) {
            drop_oldest(arc, PLACE_B1);
            replace(arc, false);
        } else {
            drop_oldest(arc, PLACE_T1);
        }
    } else if (l1 + l2 >= arc->frames) {
        if (l1 + l2 == 2 * (uint64_t)arc->frames) {
            drop_oldest(arc, PLACE_B2);
        }
        replace(arc, false);
    }
    put(arc, id, PLACE_T1);
}

static uint64_t touch(void *state, const uint32_t *ids, const uint32_t *next, size_t count)
{
    struct arc *arc = state;
    uint64_t faults = 0;

    (void)next;
    for (size_t i = 0; i < count; i++) {
        uint32_t id = ids[i];

        if (i + SIM_AHEAD < count) {
            __builtin_prefetch(&arc->node[ids[i + SIM_AHEAD]], 1);
        }
        switch ((enum place)arc->place[id]) {
        case PLACE_T2: /* case I, by far the most frequent */
            idlist_renew(&arc->list[PLACE_T2], arc->node, id);
            break;
        case PLACE_T1:
            take(arc, id);
            put(arc, id, PLACE_T2);
            break;
        case PLACE_B1:
        case PLACE_B2:
            load_again(arc, id);
            faults++;
            break;
        case PLACE_NONE:
        case PLACES:
            load_new(arc, id);
            faults++;
            break;
        }
    }
    return faults;
}

const struct sim_ops sim_arc = {
    .name = "arc",
    .summary = "balances pages touched once and more than once by its own misses",
    .create = create,
    .reserve = reserve,
    .touch = touch,
    .destroy = destroy,
};
