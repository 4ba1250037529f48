/*
 * First in, first out: the page that was loaded first goes first, however often it was touched.
 * It refuses to look at hits.  L. A. Belady, R. A. Nelson, G. S. Shedler: "An anomaly in
 * space-time characteristics of certain programs running in a paging machine", CACM 12(6), 1969,
 * for what can come of that.
 */
#include "replay/grow.h"
#include "replay/sim.h"

struct fifo {
    uint32_t frames;
    uint32_t used;     /* frames in use */
    uint32_t oldest;   /* index into frame, once all frames are in use */
    uint32_t pages;    /* room in resident */
    uint32_t room;     /* room in frame */
    uint32_t *frame;   /* owns: page in each frame */
    uint8_t *resident; /* owns: by page */
};

static void *create(uint32_t frames, uint64_t seed)
{
    struct fifo *fifo = calloc(1, sizeof(*fifo));

    (void)seed;
    if (fifo != NULL) {
        fifo->frames = frames;
    }
    return fifo;
}

static void destroy(void *state)
{
    struct fifo *fifo = state;

    if (fifo != NULL) {
        free(fifo->frame);
        free(fifo->resident);
        free(fifo);
    }
}

static bool reserve(void *state, uint32_t pages)
{
    struct fifo *fifo = state;
    uint32_t room = pages < fifo->frames ? pages : fifo->frames;
    uint8_t *resident = grow_array(fifo->resident, fifo->pages, pages, sizeof(*resident));
    uint32_t *frame;

    if (resident == NULL) {
        return false;
    }
    fifo->resident = resident;
    fifo->pages = pages;
    frame = grow_array(fifo->frame, fifo->room, room, sizeof(*frame));
    if (frame == NULL) {
        return false;
    }
    fifo->frame = frame;
    fifo->room = room;
    return true;
}

static void load(struct fifo *fifo, uint32_t id)
{
    fifo->resident[id] = 1;
    if (fifo->used < fifo->frames) {
        fifo->frame[fifo->used++] = id;
        return;
    }
    fifo->resident[fifo->frame[fifo->oldest]] = 0;
    fifo->frame[fifo->oldest] = id;
    fifo->oldest = fifo->oldest + 1 < fifo->frames ? fifo->oldest + 1 : 0;
}

static uint64_t touch(void *state, const uint32_t *ids, const uint32_t *next, size_t count)
{
    struct fifo *fifo = state;
    uint64_t faults = 0;

    (void)next;
    for (size_t i = 0; i < count; i++) {
        if (fifo->resident[ids[i]] == 0) {
            load(fifo, ids[i]);
            faults++;
        }
    }
    return faults;
}

const struct sim_ops sim_fifo = {
    .name = "fifo",
    .summary = "the page loaded first goes first",
    .create = create,
    .reserve = reserve,
    .touch = touch,
    .destroy = destroy,
};
