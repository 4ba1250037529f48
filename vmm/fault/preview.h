/*
 * What a fault would turn out to be, told before anything is done about it: the pager's questions
 * asked of the same regions and tables, and nothing changed.  It refuses to foresee what depends on
 * frames being left or on a policy.  Read pager.c for the answers that count.
 */
#ifndef FAULT_PREVIEW_H
#define FAULT_PREVIEW_H

#include "space/space.h"
#include "trace/record.h"

struct preview {
    enum fault_kind kind;
    struct region *region; /* borrows; the one concerned, or NULL */
    bool grows;            /* the stack, down to the address */
    bool has_table;
    struct ptab_slot slot; /* of the leaf, if has_table */
    uint64_t entry;        /* in it, or 0 */
};

/* access: RECORD_WRITE and RECORD_FETCH count.  Valid until regions or tables change. */
void preview_fault(
    const struct space *space, struct gva address, uint8_t access, struct preview *preview);

/* Whether the fault ends in a signal, as the region does not allow the access or there is none. */
bool preview_is_forbidden(enum fault_kind kind);

#endif
