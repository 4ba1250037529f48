/*
 * Owns the pool that the page tables of all address spaces come from, and shows each table in the
 * tables window.  It refuses to know which table is for what.  Read ptab.c next, which hangs them
 * together.
 */
#include "paging/tables.h"

#include <stdlib.h>

#include "layout.h"

#define CHUNK_FRAMES 512 /* tables come 2 MiB at a time */

#define WINDOW_LEAF (PTE_PRESENT | PTE_WRITABLE | PTE_ACCESSED | PTE_DIRTY | PTE_PAGE_SIZE)

static uint32_t tables_left(const struct ptab_pool *pool)
{
    return pool->free_count + (pool->fresh_end - pool->fresh);
}

static void put_table(struct ptab_pool *pool, uint32_t frame)
{
    struct frame *record = frames_record(pool->frames, frame);

    record->next = pool->free;
    record->flags = 0; /* whatever is made of it next is shown to nobody */
    pool->free = frame;
    pool->free_count++;
}

struct gpa tables_take(struct ptab_pool *pool)
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

void tables_link(struct ptab_pool *pool, struct ptab_slot slot, uint64_t bits)
{
    assert(*slot.entry == 0);
    tables_write(pool, slot, tables_take(pool).value | bits);
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
    struct ptab_slot slot = tables_slot(pool, pool->tables_pdpt, 3, address);

    if (*slot.entry == 0) {
        tables_link(pool, slot, TABLES_KERNEL);
    }
    slot = tables_slot(pool, tables_below(*slot.entry), 2, address);
    tables_write(pool, slot, chunk.value | WINDOW_LEAF | pool->no_execute);
}

bool tables_reserve(struct ptab_pool *pool, uint32_t count)
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
    made->tables_pdpt = tables_take(made);
    made->kernel_pdpt = tables_take(made);
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

void tables_retire(struct ptab_pool *pool, struct gpa table)
{
    uint32_t frame = frames_index(table);

    if (reads_zero(frames_hva(pool->frames, frame))) {
        ptab_release_table(pool, frame);
    } else {
        pool->tables--;
    }
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
