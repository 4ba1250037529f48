/*
 * Changes to the page tables of a range of an address space: removing pages, changing their
 * permissions, splitting large ones.  Internal to vmm/space: space.c keeps regions in step.  None
 * of these can fail once the large pages at the edges are split.
 */
#ifndef SPACE_RANGE_H
#define SPACE_RANGE_H

#include "space/space.h"

/* Split the large leaves that lie across begin or end.  False: no frame for a table. */
MUST_CHECK bool range_split_edges(struct space *space, struct gva begin, struct gva end);
void range_remove(struct space *space, struct gva begin, struct gva end);
/* permissions: REGION_READ | ... of all of the range. */
void range_protect(struct space *space, struct gva begin, struct gva end, uint8_t permissions);

/* Clear all entries of a piece, and unlink the tables that this leaves empty.  taken: NULL, and
 * what the entries held is given up; or room for piece->entries of them, and it is the caller's. */
void range_empty_piece(struct space *space, const struct ptab_piece *piece, uint64_t *taken);

/* Room for so many edits and releases: the list is carried out first if it must be. */
void range_make_room(struct space *space, unsigned edits, unsigned releases);

#endif
