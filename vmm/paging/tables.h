/*
 * What the parts of the page tables share and nobody else sees: the pool that tables come from
 * and the inline steps from a table to an entry and on.  ptab.h is the interface.
 */
#ifndef PAGING_TABLES_H
#define PAGING_TABLES_H

#include "paging/ptab.h"

#define TABLES_TOP_LEVEL  4
#define TABLES_LOWER_HALF (PTE_ENTRIES / 2) /* entries of a PML4 that are the program's */

/* Permissions live in the leaf.  In the kernel window the accessed and dirty bits are set from
 * the start: nobody looks at them, and the CPU need not write them. */
#define TABLES_USER   (PTE_PRESENT | PTE_WRITABLE | PTE_USER)
#define TABLES_KERNEL (PTE_PRESENT | PTE_WRITABLE | PTE_ACCESSED)

struct ptab_pool {
    const struct gmem *mem; /* borrows */
    struct frames *frames;  /* borrows */
    uint64_t no_execute;    /* PTE_NO_EXECUTE, or 0 where that bit is reserved */
    uint32_t chunks; /* latest chunk; its first frame's `owner` has the one before, + 1 */
    uint32_t fresh;  /* frames [fresh, fresh_end) of it were never a table; they read 0 */
    uint32_t fresh_end;
    uint32_t free; /* tables that came back, by the `next` of their frames; read 0 */
    uint32_t free_count;
    uint64_t tables;        /* in use */
    struct gpa tables_pdpt; /* of the slot of LAYOUT_TABLES_BASE */
    struct gpa kernel_pdpt; /* of the slot of LAYOUT_KERNEL_BASE */
};

static inline unsigned tables_index(struct gva address, unsigned level)
{
    return (unsigned)(address.value >> ptab_levels[level].shift) % PTE_ENTRIES;
}

/* The entry for address in a table of the level. */
static inline struct ptab_slot
tables_slot(const struct ptab_pool *pool, struct gpa table, unsigned level, struct gva address)
{
    struct gpa entry_gpa =
        gpa_of(table.value + tables_index(address, level) * sizeof(uint64_t));

    return (struct ptab_slot){
        .entry = gmem_hva(pool->mem, entry_gpa), .entry_gpa = entry_gpa, .level = level};
}

static inline struct gpa tables_below(uint64_t entry)
{
    return gpa_of(entry & PTE_ADDRESS);
}

static inline bool tables_is_leaf(unsigned level, uint64_t entry)
{
    return level == 1 || (ptab_levels[level].may_be_leaf && (entry & PTE_PAGE_SIZE) != 0);
}

/* The record of the table that an entry is in. */
static inline struct frame *tables_record(const struct ptab_pool *pool, struct gpa entry_gpa)
{
    return frames_record(pool->frames, frames_index(entry_gpa));
}

/* Write over an entry, which counts as used from then on. */
static inline void
tables_write(const struct ptab_pool *pool, struct ptab_slot slot, uint64_t entry)
{
    if (*slot.entry == 0) {
        tables_record(pool, slot.entry_gpa)->used++;
    }
    *slot.entry = entry;
}

/* Have so many tables at hand: a caller that needs several gets all of them or none. */
MUST_CHECK bool tables_reserve(struct ptab_pool *pool, uint32_t count);
/* A table that reads zero; there must be one left. */
struct gpa tables_take(struct ptab_pool *pool);
/* Put a new table under an absent entry; there must be one left. */
void tables_link(struct ptab_pool *pool, struct ptab_slot slot, uint64_t bits);
/*
 * A table that still has entries is given up, not used again: a host that shadows page tables
 * may hold translations for it, and would not see it cleared from here.
 */
void tables_retire(struct ptab_pool *pool, struct gpa table);

#endif
