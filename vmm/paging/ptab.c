/*
 * Owns the page tables of all address spaces: their making, their changes and their end.  It
 * refuses to know what a leaf stands for, and it never takes anything away from a table that is
 * in use: that is done by the guest (edits.c).  Read walk.c next, which reads what is built here,
 * and lint.c, which checks it.
 */
#include "layout.h"

#include "paging/tables.h"

#define NO_PREFIX UINT64_MAX /* no address has it: ptab->recent_table is not valid */

/* Slots of the PML4 that hold the kernel window, the same in every address space. */
#define WINDOW_SLOTS 2

/* Bits that the CPU ignores in every present entry: SDM volume 3, "4-Level Paging". */
#define SOFTWARE_BITS X86_U64(0x07f0000000000e00)

const struct ptab_level ptab_levels[5] = {
    [1] = {.shift = 12, .entry_bytes = PAGE_BYTES, .may_be_leaf = true, .name = "PT"},
    [2] = {.shift = 21, .entry_bytes = LARGE_BYTES, .may_be_leaf = true, .name = "PD"},
    [3] = {.shift = 30, .entry_bytes = GIANT_BYTES, .may_be_leaf = true, .name = "PDPT"},
    [4] = {.shift = 39, .entry_bytes = PML4_ENTRY_BYTES, .may_be_leaf = false, .name = "PML4"},
};

static bool is_upper_half(struct gva address)
{
    return tables_index(address, TABLES_TOP_LEVEL) >= TABLES_LOWER_HALF;
}

/* --- address spaces ---------------------------------------------------------------------- */

bool ptab_create(struct ptab *ptab, struct ptab_pool *pool, struct err *err)
{
    *ptab = (struct ptab){0};
    if (!tables_reserve(pool, 1)) {
        return err_set(err, ERR_ENVIRONMENT, "no guest memory is left for page tables");
    }
    *ptab = (struct ptab){.pool = pool, .root = tables_take(pool), .recent_prefix = NO_PREFIX};
    tables_write(
        pool, tables_slot(pool, ptab->root, TABLES_TOP_LEVEL, gva_of(LAYOUT_TABLES_BASE)),
        pool->tables_pdpt.value | TABLES_KERNEL);
    tables_write(
        pool, tables_slot(pool, ptab->root, TABLES_TOP_LEVEL, gva_of(LAYOUT_KERNEL_BASE)),
        pool->kernel_pdpt.value | TABLES_KERNEL);
    return true;
}

static void
retire_tables_below(struct ptab_pool *pool, struct gpa table, unsigned level, unsigned entries)
{
    const uint64_t *entry = gmem_hva(pool->mem, table);

    for (unsigned i = 0; i < entries; i++) {
        if ((entry[i] & PTE_PRESENT) == 0 || tables_is_leaf(level, entry[i])) {
            continue;
        }
        struct gpa child = tables_below(entry[i]);
        if (level > 2) {
            retire_tables_below(pool, child, level - 1, PTE_ENTRIES);
        }
        tables_retire(pool, child);
    }
}

/*
 * The two window entries of a PML4 may go by the host's hand: what a host may have kept of them
 * is true again as soon as ptab_create() writes the same two into whatever becomes a PML4.
 */
void ptab_destroy(struct ptab *ptab)
{
    struct ptab_pool *pool = ptab->pool;

    if (pool == NULL) {
        return;
    }
    retire_tables_below(pool, ptab->root, TABLES_TOP_LEVEL, TABLES_LOWER_HALF);
    struct frame *record = frames_record(pool->frames, frames_index(ptab->root));
    if (record->used == WINDOW_SLOTS) {
        *tables_slot(pool, ptab->root, TABLES_TOP_LEVEL, gva_of(LAYOUT_TABLES_BASE)).entry = 0;
        *tables_slot(pool, ptab->root, TABLES_TOP_LEVEL, gva_of(LAYOUT_KERNEL_BASE)).entry = 0;
        record->used = 0;
    }
    tables_retire(pool, ptab->root);
    *ptab = (struct ptab){0};
}

static void dismantle_table(
    struct ptab_pool *pool, struct gpa table, unsigned level, ptab_gone_fn *gone, void *context)
{
    uint64_t *entries = gmem_hva(pool->mem, table);
    unsigned count = level == TABLES_TOP_LEVEL ? TABLES_LOWER_HALF : PTE_ENTRIES;

    for (unsigned i = 0; level > 1 && i < count; i++) {
        if ((entries[i] & PTE_PRESENT) != 0 && !tables_is_leaf(level, entries[i])) {
            dismantle_table(pool, tables_below(entries[i]), level - 1, gone, context);
        }
    }
    for (unsigned i = 0; i < PTE_ENTRIES; i++) {
        entries[i] = 0;
    }
    frames_record(pool->frames, frames_index(table))->used = 0;
    gone(context, frames_index(table));
}

void ptab_dismantle(struct ptab *ptab, ptab_gone_fn *gone, void *context)
{
    dismantle_table(ptab->pool, ptab->root, TABLES_TOP_LEVEL, gone, context);
    *ptab = (struct ptab){0};
}

/* --- changes ----------------------------------------------------------------------------- */

/* Put a table under an absent entry on the way down to `level`; all that the way needs, or
 * none. */
static bool
extend_path(struct ptab_pool *pool, struct ptab_slot slot, unsigned level, bool upper)
{
    if (!tables_reserve(pool, slot.level - level)) {
        return false;
    }
    tables_link(pool, slot, upper ? TABLES_KERNEL : TABLES_USER);
    return true;
}

static bool
find_slot(struct ptab *ptab, struct gva address, unsigned level, struct ptab_slot *slot)
{
    struct ptab_pool *pool = ptab->pool;
    bool upper = is_upper_half(address);
    struct ptab_slot at = tables_slot(pool, ptab->root, TABLES_TOP_LEVEL, address);

    assert(level >= 1 && level < TABLES_TOP_LEVEL);
    assert(gva_is_canonical(address));
    assert(!upper || address.value >= LAYOUT_KERNEL_BASE);
    while (at.level > level) {
        if ((*at.entry & PTE_PRESENT) == 0 && !extend_path(pool, at, level, upper)) {
            *slot = (struct ptab_slot){.entry = NULL, .level = at.level};
            return false;
        }
        if (tables_is_leaf(at.level, *at.entry)) {
            *slot = at;
            return false;
        }
        at = tables_slot(pool, tables_below(*at.entry), at.level - 1, address);
    }
    *slot = at;
    return (*at.entry & PTE_PRESENT) == 0 || tables_is_leaf(level, *at.entry);
}

/* On the path of every fault, and most faults are next to the one before: that walk is kept.  A
 * page table leaves its address space by ptab_forget() alone, which drops what is kept here. */
bool ptab_prepare(struct ptab *ptab, struct gva address, unsigned level, struct ptab_slot *slot)
{
    if (level == 1 && address.value >> LARGE_SHIFT == ptab->recent_prefix) {
        *slot = tables_slot(ptab->pool, ptab->recent_table, 1, address);
        return true;
    }
    if (!find_slot(ptab, address, level, slot)) {
        return false;
    }
    if (level == 1) {
        ptab->recent_prefix = address.value >> LARGE_SHIFT;
        ptab->recent_table = gpa_of(round_down(slot->entry_gpa.value, PAGE_BYTES));
    }
    return true;
}

static bool is_upgrade(uint64_t before, uint64_t after)
{
    uint64_t may_change =
        PTE_WRITABLE | PTE_USER | PTE_NO_EXECUTE | PTE_ACCESSED | PTE_DIRTY | SOFTWARE_BITS;
    uint64_t granted = PTE_WRITABLE | PTE_USER;

    if ((after & PTE_PRESENT) == 0 || (before & PTE_PRESENT) == 0) {
        return (after & PTE_PRESENT) != 0;
    }
    return ((before ^ after) & ~may_change) == 0 && (before & ~after & granted) == 0 &&
           (after & ~before & PTE_NO_EXECUTE) == 0;
}

void ptab_commit(struct ptab *ptab, struct ptab_slot slot, uint64_t entry)
{
    uint64_t before = *slot.entry;

    assert(tables_is_leaf(slot.level, entry));
    assert(is_upgrade(before, entry));
    if ((before & PTE_PRESENT) != 0) {
        entry |= before & (PTE_ACCESSED | PTE_DIRTY);
    }
    tables_write(ptab->pool, slot, entry);
}

void ptab_store_absent(struct ptab *ptab, struct ptab_slot slot, uint64_t entry)
{
    assert((*slot.entry & PTE_PRESENT) == 0);
    assert((entry & PTE_PRESENT) == 0 && entry != 0);
    tables_write(ptab->pool, slot, entry);
}

void ptab_fill(struct ptab *ptab, struct ptab_slot slot, const uint64_t *values, unsigned count)
{
    struct frame *record = tables_record(ptab->pool, slot.entry_gpa);

    for (unsigned i = 0; i < count; i++) {
        assert(slot.entry[i] == 0);
        slot.entry[i] = values[i];
        record->used = (uint16_t)(record->used + (values[i] != 0 ? 1 : 0));
    }
}

bool ptab_prepare_split(struct ptab *ptab, struct ptab_slot slot, uint64_t *entry)
{
    struct ptab_pool *pool = ptab->pool;
    uint64_t leaf = *slot.entry;

    assert(slot.level == 2 && (leaf & PTE_PRESENT) != 0 && (leaf & PTE_PAGE_SIZE) != 0);
    if (!tables_reserve(pool, 1)) {
        return false;
    }
    struct gpa table = tables_take(pool);
    uint64_t *small = gmem_hva(pool->mem, table);
    for (unsigned i = 0; i < PTE_ENTRIES; i++) {
        small[i] = (leaf & ~PTE_PAGE_SIZE) + i * PAGE_BYTES;
    }
    frames_record(pool->frames, frames_index(table))->used = PTE_ENTRIES;
    *entry = table.value | TABLES_USER;
    return true;
}

void ptab_abandon_split(struct ptab *ptab, uint64_t entry)
{
    struct ptab_pool *pool = ptab->pool;
    uint32_t frame = frames_index(tables_below(entry));
    uint64_t *small = frames_hva(pool->frames, frame);

    /* No CPU has seen it: it may be emptied here. */
    for (unsigned i = 0; i < PTE_ENTRIES; i++) {
        small[i] = 0;
    }
    frames_record(pool->frames, frame)->used = 0;
    ptab_release_table(pool, frame);
}

unsigned ptab_forget(
    struct ptab *ptab, struct gva address, struct ptab_slot slot, struct ptab_slot empty[3])
{
    struct ptab_pool *pool = ptab->pool;
    struct ptab_slot path[TABLES_TOP_LEVEL + 1];
    unsigned top = is_upper_half(address) ? TABLES_TOP_LEVEL - 1
                                          : TABLES_TOP_LEVEL; /* whose table stays */
    unsigned count = 0;

    path[TABLES_TOP_LEVEL] = tables_slot(pool, ptab->root, TABLES_TOP_LEVEL, address);
    for (unsigned level = TABLES_TOP_LEVEL; level > slot.level; level--) {
        path[level - 1] =
            tables_slot(pool, tables_below(*path[level].entry), level - 1, address);
    }
    assert(path[slot.level].entry == slot.entry);
    for (unsigned level = slot.level; level <= top; level++) {
        struct frame *record = tables_record(pool, path[level].entry_gpa);
        assert(record->used > 0);
        record->used--;
        if (record->used > 0 || level == top) {
            break;
        }
        empty[count++] = path[level + 1];
    }
    if (count > 0) {
        ptab->recent_prefix = NO_PREFIX;
    }
    return count;
}

void ptab_vacate(struct ptab *ptab, struct ptab_slot slot)
{
    struct frame *record = tables_record(ptab->pool, slot.entry_gpa);

    assert(record->used > 0);
    record->used--;
}
