/*
 * 2Q, the full version: a page comes into a short queue first, and only one that is asked for
 * again after it has left that queue gets into the main, least-recently-used one.  It refuses to
 * be tuned: the queue is a quarter of the frames and its memory of pages gone half of them, as
 * the authors advise.  T. Johnson, D. Shasha: "2Q: a low overhead high performance buffer
 * management replacement algorithm", VLDB 1994.
 */
#include "replay/grow.h"
#include "replay/idlist.h"
#include "replay/sim.h"

enum place {
    PLACE_NONE = 0,
    PLACE_IN,   /* A1in: resident, in order of loading */
    PLACE_OUT,  /* A1out: gone, remembered by number only */
    PLACE_MAIN, /* Am: resident, in order of touching */
};

struct two_queue {
    uint32_t frames;
    uint32_t in_limit;  /* Kin */
    uint32_t out_limit; /* Kout */
    uint32_t pages;     /* room in node and place */
    struct idlist in, out, main;
    struct idlist_node *node; /* owns */
    uint8_t *place;           /* owns: enum place, by page */
};

static void *create(uint32_t frames, uint64_t seed)
{
    struct two_queue *queue = calloc(1, sizeof(*queue));

    (void)seed;
    if (queue != NULL) {
        queue->frames = frames;
        queue->in_limit = frames / 4 > 0 ? frames / 4 : 1;
        queue->out_limit = frames / 2 > 0 ? frames / 2 : 1;
        queue->in = idlist_empty();
        queue->out = idlist_empty();
        queue->main = idlist_empty();
    }
    return queue;
}

static void destroy(void *state)
{
    struct two_queue *queue = state;

    if (queue != NULL) {
        free(queue->node);
        free(queue->place);
        free(queue);
    }
}

static bool reserve(void *state, uint32_t pages)
{
    struct two_queue *queue = state;
    struct idlist_node *node = grow_array(queue->node, queue->pages, pages, sizeof(*node));
    uint8_t *place;

    if (node == NULL) {
        return false;
    }
    queue->node = node;
    place = grow_array(queue->place, queue->pages, pages, sizeof(*place));
    if (place == NULL) {
        return false;
    }
    queue->place = place;
    queue->pages = pages;
    return true;
}

/* Remember a page that has left the short queue; forget the oldest such. */
static void remember(struct two_queue *queue, uint32_t id)
{
    queue->place[id] = PLACE_OUT;
    idlist_push_head(&queue->out, queue->node, id);
    if (queue->out.count > queue->out_limit) {
        queue->place[idlist_pop_tail(&queue->out, queue->node)] = PLACE_NONE;
    }
}

/* The paper's reclaimfor.  With few frames the main queue can be empty while the short one is
 * not above its limit; then the short one gives. */
static void make_room(struct two_queue *queue)
{
    if (queue->in.count + queue->main.count < queue->frames) {
        return;
    }
    if (queue->in.count > queue->in_limit || queue->main.count == 0) {
        remember(queue, idlist_pop_tail(&queue->in, queue->node));
        return;
    }
    queue->place[idlist_pop_tail(&queue->main, queue->node)] = PLACE_NONE;
}

/* A page that is not resident.  One that is remembered is taken out of the memory before room
 * is made, so that the page which goes cannot push it out. */
static void load(struct two_queue *queue, uint32_t id)
{
    if (queue->place[id] == PLACE_OUT) {
        idlist_remove(&queue->out, queue->node, id);
        make_room(queue);
        queue->place[id] = PLACE_MAIN;
        idlist_push_head(&queue->main, queue->node, id);
        return;
    }
    make_room(queue);
    queue->place[id] = PLACE_IN;
    idlist_push_head(&queue->in, queue->node, id);
}

static uint64_t touch(void *state, const uint32_t *ids, const uint32_t *next, size_t count)
{
    struct two_queue *queue = state;
    uint64_t faults = 0;

    (void)next;
    for (size_t i = 0; i < count; i++) {
        uint32_t id = ids[i];

        if (i + SIM_AHEAD < count) {
            __builtin_prefetch(&queue->node[ids[i + SIM_AHEAD]], 1);
        }
        if (queue->place[id] == PLACE_MAIN) {
            idlist_renew(&queue->main, queue->node, id);
        } else if (queue->place[id] != PLACE_IN) {
            load(queue, id);
            faults++;
        }
    }
    return faults;
}

const struct sim_ops sim_two_queue = {
    .name = "2q",
    .summary = "a short queue first, the main one only when asked for again",
    .create = create,
    .reserve = reserve,
    .touch = touch,
    .destroy = destroy,
};
