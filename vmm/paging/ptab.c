/*
 * Owns the page tables of all address spaces and the pool they come from.  It refuses to know
 * what a leaf stands for, and it never takes anything away from a table that is in use: that is
 * done by the guest (edits.c).  Read lint.c next, which checks what is built here.
 */
#include "paging/ptab.h"

#include <stdlib.h>

#include "layout.h"

#define CHUNK_FRAMES 512 /* tables come 2 MiB at a time */
#define TOP_LEVEL    4
#define LOWER_HALF   (PTE_ENTRIES / 2) /* entries of a PML4 that are the program's */

#define NO_PREFIX UINT64_MAX /* no address has it: ptab->recent_table is not valid */

/* Slots of the PML4 that hold the kernel window, the same in every address space. */
#define WINDOW_SLOTS 2

/* Permissions live in the leaf.  In the kernel window the accessed and dirty bits are set from
 * the start: nobody looks at them, and the CPU need not write them. */
#define USER_TABLE   (PTE_PRESENT | PTE_WRITABLE | PTE_USER)
#define KERNEL_TABLE (PTE_PRESENT | PTE_WRITABLE | PTE_ACCESSED)
#define WINDOW_LEAF  (PTE_PRESENT | PTE_WRITABLE | PTE_ACCESSED | PTE_DIRTY | PTE_PAGE_SIZE)

/* Bits that the CPU ignores in every present entry: SDM volume 3, "4-Level Paging". */
#define SOFTWARE_BITS X86_U64(0x07f0000000000e00)

const struct ptab_level ptab_levels[5] = {
    [1] = {.shift = 12, .entry_bytes = PAGE_BYTES, .may_be_leaf = true, .name = "PT"},
    [2] = {.shift = 21, .entry_bytes = LARGE_BYTES, .may_be_leaf = true, .name = "PD"},
    [3] = {.shift = 30, .entry_bytes = GIANT_BYTES, .may_be_leaf = true, .name = "PDPT"},
    [4] = {.shift = 39, .entry_bytes = PML4_ENTRY_BYTES, .may_be_leaf = false, .name = "PML4"},
};

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

/* --- entries ----------------------------------------------------------------------------- */

static unsigned entry_index(struct gva address, unsigned level)
{
    return (unsigned)(address.value >> ptab_levels[level].shift) % PTE_ENTRIES;
}

static bool is_upper_half(struct gva address)
{
    return entry_index(address, TOP_LEVEL) >= LOWER_HALF;
}

/* The entry for address in a table of the level. */
static inline struct ptab_slot
slot_in(const struct ptab_pool *pool, struct gpa table, unsigned level, struct gva address)
{
    struct gpa entry_gpa = gpa_of(table.value + entry_index(address, level) * sizeof(uint64_t));

    return (struct ptab_slot){
        .entry = gmem_hva(pool->mem, entry_gpa), .entry_gpa = entry_gpa, .level = level};
}

static struct gpa table_of(uint64_t entry)
{
    return gpa_of(entry & PTE_ADDRESS);
}

static bool is_leaf(unsigned level, uint64_t entry)
{
    return level == 1 || (ptab_levels[level].may_be_leaf && (entry & PTE_PAGE_SIZE) != 0);
}

/* The record of the table that an entry is in. */
static struct frame *table_record(const struct ptab_pool *pool, struct gpa entry_gpa)
{
    return frames_record(pool->frames, frames_index(entry_gpa));
}

static void write_entry(const struct ptab_pool *pool, struct ptab_slot slot, uint64_t entry)
{
    if (*slot.entry == 0) {
        table_record(pool, slot.entry_gpa)->used++;
    }
    *slot.entry = entry;
}

/* --- the pool ---------------------------------------------------------------------------- */

static uint32_t tables_left(const struct ptab_pool *pool)
{
    return pool->free_count + (pool->fresh_end - pool->fresh);
}

static void put_table(struct ptab_pool *pool, uint32_t frame)
{
    frames_record(pool->frames, frame)->next = pool->free;
    pool->free = frame;
    pool->free_count++;
}

/* A table that reads zero; there must be one left. */
static struct gpa take_table(struct ptab_pool *pool)
{
    uint32_t frame = pool->free;

    assert(tables_left(pool) > 0);
    if (pool->free_count > 0) {
        pool->free = frames_record(pool->frames, frame)->next;
        pool->free_count--;
    } else {
        frame = pool->fresh++;
    }
    pool->tables++;
    return frames_gpa(frame);
}

/* Put a new table under an absent entry. */
static void link_table(struct ptab_pool *pool, struct ptab_slot slot, uint64_t bits)
{
    assert(*slot.entry == 0);
    write_entry(pool, slot, take_table(pool).value | bits);
}

static bool take_chunk(struct ptab_pool *pool)
{
    uint32_t first = frames_alloc_large_zeroed(pool->frames, FRAME_TABLE);

    if (first == FRAMES_NONE) {
        return false;
    }
    frames_split(pool->frames, first);
    frames_record(pool->frames, first)->owner =
        pool->chunks == FRAMES_NONE ? 0 : (uint64_t)pool->chunks + 1;
    pool->chunks = first;
    while (pool->fresh < pool->fresh_end) {
        put_table(pool, pool->fresh++);
    }
    pool->fresh = first;
    pool->fresh_end = first + CHUNK_FRAMES;
    return true;
}

/* Show the latest chunk in the tables window.  The tables for that come out of the chunk
 * itself. */
static void show_chunk(struct ptab_pool *pool)
{
    struct gpa chunk = frames_gpa(pool->chunks);
    struct gva address = ptab_entry_window(chunk);
    struct ptab_slot slot = slot_in(pool, pool->tables_pdpt, 3, address);

    if (*slot.entry == 0) {
        link_table(pool, slot, KERNEL_TABLE);
    }
    slot = slot_in(pool, table_of(*slot.entry), 2, address);
    write_entry(pool, slot, chunk.value | WINDOW_LEAF | pool->no_execute);
}

/* Have so many tables at hand: a caller that needs several gets all of them or none. */
static bool reserve_tables(struct ptab_pool *pool, uint32_t count)
{
    if (tables_left(pool) >= count) {
        return true;
    }
    if (!take_chunk(pool)) {
        return false;
    }
    show_chunk(pool);
    return true;
}

bool ptab_pool_create(
    struct ptab_pool **pool,
    const struct gmem *mem,
    struct frames *frames,
    bool no_execute,
    struct err *err)
{
    *pool = NULL;
    if (mem->bytes > PML4_ENTRY_BYTES) {
        return err_set(
            err, ERR_ENVIRONMENT,
            "guest memory of %llu MiB: the tables window shows no more than 512 GiB",
            (unsigned long long)(mem->bytes >> 20));
    }
    struct ptab_pool *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return err_set_errno(err, ERR_ENVIRONMENT, "allocating the pool of page tables");
    }
    made->mem = mem;
    made->frames = frames;
    made->no_execute = no_execute ? PTE_NO_EXECUTE : 0;
    made->chunks = FRAMES_NONE;
    made->free = FRAMES_NONE;
    if (!take_chunk(made)) {
        free(made);
        return err_set(
            err, ERR_ENVIRONMENT, "guest memory of %llu MiB has no 2 MiB left for page tables",
            (unsigned long long)(mem->bytes >> 20));
    }
    made->tables_pdpt = take_table(made);
    made->kernel_pdpt = take_table(made);
    show_chunk(made);
    *pool = made;
    return true;
}

void ptab_pool_destroy(struct ptab_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    for (uint32_t chunk = pool->chunks; chunk != FRAMES_NONE;) {
        uint64_t before = frames_record(pool->frames, chunk)->owner;
        for (uint32_t i = 0; i < CHUNK_FRAMES; i++) {
            frames_release(pool->frames, chunk + i);
        }
        chunk = before == 0 ? FRAMES_NONE : (uint32_t)(before - 1);
    }
    free(pool);
}

static bool reads_zero(const uint64_t *table)
{
    uint64_t any = 0;

    for (unsigned i = 0; i < PTE_ENTRIES; i++) {
        any |= table[i];
    }
    return any == 0;
}

void ptab_release_table(struct ptab_pool *pool, uint32_t frame)
{
    assert(frames_record(pool->frames, frame)->use == FRAME_TABLE);
    assert(frames_record(pool->frames, frame)->used == 0);
    assert(reads_zero(frames_hva(pool->frames, frame)));
    assert(pool->tables > 0);
    pool->tables--;
    put_table(pool, frame);
}

const struct gmem *ptab_pool_mem(const struct ptab_pool *pool)
{
    return pool->mem;
}

uint64_t ptab_pool_tables(const struct ptab_pool *pool)
{
    return pool->tables;
}

struct gva ptab_entry_window(struct gpa entry_gpa)
{
    assert(entry_gpa.value >= LAYOUT_RAM_BASE);
    return gva_of(LAYOUT_TABLES_BASE + (entry_gpa.value - LAYOUT_RAM_BASE));
}

/* --- address spaces ---------------------------------------------------------------------- */

bool ptab_create(struct ptab *ptab, struct ptab_pool *pool, struct err *err)
{
    *ptab = (struct ptab){0};
    if (!reserve_tables(pool, 1)) {
        return err_set(err, ERR_ENVIRONMENT, "no guest memory is left for page tables");
    }
    *ptab = (struct ptab){.pool = pool, .root = take_table(pool), .recent_prefix = NO_PREFIX};
    write_entry(
        pool, slot_in(pool, ptab->root, TOP_LEVEL, gva_of(LAYOUT_TABLES_BASE)),
        pool->tables_pdpt.value | KERNEL_TABLE);
    write_entry(
        pool, slot_in(pool, ptab->root, TOP_LEVEL, gva_of(LAYOUT_KERNEL_BASE)),
        pool->kernel_pdpt.value | KERNEL_TABLE);
    return true;
}

/*
 * A table that still has entries is given up, not used again: a host that shadows page tables
 * may hold translations for it, and would not see it cleared from here.
 */
static void retire_table(struct ptab_pool *pool, struct gpa table)
{
    uint32_t frame = frames_index(table);

    if (reads_zero(frames_hva(pool->frames, frame))) {
        ptab_release_table(pool, frame);
    } else {
        pool->tables--;
    }
}

static void
retire_tables_below(struct ptab_pool *pool, struct gpa table, unsigned level, unsigned entries)
{
    const uint64_t *entry = gmem_hva(pool->mem, table);

    for (unsigned i = 0; i < entries; i++) {
        if ((entry[i] & PTE_PRESENT) == 0 || is_leaf(level, entry[i])) {
            continue;
        }
        struct gpa child = table_of(entry[i]);
        if (level > 2) {
            retire_tables_below(pool, child, level - 1, PTE_ENTRIES);
        }
        retire_table(pool, child);
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
    retire_tables_below(pool, ptab->root, TOP_LEVEL, LOWER_HALF);
    struct frame *record = frames_record(pool->frames, frames_index(ptab->root));
    if (record->used == WINDOW_SLOTS) {
        *slot_in(pool, ptab->root, TOP_LEVEL, gva_of(LAYOUT_TABLES_BASE)).entry = 0;
        *slot_in(pool, ptab->root, TOP_LEVEL, gva_of(LAYOUT_KERNEL_BASE)).entry = 0;
        record->used = 0;
    }
    retire_table(pool, ptab->root);
    *ptab = (struct ptab){0};
}

static void dismantle_table(
    struct ptab_pool *pool, struct gpa table, unsigned level, ptab_gone_fn *gone, void *context)
{
    uint64_t *entries = gmem_hva(pool->mem, table);
    unsigned count = level == TOP_LEVEL ? LOWER_HALF : PTE_ENTRIES;

    for (unsigned i = 0; level > 1 && i < count; i++) {
        if ((entries[i] & PTE_PRESENT) != 0 && !is_leaf(level, entries[i])) {
            dismantle_table(pool, table_of(entries[i]), level - 1, gone, context);
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
    dismantle_table(ptab->pool, ptab->root, TOP_LEVEL, gone, context);
    *ptab = (struct ptab){0};
}

/* --- changes ----------------------------------------------------------------------------- */

/* Put a table under an absent entry on the way down to `level`; all that the way needs, or
 * none. */
static bool
extend_path(struct ptab_pool *pool, struct ptab_slot slot, unsigned level, bool upper)
{
    if (!reserve_tables(pool, slot.level - level)) {
        return false;
    }
    link_table(pool, slot, upper ? KERNEL_TABLE : USER_TABLE);
    return true;
}

static bool
find_slot(struct ptab *ptab, struct gva address, unsigned level, struct ptab_slot *slot)
{
    struct ptab_pool *pool = ptab->pool;
    bool upper = is_upper_half(address);
    struct ptab_slot at = slot_in(pool, ptab->root, TOP_LEVEL, address);

    assert(level >= 1 && level < TOP_LEVEL);
    assert(gva_is_canonical(address));
    assert(!upper || address.value >= LAYOUT_KERNEL_BASE);
    while (at.level > level) {
        if ((*at.entry & PTE_PRESENT) == 0 && !extend_path(pool, at, level, upper)) {
            *slot = (struct ptab_slot){.entry = NULL, .level = at.level};
            return false;
        }
        if (is_leaf(at.level, *at.entry)) {
            *slot = at;
            return false;
        }
        at = slot_in(pool, table_of(*at.entry), at.level - 1, address);
    }
    *slot = at;
    return (*at.entry & PTE_PRESENT) == 0 || is_leaf(level, *at.entry);
}

/* On the path of every fault, and most faults are next to the one before: that walk is kept.  A
 * page table leaves its address space by ptab_forget() alone, which drops what is kept here. */
bool ptab_prepare(struct ptab *ptab, struct gva address, unsigned level, struct ptab_slot *slot)
{
    if (level == 1 && address.value >> LARGE_SHIFT == ptab->recent_prefix) {
        *slot = slot_in(ptab->pool, ptab->recent_table, 1, address);
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

    assert(is_leaf(slot.level, entry));
    assert(is_upgrade(before, entry));
    if ((before & PTE_PRESENT) != 0) {
        entry |= before & (PTE_ACCESSED | PTE_DIRTY);
    }
    write_entry(ptab->pool, slot, entry);
}

void ptab_store_absent(struct ptab *ptab, struct ptab_slot slot, uint64_t entry)
{
    assert((*slot.entry & PTE_PRESENT) == 0);
    assert((entry & PTE_PRESENT) == 0 && entry != 0);
    write_entry(ptab->pool, slot, entry);
}

void ptab_fill(struct ptab *ptab, struct ptab_slot slot, const uint64_t *values, unsigned count)
{
    struct frame *record = table_record(ptab->pool, slot.entry_gpa);

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
    if (!reserve_tables(pool, 1)) {
        return false;
    }
    struct gpa table = take_table(pool);
    uint64_t *small = gmem_hva(pool->mem, table);
    for (unsigned i = 0; i < PTE_ENTRIES; i++) {
        small[i] = (leaf & ~PTE_PAGE_SIZE) + i * PAGE_BYTES;
    }
    frames_record(pool->frames, frames_index(table))->used = PTE_ENTRIES;
    *entry = table.value | USER_TABLE;
    return true;
}

void ptab_abandon_split(struct ptab *ptab, uint64_t entry)
{
    struct ptab_pool *pool = ptab->pool;
    uint32_t frame = frames_index(table_of(entry));
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
    struct ptab_slot path[TOP_LEVEL + 1];
    unsigned top = is_upper_half(address) ? TOP_LEVEL - 1 : TOP_LEVEL; /* whose table stays */
    unsigned count = 0;

    path[TOP_LEVEL] = slot_in(pool, ptab->root, TOP_LEVEL, address);
    for (unsigned level = TOP_LEVEL; level > slot.level; level--) {
        path[level - 1] = slot_in(pool, table_of(*path[level].entry), level - 1, address);
    }
    assert(path[slot.level].entry == slot.entry);
    for (unsigned level = slot.level; level <= top; level++) {
        struct frame *record = table_record(pool, path[level].entry_gpa);
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
    struct frame *record = table_record(ptab->pool, slot.entry_gpa);

    assert(record->used > 0);
    record->used--;
}

/* --- reading ----------------------------------------------------------------------------- */

void ptab_walk(const struct ptab *ptab, struct gva address, struct ptab_walk *walk)
{
    struct gpa table = ptab->root;

    *walk = (struct ptab_walk){
        .level = TOP_LEVEL, .writable = true, .user = true, .executable = true};
    for (unsigned level = TOP_LEVEL; gva_is_canonical(address); level--) {
        struct ptab_slot slot = slot_in(ptab->pool, table, level, address);
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
        if (is_leaf(level, entry)) {
            uint64_t offset_mask = ptab_levels[level].entry_bytes - 1;
            walk->present = true;
            walk->gpa =
                gpa_of((entry & PTE_ADDRESS & ~offset_mask) | (address.value & offset_mask));
            return;
        }
        table = table_of(entry);
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
    unsigned first = visitor->begin > base ? entry_index(gva_of(visitor->begin), level) : 0;

    for (unsigned i = first; i < PTE_ENTRIES; i++) {
        uint64_t address = base + i * bytes;
        if (level == TOP_LEVEL && i >= LOWER_HALF) {
            address |= ~UINT64_C(0) << 48;
        }
        if (address >= visitor->end) {
            return true;
        }
        if ((entries[i] & PTE_PRESENT) == 0 || address + (bytes - 1) < visitor->begin) {
            continue;
        }
        bool more;
        if (is_leaf(level, entries[i])) {
            struct ptab_slot slot = {
                &entries[i], gpa_of(table.value + i * sizeof(uint64_t)), level};
            more = visitor->visit(visitor->context, gva_of(address), slot);
        } else {
            more = visit_table(visitor, table_of(entries[i]), level - 1, address);
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

    visit_table(&visitor, ptab->root, TOP_LEVEL, 0);
}

/* --- pieces ------------------------------------------------------------------------------ */

/* The table or large leaf below which `address` lies; false, with how much is absent there. */
static bool descend(
    const struct ptab *ptab, struct gva address, struct ptab_slot *slot, uint64_t *absent_bytes)
{
    struct ptab_slot at = slot_in(ptab->pool, ptab->root, TOP_LEVEL, address);

    while (at.level > 1) {
        if ((*at.entry & PTE_PRESENT) == 0) {
            *absent_bytes = ptab_levels[at.level].entry_bytes;
            return false;
        }
        if (is_leaf(at.level, *at.entry)) {
            break;
        }
        at = slot_in(ptab->pool, table_of(*at.entry), at.level - 1, address);
    }
    *slot = at;
    return true;
}

bool ptab_find_leaf(const struct ptab *ptab, struct gva address, struct ptab_slot *slot)
{
    uint64_t absent_bytes;

    if (address.value >> LARGE_SHIFT == ptab->recent_prefix) {
        *slot = slot_in(ptab->pool, ptab->recent_table, 1, address);
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
