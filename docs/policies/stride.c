/*
 * stride: brings in the pages that a program will want next.  When three faults of a process lie
 * at the same distance, and not further apart than `reach` pages, the pages on the way from this
 * fault to the next `depth` ones come with it; while that proves right, depth doubles.  Victims
 * go first in, first out.  Read docs/writing-a-policy.md for the build line.
 *
 *     vmm --policy=./stride.so,depth=8 program
 */
#include <stdio.h>
#include <stdlib.h>

#include "vmm_policy.h"

#define PAGE      4096
#define PROCESSES 256

/* Where the pages that were brought in ahead end, for each process (those with the same number
 * modulo PROCESSES share one, which costs a wrong guess at worst). */
struct run {
    uint64_t next; /* the first page that was not brought in, in the direction of the run */
    uint64_t pages;
    int direction; /* 1, -1; 0: no run */
};

struct stride {
    const struct vmm_policy_host *host;
    uint64_t depth, reach;
    struct run run[PROCESSES];
    uint32_t *ring; /* owns: frames in the order in which they came; some have gone since */
    uint32_t *turn; /* owns: by frame, its place in the ring; NO_TURN: it is not in memory */
    uint32_t size, first, used;
};

#define NO_TURN UINT32_MAX

static void destroy(void *self)
{
    struct stride *stride = self;

    free(stride->ring);
    free(stride->turn);
    free(stride);
}

/* Read "depth=N,reach=N", either, in any order. */
static int read_options(struct stride *stride, const char *options)
{
    while (*options != '\0') {
        unsigned long long value = 0;
        int length = 0;
        char key[8];

        if (sscanf(options, "%7[a-z]=%llu%n", key, &value, &length) != 2 || value < 1 ||
            value > VMM_MAP_MAX_PAGES || (key[0] != 'd' && key[0] != 'r')) {
            return 0;
        }
        *(key[0] == 'd' ? &stride->depth : &stride->reach) = value;
        options += length;
        options += *options == ',';
    }
    return 1;
}

static void *
create(const struct vmm_policy_host *host, const char *options, char *error, size_t error_bytes)
{
    struct stride *stride = calloc(1, sizeof(*stride));

    if (stride == NULL) {
        snprintf(error, error_bytes, "no memory");
        return NULL;
    }
    stride->host = host;
    stride->depth = 8;
    stride->reach = 4;
    stride->size = 2 * host->frames; /* room for those that have gone */
    stride->ring = calloc(stride->size, sizeof(*stride->ring));
    stride->turn = malloc(host->frames * sizeof(*stride->turn));
    if (stride->ring == NULL || stride->turn == NULL) {
        snprintf(error, error_bytes, "no memory for %u frames", host->frames);
        destroy(stride);
        return NULL;
    }
    for (uint32_t frame = 0; frame < host->frames; frame++) {
        stride->turn[frame] = NO_TURN;
    }
    if (!read_options(stride, options)) {
        snprintf(error, error_bytes, "'%s' is not depth=N or reach=N (1 to 512)", options);
        destroy(stride);
        return NULL;
    }
    return stride;
}

/* --- what comes along --- */

/* The distance between this fault and the one before, if it was the same before that; in pages,
 * 0: none.  Faults of other processes are passed over. */
static int64_t find_stride(const struct stride *stride, const struct vmm_fault *fault)
{
    uint64_t page[3] = {fault->address / PAGE};
    unsigned found = 1;

    for (unsigned nth = 0; nth < 16 && found < 3; nth++) {
        struct vmm_fault earlier;

        if (!stride->host->history(stride->host, nth, &earlier)) {
            return 0;
        }
        if (earlier.process == fault->process) {
            page[found++] = earlier.address / PAGE;
        }
    }
    int64_t distance = (int64_t)(page[0] - page[1]);
    return found == 3 && page[1] - page[2] == page[0] - page[1] ? distance : 0;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void on_fault(void *self, const struct vmm_fault *fault, struct vmm_decision *decision)
{
    struct stride *stride = self;
    struct run *run = &stride->run[fault->process % PROCESSES];
    uint64_t page = fault->address / PAGE;
    uint64_t first = fault->region_begin / PAGE;
    uint64_t end = fault->region_end / PAGE;

    if (run->direction != 0 && page == run->next) {
        run->pages = smaller(2 * run->pages, VMM_MAP_MAX_PAGES - 1);
    } else {
        int64_t distance = find_stride(stride, fault);
        uint64_t pages = (uint64_t)(distance < 0 ? -distance : distance);

        run->direction = pages == 0 || pages > stride->reach ? 0 : distance < 0 ? -1 : 1;
        run->pages = smaller(pages * stride->depth, VMM_MAP_MAX_PAGES - 1);
    }
    if (run->direction > 0) {
        run->next = smaller(page + 1 + run->pages, end);
        decision->map_end = run->next * PAGE;
    } else if (run->direction < 0) {
        uint64_t begin = page - smaller(run->pages, page - first);

        run->next = begin - 1;
        decision->map_begin = begin * PAGE;
    }
}

/* --- first in, first out --- */

/* Squeeze out those that have gone. */
static void tidy(struct stride *stride)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < stride->used; i++) {
        uint32_t at = (stride->first + i) % stride->size;
        uint32_t frame = stride->ring[at];

        if (stride->turn[frame] == at) {
            uint32_t to = (stride->first + kept++) % stride->size;

            stride->ring[to] = frame;
            stride->turn[frame] = to;
        }
    }
    stride->used = kept;
}

static void append(struct stride *stride, uint32_t frame)
{
    if (stride->used == stride->size) {
        tidy(stride);
    }
    uint32_t at = (stride->first + stride->used++) % stride->size;
    stride->ring[at] = frame;
    stride->turn[frame] = at;
}

static void on_map(void *self, const struct vmm_page *page)
{
    append(self, page->frame);
}

static void on_unmap(void *self, const struct vmm_page *page, bool evicted)
{
    struct stride *stride = self;

    (void)evicted;
    stride->turn[page->frame] = NO_TURN;
}

static uint32_t choose_victim(void *self, const struct vmm_fault *fault)
{
    struct stride *stride = self;

    (void)fault;
    for (uint32_t left = stride->used; left > 0; left--) {
        uint32_t frame = stride->ring[stride->first];
        struct vmm_page page;

        if (stride->turn[frame] == stride->first) {
            bool known = stride->host->page(stride->host, frame, &page);

            if (known && page.pinned == 0) {
                return frame;
            }
            /* In use now: behind all others. */
            stride->first = (stride->first + 1) % stride->size;
            stride->used--;
            append(stride, frame);
            continue;
        }
        stride->first = (stride->first + 1) % stride->size;
        stride->used--;
    }
    return VMM_NO_FRAME;
}

const struct vmm_policy vmm_policy = {
    .version = VMM_POLICY_VERSION,
    .bytes = sizeof(struct vmm_policy),
    .name = "stride",
    .summary = "brings in what a regular walk will want next",
    .options = "depth=N   faults to be ahead of at first, 1 to 512 (8)\n"
               "reach=N   longest distance in pages that is a walk, 1 to 512 (4)",
    .create = create,
    .destroy = destroy,
    .on_fault = on_fault,
    .on_map = on_map,
    .on_unmap = on_unmap,
    .choose_victim = choose_victim,
};
