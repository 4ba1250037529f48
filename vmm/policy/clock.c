/*
 * clock: first in, first out, but a page that was used since the hand passed it last is spared
 * and passed again.  The ring is a list whose old end is under the hand: to step on is to move
 * that page to the new end.  Read policy/choose.h for what "used" means; policy/lru.c next.
 */
#include <stdio.h>
#include <stdlib.h>

#include "policy/builtin.h"
#include "policy/choose.h"
#include "policy/keys.h"
#include "policy/lists.h"

struct clock {
    const struct vmm_policy_host *host;
    struct lists lists; /* one */
    uint64_t looks;
};

static void destroy(void *self)
{
    struct clock *clock = self;

    lists_destroy(&clock->lists);
    free(clock);
}

static void *
create(const struct vmm_policy_host *host, const char *options, char *error, size_t error_bytes)
{
    uint64_t looks = CHOOSE_LOOKS_DEFAULT;
    const struct key keys[] = {{"looks", 1, CHOOSE_LOOKS_MAX, &looks}};

    if (!keys_parse(options, keys, 1, error, error_bytes)) {
        return NULL;
    }
    struct clock *clock = calloc(1, sizeof(*clock));
    if (clock != NULL && lists_create(&clock->lists, host->frames, 1)) {
        clock->host = host;
        clock->looks = looks;
        return clock;
    }
    if (clock != NULL) {
        destroy(clock);
    }
    snprintf(error, error_bytes, "no memory for %u frames", host->frames);
    return NULL;
}

static void on_map(void *self, const struct vmm_page *page)
{
    struct clock *clock = self;

    lists_add(&clock->lists, 0, page);
}

static void on_unmap(void *self, const struct vmm_page *page, bool evicted)
{
    struct clock *clock = self;

    (void)lists_remove(&clock->lists, page, evicted);
}

static uint32_t choose_victim(void *self, const struct vmm_fault *fault)
{
    struct clock *clock = self;

    (void)fault;
    return choose_second_chance(&clock->lists, 0, clock->looks, clock->host);
}

const struct vmm_policy clock_policy = {
    .version = VMM_POLICY_VERSION,
    .bytes = sizeof(struct vmm_policy),
    .name = "clock",
    .summary = "first in, first out, sparing what was used since the last look",
    .options = "looks=N   spare at most N used pages at one choice (256)",
    .create = create,
    .destroy = destroy,
    .on_map = on_map,
    .on_unmap = on_unmap,
    .choose_victim = choose_victim,
};
