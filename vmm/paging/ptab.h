/*
 * The 4-level page tables of one address space, as they lie in guest memory.  The four levels
 * are rows of data, so no walker has level arithmetic of its own.  Changes are two-phase:
 * prepare may fail and changes nothing that translates; commit cannot fail.
 *
 * ptab writes only *upgrades* into guest memory: absent to present, and more permissions on the
 * same frame.  Whatever takes something away is a downgrade, and is handed to the guest kernel
 * through edits.h, because a host that shadows page tables keeps stale translations otherwise
 * (DESIGN, "Rules of paging").  Architecture: SDM volume 3, "4-Level Paging and 5-Level
 * Paging".
 */
#ifndef PAGING_PTAB_H
#define PAGING_PTAB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "memory/frames.h"
#include "memory/gmem.h"

struct ptab_level {
    uint64_t entry_bytes; /* what one entry covers */
    const char *name;     /* PML4, PDPT, PD, PT */
    unsigned shift;       /* of the index in an address */
    bool may_be_leaf;     /* with PTE_PAGE_SIZE, or at level 1 always */
};
extern const struct ptab_level ptab_levels[5]; /* [1] to [4]; [0] unused */

/* What all address spaces of a machine share: where tables come from, and the kernel window. */
struct ptab_pool;

/*
 * Take tables out of `frames`.  They come in 2 MiB chunks, and each chunk is shown in the
 * tables window (LAYOUT_TABLES_BASE + offset in RAM) by one supervisor-only leaf of 2 MiB, so
 * that the guest kernel can carry out edits.  mem and frames are borrowed.  no_execute:
 * EFER.NXE will be set.
 */
MUST_CHECK bool ptab_pool_create(
    struct ptab_pool **pool,
    const struct gmem *mem,
    struct frames *frames,
    bool no_execute,
    struct err *err);
void ptab_pool_destroy(struct ptab_pool *pool); /* accepts NULL */

struct ptab {
    struct ptab_pool *pool; /* borrows */
    struct gpa root;        /* the PML4: value of CR3 */
    /* Private: the page table that was prepared last, as faults come in clusters. */
    uint64_t recent_prefix; /* what it maps: address >> LARGE_SHIFT */
    struct gpa recent_table;
};

/* A new address space: an empty lower half and the common kernel window. */
MUST_CHECK bool ptab_create(struct ptab *ptab, struct ptab_pool *pool, struct err *err);
/*
 * Release every table of the lower half and the PML4; leaf frames are the caller's, and no edit
 * may be outstanding.  A table that still has entries is not used again while the pool lives,
 * because a host that shadows page tables would not see them go: where address spaces come and
 * go, empty them by edits first.  Accepts a zeroed struct.
 */
void ptab_destroy(struct ptab *ptab);

/* One entry, ready to be written. */
struct ptab_slot {
    uint64_t *entry; /* borrows: into guest memory */
    struct gpa entry_gpa;
    unsigned level;
};

/*
 * Find the entry that maps `address` at `level` (1, 2 or 3), making tables on the way.
 * Intermediate entries are present, writable and, in the lower half, user: permissions live in
 * the leaf. Returns false and leaves every table as it was when no frame is left for a table
 * (slot->entry is then NULL), or when a larger leaf or a table of smaller ones is in the way
 * (slot is then the entry in the way).  address: canonical, in the lower half or from
 * LAYOUT_KERNEL_BASE on.
 */
MUST_CHECK bool
ptab_prepare(struct ptab *ptab, struct gva address, unsigned level, struct ptab_slot *slot);

/* Write an upgrade.  Asserts that it is one: the old entry is not present, or has the same
 * frame and no permission that the new one lacks.  Accessed and dirty bits that the CPU has set
 * are kept. */
void ptab_commit(struct ptab *ptab, struct ptab_slot slot, uint64_t entry);

struct ptab_walk {
    unsigned level; /* of the last entry read: a leaf, or the one that is not present */
    bool present;
    struct gpa entry_gpa[5]; /* [4] down to [level] */
    uint64_t entry[5];
    struct gpa gpa;                  /* the translation, if present */
    bool writable, user, executable; /* of the whole path, if present */
};

/* Walk as the CPU does, without setting accessed or dirty.  A non-canonical address is not
 * present at level 4. */
void ptab_walk(const struct ptab *ptab, struct gva address, struct ptab_walk *walk);

/* The entry of the leaf that maps `address` or would: at level 1, or a large leaf.  False where a
 * table is missing on the way. */
bool ptab_find_leaf(const struct ptab *ptab, struct gva address, struct ptab_slot *slot);

/* The virtual address of an entry in the tables window. */
struct gva ptab_entry_window(struct gpa entry_gpa);

/*
 * Visit every present leaf that overlaps [begin, end), in ascending order of address (that of
 * the leaf's first byte), skipping absent subtrees whole.  Return false from visit to stop; it
 * must not change tables.
 */
typedef bool ptab_visit_fn(void *context, struct gva address, struct ptab_slot slot);
void ptab_visit(
    const struct ptab *ptab,
    struct gva begin,
    struct gva end,
    ptab_visit_fn *visit,
    void *context);

/*
 * A part of a range that has entries: a leaf of level 2 or 3 that overlaps it, or consecutive
 * entries of one page table, of which some are not zero.
 */
struct ptab_piece {
    struct gva begin;      /* of the first entry's page, or of the large leaf */
    struct ptab_slot slot; /* the first entry; level 1, or the large leaf */
    unsigned entries;      /* consecutive ones from there on; 1 for a large leaf */
    unsigned used;         /* of them not zero: present, or with a software meaning */
};

/*
 * The next piece in [*from, end), and *from moved behind it; false when there is none.  Tables
 * may change between two calls.  At level 1 entries that are absent but not zero count too:
 * what they mean is the owner's to know.
 */
bool ptab_next_piece(
    const struct ptab *ptab, struct gva *from, struct gva end, struct ptab_piece *piece);
/* The slot of the nth entry of a piece. */
static inline struct ptab_slot ptab_piece_slot(const struct ptab_piece *piece, unsigned nth)
{
    return (struct ptab_slot){
        .entry = piece->slot.entry + nth,
        .entry_gpa = gpa_of(piece->slot.entry_gpa.value + nth * sizeof(uint64_t)),
        .level = piece->slot.level};
}

/* Store an absent entry with a software meaning (bit 0 clear) over an entry that is absent. */
void ptab_store_absent(struct ptab *ptab, struct ptab_slot slot, uint64_t entry);

/*
 * Fill entries of a page table that are zero, from slot on; values: `count` of them, which may be
 * zero.  For a table that no CPU has seen present entries in: a new address space.
 */
void ptab_fill(
    struct ptab *ptab, struct ptab_slot slot, const uint64_t *values, unsigned count);

/*
 * A page table of 512 entries with the bits of the large leaf at slot (level 2), to take its
 * place: *entry is what must be stored there, by an edit.  False when no frame is left.
 */
MUST_CHECK bool ptab_prepare_split(struct ptab *ptab, struct ptab_slot slot, uint64_t *entry);
/* The split is not made after all; entry: from ptab_prepare_split, stored nowhere. */
void ptab_abandon_split(struct ptab *ptab, uint64_t entry);

/*
 * Take an address space apart that the vCPU does not run on: each of its tables, the PML4 last,
 * is emptied and handed to `gone` by its frame; it must be announced to the back end and then
 * released (ptab_release_table).  Leaf frames are the caller's.
 */
typedef void ptab_gone_fn(void *context, uint32_t frame);
void ptab_dismantle(struct ptab *ptab, ptab_gone_fn *gone, void *context);

/*
 * The entry at slot, mapping `address`, is being set to zero by an edit: count it out of its
 * table, and where that leaves tables empty, hand back through *empty the entries that should go
 * too (lowest level first, at most 3).  Tables so left are released only by ptab_release_table,
 * after the edits were carried out.  Returns the number of slots in empty.
 */
unsigned ptab_forget(
    struct ptab *ptab, struct gva address, struct ptab_slot slot, struct ptab_slot empty[3]);
/* The same without a look at whether the table is empty now: it stays in place. */
void ptab_vacate(struct ptab *ptab, struct ptab_slot slot);
/* frame: a table whose entries are all zero, and to which none points. */
void ptab_release_table(struct ptab_pool *pool, uint32_t frame);

/* The guest memory that the tables lie in. */
const struct gmem *ptab_pool_mem(const struct ptab_pool *pool);

/* Tables in use by the pool, in frames. */
uint64_t ptab_pool_tables(const struct ptab_pool *pool);

#endif
