/*
 * Taking a page out of memory: all its mappings are edited, and what is not elsewhere is written,
 * to swap or to its file.  It refuses to choose (replace.h).
 */
#ifndef FAULT_EVICT_H
#define FAULT_EVICT_H

#include "fault/pager.h"

/*
 * Make room for one page of a program: evict pages until the limit allows one more and a frame is
 * free.  *evicted: the last frame that was emptied, unchanged if none had to be.  False: nothing
 * can go (no swap, swap full, all pinned).  What was evicted is gone from the tables at once; ring 3
 * must not run before the edit list was carried out, which it cannot.
 */
MUST_CHECK bool evict_make_room(struct pager *pager, uint32_t *evicted);

/* Evict this page.  A large page is split, and its first 4 KiB evicted.  False: it cannot go. */
MUST_CHECK bool evict_page(struct pager *pager, uint32_t frame);

/* Give up a page of an object, contents and all: its mappings are edited away, nothing is written.  The
 * object must not name the frame any more. */
void evict_forget_page(struct pager *pager, uint32_t frame);

#endif
