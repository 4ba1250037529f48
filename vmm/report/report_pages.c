/* Pages in a bounded table, pass after pass; see report_pages.h. */
#include "report/report_pages.h"

#include <stdlib.h>
#include <string.h>

#include "x86.h"

#include "report/report_set.h"

#define LIMIT_USUAL    UINT64_C(3000000)
#define CAPACITY_FIRST UINT64_C(4096)
#define PARTS_MAX      1024
#define CLUSTER        8 /* neighbours that stay neighbours in the table */

/* What a key holds: the page's number (36 bits of a canonical address), the process above it;
 * stored + 1, as 0 stands for an empty place. */
#define PAGE_BITS 36
#define PAGE_MASK ((UINT64_C(1) << PAGE_BITS) - 1)

struct report_page {
    uint64_t key;
    uint32_t faults;
    uint16_t last; /* slice of the last fault, + 1 */
    uint8_t level; /* of the leaf that a fault wrote; 0: none did */
    uint8_t reserved;
};
_Static_assert(sizeof(struct report_page) == 16, "the bound on memory counts on it");

static uint64_t mix(uint64_t value)
{
    value *= UINT64_C(0x9e3779b97f4a7c15);
    return value ^ value >> 32;
}

static uint64_t key_of(const struct fault_record *fault)
{
    uint64_t page = fault->address >> PAGE_SHIFT & PAGE_MASK;

    return (page | (uint64_t)fault->process << PAGE_BITS) + 1;
}

static uint64_t address_of_key(uint64_t key)
{
    return (
        uint64_t)((int64_t)((key - 1) << (64 - PAGE_BITS)) >> (64 - PAGE_BITS - PAGE_SHIFT));
}

static uint64_t first_place(uint64_t capacity, uint64_t key)
{
    return (mix(key / CLUSTER) * CLUSTER + key % CLUSTER) & (capacity - 1);
}

static uint64_t place_of(const struct report_page *table, uint64_t capacity, uint64_t key)
{
    uint64_t place = first_place(capacity, key);

    while (table[place].key != 0 && table[place].key != key) {
        place = (place + 1) & (capacity - 1);
    }
    return place;
}

bool report_pages_create(
    struct report_pages *pages, uint64_t duration_ns, uint64_t limit, struct err *err)
{
    *pages = (struct report_pages){
        .slice_ns = duration_ns / REPORT_SLICES + 1,
        .limit = limit != 0 ? limit : LIMIT_USUAL,
        .capacity = CAPACITY_FIRST};
    pages->page = calloc(pages->capacity, sizeof(*pages->page));
    bool ok = pages->page != NULL;
    for (unsigned level = 1; level <= 4; level++) {
        ok = ok && report_set_create(&pages->upper[level]);
    }
    if (!ok) {
        report_pages_destroy(pages);
        return err_set(err, ERR_ENVIRONMENT, "no memory for the pages of a report");
    }
    report_pages_restart(pages, 1);
    return true;
}

void report_pages_destroy(struct report_pages *pages)
{
    free(pages->page);
    for (unsigned level = 1; level <= 4; level++) {
        report_set_destroy(pages->upper[level]);
        pages->upper[level] = NULL;
    }
    pages->page = NULL;
}

static void empty_table(struct report_pages *pages)
{
    memset(pages->page, 0, pages->capacity * sizeof(*pages->page));
    pages->used = 0;
    pages->pending_count = 0;
    pages->full = false;
    report_set_empty(pages->upper[1]);
}

void report_pages_restart(struct report_pages *pages, uint32_t parts)
{
    /* A part is one page table's pages at least, and a made-up session could have all of its
     * pages in one part: then it takes more memory, rather than more passes without end. */
    if (parts > PARTS_MAX) {
        parts = PARTS_MAX;
        pages->limit *= 2;
    }
    pages->parts = parts;
    pages->part = 0;
    pages->distinct = 0;
    pages->hots = 0;
    memset(pages->touched, 0, sizeof(pages->touched));
    memset(pages->window, 0, sizeof(pages->window));
    memset(pages->fresh, 0, sizeof(pages->fresh));
    memset(pages->tables, 0, sizeof(pages->tables));
    memset(pages->window_change, 0, sizeof(pages->window_change));
    for (unsigned level = 2; level <= 4; level++) {
        report_set_empty(pages->upper[level]);
    }
    empty_table(pages);
}

unsigned report_pages_slice(const struct report_pages *pages, uint64_t time_ns)
{
    uint64_t slice = time_ns / pages->slice_ns;

    return slice < REPORT_SLICES ? (unsigned)slice : REPORT_SLICES - 1;
}

static bool grow(struct report_pages *pages, struct err *err)
{
    uint64_t capacity = pages->capacity * 2;
    struct report_page *table = calloc(capacity, sizeof(*table));

    if (table == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for the pages of a report");
    }
    for (uint64_t i = 0; i < pages->capacity; i++) {
        if (pages->page[i].key != 0) {
            table[place_of(table, capacity, pages->page[i].key)] = pages->page[i];
        }
    }
    free(pages->page);
    pages->page = table;
    pages->capacity = capacity;
    return true;
}

/* The page stays in the window until REPORT_WINDOW slices after its last fault; the change is
 * noted, not each slice. */
static void
note_window(struct report_pages *pages, unsigned slice, const struct report_page *page)
{
    if (page->last != 0 && page->last - 1u + REPORT_WINDOW > slice) {
        pages->window_change[page->last - 1 + REPORT_WINDOW]++; /* it does not leave there */
    } else {
        pages->window_change[slice]++;
    }
    pages->window_change[slice + REPORT_WINDOW]--;
}

static void note_fault(
    struct report_pages *pages, struct report_page *page, const struct report_pending *fault)
{
    unsigned slice = fault->slice;

    page->faults += page->faults < UINT32_MAX ? 1 : 0;
    if (fault->level != 0) {
        page->level = fault->level;
    }
    if (page->last == 0) {
        pages->fresh[slice]++;
    }
    if (page->last != slice + 1) {
        pages->touched[slice]++;
        note_window(pages, slice, page);
        page->last = (uint16_t)(slice + 1);
    }
}

static bool
take_pending(struct report_pages *pages, const struct report_pending *fault, struct err *err)
{
    uint64_t place = place_of(pages->page, pages->capacity, fault->key);

    if (pages->page[place].key == 0) {
        if (pages->used == pages->limit) {
            pages->full = true;
            return false;
        }
        if ((pages->used + 1) * 4 > pages->capacity * 3) {
            if (!grow(pages, err)) {
                return false;
            }
            place = place_of(pages->page, pages->capacity, fault->key);
        }
        pages->page[place].key = fault->key;
        pages->used++;
    }
    note_fault(pages, &pages->page[place], fault);
    return true;
}

static bool take_all_pending(struct report_pages *pages, struct err *err)
{
    for (unsigned i = 0; i < pages->pending_count; i++) {
        if (!take_pending(pages, &pages->pending[i], err)) {
            return false;
        }
    }
    pages->pending_count = 0;
    return true;
}

/* Places in a large table are seldom in a cache: faults wait for a batch, and the memory of
 * all of it is fetched at once. */
bool report_pages_add(
    struct report_pages *pages, const struct fault_record *fault, struct err *err)
{
    uint64_t key = key_of(fault);

    /* The high bits, as the low ones choose the place. */
    if (pages->parts > 1 && (mix((key - 1) >> 9) >> 40) % pages->parts != pages->part) {
        return true;
    }
    __builtin_prefetch(&pages->page[first_place(pages->capacity, key)], 1);
    pages->pending[pages->pending_count++] = (struct report_pending){
        .key = key,
        .slice = (uint16_t)report_pages_slice(pages, fault->time_ns),
        .level = fault->level};
    return pages->pending_count < REPORT_BATCH || take_all_pending(pages, err);
}

/* --- the end of a pass --- */

static bool is_hotter(const struct report_hot_page *one, const struct report_hot_page *other)
{
    if (one->faults != other->faults) {
        return one->faults > other->faults;
    }
    return one->process != other->process ? one->process < other->process
                                          : one->address < other->address;
}

static void note_hot(struct report_pages *pages, const struct report_page *page)
{
    const struct report_hot_page hot = {
        .address = address_of_key(page->key),
        .faults = page->faults,
        .process = (uint16_t)((page->key - 1) >> PAGE_BITS)};
    unsigned at = pages->hots;

    if (at == REPORT_HOT && !is_hotter(&hot, &pages->hot[at - 1])) {
        return;
    }
    at = at == REPORT_HOT ? at - 1 : pages->hots++;
    for (; at > 0 && is_hotter(&hot, &pages->hot[at - 1]); at--) {
        pages->hot[at] = pages->hot[at - 1];
    }
    pages->hot[at] = hot;
}

static unsigned fill_of(uint64_t entries)
{
    static const uint16_t most[REPORT_FILLS] = {8, 64, 256, 512};
    unsigned fill = 0;

    while (fill < REPORT_FILLS - 1 && entries > most[fill]) {
        fill++;
    }
    return fill;
}

/* A leaf at level L is an entry of a table at L, which is an entry of one at L + 1, and so on.
 * The number of a table at level L is the page's number without its low 9 L bits. */
static bool note_leaf(struct report_pages *pages, const struct report_page *page)
{
    uint64_t number = page->key - 1;
    /* Of a large leaf only the page that starts it counts, once. */
    unsigned level = page->level;
    uint64_t entry = number >> (9 * (level - 1));
    bool fresh = true;

    if (level > 1 &&
        !report_set_add(pages->upper[level], entry | UINT64_C(1) << 63, 0, &fresh)) {
        return false;
    }
    while (fresh && level <= 4) {
        entry = number >> (9 * level);
        if (!report_set_add(pages->upper[level], entry, 1, &fresh)) {
            return false;
        }
        level++;
    }
    return true;
}

static void gather_tables(const struct report_set *set, struct report_tables *tables)
{
    struct report_set_item item;

    for (uint64_t at = 0; report_set_next(set, &at, &item);) {
        if (item.key >> 63 == 0) {
            tables->tables++;
            tables->entries += item.count;
            tables->fill[fill_of(item.count)]++;
        }
    }
}

static void finish(struct report_pages *pages)
{
    int64_t now = 0;

    for (unsigned slice = 0; slice < REPORT_SLICES; slice++) {
        now += pages->window_change[slice];
        pages->window[slice] = (uint64_t)now;
    }
    for (unsigned level = 2; level <= 4; level++) {
        gather_tables(pages->upper[level], &pages->tables[level]);
    }
}

bool report_pages_end_pass(struct report_pages *pages, bool *more, struct err *err)
{
    if (!take_all_pending(pages, err)) {
        return false;
    }
    for (uint64_t i = 0; i < pages->capacity; i++) {
        const struct report_page *page = &pages->page[i];
        if (page->key == 0) {
            continue;
        }
        note_hot(pages, page);
        if (page->level != 0 && !note_leaf(pages, page)) {
            return err_set(err, ERR_ENVIRONMENT, "no memory for the page tables of a report");
        }
    }
    pages->distinct += pages->used;
    gather_tables(pages->upper[1], &pages->tables[1]);
    pages->part++;
    *more = pages->part < pages->parts;
    if (*more) {
        empty_table(pages);
    } else {
        finish(pages);
    }
    return true;
}
