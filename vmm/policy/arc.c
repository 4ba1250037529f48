/*
 * arc: divides the frames between pages seen once and pages seen again, and moves the border by
 * what comes back.  It is Megiddo and Modha, "ARC: A Self-Tuning, Low Overhead Replacement
 * Cache" (FAST 2003), figure 4, with c the number of frames.  Read policy/two_q.c first.
 *
 *   T1, T2  pages in memory that were used once; twice or more.  Oldest first.
 *   B1, B2  keys of pages that T1, T2 gave up.
 *   p       how many frames T1 should have: it grows when a page comes back that B1 remembers,
 *           and shrinks for one of B2.
 *
 * Always |T1| + |B1| <= c, and all four together hold at most 2c.  The paper drops the key that
 * would be too many before it replaces a page; here it is dropped when the new page has come,
 * which is the same key, and stays right when pages are given back in between.
 *
 * The paper moves a page to T2 at each use.  Here a use is noticed only when the page is
 * considered as a victim: then its accessed bit is looked at and cleared, and a used page moves
 * to the new end of T2 instead of going (policy/choose.h).  Bansal and Modha made a clock of ARC
 * in the same way ("CAR", FAST 2004).  With sample=N uses are noticed sooner.
 */
#include <stdio.h>
#include <stdlib.h>

#include "policy/builtin.h"
#include "policy/choose.h"
#include "policy/ghosts.h"
#include "policy/keys.h"
#include "policy/lists.h"

enum list_number {
    T1,
    T2,
    LIST_COUNT,
};

/* Lists of ghosts: the same numbers, so that a page of T1 leaves its key in B1. */
#define B1 T1
#define B2 T2

struct arc {
    const struct vmm_policy_host *host;
    struct lists lists;
    struct ghosts ghosts;
    struct choose_first first;
    uint64_t looks, sample;
    uint32_t capacity;
    double target; /* p: a real number, because it moves by ratios */
    /* The page that a victim was asked for, and the list that remembered its key. */
    uint64_t coming;
    uint32_t coming_from;
};

static void destroy(void *self)
{
    struct arc *arc = self;

    ghosts_destroy(&arc->ghosts);
    lists_destroy(&arc->lists);
    free(arc);
}

static struct arc *build(const struct vmm_policy_host *host, uint64_t looks, uint64_t sample)
{
    uint32_t capacity = choose_capacity(host);
    /* With all c frames full, 2c leaves c keys; one more between an eviction and its on_map. */
    uint32_t ghosts = capacity < UINT32_MAX - 1 ? capacity + 1 : capacity;
    struct arc *arc = calloc(1, sizeof(*arc));

    if (arc == NULL) {
        return NULL;
    }
    arc->host = host;
    arc->first = (struct choose_first){.host = host, .frame = VMM_NO_FRAME};
    arc->looks = looks;
    arc->sample = sample;
    arc->capacity = capacity;
    arc->coming_from = GHOSTS_NONE;
    if (lists_create(&arc->lists, host->frames, LIST_COUNT) &&
        ghosts_create(&arc->ghosts, ghosts)) {
        return arc;
    }
    destroy(arc);
    return NULL;
}

static void *
create(const struct vmm_policy_host *host, const char *options, char *error, size_t error_bytes)
{
    uint64_t looks = CHOOSE_LOOKS_DEFAULT;
    uint64_t sample = 0;
    const struct key keys[] = {
        {"looks", 1, CHOOSE_LOOKS_MAX, &looks},
        {"sample", 0, VMM_SAMPLE_MAX_PAGES, &sample},
    };

    if (!keys_parse(options, keys, sizeof(keys) / sizeof(keys[0]), error, error_bytes)) {
        return NULL;
    }
    struct arc *arc = build(host, looks, sample);
    if (arc == NULL) {
        snprintf(error, error_bytes, "no memory for %u frames", host->frames);
    }
    return arc;
}

static uint32_t choose_sample(void *self)
{
    const struct arc *arc = self;

    return (uint32_t)arc->sample;
}

/* Cases II and III: a page comes back that B1 or B2 remembers, and the border moves. */
static void adapt(struct arc *arc, uint32_t from)
{
    double b1 = arc->ghosts.count[B1];
    double b2 = arc->ghosts.count[B2];

    if (from == B1) {
        arc->target += b1 >= b2 ? 1 : b2 / b1;
        arc->target = arc->target > arc->capacity ? arc->capacity : arc->target;
    } else if (from == B2) {
        arc->target -= b2 >= b1 ? 1 : b1 / b2;
        arc->target = arc->target < 0 ? 0 : arc->target;
    }
}

/* Once for each page that comes, before its victim is chosen. */
static void expect(struct arc *arc, uint64_t key)
{
    if (key == arc->coming) {
        return;
    }
    arc->coming = key;
    arc->coming_from = ghosts_find(&arc->ghosts, key);
    adapt(arc, arc->coming_from);
    (void)ghosts_remove(&arc->ghosts, key);
}

static void on_fault(void *self, const struct vmm_fault *fault, struct vmm_decision *decision)
{
    struct arc *arc = self;

    (void)fault;
    (void)decision;
    choose_first_fault(&arc->first);
}

/* Case IV: too many keys.  In memory they are counted in 4 KiB. */
static void trim(struct arc *arc)
{
    const struct list *list = arc->lists.list;
    const uint32_t *ghosts = arc->ghosts.count;

    while (ghosts[B1] > 0 && (uint64_t)list[T1].pages + ghosts[B1] > arc->capacity) {
        ghosts_drop_oldest(&arc->ghosts, B1);
    }
    while (ghosts[B1] + ghosts[B2] > 0 &&
           (uint64_t)list[T1].pages + list[T2].pages + ghosts[B1] + ghosts[B2] >
               2 * (uint64_t)arc->capacity) {
        ghosts_drop_oldest(&arc->ghosts, ghosts[B2] > 0 ? B2 : B1);
    }
}

static void on_map(void *self, const struct vmm_page *page)
{
    struct arc *arc = self;

    expect(arc, page->key);
    lists_add(&arc->lists, arc->coming_from == GHOSTS_NONE ? T1 : T2, page);
    choose_first_map(&arc->first, page->frame);
    arc->coming = 0;
    arc->coming_from = GHOSTS_NONE;
    trim(arc);
}

static void on_unmap(void *self, const struct vmm_page *page, bool evicted)
{
    struct arc *arc = self;
    uint32_t list = lists_remove(&arc->lists, page, evicted);

    choose_first_unmap(&arc->first, page->frame);
    if (evicted && list != LISTS_NONE) {
        ghosts_push(&arc->ghosts, list, page->key);
    }
}

static void on_sample(void *self, uint32_t frame, bool accessed)
{
    struct arc *arc = self;

    if (accessed && choose_first_sample(&arc->first, frame) &&
        lists_find(&arc->lists, frame) != LISTS_NONE) {
        lists_move(&arc->lists, T2, frame);
    }
}

/* The paper's REPLACE: which of the two lists gives a page up. */
static uint32_t list_to_take_from(const struct arc *arc)
{
    double pages = arc->lists.list[T1].pages;
    bool at_target = arc->coming_from == B2 && pages >= arc->target;

    if (arc->lists.list[T2].count == 0) {
        return T1;
    }
    return pages > 0 && (pages > arc->target || at_target) ? T1 : T2;
}

static uint32_t choose_victim(void *self, const struct vmm_fault *fault)
{
    struct arc *arc = self;
    struct lists *lists = &arc->lists;
    uint64_t looks = arc->looks;
    uint64_t left = 2 * ((uint64_t)lists->list[T1].count + lists->list[T2].count);
    uint32_t spared = VMM_NO_FRAME;

    if (fault->key != 0) {
        expect(arc, fault->key);
    }
    for (; left > 0; left--) {
        uint32_t frame = lists_oldest(lists, list_to_take_from(arc));

        if (!lists_can_go(arc->host, frame)) {
            lists_move(lists, T2, frame); /* in use now */
            continue;
        }
        if (looks == 0 || !arc->host->accessed(arc->host, frame, true)) {
            return frame;
        }
        looks--;
        spared = frame;
        lists_move(lists, T2, frame);
    }
    /* All that T2 holds is in use, and T1 was not to give anything. */
    return spared != VMM_NO_FRAME ? spared : choose_first_in(lists, T1, T2, arc->host);
}

const struct vmm_policy arc_policy = {
    .version = VMM_POLICY_VERSION,
    .bytes = sizeof(struct vmm_policy),
    .name = "arc",
    .summary = "adapts between pages used once and pages used again",
    .options = "looks=N   spare at most N used pages at one choice (256)\n"
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
