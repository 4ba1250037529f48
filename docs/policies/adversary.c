/*
 * adversary: the worst policy that keeps the rules, for finding out whether a program's result
 * depends on its pages staying.  Whenever a page has to go, it is the one that came last; each
 * fault waits for `delay` ns.  With nonsense=1 it breaks the rules too: vmm has to refuse its
 * answers and keep the program's data.  Read docs/writing-a-policy.md for the build line.
 *
 *     vmm --frames=64 --policy=./adversary.so,delay=1000,nonsense=1 program
 */
#include <stdio.h>
#include <stdlib.h>

#include "vmm_policy.h"

struct adversary {
    const struct vmm_policy_host *host;
    unsigned long long delay_ns, nonsense;
    uint64_t answers;
    /* Resident frames, the one that came last at the end: links by frame + 1, 0 is none. */
    uint32_t *before, *after;
    uint32_t last;
};

static void destroy(void *self)
{
    struct adversary *adversary = self;

    free(adversary->before);
    free(adversary->after);
    free(adversary);
}

static int read_options(struct adversary *adversary, const char *options)
{
    while (*options != '\0') {
        unsigned long long value = 0;
        int length = 0;
        char key[9];

        if (sscanf(options, "%8[a-z]=%llu%n", key, &value, &length) != 2) {
            return 0;
        }
        if (key[0] == 'd' && value <= 1000000000) {
            adversary->delay_ns = value;
        } else if (key[0] == 'n' && value <= 1) {
            adversary->nonsense = value;
        } else {
            return 0;
        }
        options += length;
        options += *options == ',';
    }
    return 1;
}

static void *
create(const struct vmm_policy_host *host, const char *options, char *error, size_t error_bytes)
{
    struct adversary *adversary = calloc(1, sizeof(*adversary));

    if (adversary == NULL) {
        snprintf(error, error_bytes, "no memory");
        return NULL;
    }
    adversary->host = host;
    adversary->delay_ns = 100;
    adversary->before = calloc((size_t)host->frames + 1, sizeof(*adversary->before));
    adversary->after = calloc((size_t)host->frames + 1, sizeof(*adversary->after));
    if (adversary->before == NULL || adversary->after == NULL) {
        snprintf(error, error_bytes, "no memory for %u frames", host->frames);
        destroy(adversary);
        return NULL;
    }
    if (!read_options(adversary, options)) {
        snprintf(
            error, error_bytes, "'%s' is not delay=NS (0 to 1000000000) or nonsense=0 or 1",
            options);
        destroy(adversary);
        return NULL;
    }
    return adversary;
}

static void on_fault(void *self, const struct vmm_fault *fault, struct vmm_decision *decision)
{
    struct adversary *adversary = self;

    (void)fault;
    decision->delay_ns = adversary->delay_ns;
    if (adversary->nonsense == 0) {
        return;
    }
    switch (adversary->answers++ % 4) {
    case 0: /* the wrong way round */
        decision->map_begin = fault->region_end;
        decision->map_end = fault->region_begin;
        return;
    case 1: /* all there is, and more */
        decision->map_begin = 0;
        decision->map_end = UINT64_MAX;
        return;
    case 2: /* not the page that is asked for, and for ever */
        decision->map_begin = fault->address + 1;
        decision->map_end = fault->address + 3;
        decision->delay_ns = UINT64_MAX;
        return;
    default: /* fair for once */
        return;
    }
}

static void on_map(void *self, const struct vmm_page *page)
{
    struct adversary *adversary = self;
    uint32_t link = page->frame + 1;

    adversary->before[link] = adversary->last;
    adversary->after[link] = 0;
    adversary->after[adversary->last] = link; /* of 0: never looked at */
    adversary->last = link;
}

static void on_unmap(void *self, const struct vmm_page *page, bool evicted)
{
    struct adversary *adversary = self;
    uint32_t link = page->frame + 1;
    uint32_t before = adversary->before[link];
    uint32_t after = adversary->after[link];

    (void)evicted;
    adversary->after[before] = after;
    if (after == 0) {
        adversary->last = before;
    } else {
        adversary->before[after] = before;
    }
}

/* A frame that may not go: none at all, a pinned one, an empty one. */
static uint32_t choose_nonsense(struct adversary *adversary)
{
    const struct vmm_policy_host *host = adversary->host;
    uint64_t kind = adversary->answers++ % 3;

    if (kind == 0) {
        return host->frames + 12345;
    }
    for (uint32_t frame = 0; frame < host->frames; frame++) {
        struct vmm_page page;
        bool there = host->page(host, frame, &page);

        if (kind == 1 ? there && page.pinned != 0 : !there) {
            return frame;
        }
    }
    return VMM_NO_FRAME;
}

static uint32_t choose_victim(void *self, const struct vmm_fault *fault)
{
    struct adversary *adversary = self;

    (void)fault;
    if (adversary->nonsense != 0) {
        return choose_nonsense(adversary);
    }
    for (uint32_t link = adversary->last; link != 0; link = adversary->before[link]) {
        struct vmm_page page;

        if (adversary->host->page(adversary->host, link - 1, &page) && page.pinned == 0) {
            return link - 1;
        }
    }
    return VMM_NO_FRAME;
}

const struct vmm_policy vmm_policy = {
    .version = VMM_POLICY_VERSION,
    .bytes = sizeof(struct vmm_policy),
    .name = "adversary",
    .summary = "evicts what came last, and waits at each fault",
    .options = "delay=N     ns that each fault waits, 0 to 1000000000 (100)\n"
               "nonsense=N  1: answers that are not allowed (0)",
    .create = create,
    .destroy = destroy,
    .on_fault = on_fault,
    .on_map = on_map,
    .on_unmap = on_unmap,
    .choose_victim = choose_victim,
};
