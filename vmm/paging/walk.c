/*
 * Reads page tables: the CPU's walk, visits in order of address, and the pieces of a range that
 * have entries.  It refuses to change anything.  Read tables.h first for the steps it is made of.
 */
#include "paging/tables.h"

void ptab_walk(const struct ptab *ptab, struct gva address, struct ptab_walk *walk)
{
    struct gpa table = ptab->root;

    *walk = (struct ptab_walk){
        .level = TABLES_TOP_LEVEL, .writable = true, .user = true, .executable = true};
    for (unsigned level = TABLES_TOP_LEVEL; gva_is_canonical(address); level--) {
        struct ptab_slot slot = tables_slot(ptab->pool, table, level, address);
        uint64_t entry = *slot.entry;

        walk->level = level;
        walk->entry_gpa[level] = slot.entry_gpa;
        walk->entry[level] = entry;
        if ((entry & PTE_PRESENT) == 0) {
            break;
        }
        walk->writable &= (entry & PTE_WRITABLE) != 0;
        walk->user &= (entry & PTE_USER) != 0;
        walk->executable &= (entry & PTE_NO_EXECUTE) == 0;
        if (tables_is_leaf(level, entry)) {
            uint64_t offset_mask = ptab_levels[level].entry_bytes - 1;
            walk->present = true;
            walk->gpa =
                gpa_of((entry & PTE_ADDRESS & ~offset_mask) | (address.value & offset_mask));
            return;
        }
        table = tables_below(entry);
    }
    walk->writable = walk->user = walk->executable = false;
}

struct visitor {
    const struct ptab_pool *pool;
    uint64_t begin, end;
    ptab_visit_fn *visit;
    void *context;
};

/* The table covers addresses from base on; false to stop. */
static bool
visit_table(const struct visitor *visitor, struct gpa table, unsigned level, uint64_t base)
{
    uint64_t bytes = ptab_levels[level].entry_bytes;
    uint64_t *entries = gmem_hva(visitor->pool->mem, table);
    unsigned first = visitor->begin > base ? tables_index(gva_of(visitor->begin), level) : 0;

    for (unsigned i = first; i < PTE_ENTRIES; i++) {
        uint64_t address = base + i * bytes;
        if (level == TABLES_TOP_LEVEL && i >= TABLES_LOWER_HALF) {
            address |= ~UINT64_C(0) << 48;
        }
        if (address >= visitor->end) {
            return true;
        }
        if ((entries[i] & PTE_PRESENT) == 0 || address + (bytes - 1) < visitor->begin) {
            continue;
        }
        bool more;
        if (tables_is_leaf(level, entries[i])) {
            struct ptab_slot slot = {
                &entries[i], gpa_of(table.value + i * sizeof(uint64_t)), level};
            more = visitor->visit(visitor->context, gva_of(address), slot);
        } else {
            more = visit_table(visitor, tables_below(entries[i]), level - 1, address);
        }
        if (!more) {
            return false;
        }
    }
    return true;
}

void ptab_visit(
    const struct ptab *ptab,
    struct gva begin,
    struct gva end,
    ptab_visit_fn *visit,
    void *context)
{
    struct visitor visitor = {ptab->pool, begin.value, end.value, visit, context};

    visit_table(&visitor, ptab->root, TABLES_TOP_LEVEL, 0);
}

/* --- pieces ------------------------------------------------------------------------------ */

/* The table or large leaf below which `address` lies; false, with how much is absent there. */
static bool descend(
    const struct ptab *ptab, struct gva address, struct ptab_slot *slot, uint64_t *absent_bytes)
{
    struct ptab_slot at = tables_slot(ptab->pool, ptab->root, TABLES_TOP_LEVEL, address);

    while (at.level > 1) {
        if ((*at.entry & PTE_PRESENT) == 0) {
            *absent_bytes = ptab_levels[at.level].entry_bytes;
            return false;
        }
        if (tables_is_leaf(at.level, *at.entry)) {
            break;
        }
        at = tables_slot(ptab->pool, tables_below(*at.entry), at.level - 1, address);
    }
    *slot = at;
    return true;
}

bool ptab_find_leaf(const struct ptab *ptab, struct gva address, struct ptab_slot *slot)
{
    uint64_t absent_bytes;

    if (address.value >> LARGE_SHIFT == ptab->recent_prefix) {
        *slot = tables_slot(ptab->pool, ptab->recent_table, 1, address);
        return true;
    }
    return descend(ptab, address, slot, &absent_bytes);
}

/* Entries of one page table from `begin` on, as far as the table and `end` go. */
static void measure_piece(struct ptab_piece *piece, struct gva begin, struct gva end)
{
    uint64_t table_end = round_down(begin.value, LARGE_BYTES) + LARGE_BYTES;
    uint64_t stop = end.value < table_end ? end.value : table_end;

    piece->begin = begin;
    piece->entries = (unsigned)((stop - begin.value + PAGE_BYTES - 1) >> PAGE_SHIFT);
    piece->used = 0;
    for (unsigned i = 0; i < piece->entries; i++) {
        piece->used += piece->slot.entry[i] != 0 ? 1 : 0;
    }
}

bool ptab_next_piece(
    const struct ptab *ptab, struct gva *from, struct gva end, struct ptab_piece *piece)
{
    while (from->value < end.value) {
        struct gva at = gva_page(*from);
        uint64_t bytes = 0;

        if (!descend(ptab, at, &piece->slot, &bytes)) {
            *from = gva_of(round_down(at.value, bytes) + bytes);
            continue;
        }
        bytes = ptab_levels[piece->slot.level].entry_bytes;
        if (piece->slot.level > 1) {
            piece->begin = gva_of(round_down(at.value, bytes));
            piece->entries = piece->used = 1;
        } else {
            measure_piece(piece, at, end);
        }
        *from = gva_of(piece->begin.value + piece->entries * bytes);
        if (piece->used > 0) {
            return true;
        }
    }
    return false;
}
