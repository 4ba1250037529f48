/*
 * Belady's optimum: the page whose next touch is furthest away goes.  It refuses to find out the
 * future itself: it is told with each touch (nextuse.h).  L. A. Belady: "A study of replacement
 * algorithms for a virtual-storage computer", IBM Systems Journal 5(2), 1966; that no policy
 * loads fewer pages is proved in the paper of Mattson and others that sim_lru.c names.
 *
 * The candidates are in a heap, the furthest next touch on top.  A touch gives its page a new
 * key and leaves the old one, which is the present moment; so keys that no longer count are the
 * lowest, never reach the top while one that counts is left, and are swept out now and then.
 */
#include <assert.h>

#include "replay/grow.h"
#include "replay/sim.h"

struct opt {
    uint32_t frames;
    uint32_t resident;
    uint32_t now;   /* index of the touch */
    uint32_t pages; /* room in is_resident and ended */
    uint32_t heap_count;
    uint32_t heap_room;
    uint32_t ended_count;
    uint64_t *heap;  /* owns: next touch << 32 | page; node i is above 4 i + 1 … 4 i + 4 */
    uint32_t *ended; /* owns: resident pages that are not touched again */
    uint8_t *is_resident; /* owns: by page */
};

#define HEAP_SLACK 64

static void *create(uint32_t frames, uint64_t seed)
{
    struct opt *opt = calloc(1, sizeof(*opt));

    (void)seed;
    if (opt != NULL) {
        opt->frames = frames;
    }
    return opt;
}

static void destroy(void *state)
{
    struct opt *opt = state;

    if (opt != NULL) {
        free(opt->heap);
        free(opt->ended);
        free(opt->is_resident);
        free(opt);
    }
}

static bool reserve(void *state, uint32_t pages)
{
    struct opt *opt = state;
    uint32_t room = pages < opt->frames ? pages : opt->frames;
    uint8_t *is_resident =
        grow_array(opt->is_resident, opt->pages, pages, sizeof(*is_resident));
    uint32_t *ended;
    uint64_t *heap;

    if (is_resident == NULL) {
        return false;
    }
    opt->is_resident = is_resident;
    ended = grow_array(opt->ended, opt->pages, pages, sizeof(*ended));
    if (ended == NULL) {
        return false;
    }
    opt->ended = ended;
    opt->pages = pages;
    /* As many keys that no longer count as keys that do: sweeping costs O(1) a touch. */
    heap = grow_array(opt->heap, opt->heap_room, (size_t)2 * room + HEAP_SLACK, sizeof(*heap));
    if (heap == NULL) {
        return false;
    }
    opt->heap = heap;
    opt->heap_room = 2 * room + HEAP_SLACK;
    return true;
}

static void sift_down(uint64_t *heap, uint32_t count, uint32_t at)
{
    uint64_t key = heap[at];

    for (;;) {
        uint64_t first = (uint64_t)at * 4 + 1;
        uint64_t end = first + 4 < count ? first + 4 : count;
        uint64_t best = first;

        if (first >= count) {
            break;
        }
        for (uint64_t i = first + 1; i < end; i++) {
            best = heap[i] > heap[best] ? i : best;
        }
        if (heap[best] <= key) {
            break;
        }
        heap[at] = heap[best];
        at = (uint32_t)best;
    }
    heap[at] = key;
}

/* Throw out the keys that no longer count: those that are not in the future. */
static void sweep(struct opt *opt)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < opt->heap_count; i++) {
        if (opt->heap[i] >> 32 > opt->now) {
            opt->heap[kept++] = opt->heap[i];
        }
    }
    opt->heap_count = kept;
    for (uint32_t i = kept / 4 + 1; i-- > 0;) {
        if (i < kept) {
            sift_down(opt->heap, kept, i);
        }
    }
    assert(opt->heap_count < opt->heap_room);
}

static void push(struct opt *opt, uint32_t next, uint32_t id)
{
    uint64_t key = (uint64_t)next << 32 | id;
    uint32_t at;

    if (next == SIM_NEVER) {
        opt->ended[opt->ended_count++] = id;
        return;
    }
    if (opt->heap_count == opt->heap_room) {
        sweep(opt);
    }
    at = opt->heap_count++;
    while (at > 0 && opt->heap[(at - 1) / 4] < key) {
        opt->heap[at] = opt->heap[(at - 1) / 4];
        at = (at - 1) / 4;
    }
    opt->heap[at] = key;
}

static void leave(struct opt *opt, uint32_t id)
{
    assert(opt->is_resident[id] != 0);
    opt->is_resident[id] = 0;
}

/*
 * A page that is not resident, with all frames in use.  Where the page that goes was on top of
 * the heap, the new one takes its place there: one walk down instead of one down and one up.
 */
static void replace(struct opt *opt, uint32_t next, uint32_t id)
{
    if (opt->ended_count > 0) {
        leave(opt, opt->ended[--opt->ended_count]);
        push(opt, next, id);
        return;
    }
    leave(opt, (uint32_t)opt->heap[0]);
    if (next != SIM_NEVER) {
        opt->heap[0] = (uint64_t)next << 32 | id;
    } else {
        opt->ended[opt->ended_count++] = id;
        opt->heap[0] = opt->heap[--opt->heap_count];
    }
    if (opt->heap_count > 0) {
        sift_down(opt->heap, opt->heap_count, 0);
    }
}

static uint64_t touch(void *state, const uint32_t *ids, const uint32_t *next, size_t count)
{
    struct opt *opt = state;
    uint64_t faults = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t id = ids[i];

        if (opt->is_resident[id] != 0) {
            push(opt, next[i], id);
        } else {
            faults++;
            opt->is_resident[id] = 1;
            if (opt->resident == opt->frames) {
                replace(opt, next[i], id);
            } else {
                opt->resident++;
                push(opt, next[i], id);
            }
        }
        opt->now++;
    }
    return faults;
}

const struct sim_ops sim_opt = {
    .name = "opt",
    .summary = "the page touched furthest in the future goes first: no policy does better",
    .needs_future = true,
    .create = create,
    .reserve = reserve,
    .touch = touch,
    .destroy = destroy,
};
