/*
 * fifo: the page that came first goes first, used or not.  It looks at no accessed bit, so it
 * costs nothing, and it shows Belady's anomaly: more frames can mean more faults.  Read
 * policy/clock.c next, which adds one bit to this.
 */
#include <stdio.h>
#include <stdlib.h>

#include "policy/builtin.h"
#include "policy/choose.h"
#include "policy/keys.h"
#include "policy/lists.h"

struct fifo {
    const struct vmm_policy_host *host;
    struct lists lists; /* one */
};

static void destroy(void *self)
{
    struct fifo *fifo = self;

    lists_destroy(&fifo->lists);
    free(fifo);
}

static void *
create(const struct vmm_policy_host *host, const char *options, char *error, size_t error_bytes)
{
    if (!keys_parse(options, NULL, 0, error, error_bytes)) {
        return NULL;
    }
    struct fifo *fifo = calloc(1, sizeof(*fifo));
    if (fifo != NULL && lists_create(&fifo->lists, host->frames, 1)) {
        fifo->host = host;
        return fifo;
    }
    if (fifo != NULL) {
        destroy(fifo);
    }
    snprintf(error, error_bytes, "no memory for %u frames", host->frames);
    return NULL;
}

static void on_map(void *self, const struct vmm_page *page)
{
    struct fifo *fifo = self;

    lists_add(&fifo->lists, 0, page);
}

static void on_unmap(void *self, const struct vmm_page *page, bool evicted)
{
    struct fifo *fifo = self;

    (void)lists_remove(&fifo->lists, page, evicted);
}

static uint32_t choose_victim(void *self, const struct vmm_fault *fault)
{
    struct fifo *fifo = self;

    (void)fault;
    return choose_first_in(&fifo->lists, 0, 0, fifo->host);
}

const struct vmm_policy fifo_policy = {
    .version = VMM_POLICY_VERSION,
    .bytes = sizeof(struct vmm_policy),
    .name = "fifo",
    .summary = "the page that came first goes first",
    .create = create,
    .destroy = destroy,
    .on_map = on_map,
    .on_unmap = on_unmap,
    .choose_victim = choose_victim,
};
