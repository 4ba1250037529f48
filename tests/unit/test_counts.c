/*
 * The counts against hand-counted lists of faults, and the names of kinds and actions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trace/counts.h"

static struct counts *new_counts(void)
{
    struct counts *counts = calloc(1, sizeof(*counts));

    assert_non_null(counts);
    return counts;
}

static void
add(struct counts *counts,
    enum fault_kind kind,
    enum record_action action,
    uint8_t level,
    uint8_t access)
{
    const struct fault_record record = {
        .kind = (uint8_t)kind,
        .action = (uint8_t)action,
        .level = level,
        .access = access,
        .service_ns = 40,
    };

    counts_add(counts, &record);
}

static void test_counts_minor_and_major_by_where_contents_come_from(void **state)
{
    struct counts *counts = new_counts();

    (void)state;
    add(counts, FAULT_DEMAND_ZERO, ACTION_MAP_ZERO, 1, RECORD_USER);
    add(counts, FAULT_STACK_GROWTH, ACTION_MAP_ZERO, 1, RECORD_USER);
    add(counts, FAULT_COW_COPY, ACTION_COPY, 1, RECORD_USER);
    add(counts, FAULT_COW_REUSE, ACTION_UPGRADE, 1, RECORD_USER);
    add(counts, FAULT_SAMPLING, ACTION_UPGRADE, 1, RECORD_USER);
    add(counts, FAULT_SPURIOUS, ACTION_RETRY, 1, RECORD_USER);
    assert_int_equal(counts->minor, 6);
    assert_int_equal(counts->major, 0);
    add(counts, FAULT_FILE_LOAD, ACTION_MAP_FILE, 1, RECORD_USER);
    add(counts, FAULT_SWAP_IN, ACTION_MAP_FILE, 1, RECORD_USER);
    assert_int_equal(counts->minor, 6);
    assert_int_equal(counts->major, 2);
    assert_int_equal(counts->total, 8);
    free(counts);
}

static void test_counts_neither_minor_nor_major_when_a_fault_ends_the_program(void **state)
{
    static const enum fault_kind kinds[] = {
        FAULT_UNMAPPED,    FAULT_READ_ONLY,   FAULT_NO_EXECUTE, FAULT_NO_ACCESS,
        FAULT_KERNEL_PAGE, FAULT_STACK_LIMIT, FAULT_FILE_LOAD,
    };
    struct counts *counts = new_counts();

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        add(counts, kinds[i], ACTION_SIGNAL, 1, RECORD_USER);
        assert_int_equal(counts->kind[kinds[i]].faults, 1);
    }
    add(counts, FAULT_OUT_OF_MEMORY, ACTION_KILL, 0, RECORD_USER);
    assert_int_equal(counts->total, 8);
    assert_int_equal(counts->minor, 0);
    assert_int_equal(counts->major, 0);
    assert_int_equal(counts_pages(counts), 0);
    free(counts);
}

static void test_counts_pages_by_the_size_of_the_leaf(void **state)
{
    struct counts *counts = new_counts();

    (void)state;
    add(counts, FAULT_DEMAND_ZERO, ACTION_MAP_ZERO, 1, RECORD_USER);
    add(counts, FAULT_DEMAND_ZERO, ACTION_MAP_ZERO, 2, RECORD_USER);
    add(counts, FAULT_FILE_LOAD, ACTION_MAP_FILE, 3, RECORD_USER);
    add(counts, FAULT_SPURIOUS, ACTION_RETRY, 2, RECORD_USER);
    assert_int_equal(counts->kind[FAULT_DEMAND_ZERO].pages, 513);
    assert_int_equal(counts->kind[FAULT_FILE_LOAD].pages, 262144);
    assert_int_equal(counts->kind[FAULT_SPURIOUS].pages, 0);
    assert_int_equal(counts_pages(counts), 513 + 262144);
    free(counts);
}

static void test_counts_host_accesses_among_the_total(void **state)
{
    struct counts *counts = new_counts();

    (void)state;
    add(counts, FAULT_DEMAND_ZERO, ACTION_MAP_ZERO, 1, RECORD_HOST | RECORD_WRITE);
    add(counts, FAULT_DEMAND_ZERO, ACTION_MAP_ZERO, 1, RECORD_USER | RECORD_WRITE);
    assert_int_equal(counts->total, 2);
    assert_int_equal(counts->host, 1);
    assert_int_equal(counts->minor, 2);
    free(counts);
}

static void test_counts_service_times_by_kind(void **state)
{
    struct counts *counts = new_counts();

    (void)state;
    add(counts, FAULT_DEMAND_ZERO, ACTION_MAP_ZERO, 1, RECORD_USER);
    assert_int_equal(histogram_quantile(&counts->kind[FAULT_DEMAND_ZERO].service_ns, 500), 40);
    assert_int_equal(histogram_total(&counts->kind[FAULT_FILE_LOAD].service_ns), 0);
    free(counts);
}

static void test_counts_fill_lab_writes_every_field(void **state)
{
    struct counts *counts = new_counts();
    struct lab_counts lab;

    (void)state;
    memset(&lab, 0xff, sizeof(lab));
    for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
        for (unsigned i = 0; i <= kind; i++) {
            add(counts, (enum fault_kind)kind,
                kind == FAULT_FILE_LOAD
                    ? ACTION_MAP_FILE
                    : (kind == FAULT_SWAP_IN ? ACTION_SWAP_IN : ACTION_MAP_ZERO),
                1, i ? RECORD_USER : RECORD_HOST);
        }
    }
    counts_fill_lab(counts, &lab);
    assert_int_equal(lab.total, FAULT_KINDS * (FAULT_KINDS + 1) / 2);
    assert_int_equal(lab.host, FAULT_KINDS);
    assert_int_equal(lab.major, FAULT_FILE_LOAD + 1 + FAULT_SWAP_IN + 1);
    assert_int_equal(lab.minor, lab.total - lab.major);
    for (unsigned kind = 0; kind < sizeof(lab.by_kind) / sizeof(lab.by_kind[0]); kind++) {
        assert_int_equal(lab.by_kind[kind], kind < FAULT_KINDS ? kind + 1 : 0);
    }
    free(counts);
}

static void test_record_names_are_complete_and_distinct(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FAULT_KINDS; i++) {
        assert_string_not_equal(record_kind_name(i), "unknown");
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(record_kind_name(i), record_kind_name(j));
        }
    }
    for (unsigned i = 0; i < RECORD_ACTIONS; i++) {
        assert_string_not_equal(record_action_name(i), "unknown");
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(record_action_name(i), record_action_name(j));
        }
    }
    assert_string_equal(record_kind_name(FAULT_COW_REUSE), "cow-reuse");
    assert_string_equal(record_action_name(ACTION_MAP_FILE), "map-file");
}

static void test_record_names_of_unknown_numbers_are_not_null(void **state)
{
    (void)state;
    assert_string_equal(record_kind_name((enum fault_kind)255), "unknown");
    assert_string_equal(record_action_name((enum record_action)255), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_minor_and_major_by_where_contents_come_from),
        cmocka_unit_test(test_counts_neither_minor_nor_major_when_a_fault_ends_the_program),
        cmocka_unit_test(test_counts_pages_by_the_size_of_the_leaf),
        cmocka_unit_test(test_counts_host_accesses_among_the_total),
        cmocka_unit_test(test_counts_service_times_by_kind),
        cmocka_unit_test(test_counts_fill_lab_writes_every_field),
        cmocka_unit_test(test_record_names_are_complete_and_distinct),
        cmocka_unit_test(test_record_names_of_unknown_numbers_are_not_null),
    };
    return cmocka_run_group_tests_name("counts", tests, NULL, NULL);
}
