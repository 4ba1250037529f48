/* Each rule of the lint, broken once by hand: the error must name that rule and that entry. */
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

#include "memory/frames.h"
#include "memory/gmem.h"
#include "paging/lint.h"
#include "paging/ptab.h"

#define BLOCKS 8
#define VA     X86_U64(0x400000)
#define LEAF   (PTE_PRESENT | PTE_USER | PTE_NO_EXECUTE)

struct fixture {
    struct gmem mem;
    struct frames *frames;
    struct ptab_pool *pool;
    struct ptab ptab;
    uint32_t data;  /* a run of FRAME_DATA */
    uint64_t small; /* address of a single FRAME_DATA frame */
    struct lint_cpu cpu;
};

static uint64_t *prepared(struct fixture *f, uint64_t va, unsigned level)
{
    struct ptab_slot slot;

    assert_true(ptab_prepare(&f->ptab, gva_of(va), level, &slot));
    return slot.entry;
}

/* A small program: a page each of text and data, a large page, and a page of the kernel. */
static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct err err;

    assert_non_null(f);
    f->cpu = (struct lint_cpu){.physical_bits = 40, .no_execute = true, .giant_pages = true};
    assert_true(gmem_create(&f->mem, BLOCKS * LARGE_BYTES, &err));
    assert_true(frames_create(&f->frames, &f->mem, &err));
    assert_true(ptab_pool_create(&f->pool, &f->mem, f->frames, true, &err));
    assert_true(ptab_create(&f->ptab, f->pool, &err));
    f->data = frames_alloc_large(f->frames, FRAME_DATA);
    f->small = frames_gpa(frames_alloc(f->frames, FRAME_DATA)).value;
    *prepared(f, VA, 1) = f->small | PTE_PRESENT | PTE_USER;
    *prepared(f, VA + PAGE_BYTES, 1) = f->small | LEAF | PTE_WRITABLE;
    *prepared(f, 0x7fff00000000, 2) =
        frames_gpa(f->data).value | LEAF | PTE_WRITABLE | PTE_PAGE_SIZE;
    *prepared(f, LAYOUT_TEXT, 1) =
        frames_gpa(frames_alloc(f->frames, FRAME_KERNEL)).value | PTE_PRESENT;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    ptab_pool_destroy(f->pool); /* looks at no table, and here some are broken on purpose */
    frames_destroy(f->frames);
    gmem_destroy(&f->mem);
    free(f);
    return 0;
}

static bool passes(struct fixture *f)
{
    struct err err = {.kind = ERR_NONE};

    return lint_tables(&f->mem, f->frames, f->ptab.root, &f->cpu, &err);
}

/* The lint fails, and its text has the rule, the level, the address and the entry. */
static void assert_broken(
    struct fixture *f, const char *rule, const char *level, uint64_t va, uint64_t entry)
{
    char text[64];
    struct err err;

    assert_false(lint_tables(&f->mem, f->frames, f->ptab.root, &f->cpu, &err));
    assert_int_equal(err.kind, ERR_ENVIRONMENT);
    if (strstr(err.text, rule) == NULL || strstr(err.text, level) == NULL) {
        fail_msg("expected \"%s\" at %s: %s", rule, level, err.text);
    }
    snprintf(text, sizeof(text), "address 0x%016llx", (unsigned long long)va);
    assert_non_null(strstr(err.text, text));
    snprintf(text, sizeof(text), "entry 0x%016llx", (unsigned long long)entry);
    assert_non_null(strstr(err.text, text));
}

/* The entries on the way to VA, level 4 to 1. */
static uint64_t *entry_at(struct fixture *f, unsigned level)
{
    struct ptab_walk walk;

    ptab_walk(&f->ptab, gva_of(VA), &walk);
    return gmem_hva(&f->mem, walk.entry_gpa[level]);
}

static void test_lint_passes_clean_tables(void **state)
{
    assert_true(passes(*state));
}

static void test_lint_passes_clean_tables_without_no_execute(void **state)
{
    struct fixture *f = *state;
    struct ptab_pool *pool;
    struct ptab ptab;
    struct ptab_slot slot;
    struct err err;

    f->cpu.no_execute = false;
    assert_true(ptab_pool_create(&pool, &f->mem, f->frames, false, &err));
    assert_true(ptab_create(&ptab, pool, &err));
    assert_true(ptab_prepare(&ptab, gva_of(VA), 1, &slot));
    ptab_commit(&ptab, slot, f->small | PTE_PRESENT | PTE_USER | PTE_WRITABLE);
    assert_true(lint_tables(&f->mem, f->frames, ptab.root, &f->cpu, &err));
    ptab_destroy(&ptab);
    ptab_pool_destroy(pool);
}

static void test_lint_ignores_what_is_not_present(void **state)
{
    struct fixture *f = *state;

    *prepared(f, VA + 5 * PAGE_BYTES, 1) = ~PTE_PRESENT;
    assert_true(passes(f));
}

static void test_lint_wants_a_root_in_ram(void **state)
{
    struct fixture *f = *state;
    struct gpa roots[] = {
        gpa_of(f->ptab.root.value + 8), gpa_of(0x1000),
        gpa_of(LAYOUT_RAM_BASE + BLOCKS * LARGE_BYTES)};
    struct err err;

    for (unsigned i = 0; i < 3; i++) {
        assert_false(lint_tables(&f->mem, f->frames, roots[i], &f->cpu, &err));
        assert_int_equal(err.kind, ERR_ENVIRONMENT);
        assert_non_null(strstr(err.text, "root"));
    }
}

static void test_lint_refuses_leaf_at_level_4(void **state)
{
    struct fixture *f = *state;
    uint64_t *entry = entry_at(f, 4);

    *entry |= PTE_PAGE_SIZE;
    assert_broken(f, "no leaf at level 4", "level 4 (PML4)", 0, *entry);
}

static void test_lint_refuses_address_beyond_maxphyaddr(void **state)
{
    struct fixture *f = *state;
    uint64_t *entry = entry_at(f, 1);

    *entry |= UINT64_C(1) << 40;
    assert_broken(f, "MAXPHYADDR", "level 1 (PT)", VA, *entry);
    *entry &= ~(UINT64_C(1) << 40);
    entry = entry_at(f, 3);
    *entry |= UINT64_C(1) << 51;
    assert_broken(f, "MAXPHYADDR", "level 3 (PDPT)", 0, *entry);
}

static void test_lint_refuses_large_leaf_that_is_not_aligned(void **state)
{
    struct fixture *f = *state;
    uint64_t *entry = prepared(f, 0x80000000, 3);

    *entry = LAYOUT_RAM_BASE | LARGE_BYTES | LEAF | PTE_PAGE_SIZE;
    assert_broken(f, "aligned", "level 3 (PDPT)", 0x80000000, *entry);
    *entry = 0;
    entry = prepared(f, 0x600000, 2);
    *entry = frames_gpa(f->data).value | 0x2000 | LEAF | PTE_PAGE_SIZE;
    assert_broken(f, "aligned", "level 2 (PD)", 0x600000, *entry);
    *entry = frames_gpa(f->data).value | LEAF | PTE_PAGE_SIZE | PTE_LARGE_PAT;
    assert_true(passes(f));
}

static void test_lint_refuses_global_bit_above_a_leaf(void **state)
{
    struct fixture *f = *state;

    for (unsigned level = 3; level <= 4; level++) {
        uint64_t *entry = entry_at(f, level);
        *entry |= PTE_GLOBAL;
        assert_broken(f, "global", level == 3 ? "level 3 (PDPT)" : "level 4 (PML4)", 0, *entry);
        *entry &= ~PTE_GLOBAL;
    }
    *entry_at(f, 1) |= PTE_GLOBAL;
    assert_true(passes(f));
}

static void test_lint_refuses_no_execute_without_efer_nxe(void **state)
{
    struct fixture *f = *state;

    f->cpu.no_execute = false;
    assert_broken(
        f, "EFER.NXE", "level 1 (PT)", VA + PAGE_BYTES, *prepared(f, VA + PAGE_BYTES, 1));
}

static void test_lint_refuses_giant_leaf_without_cpuid(void **state)
{
    struct fixture *f = *state;
    uint64_t *entry = prepared(f, 0x80000000, 3);

    f->cpu.giant_pages = false;
    *entry = LAYOUT_RAM_BASE | LEAF | PTE_PAGE_SIZE;
    assert_broken(f, "1 GiB", "level 3 (PDPT)", 0x80000000, *entry);
}

static void test_lint_refuses_what_is_outside_ram(void **state)
{
    struct fixture *f = *state;
    uint64_t *leaf = entry_at(f, 1);
    uint64_t *table = entry_at(f, 2);
    uint64_t *giant = prepared(f, 0x80000000, 3);
    uint64_t before = *leaf;

    *leaf = (LAYOUT_RAM_BASE + BLOCKS * LARGE_BYTES) | LEAF;
    assert_broken(f, "outside guest RAM", "level 1 (PT)", VA, *leaf);
    *leaf = before;
    /* Begins in RAM and is aligned, but RAM ends within it. */
    *giant = LAYOUT_RAM_BASE | LEAF | PTE_PAGE_SIZE;
    assert_broken(f, "outside guest RAM", "level 3 (PDPT)", 0x80000000, *giant);
    *giant = 0;
    *table = (LAYOUT_RAM_BASE - PAGE_BYTES) | PTE_PRESENT | PTE_WRITABLE | PTE_USER;
    assert_broken(f, "outside guest RAM", "level 2 (PD)", VA, *table);
}

static void test_lint_refuses_lower_half_without_user(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {
        "", "level 1 (PT)", "level 2 (PD)", "level 3 (PDPT)", "level 4 (PML4)"};

    for (unsigned level = 1; level <= 4; level++) {
        uint64_t *entry = entry_at(f, level);
        *entry &= ~PTE_USER;
        assert_broken(f, "lower half", names[level], level <= 2 ? VA : 0, *entry);
        *entry |= PTE_USER;
    }
    assert_true(passes(f));
}

static void test_lint_refuses_upper_half_with_user(void **state)
{
    struct fixture *f = *state;
    uint64_t *entry = prepared(f, LAYOUT_TEXT, 1);

    *entry |= PTE_USER;
    assert_broken(f, "upper half", "level 1 (PT)", LAYOUT_TEXT, *entry);
    *entry &= ~PTE_USER;
    entry = (uint64_t *)gmem_hva(&f->mem, f->ptab.root) + 256;
    *entry |= PTE_USER;
    assert_broken(f, "upper half", "level 4 (PML4)", LAYOUT_TABLES_BASE, *entry);
}

static void test_lint_refuses_page_both_writable_and_executable(void **state)
{
    struct fixture *f = *state;
    uint64_t *entry = entry_at(f, 1);

    *entry |= PTE_WRITABLE;
    assert_broken(f, "writable and executable", "level 1 (PT)", VA, *entry);
    *entry &= ~PTE_WRITABLE;
    entry = prepared(f, LAYOUT_TEXT, 1);
    *entry |= PTE_WRITABLE;
    assert_broken(f, "writable and executable", "level 1 (PT)", LAYOUT_TEXT, *entry);
}

static void test_lint_refuses_user_page_over_table_or_kernel(void **state)
{
    struct fixture *f = *state;
    uint64_t *leaf = entry_at(f, 1);
    uint64_t before = *leaf;

    *leaf = f->ptab.root.value | LEAF;
    assert_broken(f, "page table or the kernel", "level 1 (PT)", VA, *leaf);
    *leaf = frames_gpa(frames_alloc(f->frames, FRAME_KERNEL)).value | LEAF;
    assert_broken(f, "page table or the kernel", "level 1 (PT)", VA, *leaf);
    /* Inside a run, where only the first frame has a record. */
    uint32_t run = frames_alloc_large(f->frames, FRAME_KERNEL);
    *leaf = frames_gpa(run + 300).value | LEAF;
    assert_broken(f, "page table or the kernel", "level 1 (PT)", VA, *leaf);
    *leaf = before;
    /* A large page of which only the middle is a table. */
    uint64_t *large = prepared(f, 0x600000, 2);
    uint64_t block = round_down(f->small, LARGE_BYTES);
    *large = block | LEAF | PTE_PAGE_SIZE;
    uint32_t table = FRAMES_NONE;
    while (table == FRAMES_NONE || table % 512 < 100) {
        table = frames_alloc(f->frames, FRAME_TABLE);
    }
    assert_int_equal(round_down(frames_gpa(table).value, LARGE_BYTES), block);
    assert_broken(f, "page table or the kernel", "level 2 (PD)", 0x600000, *large);
}

/* A table that is marked as shown may be read by ring 3, one page at a time, and no more. */
static void test_lint_lets_ring_3_read_a_shown_table_only(void **state)
{
    struct fixture *f = *state;
    uint64_t *leaf = prepared(f, VA + PAGE_BYTES, 1);
    uint32_t root = frames_index(f->ptab.root);
    uint32_t kernel = frames_alloc(f->frames, FRAME_KERNEL);

    *leaf = f->ptab.root.value | LEAF;
    assert_broken(f, "page table or the kernel", "level 1 (PT)", VA + PAGE_BYTES, *leaf);
    frames_record(f->frames, root)->flags |= FRAME_SHOWN;
    assert_true(passes(f));
    *leaf |= PTE_WRITABLE;
    assert_broken(f, "page table or the kernel", "level 1 (PT)", VA + PAGE_BYTES, *leaf);
    /* The mark is a table's: the kernel's pages have no such way out. */
    frames_record(f->frames, kernel)->flags |= FRAME_SHOWN;
    *leaf = frames_gpa(kernel).value | LEAF;
    assert_broken(f, "page table or the kernel", "level 1 (PT)", VA + PAGE_BYTES, *leaf);
    *leaf = 0;
    /* A large leaf shows the tables beside it too. */
    uint64_t *large = prepared(f, 0x600000, 2);
    *large = round_down(f->ptab.root.value, LARGE_BYTES) | LEAF | PTE_PAGE_SIZE;
    assert_broken(f, "page table or the kernel", "level 2 (PD)", 0x600000, *large);
}

int main(void)
{
#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_lint_passes_clean_tables),
        WITH_FIXTURE(test_lint_passes_clean_tables_without_no_execute),
        WITH_FIXTURE(test_lint_ignores_what_is_not_present),
        WITH_FIXTURE(test_lint_wants_a_root_in_ram),
        WITH_FIXTURE(test_lint_refuses_leaf_at_level_4),
        WITH_FIXTURE(test_lint_refuses_address_beyond_maxphyaddr),
        WITH_FIXTURE(test_lint_refuses_large_leaf_that_is_not_aligned),
        WITH_FIXTURE(test_lint_refuses_global_bit_above_a_leaf),
        WITH_FIXTURE(test_lint_refuses_no_execute_without_efer_nxe),
        WITH_FIXTURE(test_lint_refuses_giant_leaf_without_cpuid),
        WITH_FIXTURE(test_lint_refuses_what_is_outside_ram),
        WITH_FIXTURE(test_lint_refuses_lower_half_without_user),
        WITH_FIXTURE(test_lint_refuses_upper_half_with_user),
        WITH_FIXTURE(test_lint_refuses_page_both_writable_and_executable),
        WITH_FIXTURE(test_lint_refuses_user_page_over_table_or_kernel),
        WITH_FIXTURE(test_lint_lets_ring_3_read_a_shown_table_only),
    };
    return cmocka_run_group_tests_name("lint", tests, NULL, NULL);
}
