/* Page tables, compared with a naive walker that shares no code with them. */
/* cmocka.h wants the four in front of it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory/frames.h"
#include "memory/gmem.h"
#include "naive_walk.h"
#include "paging/ptab.h"

#define BLOCKS 16
#define LEAF   (PTE_PRESENT | PTE_USER | PTE_NO_EXECUTE)

struct fixture {
    struct gmem mem;
    struct frames *frames;
    struct ptab_pool *pool;
    struct ptab ptab;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct err err;

    assert_non_null(f);
    assert_true(gmem_create(&f->mem, BLOCKS * LARGE_BYTES, &err));
    assert_true(frames_create(&f->frames, &f->mem, &err));
    assert_true(ptab_pool_create(&f->pool, &f->mem, f->frames, true, &err));
    assert_true(ptab_create(&f->ptab, f->pool, &err));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    ptab_destroy(&f->ptab);
    ptab_pool_destroy(f->pool);
    assert_int_equal(frames_used_as(f->frames, FRAME_TABLE), 0);
    frames_destroy(f->frames);
    gmem_destroy(&f->mem);
    free(f);
    return 0;
}

static struct naive_walk look(const struct fixture *f, uint64_t root, uint64_t va)
{
    return naive_walk(f->mem.hva, LAYOUT_RAM_BASE, f->mem.bytes, root, va);
}

/* Walk by ptab_walk() and by the naive walker, which must agree. */
static struct ptab_walk agreed_walk(const struct fixture *f, uint64_t va)
{
    struct ptab_walk walk;
    struct naive_walk naive = look(f, f->ptab.root.value, va);

    ptab_walk(&f->ptab, gva_of(va), &walk);
    assert_int_equal(walk.level, naive.level);
    assert_int_equal(walk.present, naive.present);
    assert_int_equal(walk.entry[walk.level], naive.entry);
    assert_int_equal(walk.entry_gpa[walk.level].value, naive.entry_pa);
    assert_int_equal(walk.gpa.value, naive.pa);
    assert_int_equal(walk.writable, naive.writable);
    assert_int_equal(walk.user, naive.user);
    assert_int_equal(walk.executable, naive.executable);
    return walk;
}

static struct ptab_slot map(struct fixture *f, uint64_t va, unsigned level, uint64_t entry)
{
    struct ptab_slot slot;

    assert_true(ptab_prepare(&f->ptab, gva_of(va), level, &slot));
    assert_int_equal(slot.level, level);
    ptab_commit(&f->ptab, slot, entry);
    return slot;
}

static uint64_t ram(uint64_t offset)
{
    return LAYOUT_RAM_BASE + offset;
}

/* --- the pool and the kernel window ------------------------------------------------------ */

static void test_ptab_window_shows_every_table_to_ring_0_alone(void **state)
{
    struct fixture *f = *state;
    struct ptab_slot slot = map(f, 0x400000, 1, ram(0x800000) | LEAF);

    for (unsigned level = 4; level >= 1; level--) {
        struct ptab_walk walk = agreed_walk(f, 0x400000);
        struct ptab_walk window =
            agreed_walk(f, ptab_entry_window(walk.entry_gpa[level]).value);
        assert_true(window.present);
        assert_int_equal(window.gpa.value, walk.entry_gpa[level].value);
        assert_true(window.writable);
        assert_false(window.user);
        assert_false(window.executable);
    }
    assert_int_equal(
        ptab_entry_window(slot.entry_gpa).value,
        0xffff800000000000 + slot.entry_gpa.value - LAYOUT_RAM_BASE);
}

static void test_ptab_window_has_no_reserved_bit_without_no_execute(void **state)
{
    struct fixture *f = *state;
    struct ptab_pool *pool;
    struct ptab ptab;
    struct err err;

    assert_true(ptab_pool_create(&pool, &f->mem, f->frames, false, &err));
    assert_true(ptab_create(&ptab, pool, &err));
    struct naive_walk walk = look(f, ptab.root.value, ptab_entry_window(ptab.root).value);
    assert_true(walk.present);
    assert_int_equal(walk.entry >> 52, 0);
    ptab_destroy(&ptab);
    ptab_pool_destroy(pool);
}

static void test_ptab_pool_grows_and_shows_the_new_chunk(void **state)
{
    struct fixture *f = *state;
    const uint64_t stride = UINT64_C(1) << 30; /* a PD and a PT for each */

    for (uint64_t i = 0; i < 600; i++) {
        map(f, i * stride, 1, ram(0x1000 * i) | LEAF);
    }
    assert_int_equal(frames_used_as(f->frames, FRAME_TABLE), 3 * 512);
    for (uint64_t i = 0; i < 600; i++) {
        struct ptab_walk walk = agreed_walk(f, i * stride);
        assert_true(walk.present);
        assert_int_equal(walk.gpa.value, ram(0x1000 * i));
        for (unsigned level = 1; level <= 3; level++) {
            uint64_t window = ptab_entry_window(walk.entry_gpa[level]).value;
            assert_int_equal(
                look(f, f->ptab.root.value, window).pa, walk.entry_gpa[level].value);
        }
    }
    /* 2 PDPTs and 600 each of PD and PT; the root, 2 window PDPTs and 1 window PD. */
    assert_int_equal(ptab_pool_tables(f->pool), 2 + 1200 + 4);
}

static void test_ptab_create_fails_without_frames(void **state)
{
    struct gmem mem;
    struct frames *frames;
    struct ptab_pool *pool;
    struct ptab ptab[512];
    struct err err;
    unsigned made = 0;

    (void)state;
    assert_true(gmem_create(&mem, LARGE_BYTES, &err));
    assert_true(frames_create(&frames, &mem, &err));
    uint32_t single = frames_alloc(frames, FRAME_DATA);
    assert_false(ptab_pool_create(&pool, &mem, frames, true, &err));
    assert_int_equal(err.kind, ERR_ENVIRONMENT);
    assert_non_null(strstr(err.text, "2 MiB"));
    assert_null(pool);
    ptab_pool_destroy(pool);

    frames_release(frames, single);
    assert_true(ptab_pool_create(&pool, &mem, frames, true, &err));
    while (ptab_create(&ptab[made], pool, &err)) {
        made++;
    }
    assert_int_equal(made, 512 - 3); /* beside the window's two PDPTs and one PD */
    assert_int_equal(err.kind, ERR_ENVIRONMENT);
    ptab_destroy(&ptab[made]); /* left zeroed: nothing happens */
    while (made-- > 0) {
        ptab_destroy(&ptab[made]);
    }
    assert_int_equal(ptab_pool_tables(pool), 3);
    ptab_pool_destroy(pool);
    frames_destroy(frames);
    gmem_destroy(&mem);
}

static void test_ptab_pool_create_refuses_more_than_the_window_shows(void **state)
{
    struct fixture *f = *state;
    struct gmem mem = {.bytes = PML4_ENTRY_BYTES + LARGE_BYTES};
    struct ptab_pool *pool;
    struct err err;

    assert_false(ptab_pool_create(&pool, &mem, f->frames, true, &err));
    assert_int_equal(err.kind, ERR_ENVIRONMENT);
    assert_non_null(strstr(err.text, "512 GiB"));
}

/* --- prepare and commit ------------------------------------------------------------------ */

static void test_ptab_create_has_an_empty_lower_half(void **state)
{
    struct fixture *f = *state;
    const uint64_t *root = gmem_hva(&f->mem, f->ptab.root);

    for (unsigned i = 0; i < 512; i++) {
        assert_int_equal(root[i] != 0, i == 256 || i == 511);
    }
}

static void test_ptab_prepare_translates_nothing(void **state)
{
    struct fixture *f = *state;
    struct ptab_slot slot;

    assert_true(ptab_prepare(&f->ptab, gva_of(0x7fffffffd000), 1, &slot));
    assert_int_equal(*slot.entry, 0);
    assert_ptr_equal(slot.entry, gmem_hva(&f->mem, slot.entry_gpa));
    struct ptab_walk walk = agreed_walk(f, 0x7fffffffd000);
    assert_false(walk.present);
    assert_int_equal(walk.level, 1);
    assert_int_equal(walk.entry_gpa[1].value, slot.entry_gpa.value);
}

static void test_ptab_commit_maps_a_leaf_of_each_size(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint64_t va;
        uint64_t offset;
        unsigned level;
    } leaves[] = {
        {0x0000000000401000, 0x0000123000, 1},
        {0x0000555555600000, 0x0000200000, 2},
        {0x00007fff40000000, 0x0000000000, 3},
    };

    for (unsigned i = 0; i < 3; i++) {
        uint64_t size = leaves[i].level > 1 ? PTE_PAGE_SIZE : 0;
        map(f, leaves[i].va, leaves[i].level,
            ram(leaves[i].offset) | LEAF | PTE_WRITABLE | size);
        struct ptab_walk walk = agreed_walk(f, leaves[i].va + 0x7b8);
        assert_true(walk.present);
        assert_int_equal(walk.level, leaves[i].level);
        assert_int_equal(walk.gpa.value, ram(leaves[i].offset) + 0x7b8);
        assert_true(walk.writable && walk.user && !walk.executable);
    }
}

static void test_ptab_walk_leaves_the_large_pat_bit_out_of_the_address(void **state)
{
    struct fixture *f = *state;

    map(f, 0x40000000, 2, ram(0x400000) | LEAF | PTE_PAGE_SIZE | PTE_LARGE_PAT);
    assert_int_equal(agreed_walk(f, 0x40000123).gpa.value, ram(0x400123));
}

static void test_ptab_permissions_live_in_the_leaf(void **state)
{
    struct fixture *f = *state;

    map(f, 0x400000, 1, ram(0) | PTE_PRESENT | PTE_USER);
    struct ptab_walk walk = agreed_walk(f, 0x400000);
    assert_true(walk.executable);
    assert_false(walk.writable);
    for (unsigned level = 2; level <= 4; level++) {
        uint64_t bits = walk.entry[level] & ~PTE_ADDRESS;
        assert_int_equal(bits, PTE_PRESENT | PTE_WRITABLE | PTE_USER);
    }
}

static void test_ptab_prepare_refuses_larger_leaf(void **state)
{
    struct fixture *f = *state;
    struct ptab_slot large = map(f, 0x600000, 2, ram(0x600000) | LEAF | PTE_PAGE_SIZE);
    struct ptab_slot giant = map(f, 0x40000000, 3, ram(0) | LEAF | PTE_PAGE_SIZE);
    struct ptab_slot slot;

    assert_false(ptab_prepare(&f->ptab, gva_of(0x601000), 1, &slot));
    assert_ptr_equal(slot.entry, large.entry);
    assert_false(ptab_prepare(&f->ptab, gva_of(0x40001000), 1, &slot));
    assert_false(ptab_prepare(&f->ptab, gva_of(0x40200000), 2, &slot));
    assert_ptr_equal(slot.entry, giant.entry);
    assert_int_equal(agreed_walk(f, 0x601000).level, 2);
}

static void test_ptab_prepare_refuses_table_of_smaller_leaves(void **state)
{
    struct fixture *f = *state;
    struct ptab_slot slot;

    map(f, 0x600000, 1, ram(0) | LEAF);
    assert_false(ptab_prepare(&f->ptab, gva_of(0x600000), 2, &slot));
    assert_int_equal(slot.level, 2);
    assert_true((*slot.entry & PTE_PRESENT) != 0);
    assert_int_equal(agreed_walk(f, 0x600000).level, 1);
}

static void test_ptab_prepare_without_frames_leaves_every_table_as_it_was(void **state)
{
    struct fixture *f = *state;
    struct ptab_slot slot;
    uint64_t left = 0;
    uint64_t va = 0x400000;

    map(f, va, 1, ram(0) | LEAF);
    while (frames_alloc_large(f->frames, FRAME_DATA) != FRAMES_NONE) {
    }
    /* Use tables up until two are left, one too few for a fresh PML4 slot. */
    for (left = 512 - ptab_pool_tables(f->pool); left > 2; left--) {
        va += LARGE_BYTES;
        map(f, va, 1, ram(0) | LEAF);
    }
    uint8_t *before = malloc(LARGE_BYTES);
    assert_non_null(before);
    memcpy(before, f->mem.hva, LARGE_BYTES);
    assert_false(ptab_prepare(&f->ptab, gva_of(0x7f0000000000), 1, &slot));
    assert_null(slot.entry);
    assert_memory_equal(before, f->mem.hva, LARGE_BYTES);
    free(before);
    assert_true(ptab_prepare(&f->ptab, gva_of(0x7f0000000000), 2, &slot));
    assert_false(ptab_prepare(&f->ptab, gva_of(va + LARGE_BYTES), 1, &slot));
    assert_true(ptab_prepare(&f->ptab, gva_of(va), 1, &slot));
}

static void test_ptab_kernel_half_is_shared_and_supervisor(void **state)
{
    struct fixture *f = *state;
    struct ptab other;
    struct err err;

    assert_true(ptab_create(&other, f->pool, &err));
    map(f, LAYOUT_TEXT, 1, ram(0x3000) | PTE_PRESENT);
    struct naive_walk walk = look(f, other.root.value, LAYOUT_TEXT);
    assert_true(walk.present);
    assert_int_equal(walk.pa, ram(0x3000));
    struct ptab_walk own = agreed_walk(f, LAYOUT_TEXT);
    for (unsigned level = 1; level <= 4; level++) {
        assert_int_equal(own.entry[level] & PTE_USER, 0);
    }
    ptab_destroy(&other);
    assert_true(agreed_walk(f, LAYOUT_TEXT).present);
}

static void test_ptab_commit_upgrades_in_place_and_keeps_what_the_cpu_set(void **state)
{
    struct fixture *f = *state;
    struct ptab_slot slot = map(f, 0x400000, 1, ram(0x5000) | LEAF);
    struct frame *table = frames_record(f->frames, frames_index(slot.entry_gpa));

    *slot.entry |= PTE_ACCESSED | PTE_DIRTY; /* the CPU */
    assert_int_equal(table->used, 1);
    ptab_commit(&f->ptab, slot, ram(0x5000) | PTE_PRESENT | PTE_USER | PTE_WRITABLE);
    assert_int_equal(
        *slot.entry,
        ram(0x5000) | PTE_PRESENT | PTE_USER | PTE_WRITABLE | PTE_ACCESSED | PTE_DIRTY);
    assert_int_equal(table->used, 1);
    map(f, 0x401000, 1, ram(0x6000) | LEAF);
    assert_int_equal(table->used, 2);
}

/* Whether committing `after` over `before` aborts.  In a child that builds its own machine, as
 * guest memory is not inherited. */
static bool commit_aborts(uint64_t before, uint64_t after)
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        void *state;
        struct fixture *f;
        if (freopen("/dev/null", "w", stderr) == NULL || set_up(&state) != 0) {
            _exit(2);
        }
        f = state;
        struct ptab_slot slot = map(f, 0x400000, 1, before);
        ptab_commit(&f->ptab, slot, after);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGABRT : WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static void test_ptab_commit_asserts_that_it_is_an_upgrade(void **state)
{
    uint64_t read_only = ram(0x5000) | PTE_PRESENT | PTE_USER;

    (void)state;
    assert_false(commit_aborts(read_only, read_only));
    assert_false(commit_aborts(read_only, read_only | PTE_WRITABLE));
    assert_false(commit_aborts(read_only | PTE_NO_EXECUTE, read_only));
    assert_false(commit_aborts(read_only, read_only | X86_U64(0x200))); /* software bit */
    assert_true(commit_aborts(read_only | PTE_WRITABLE, read_only));
    assert_true(commit_aborts(read_only, read_only & ~PTE_USER));
    assert_true(commit_aborts(read_only, read_only | PTE_NO_EXECUTE));
    assert_true(commit_aborts(read_only, read_only + PAGE_BYTES));
    assert_true(commit_aborts(read_only, read_only & ~PTE_PRESENT));
    assert_true(commit_aborts(read_only, 0));
}

/* --- walk and visit ---------------------------------------------------------------------- */

static void test_ptab_walk_finds_nothing_at_a_non_canonical_address(void **state)
{
    struct fixture *f = *state;

    map(f, 0, 1, ram(0) | LEAF);
    assert_true(agreed_walk(f, 0).present);
    assert_false(agreed_walk(f, 0x0001000000000000).present);
    assert_false(agreed_walk(f, 0x0000800000000000).present);
    assert_int_equal(agreed_walk(f, 0x0000800000000000).level, 4);
}

struct visited {
    uint64_t address[8];
    unsigned level[8];
    unsigned count;
    unsigned stop_after;
};

static bool note_leaf(void *context, struct gva address, struct ptab_slot slot)
{
    struct visited *visited = context;

    assert_true(visited->count < 8);
    assert_true((*slot.entry & PTE_PRESENT) != 0);
    visited->address[visited->count] = address.value;
    visited->level[visited->count] = slot.level;
    visited->count++;
    return visited->count != visited->stop_after;
}

static void test_ptab_visit_meets_the_leaves_of_a_range_in_order(void **state)
{
    struct fixture *f = *state;
    struct visited all = {0};
    struct visited some = {0};
    struct visited one = {.stop_after = 1};
    struct visited none = {0};

    map(f, 0x7ffffffff000, 1, ram(0x1000) | LEAF);
    map(f, 0x600000, 2, ram(0x600000) | LEAF | PTE_PAGE_SIZE);
    map(f, 0x401000, 1, ram(0x2000) | LEAF);
    map(f, 0x40000000, 3, ram(0) | LEAF | PTE_PAGE_SIZE);
    map(f, 0x5ff000, 1, ram(0x3000) | LEAF);

    ptab_visit(&f->ptab, gva_of(0), gva_of(0x800000000000), note_leaf, &all);
    assert_int_equal(all.count, 5);
    const uint64_t expected[] = {0x401000, 0x5ff000, 0x600000, 0x40000000, 0x7ffffffff000};
    const unsigned levels[] = {1, 1, 2, 3, 1};
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(all.address[i], expected[i]);
        assert_int_equal(all.level[i], levels[i]);
    }
    /* Begins within the 2 MiB leaf, ends within the 1 GiB leaf. */
    ptab_visit(&f->ptab, gva_of(0x7ff000), gva_of(0x40000001), note_leaf, &some);
    assert_int_equal(some.count, 2);
    assert_int_equal(some.address[0], 0x600000);
    assert_int_equal(some.address[1], 0x40000000);
    ptab_visit(&f->ptab, gva_of(0), gva_of(0x800000000000), note_leaf, &one);
    assert_int_equal(one.count, 1);
    ptab_visit(&f->ptab, gva_of(0x402000), gva_of(0x5ff000), note_leaf, &none);
    ptab_visit(&f->ptab, gva_of(0x80000000), gva_of(0x7ffffffff000), note_leaf, &none);
    ptab_visit(&f->ptab, gva_of(0x401000), gva_of(0x401000), note_leaf, &none);
    assert_int_equal(none.count, 0);
}

static void test_ptab_visit_meets_the_kernel_half(void **state)
{
    struct fixture *f = *state;
    struct visited all = {0};

    map(f, 0x401000, 1, ram(0x2000) | LEAF);
    map(f, LAYOUT_EDITS, 1, ram(0x4000) | PTE_PRESENT | PTE_NO_EXECUTE);
    ptab_visit(&f->ptab, gva_of(0), gva_of(LAYOUT_KERNEL_END), note_leaf, &all);
    assert_int_equal(all.count, 3);
    assert_int_equal(all.address[0], 0x401000);
    assert_int_equal(all.address[1], LAYOUT_TABLES_BASE); /* the pool's first chunk */
    assert_int_equal(all.level[1], 2);
    assert_int_equal(all.address[2], LAYOUT_EDITS);
    /* From a non-canonical address: the lower half lies below it. */
    all.count = 0;
    ptab_visit(
        &f->ptab, gva_of(0x0001000000000000), gva_of(LAYOUT_KERNEL_END), note_leaf, &all);
    assert_int_equal(all.count, 2);
    assert_int_equal(all.address[0], LAYOUT_TABLES_BASE);
}

/* --- forget and destroy ------------------------------------------------------------------ */

static void test_ptab_forget_reports_tables_that_become_empty(void **state)
{
    struct fixture *f = *state;
    struct ptab_slot a = map(f, 0x400000, 1, ram(0) | LEAF);
    struct ptab_slot b = map(f, 0x401000, 1, ram(0) | LEAF);
    struct ptab_slot c = map(f, 0x600000, 2, ram(0) | LEAF | PTE_PAGE_SIZE);
    struct ptab_slot empty[3];
    struct ptab_walk walk = agreed_walk(f, 0x400000);

    assert_int_equal(ptab_forget(&f->ptab, gva_of(0x400000), a, empty), 0);
    assert_int_equal(ptab_forget(&f->ptab, gva_of(0x401000), b, empty), 1);
    assert_int_equal(empty[0].level, 2);
    assert_int_equal(empty[0].entry_gpa.value, walk.entry_gpa[2].value);
    assert_int_equal(ptab_forget(&f->ptab, gva_of(0x600000), c, empty), 2);
    assert_int_equal(empty[0].level, 3);
    assert_int_equal(empty[0].entry_gpa.value, walk.entry_gpa[3].value);
    assert_int_equal(empty[1].level, 4);
    assert_int_equal(empty[1].entry_gpa.value, walk.entry_gpa[4].value);
    /* Nothing was written: that is the guest's. */
    assert_true(agreed_walk(f, 0x400000).present);
}

static void test_ptab_forget_reports_three_for_a_lone_page(void **state)
{
    struct fixture *f = *state;
    struct ptab_slot slot = map(f, 0x7f0000000000, 1, ram(0) | LEAF);
    struct ptab_slot empty[3];

    assert_int_equal(ptab_forget(&f->ptab, gva_of(0x7f0000000000), slot, empty), 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(empty[i].level, i + 2);
    }
}

static void test_ptab_forget_keeps_the_shared_table_of_the_kernel_half(void **state)
{
    struct fixture *f = *state;
    struct ptab_slot slot = map(f, LAYOUT_TEXT, 1, ram(0) | PTE_PRESENT);
    struct ptab_slot empty[3];

    assert_int_equal(ptab_forget(&f->ptab, gva_of(LAYOUT_TEXT), slot, empty), 2);
    assert_int_equal(empty[1].level, 3);
}

static void test_ptab_release_table_lets_it_be_used_again(void **state)
{
    struct fixture *f = *state;
    struct ptab_slot slot = map(f, 0x400000, 1, ram(0) | LEAF);
    struct ptab_slot empty[3];
    uint64_t tables = ptab_pool_tables(f->pool);

    assert_int_equal(ptab_forget(&f->ptab, gva_of(0x400000), slot, empty), 3);
    uint64_t page_table = *empty[0].entry & PTE_ADDRESS;
    *slot.entry = 0; /* the guest */
    for (unsigned i = 0; i < 3; i++) {
        uint64_t table = *empty[i].entry & PTE_ADDRESS;
        *empty[i].entry = 0;
        ptab_release_table(f->pool, frames_index(gpa_of(table)));
    }
    assert_int_equal(ptab_pool_tables(f->pool), tables - 3);
    assert_int_equal(agreed_walk(f, 0x400000).level, 4);
    map(f, 0x800000000, 1, ram(0) | LEAF);
    assert_int_equal(ptab_pool_tables(f->pool), tables);
    struct ptab_walk walk = agreed_walk(f, 0x800000000);
    assert_true(walk.entry_gpa[1].value - page_table < PAGE_BYTES); /* last in, first out */
}

static void test_ptab_prepare_does_not_find_a_table_that_was_forgotten(void **state)
{
    struct fixture *f = *state;
    struct ptab_slot slot = map(f, 0x400000, 1, ram(0) | LEAF);
    struct ptab_slot empty[3];

    map(f, 0x600000, 1, ram(0) | LEAF);
    slot = map(f, 0x401000, 1, ram(0x1000) | LEAF); /* prepared last */
    assert_int_equal(ptab_forget(&f->ptab, gva_of(0x401000), slot, empty), 0);
    *slot.entry = 0; /* the guest */
    assert_true(ptab_prepare(&f->ptab, gva_of(0x400000), 1, &slot));
    assert_int_equal(ptab_forget(&f->ptab, gva_of(0x400000), slot, empty), 1);
    *slot.entry = 0;
    uint32_t table = frames_index(gpa_of(*empty[0].entry & PTE_ADDRESS));
    *empty[0].entry = 0;
    ptab_release_table(f->pool, table);
    map(f, 0x800000, 1, ram(0x2000) | LEAF); /* takes that table */
    map(f, 0x402000, 1, ram(0x3000) | LEAF);
    assert_int_equal(agreed_walk(f, 0x402000).gpa.value, ram(0x3000));
    assert_int_equal(agreed_walk(f, 0x800000).gpa.value, ram(0x2000));
    assert_false(agreed_walk(f, 0x802000).present);
}

static void test_ptab_destroy_uses_no_table_again_that_has_entries(void **state)
{
    struct fixture *f = *state;
    struct ptab other;
    struct ptab_slot slot;
    struct err err;
    uint64_t tables = ptab_pool_tables(f->pool);

    assert_true(ptab_create(&other, f->pool, &err));
    struct gpa root = other.root;
    assert_true(ptab_prepare(&other, gva_of(0x400000), 1, &slot));
    ptab_commit(&other, slot, ram(0) | LEAF);
    assert_int_equal(ptab_pool_tables(f->pool), tables + 4);
    ptab_destroy(&other);
    assert_int_equal(ptab_pool_tables(f->pool), tables);
    assert_true((*slot.entry & PTE_PRESENT) != 0);
    assert_true(ptab_create(&other, f->pool, &err));
    assert_true(other.root.value != root.value);
    /* That one has nothing but the kernel window, and is used again. */
    root = other.root;
    ptab_destroy(&other);
    assert_true(ptab_create(&other, f->pool, &err));
    assert_int_equal(other.root.value, root.value);
    assert_true(look(f, other.root.value, LAYOUT_TABLES_BASE).present);
    assert_int_equal(look(f, other.root.value, 0x400000).level, 4);
    ptab_destroy(&other);
}

int main(void)
{
#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_ptab_window_shows_every_table_to_ring_0_alone),
        WITH_FIXTURE(test_ptab_window_has_no_reserved_bit_without_no_execute),
        WITH_FIXTURE(test_ptab_pool_grows_and_shows_the_new_chunk),
        cmocka_unit_test(test_ptab_create_fails_without_frames),
        WITH_FIXTURE(test_ptab_pool_create_refuses_more_than_the_window_shows),
        WITH_FIXTURE(test_ptab_create_has_an_empty_lower_half),
        WITH_FIXTURE(test_ptab_prepare_translates_nothing),
        WITH_FIXTURE(test_ptab_commit_maps_a_leaf_of_each_size),
        WITH_FIXTURE(test_ptab_walk_leaves_the_large_pat_bit_out_of_the_address),
        WITH_FIXTURE(test_ptab_permissions_live_in_the_leaf),
        WITH_FIXTURE(test_ptab_prepare_refuses_larger_leaf),
        WITH_FIXTURE(test_ptab_prepare_refuses_table_of_smaller_leaves),
        WITH_FIXTURE(test_ptab_prepare_without_frames_leaves_every_table_as_it_was),
        WITH_FIXTURE(test_ptab_kernel_half_is_shared_and_supervisor),
        WITH_FIXTURE(test_ptab_commit_upgrades_in_place_and_keeps_what_the_cpu_set),
        cmocka_unit_test(test_ptab_commit_asserts_that_it_is_an_upgrade),
        WITH_FIXTURE(test_ptab_walk_finds_nothing_at_a_non_canonical_address),
        WITH_FIXTURE(test_ptab_visit_meets_the_leaves_of_a_range_in_order),
        WITH_FIXTURE(test_ptab_visit_meets_the_kernel_half),
        WITH_FIXTURE(test_ptab_forget_reports_tables_that_become_empty),
        WITH_FIXTURE(test_ptab_forget_reports_three_for_a_lone_page),
        WITH_FIXTURE(test_ptab_forget_keeps_the_shared_table_of_the_kernel_half),
        WITH_FIXTURE(test_ptab_release_table_lets_it_be_used_again),
        WITH_FIXTURE(test_ptab_prepare_does_not_find_a_table_that_was_forgotten),
        WITH_FIXTURE(test_ptab_destroy_uses_no_table_again_that_has_entries),
    };
    return cmocka_run_group_tests_name("ptab", tests, NULL, NULL);
}
