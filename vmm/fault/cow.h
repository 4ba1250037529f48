/*
 * Copy-on-write: the first write to a page that several mappings share.
 */
#ifndef FAULT_COW_H
#define FAULT_COW_H

#include "fault/bring.h"

/*
 * A write to a private page whose entry at slot is present and not writable, though its region is:
 * the page is copied, or (no other sharer is left) just taken back.  BRING_DONE, BRING_NO_FRAME or
 * BRING_NO_TABLE.
 */
enum bring_result cow_write(const struct bring *bring, struct ptab_slot slot);

/* The same whatever the sharers, for who decides by hand: copy a page of 4 KiB even if nobody shares
 * it, or let it be written though others see that. */
enum bring_result cow_copy(const struct bring *bring, struct ptab_slot slot);
enum bring_result cow_share(const struct bring *bring, struct ptab_slot slot);

#endif
