/* Opens and closes pages, one leaf at a time; see opened.h. */
#include "watch/opened.h"

bool opened_let_in(struct space *space, struct gva address, struct opened_page *page)
{
    struct ptab_slot slot;

    if (!ptab_find_leaf(&space->ptab, address, &slot) || (*slot.entry & PTE_PRESENT) == 0) {
        return false;
    }
    if ((*slot.entry & PTE_USER) == 0) {
        space_upgrade_leaf(space, slot, *slot.entry | PTE_USER);
    }
    page->begin = round_down(address.value, ptab_levels[slot.level].entry_bytes);
    page->end = page->begin + ptab_levels[slot.level].entry_bytes;
    return true;
}

/* It may have been unmapped, evicted or split meanwhile. */
static void close_page(struct space *space, const struct opened_page *page)
{
    struct gva from = gva_of(page->begin);
    struct ptab_piece piece;

    while (ptab_next_piece(&space->ptab, &from, gva_of(page->end), &piece)) {
        for (unsigned i = 0; i < piece.entries; i++) {
            struct ptab_slot slot = ptab_piece_slot(&piece, i);
            if ((*slot.entry & (PTE_PRESENT | PTE_USER)) == (PTE_PRESENT | PTE_USER)) {
                space_edit_leaf(
                    space, gva_add(piece.begin, (uint64_t)i * PAGE_BYTES), slot,
                    *slot.entry & ~PTE_USER);
            }
        }
    }
}

void opened_close_all(struct space *space)
{
    const struct region *region = regions_first_from(space->regions, gva_of(0));

    for (; region != NULL; region = regions_next(region)) {
        const struct opened_page whole = {
            .begin = region->begin.value, .end = region->end.value};
        if ((space_leaf_bits(space, region->spec.permissions) & PTE_USER) == 0) {
            close_page(space, &whole);
        }
    }
}

void opened_add(struct opened *opened, struct space *space, const struct opened_page *page)
{
    if (opened_has(opened, page->begin)) {
        return;
    }
    if (opened->count == OPENED_PAGES) {
        close_page(space, &opened->page[0]);
        opened->page[0] = opened->page[--opened->count];
    }
    opened->page[opened->count++] = *page;
}

bool opened_has(const struct opened *opened, uint64_t address)
{
    for (unsigned i = 0; i < opened->count; i++) {
        if (address >= opened->page[i].begin && address < opened->page[i].end) {
            return true;
        }
    }
    return false;
}

void opened_close(struct opened *opened, struct space *space)
{
    for (unsigned i = 0; i < opened->count; i++) {
        close_page(space, &opened->page[i]);
    }
    opened->count = 0;
}
