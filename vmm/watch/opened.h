/*
 * The pages that are open to ring 3 for one instruction, out of all those that are mapped closed
 * (space/memory.h).  Opening is an upgrade and at once; closing goes by the edit list, before ring 3
 * runs again.  It refuses to know what the instruction does.  Read decode.h for that.
 */
#ifndef WATCH_OPENED_H
#define WATCH_OPENED_H

#include <stdbool.h>

#include "base/addr.h"
#include "space/space.h"

/* More than any instruction touches that x86 has: sixteen elements across a border each. */
#define OPENED_PAGES 64

/* What a leaf maps, whatever its size. */
struct opened_page {
    uint64_t begin, end;
};

struct opened {
    struct opened_page page[OPENED_PAGES];
    unsigned count;
};

/* Let ring 3 into the page at `address`, if it is mapped closed.  True: its leaf is present and
 * open now, whether it was before or not, and *page is what it maps. */
bool opened_let_in(struct space *space, struct gva address, struct opened_page *page);

/* Remember that the page is open for the instruction; the oldest is closed when there are too many. */
void opened_add(struct opened *opened, struct space *space, const struct opened_page *page);
bool opened_has(const struct opened *opened, uint64_t address);
/* Close them all; none is remembered. */
void opened_close(struct opened *opened, struct space *space);

/* Close what is mapped open in regions that are to be mapped closed (memory_map_closed). */
void opened_close_all(struct space *space);

#endif
