/*
 * lru: the page that was not used for longest goes, as far as sampling can tell.  Each page has
 * an age of 8 bits; when it is sampled the age is shifted right and the accessed bit enters at
 * the top, so a small age means "not used lately" (aging, in the textbooks).  One list for each
 * age makes the choice exact over all pages and bounded by 256 looks at list heads; within an age
 * the page that has had it for longest goes.  Read policy/two_q.c next.
 */
#include <stdio.h>
#include <stdlib.h>

#include "policy/builtin.h"
#include "policy/choose.h"
#include "policy/keys.h"
#include "policy/lists.h"

#define AGES           256u
#define AGE_USED       0x80u
#define SAMPLE_DEFAULT 16

struct lru {
    const struct vmm_policy_host *host;
    struct lists lists; /* one for each age */
    uint64_t sample;
};

static void destroy(void *self)
{
    struct lru *lru = self;

    lists_destroy(&lru->lists);
    free(lru);
}

static void *
create(const struct vmm_policy_host *host, const char *options, char *error, size_t error_bytes)
{
    uint64_t sample = SAMPLE_DEFAULT;
    const struct key keys[] = {{"sample", 1, VMM_SAMPLE_MAX_PAGES, &sample}};

    if (!keys_parse(options, keys, 1, error, error_bytes)) {
        return NULL;
    }
    struct lru *lru = calloc(1, sizeof(*lru));
    if (lru != NULL && lists_create(&lru->lists, host->frames, AGES)) {
        lru->host = host;
        lru->sample = sample;
        return lru;
    }
    if (lru != NULL) {
        destroy(lru);
    }
    snprintf(error, error_bytes, "no memory for %u frames", host->frames);
    return NULL;
}

static uint32_t choose_sample(void *self)
{
    const struct lru *lru = self;

    return (uint32_t)lru->sample;
}

static void on_map(void *self, const struct vmm_page *page)
{
    struct lru *lru = self;

    lists_add(&lru->lists, AGE_USED, page);
}

static void on_unmap(void *self, const struct vmm_page *page, bool evicted)
{
    struct lru *lru = self;

    (void)lists_remove(&lru->lists, page, evicted);
}

static void on_sample(void *self, uint32_t frame, bool accessed)
{
    struct lru *lru = self;
    uint32_t age = lists_find(&lru->lists, frame);

    if (age == LISTS_NONE) {
        return;
    }
    uint32_t aged = (age >> 1) | (accessed ? AGE_USED : 0);
    if (aged != age) {
        lists_move(&lru->lists, aged, frame);
    }
}

/* Pinned pages become as young as can be, so that the next choice does not meet them again. */
static uint32_t choose_victim(void *self, const struct vmm_fault *fault)
{
    struct lru *lru = self;
    uint32_t victim = VMM_NO_FRAME;

    (void)fault;
    for (uint32_t age = 0; age < AGES && victim == VMM_NO_FRAME; age++) {
        if (lru->lists.list[age].count > 0) {
            victim = choose_first_in(&lru->lists, age, AGES - 1, lru->host);
        }
    }
    return victim;
}

const struct vmm_policy lru_policy = {
    .version = VMM_POLICY_VERSION,
    .bytes = sizeof(struct vmm_policy),
    .name = "lru",
    .summary = "least recently used, by ages of 8 bits from sampled accessed bits",
    .options = "sample=N  look at N pages at each fault, 1 to 64 (16)",
    .create = create,
    .destroy = destroy,
    .on_map = on_map,
    .on_unmap = on_unmap,
    .on_sample = on_sample,
    .sample_pages = SAMPLE_DEFAULT,
    .choose_sample = choose_sample,
    .choose_victim = choose_victim,
};
