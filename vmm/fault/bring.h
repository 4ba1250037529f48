/*
 * Bringing a page in: a frame with the right contents and an entry for it, where there was none.
 * It carries out; what kind of fault it is, and how much is brought in, is decided in pager.c.
 */
#ifndef FAULT_BRING_H
#define FAULT_BRING_H

#include "fault/pager.h"

enum bring_result {
    BRING_DONE,
    BRING_PRESENT,  /* something is mapped there already */
    BRING_NO_FRAME, /* no room, and nothing could go */
    BRING_NO_TABLE, /* no frame for a page table */
    BRING_BEHIND,   /* the page lies behind the end of its file: SIGBUS */
    BRING_IO_ERROR, /* the file or the swap file cannot be read: SIGBUS */
};

/* What a page is wanted for. */
struct bring {
    struct pager *pager;
    struct space *space;
    const struct region *region;
    struct gva address; /* in the page */
    bool write; /* the access is a write: the dirty bit is set at once, as the CPU would */
    /* What ptab_find_leaf says of the address now. */
    bool has_table;
    struct ptab_slot slot;
    bool around; /* nobody has asked for it: evict nothing, leave the accessed bit clear */
    /* Out: kind, action, level, frame, evicted and entries are filled in here.  For a page around
     * another: a scratch record. */
    struct fault_record *record;
};

/* The page at bring->address.  The region allows the access. */
enum bring_result bring_page(const struct bring *bring);

/*
 * The common case of bring_page without its questions: the first touch of private memory that reads
 * zero, by a page of 4 KiB, the entry at slot being zero, where nobody limits, chooses or watches.
 * BRING_NO_FRAME: no frame is free.
 */
enum bring_result bring_first_touch(
    struct space *space,
    uint8_t permissions,
    struct ptab_slot slot,
    struct fault_record *record);

/* A frame of 4 KiB for a page of programs; zeroed: it reads zero.  FRAMES_NONE: none can be had. */
uint32_t
bring_frame(const struct bring *bring, enum frame_use use, bool zeroed, uint32_t *evicted);

/* Write the entry at slot, and the record.  bring_install: for a frame that others may map too, or
 * that a swap slot stands for, and whose mapping is accounted for.  _new: a frame that was just handed
 * out gets its first mapping, where the entry is zero. */
void bring_install(
    const struct bring *bring,
    struct ptab_slot slot,
    uint32_t frame,
    enum record_action action);
void bring_install_new(
    const struct bring *bring,
    struct ptab_slot slot,
    uint32_t frame,
    enum record_action action);

#endif
