/*
 * Lists of pages in the order of their age, for policies: the links lie in arrays indexed by
 * frame, so that a page is added, moved and removed in constant time and without an allocation.
 * It refuses to know why a page is where it is.  Read policy/fifo.c for the simplest use.
 */
#ifndef POLICY_LISTS_H
#define POLICY_LISTS_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm_policy.h"

#define LISTS_NONE UINT32_MAX

struct list {
    uint32_t oldest, newest; /* frame + 1; 0: the list is empty */
    uint32_t count;          /* entries */
    uint32_t pages;          /* of 4 KiB: a large page is one entry and 512 of these */
};

/* Where a large page was that the pager has taken apart, for the small ones that follow. */
struct lists_split {
    uint32_t first, end; /* frames of the large page; empty: nothing is remembered */
    uint32_t list;
    uint32_t newer; /* frame + 1 of the entry that was next; 0: it was the newest */
};

/* A set of lists over the same frames.  A frame is in one of them or in none. */
struct lists {
    struct list *list;       /* owns */
    uint32_t *older, *newer; /* own: frame + 1 of the neighbour, so that zeroed memory, which
                                the host gives only as it is touched, means "none" */
    uint16_t *member;        /* owns: number of the list + 1, and a bit for a large page */
    uint32_t frames, lists;
    struct lists_split split;
};

/* frames: every frame is below that; count: of lists, at most 1024.  False: no memory. */
bool lists_create(struct lists *lists, uint32_t frames, uint32_t count);
void lists_destroy(struct lists *lists); /* accepts a zeroed struct, and one half built */

/* The number of the list that a frame is in; LISTS_NONE. */
uint32_t lists_find(const struct lists *lists, uint32_t frame);
/* The frame at the old end; VMM_NO_FRAME. */
uint32_t lists_oldest(const struct lists *lists, uint32_t list);
/* To the new end of a list, from whichever list the frame is in (it must be in one). */
void lists_move(struct lists *lists, uint32_t list, uint32_t frame);

/*
 * A page came: put it at the new end of `list`.  The small pages of a large page that went just
 * before, without being evicted, take its place instead, in its list: splitting a page says
 * nothing about its age.
 */
void lists_add(struct lists *lists, uint32_t list, const struct vmm_page *page);
/* A page went.  Returns the number of the list that it was in; LISTS_NONE, where it was in none,
 * is the answer for a page that was never added. */
uint32_t lists_remove(struct lists *lists, const struct vmm_page *page, bool evicted);

/* Whether a page may be chosen as a victim: it is in memory and not pinned. */
bool lists_can_go(const struct vmm_policy_host *host, uint32_t frame);

#endif
