/* Pages of 2 MiB: which memory is tried first, and what the kernel says of shared memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "measure/large_levels.h"
#include "measure/native_shared.h"

static void test_large_backings_are_none_where_nothing_is_large(void **state)
{
    struct lab lab = {.wanted = {true, true}};
    enum layout_backing order[LAYOUT_BACKINGS];

    (void)state;
    assert_int_equal(large_levels_backings(&lab, order), 0);
    lab.wanted[SIDE_GUEST] = false;
    lab.found.large[SIDE_GUEST][LAYOUT_THP] = true; /* not asked for */
    assert_int_equal(large_levels_backings(&lab, order), 0);
}

static void test_large_backings_prefer_both_sides_then_the_pool(void **state)
{
    struct lab lab = {.wanted = {true, true}};
    enum layout_backing order[LAYOUT_BACKINGS];

    (void)state;
    lab.found.large[SIDE_NATIVE][LAYOUT_HUGETLB] = true;
    lab.found.large[SIDE_NATIVE][LAYOUT_PLAIN] = true;
    lab.found.large[SIDE_GUEST][LAYOUT_PLAIN] = true;
    lab.found.large[SIDE_NATIVE][LAYOUT_THP] = true;
    lab.found.large[SIDE_GUEST][LAYOUT_THP] = true;
    assert_int_equal(large_levels_backings(&lab, order), 3);
    assert_int_equal(order[0], LAYOUT_THP);
    assert_int_equal(order[1], LAYOUT_PLAIN);
    assert_int_equal(order[2], LAYOUT_HUGETLB);
    lab.wanted[SIDE_GUEST] = false;
    assert_int_equal(large_levels_backings(&lab, order), 3);
    assert_int_equal(order[0], LAYOUT_HUGETLB);
}

static void test_large_pages_of_a_range_are_counted(void **state)
{
    static const char smaps[] =
        "210000000000-210000200000 rw-s 00000000 00:01 7 /memfd:vmm (deleted)\n"
        "Size:               2048 kB\n"
        "ShmemPmdMapped:     2048 kB\n"
        "VmFlags: rd wr sh mr mw me ms sd hg\n"
        "218000000000-218000600000 rw-s 00000000 00:01 7 /memfd:vmm (deleted)\n"
        "Rss:                6144 kB\n"
        "AnonHugePages:      1024 kB\n"
        "ShmemPmdMapped:     4096 kB\n"
        "FilePmdMapped:      2048 kB\n"
        "218000600000-218000800000 rw-s 00600000 00:01 7 /memfd:vmm (deleted)\n"
        "ShmemPmdMapped:     2048 kB\n"
        "7ffff7fc1000-7ffff7fc5000 r--p 00000000 00:00 0 [vvar]\n"
        "ShmemPmdMapped:     2048 kB\n";
    FILE *file = fmemopen((void *)(uintptr_t)smaps, sizeof(smaps) - 1, "r");

    (void)state;
    assert_non_null(file);
    assert_int_equal(native_shared_count_large(file, 0x218000000000, 0x218000800000), 8 << 20);
    rewind(file);
    assert_int_equal(native_shared_count_large(file, 0x218000000000, 0x218000600000), 6 << 20);
    rewind(file);
    assert_int_equal(native_shared_count_large(file, 0x1000, 0x2000), 0);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_large_backings_are_none_where_nothing_is_large),
        cmocka_unit_test(test_large_backings_prefer_both_sides_then_the_pool),
        cmocka_unit_test(test_large_pages_of_a_range_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
