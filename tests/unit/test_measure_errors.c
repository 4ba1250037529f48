/* What an experiment says when it cannot be set up: the reason, and the remedy only where it is one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "measure/catalogue.h"

/* Where a guest cannot be made, an experiment ends with the reason, and with nothing else. */
static void test_measure_tlb_ends_where_no_guest_can_be_made(void **state)
{
    static struct result result;
    struct lab lab = {
        .wanted = {false, true}, .quick = true, .kvm_path = "/nowhere/kvm", .seed = 1};
    struct err err = {0};

    (void)state;
    lab.result = &result;
    assert_false(experiment_tlb(&lab, &result, &err));
    assert_non_null(strstr(err.text, "/nowhere/kvm"));
    result_destroy(&result);
}

#define PAGES 4096
#define ROOM  (UINT64_C(1) << 20) /* of them, and no more */

static uint64_t count_bytes_mapped(void)
{
    FILE *statm = fopen("/proc/self/statm", "re");
    unsigned long pages = 0;

    assert_non_null(statm);
    assert_int_equal(fscanf(statm, "%lu", &pages), 1);
    fclose(statm);
    return pages * PAGE_BYTES;
}

/* Map pages in a row, each a mapping of its own, for their frames are in no order. */
static void refuse_pages(bool short_of_memory, struct err *err)
{
    uint64_t *address = lab_addresses(PAGES, PAGE_BYTES, err);
    struct native native;
    struct layout layout;
    struct rlimit old;

    assert_non_null(address);
    assert_true(layout_make_uniq(&layout, address, PAGES, 1, err));
    assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
    if (short_of_memory) {
        uint64_t bytes = count_bytes_mapped() + layout.frame_count * PAGE_BYTES + ROOM;
        assert_int_equal(setrlimit(RLIMIT_AS, &(struct rlimit){bytes, old.rlim_max}), 0);
    }
    bool mapped = native_map(&native, &layout, err);
    assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
    assert_false(mapped);
    assert_int_equal(err->errno_value, ENOMEM);
    assert_non_null(strstr(err->text, "of a native layout"));
    layout_destroy(&layout);
    free(address);
}

static void test_measure_blames_memory_where_memory_is_short(void **state)
{
    struct err err = {0};

    (void)state;
    refuse_pages(true, &err);
    assert_memory_equal(err.text, "mapping page ", strlen("mapping page "));
    assert_null(strstr(err.text, "max_map_count"));
}

/* Every other page of a reserve gets another permission, until the kernel allows no more of them. */
static void test_measure_blames_the_number_of_mappings(void **state)
{
    const size_t bytes = (size_t)8 << 30;
    uint8_t *reserve =
        mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct err err = {0};
    size_t at = 0;

    (void)state;
    assert_true(reserve != MAP_FAILED);
    while (at < bytes && mprotect(reserve + at, PAGE_BYTES, PROT_READ) == 0) {
        at += 2 * PAGE_BYTES;
    }
    if (at < bytes) {
        /* Room for the mappings that lead to the pages. */
        assert_int_equal(munmap(reserve, 32 * PAGE_BYTES), 0);
        refuse_pages(false, &err);
    }
    assert_int_equal(munmap(reserve, bytes), 0);
    if (at >= bytes) {
        skip(); /* this kernel allows millions */
    }
    assert_non_null(strstr(err.text, "sudo sysctl vm.max_map_count=262144"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measure_tlb_ends_where_no_guest_can_be_made),
        cmocka_unit_test(test_measure_blames_memory_where_memory_is_short),
        cmocka_unit_test(test_measure_blames_the_number_of_mappings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
