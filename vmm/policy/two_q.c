/*
 * 2q: pages that are used once pass through a short queue and do not push out those that are
 * used again and again.  It is the full version of Johnson and Shasha, "2Q: A Low Overhead High
 * Performance Buffer Management Replacement Algorithm" (VLDB 1994).  Read policy/arc.c next.
 *
 *   A1in    first in, first out: pages that came for the first time.  Uses in here count for
 *           nothing: they belong to the same burst as the one that brought the page in.
 *   A1out   keys of pages that A1in gave up.  A page that comes back while its key is in here
 *           has been used again after a while; its key leaves A1out, and it goes to Am.
 *   Am      such pages, least recently used first.
 *
 * While A1in holds more than kin, it gives the victim; otherwise Am does.
 *
 * The paper moves a page of Am to the new end at each use.  Here uses are noticed only when the
 * page is considered as a victim: then its accessed bit is looked at and cleared, and it moves
 * if it was used (policy/choose.h).  With sample=N they are noticed sooner, for the price of N
 * looks at each fault.
 */
#include <stdio.h>
#include <stdlib.h>

#include "policy/builtin.h"
#include "policy/choose.h"
#include "policy/ghosts.h"
#include "policy/keys.h"
#include "policy/lists.h"

enum list_number {
    A1_IN,
    AM,
    LIST_COUNT,
};

#define A1_OUT 0 /* the list of ghosts */

struct two_q {
    const struct vmm_policy_host *host;
    struct lists lists;
    struct ghosts ghosts;
    struct choose_first first;
    uint64_t looks, sample;
    uint64_t kin_pages;
    /* The page that a victim was asked for: its key leaves A1out before the victim's enters. */
    uint64_t coming;
    bool coming_known;
};

struct settings {
    uint64_t kin, kout; /* percent */
    uint64_t looks, sample;
};

static void destroy(void *self)
{
    struct two_q *q = self;

    ghosts_destroy(&q->ghosts);
    lists_destroy(&q->lists);
    free(q);
}

static uint64_t percent_of(uint64_t percent, uint32_t capacity)
{
    uint64_t part = percent * capacity / 100;

    return part == 0 ? 1 : part;
}

static struct two_q *build(const struct vmm_policy_host *host, const struct settings *settings)
{
    uint32_t capacity = choose_capacity(host);
    uint64_t kout = percent_of(settings->kout, capacity);
    struct two_q *q = calloc(1, sizeof(*q));

    if (q == NULL) {
        return NULL;
    }
    q->host = host;
    q->first = (struct choose_first){.host = host, .frame = VMM_NO_FRAME};
    q->looks = settings->looks;
    q->sample = settings->sample;
    q->kin_pages = percent_of(settings->kin, capacity);
    if (lists_create(&q->lists, host->frames, LIST_COUNT) && kout < UINT32_MAX &&
        ghosts_create(&q->ghosts, (uint32_t)kout)) {
        return q;
    }
    destroy(q);
    return NULL;
}

static void *
create(const struct vmm_policy_host *host, const char *options, char *error, size_t error_bytes)
{
    struct settings settings = {.kin = 25, .kout = 50, .looks = CHOOSE_LOOKS_DEFAULT};
    const struct key keys[] = {
        {"kin", 1, 99, &settings.kin},
        {"kout", 1, 400, &settings.kout},
        {"looks", 1, CHOOSE_LOOKS_MAX, &settings.looks},
        {"sample", 0, VMM_SAMPLE_MAX_PAGES, &settings.sample},
    };

    if (!keys_parse(options, keys, sizeof(keys) / sizeof(keys[0]), error, error_bytes)) {
        return NULL;
    }
    struct two_q *q = build(host, &settings);
    if (q == NULL) {
        snprintf(error, error_bytes, "no memory for %u frames", host->frames);
    }
    return q;
}

static uint32_t choose_sample(void *self)
{
    const struct two_q *q = self;

    return (uint32_t)q->sample;
}

static void expect(struct two_q *q, uint64_t key)
{
    if (key != q->coming) {
        q->coming = key;
        q->coming_known = ghosts_remove(&q->ghosts, key) != GHOSTS_NONE;
    }
}

static void on_fault(void *self, const struct vmm_fault *fault, struct vmm_decision *decision)
{
    struct two_q *q = self;

    (void)fault;
    (void)decision;
    choose_first_fault(&q->first);
}

static void on_map(void *self, const struct vmm_page *page)
{
    struct two_q *q = self;

    expect(q, page->key);
    lists_add(&q->lists, q->coming_known ? AM : A1_IN, page);
    choose_first_map(&q->first, page->frame);
    q->coming = 0;
    q->coming_known = false;
}

static void on_unmap(void *self, const struct vmm_page *page, bool evicted)
{
    struct two_q *q = self;
    uint32_t list = lists_remove(&q->lists, page, evicted);

    choose_first_unmap(&q->first, page->frame);
    if (evicted && list == A1_IN) {
        ghosts_push(&q->ghosts, A1_OUT, page->key);
    }
}

static void on_sample(void *self, uint32_t frame, bool accessed)
{
    struct two_q *q = self;

    if (accessed && choose_first_sample(&q->first, frame) &&
        lists_find(&q->lists, frame) == AM) {
        lists_move(&q->lists, AM, frame);
    }
}

static uint32_t choose_victim(void *self, const struct vmm_fault *fault)
{
    struct two_q *q = self;
    bool from_a1 = q->lists.list[A1_IN].pages > q->kin_pages || q->lists.list[AM].count == 0;
    uint32_t victim = VMM_NO_FRAME;

    if (fault->key != 0) {
        expect(q, fault->key);
    }
    if (from_a1) {
        victim = choose_first_in(&q->lists, A1_IN, A1_IN, q->host);
    }
    if (victim == VMM_NO_FRAME) {
        victim = choose_second_chance(&q->lists, AM, q->looks, q->host);
    }
    if (victim == VMM_NO_FRAME && !from_a1) {
        victim = choose_first_in(&q->lists, A1_IN, A1_IN, q->host);
    }
    return victim;
}

const struct vmm_policy two_q_policy = {
    .version = VMM_POLICY_VERSION,
    .bytes = sizeof(struct vmm_policy),
    .name = "2q",
    .summary = "a short queue for pages used once, a long one for those that come back",
    .options = "kin=N     percent of the frames for pages used once, 1 to 99 (25)\n"
               "kout=N    keys remembered of evicted ones, percent, 1 to 400 (50)\n"
               "looks=N   spare at most N used pages at one choice (256)\n"
               "sample=N  look at N pages at each fault, 0 to 64 (0)",
    .create = create,
    .destroy = destroy,
    .on_fault = on_fault,
    .on_map = on_map,
    .on_unmap = on_unmap,
    .on_sample = on_sample,
    .choose_sample = choose_sample,
    .choose_victim = choose_victim,
};
