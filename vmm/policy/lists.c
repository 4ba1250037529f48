/*
 * Doubly linked lists whose links are arrays over frames.  It owns the links and the memory of
 * where a large page stood when the pager splits it; it refuses to judge pages.  Read
 * policy/fifo.c next.
 */
#include "policy/lists.h"

#include <assert.h>
#include <stdlib.h>

#define SMALL_BYTES  4096
#define MEMBER_LARGE 0x8000u
#define LARGE_PAGES  512

bool lists_create(struct lists *lists, uint32_t frames, uint32_t count)
{
    assert(count > 0 && count <= 1024);
    *lists = (struct lists){.frames = frames, .lists = count};
    lists->list = calloc(count, sizeof(*lists->list));
    lists->older = calloc((size_t)frames + 1, sizeof(*lists->older));
    lists->newer = calloc((size_t)frames + 1, sizeof(*lists->newer));
    lists->member = calloc((size_t)frames + 1, sizeof(*lists->member));
    return lists->list != NULL && lists->older != NULL && lists->newer != NULL &&
           lists->member != NULL;
}

void lists_destroy(struct lists *lists)
{
    free(lists->member);
    free(lists->newer);
    free(lists->older);
    free(lists->list);
    *lists = (struct lists){0};
}

uint32_t lists_find(const struct lists *lists, uint32_t frame)
{
    uint32_t member = frame < lists->frames ? lists->member[frame] & ~MEMBER_LARGE : 0u;

    return member == 0 ? LISTS_NONE : member - 1;
}

uint32_t lists_oldest(const struct lists *lists, uint32_t list)
{
    uint32_t oldest = lists->list[list].oldest;

    return oldest == 0 ? VMM_NO_FRAME : oldest - 1;
}

static uint32_t pages_of(const struct lists *lists, uint32_t frame)
{
    return (lists->member[frame] & MEMBER_LARGE) != 0 ? LARGE_PAGES : 1;
}

/* Link a frame in on the old side of `newer` (frame + 1); 0: at the new end. */
static void link_before(struct lists *lists, uint32_t number, uint32_t frame, uint32_t newer)
{
    struct list *list = &lists->list[number];
    uint32_t older = newer == 0 ? list->newest : lists->older[newer - 1];

    lists->older[frame] = older;
    lists->newer[frame] = newer;
    *(older == 0 ? &list->oldest : &lists->newer[older - 1]) = frame + 1;
    *(newer == 0 ? &list->newest : &lists->older[newer - 1]) = frame + 1;
    lists->member[frame] = (uint16_t)((lists->member[frame] & MEMBER_LARGE) | (number + 1));
    list->count++;
    list->pages += pages_of(lists, frame);
}

/* Out of its list; the bit for a large page stays. */
static void unlink_frame(struct lists *lists, uint32_t frame)
{
    struct list *list = &lists->list[lists_find(lists, frame)];
    uint32_t older = lists->older[frame];
    uint32_t newer = lists->newer[frame];

    *(older == 0 ? &list->oldest : &lists->newer[older - 1]) = newer;
    *(newer == 0 ? &list->newest : &lists->older[newer - 1]) = older;
    list->count--;
    list->pages -= pages_of(lists, frame);
    lists->member[frame] &= MEMBER_LARGE;
}

static void forget_split(struct lists *lists)
{
    lists->split = (struct lists_split){0};
}

void lists_move(struct lists *lists, uint32_t list, uint32_t frame)
{
    assert(lists_find(lists, frame) != LISTS_NONE);
    forget_split(lists);
    unlink_frame(lists, frame);
    link_before(lists, list, frame, 0);
}

void lists_add(struct lists *lists, uint32_t list, const struct vmm_page *page)
{
    const struct lists_split *split = &lists->split;
    uint32_t newer = 0;

    assert(page->frame < lists->frames);
    if (lists_find(lists, page->frame) != LISTS_NONE) {
        unlink_frame(lists, page->frame);
        forget_split(lists);
    }
    if (page->bytes == SMALL_BYTES && page->frame >= split->first && page->frame < split->end) {
        list = split->list;
        newer = split->newer;
    } else {
        forget_split(lists);
    }
    lists->member[page->frame] = page->bytes > SMALL_BYTES ? MEMBER_LARGE : 0;
    link_before(lists, list, page->frame, newer);
}

uint32_t lists_remove(struct lists *lists, const struct vmm_page *page, bool evicted)
{
    uint32_t list = lists_find(lists, page->frame);

    forget_split(lists);
    if (list == LISTS_NONE) {
        return LISTS_NONE;
    }
    if (page->bytes > SMALL_BYTES && !evicted) {
        lists->split = (struct lists_split){
            .first = page->frame,
            .end = page->frame + page->bytes / SMALL_BYTES,
            .list = list,
            .newer = lists->newer[page->frame],
        };
    }
    unlink_frame(lists, page->frame);
    lists->member[page->frame] = 0;
    return list;
}

bool lists_can_go(const struct vmm_policy_host *host, uint32_t frame)
{
    struct vmm_page page;

    return host->page(host, frame, &page) && page.pinned == 0;
}
