/*
 * What the guest's ring 3 is shown of its own page tables and of large frames that several pages share:
 * the right entries and the right lines, and nothing that it could change.  No figure of time is held
 * to a value.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kvm_ring.h"
#include "measure/flushed_walk.h"
#include "measure/native_shared.h"

#define TARGETS 3

struct fixture {
    struct lab lab;
    struct layout layout;
    struct field field;
    struct result result;
    struct gva name[TARGETS][5];
    unsigned requests; /* of the guest so far */
};

/* Three pages that share no table below level 4, with their tables in sight. */
static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct err err = {0};
    uint64_t address[TARGETS] = {
        EXP_PAGES, EXP_PAGES + PML4_ENTRY_BYTES + 5 * PAGE_BYTES,
        EXP_PAGES + 3 * PML4_ENTRY_BYTES - GIANT_BYTES + 7 * LARGE_BYTES};

    assert_non_null(f);
    f->lab = (struct lab){
        .wanted = {false, true},
        .quick = true,
        .kvm_path = KVM_DEVICE_PATH,
        .seed = 3,
        .result = &f->result};
    assert_true(layout_make_uniq(&f->layout, address, TARGETS, 1, &err));
    if (!lab_make_field_on(&f->lab, SIDE_GUEST, &f->field, &f->layout, &err)) {
        fail_msg("%s", err.text);
    }
    for (size_t i = 0; i < TARGETS; i++) {
        assert_true(flushed_walk_name_entries(
            &f->field.guest, gva_of(address[i]), gva_of(EXP_TABLES + i * 4 * PAGE_BYTES),
            f->name[i], &err));
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    lab_end_field(&f->lab, &f->field);
    layout_destroy(&f->layout);
    result_destroy(&f->result);
    free(f);
    return 0;
}

static void count_request(void *context, struct virtual *guest, const struct machine_trap *trap)
{
    struct fixture *f = context;

    (void)guest;
    (void)trap;
    f->requests++;
}

/* Oracle: the tables read in guest memory from CR3's page on, by the indices of the address. */
static uint64_t entry_in_memory(struct fixture *f, uint64_t address, unsigned level)
{
    struct gpa table = f->field.guest.ptab.root;
    uint64_t entry = 0;

    for (unsigned at = 4; at >= level; at--) {
        const uint64_t *entries = gmem_hva(machine_mem(f->field.guest.machine), table);
        entry = entries[address >> (12 + 9 * (at - 1)) & 511];
        table = gpa_of(entry & PTE_ADDRESS);
    }
    return entry;
}

static void test_tables_ring_3_reads_each_entry_by_its_second_name(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};

    if (!machine_use_tables(f->field.guest.machine, &f->field.guest.ptab, &err)) {
        fail_msg("%s", err.text);
    }
    f->field.guest.hooks = (struct virtual_hooks){.request = count_request, .context = f};
    for (unsigned kind = 0; kind < FLUSHED_KINDS * TARGETS; kind++) {
        size_t i = kind % TARGETS;
        const struct flushed_way *way = &flushed_ways[kind / TARGETS];
        uint64_t address = layout_word_address(&f->layout, LAYOUT_TEST, i);
        struct exp_args args = {
            .start =
                {address, layout_word_address(&f->layout, LAYOUT_CONTROL, i),
                 f->name[i][1].value, f->name[i][2].value, f->name[i][3].value,
                 f->name[i][4].value},
            .windows = 2,
            .parameter = {way->levels, way->invalidate}};
        uint64_t ticks[2];
        uint64_t exits;
        f->requests = 0;
        if (!field_run(
                &f->field, SIDE_GUEST, EXP_ROUTINE_flushed, &args, ticks, 2, &exits, &err)) {
            fail_msg("%s", err.text);
        }
        assert_int_equal(f->requests, way->invalidate ? 2 : 0);
        for (unsigned level = 1; level <= 4; level++) {
            assert_int_equal(args.value[level - 1], entry_in_memory(f, address, level));
            assert_true((args.value[level - 1] & PTE_PRESENT) != 0);
        }
    }
}

/* It can read them, and no more: a store faults, and the entry is what it was. */
static void test_tables_ring_3_cannot_store_by_a_second_name(void **state)
{
    struct fixture *f = *state;
    uint64_t address = layout_word_address(&f->layout, LAYOUT_TEST, 0);

    for (unsigned level = 1; level <= 4; level++) {
        struct exp_args args = {
            .start = {f->name[0][level].value}, .windows = 1, .parameter = {0, 1}};
        uint64_t before = entry_in_memory(f, address, level);
        uint64_t unused;
        struct err err = {0};
        assert_false(virtual_run(&f->field.guest, EXP_ROUTINE_fault, &args, &unused, &err));
        assert_non_null(strstr(err.text, "faulted"));
        assert_int_equal(entry_in_memory(f, address, level), before);
    }
}

static void test_tables_names_are_refused_for_what_is_no_page(void **state)
{
    struct fixture *f = *state;
    struct gva name[5];
    struct err err = {0};

    assert_false(flushed_walk_name_entries(
        &f->field.guest, gva_of(EXP_PAGES + 40 * LARGE_BYTES), gva_of(EXP_TABLES), name, &err));
    assert_int_equal(err.kind, ERR_ENVIRONMENT);
    assert_non_null(strstr(err.text, "no small page"));
}

/* The whole of it, as if these tables were walked whatever back end this is: it runs, reads the right
 * entries, and ends in figures or in reasons. */
static void test_flushed_walks_end_in_figures_or_reasons(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};

    f->lab.found.paging = LAB_PAGING_NESTED;
    if (!flushed_walk_measure(&f->lab, &f->result, &err)) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(f->result.figure_count, FLUSHED_KINDS - FLUSHED_NONE);
    assert_true(f->result.controls[0].flat);
    /* 6 pages, 9 rounds of each kind, 4 entries. */
    assert_non_null(strstr(f->result.controls[0].text, "2160 of 2160"));
    for (size_t i = 0; i < f->result.figure_count; i++) {
        const struct figure_side *at = &f->result.figures[i].side[SIDE_GUEST];
        assert_true(at->measured);
        assert_false(f->result.figures[i].side[SIDE_NATIVE].measured);
        if (at->verdict.decided) {
            print_message("%s: %.0f\n", f->result.figures[i].name, at->value.value);
            assert_true(at->value.low > 0 && at->value.low <= at->value.high);
        } else {
            print_message("%s: %s\n", f->result.figures[i].name, at->verdict.reason);
            assert_int_not_equal(at->verdict.reason[0], '\0');
        }
    }
}

/* Nothing is flushed, and the reason is told, where the tables are not the walked ones; where only the
 * clock is unreal the mechanism is tried all the same. */
static void test_flushed_walks_say_why_there_is_no_figure(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};

    f->lab.found.paging = LAB_PAGING_SHADOW;
    assert_true(flushed_walk_measure(&f->lab, &f->result, &err));
    assert_int_equal(f->result.figure_count, 1);
    assert_int_equal(f->result.control_count, 0);
    assert_non_null(
        strstr(f->result.figures[0].side[SIDE_GUEST].verdict.reason, "shadow paging"));
    f->lab.found.paging = LAB_PAGING_NESTED;
    f->lab.found.emulated = true;
    assert_true(flushed_walk_measure(&f->lab, &f->result, &err));
    assert_true(f->result.controls[0].flat);
    for (size_t i = 1; i < f->result.figure_count; i++) {
        assert_non_null(
            strstr(f->result.figures[i].side[SIDE_GUEST].verdict.reason, "emulated clock"));
    }
    assert_int_equal(f->result.series_count, 0);
}

/* --- pages of 2 MiB that share frames --- */

#define SHARED 600 /* of three frames */

/* A number of its own in each word, written through the frame. */
static void number_words(struct field *field, enum side side)
{
    for (enum layout_set set = 0; set < LAYOUT_SETS; set++) {
        for (size_t i = 0; i < SHARED; i++) {
            uint64_t number = (uint64_t)set << 32 | i;
            memcpy(field_word(field, side, set, i), &number, sizeof(number));
        }
    }
}

static void check_native_words(const struct layout *layout)
{
    for (enum layout_set set = 0; set < LAYOUT_SETS; set++) {
        for (size_t i = 0; i < SHARED; i++) {
            const uint64_t *word =
                (const uint64_t *)(uintptr_t)layout_word_address(layout, set, i);
            assert_int_equal(*word, (uint64_t)set << 32 | i);
        }
    }
}

/* By the CPU in ring 3, two words a run; and by a walk of the tables. */
static void check_guest_words(struct field *field)
{
    struct virtual *guest = &field->guest;

    for (size_t i = 0; i < SHARED; i++) {
        uint64_t test = layout_word_address(field->layout, LAYOUT_TEST, i);
        uint64_t control = layout_word_address(field->layout, LAYOUT_CONTROL, i);
        struct exp_args args = {.start = {test, control}};
        struct ptab_walk walk;
        uint64_t exits;
        struct err err = {0};
        assert_true(virtual_run(guest, EXP_ROUTINE_paging, &args, &exits, &err));
        assert_int_equal(args.value[0], i);
        assert_int_equal(args.value[1], (uint64_t)LAYOUT_CONTROL << 32 | i);
        ptab_walk(&guest->ptab, gva_of(test), &walk);
        assert_true(walk.present);
        assert_int_equal(walk.level, 2);
        assert_int_equal(
            walk.gpa.value, virtual_frame_gpa(guest, field->layout->maps[i].frame).value +
                                field->layout->words[LAYOUT_TEST][i].offset);
    }
}

/* Every address shows the word that was written through its frame, on both sides, whatever memory there
 * is; memory that is not there is named. */
static void test_shared_pages_show_their_words(void **state)
{
    const bool both[SIDE_COUNT] = {true, true};
    struct layout layout;
    struct field field;
    struct err err = {0};

    (void)state;
    assert_true(native_open(&err));
    for (enum layout_backing backing = 0; backing < LAYOUT_BACKINGS; backing++) {
        assert_true(layout_make_shared(&layout, EXP_PAGES, SHARED, backing, &err));
        if (!field_create(&field, &layout, both, KVM_DEVICE_PATH, 1, &err)) {
            print_message("%s\n", err.text);
            assert_int_not_equal(backing, LAYOUT_PLAIN);
            assert_int_equal(err.kind, ERR_ENVIRONMENT);
            layout_destroy(&layout);
            continue;
        }
        number_words(&field, SIDE_NATIVE);
        number_words(&field, SIDE_GUEST);
        check_native_words(&layout);
        check_guest_words(&field);
        if (!native_shared_is_large(&field.native, &err)) {
            print_message("%s\n", err.text);
            assert_int_not_equal(backing, LAYOUT_HUGETLB);
            assert_non_null(strstr(err.text, "shmem_enabled"));
        }
        field_destroy(&field);
        layout_destroy(&layout);
    }
    native_close();
}

int main(void)
{
#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_tables_ring_3_reads_each_entry_by_its_second_name),
        WITH_FIXTURE(test_tables_ring_3_cannot_store_by_a_second_name),
        WITH_FIXTURE(test_tables_names_are_refused_for_what_is_no_page),
        WITH_FIXTURE(test_flushed_walks_end_in_figures_or_reasons),
        WITH_FIXTURE(test_flushed_walks_say_why_there_is_no_figure),
        cmocka_unit_test(test_shared_pages_show_their_words),
    };

    return kvm_ring_run("measure_tables", tests, sizeof(tests) / sizeof(tests[0]));
}
