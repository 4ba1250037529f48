/*
 * What programs are told when a page cannot come or go: swap is full, sealed or was cut short, a
 * file has shrunk under a mapping, a page has more mappings than eviction looks at.  What was
 * written before is still there.
 */
/* cmocka.h wants the four in front of it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fail_alloc.h"
#include "fault/evict.h"
#include "space_fixture.h"

static int make_file(char path[64], uint64_t pages)
{
    int fd = memfd_create("pages", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)(pages * PAGE_BYTES)), 0);
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

static void test_full_swap_ends_the_program_that_wants_more(void **state)
{
    struct space_fixture f;

    (void)state;
    fixture_create(&f, &(struct fixture_config){.limit_frames = 4, .swap_pages = 3});
    fixture_map(&f, 0, 16);
    for (unsigned page = 0; page < 7; page++) {
        assert_int_equal(fixture_write(&f, f.space, page, page + 1), 0);
    }
    assert_int_equal(swap_used(f.swap), 3);
    assert_int_equal(fixture_write(&f, f.space, 7, 8), SIGKILL);
    assert_null(swap_error(f.swap)); /* full is no error of the file */
    assert_int_equal(space_discard(f.space, fixture_page(0), fixture_page(1)), 0);
    for (unsigned page = 1; page < 7; page++) {
        fixture_expect(&f, f.space, page, page + 1);
    }
    fixture_destroy(&f);
}

static void test_swap_that_cannot_be_written_keeps_the_page(void **state)
{
    struct space_fixture f;
    char path[64];
    int fd = make_file(path, 8);

    (void)state;
    fixture_create(
        &f, &(struct fixture_config){.limit_frames = 8, .swap_pages = 8, .swap_path = path});
    fixture_map(&f, 0, 8);
    assert_int_equal(fixture_write(&f, f.space, 0, 0x42), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
    pager_let_go(f.pager);
    assert_false(evict_page(f.pager, fixture_frame(&f, f.space, 0)));
    assert_int_equal(swap_used(f.swap), 0);
    assert_non_null(strstr(pager_trouble(f.pager), "cannot write slot 0"));
    fixture_expect(&f, f.space, 0, 0x42);
    close(fd);
    fixture_destroy(&f);
}

static void test_swap_that_was_cut_short_is_a_bus_error(void **state)
{
    struct space_fixture f;
    char path[64];
    int fd = make_file(path, 8);
    uint64_t value;

    (void)state;
    fixture_create(
        &f, &(struct fixture_config){.limit_frames = 8, .swap_pages = 8, .swap_path = path});
    fixture_map(&f, 0, 8);
    for (unsigned page = 0; page < 2; page++) { /* to slots 0 and 1 */
        assert_int_equal(fixture_write(&f, f.space, page, page + 1), 0);
        pager_let_go(f.pager);
        assert_true(evict_page(f.pager, fixture_frame(&f, f.space, page)));
        memory_settle(f.memory);
    }
    assert_int_equal(ftruncate(fd, (off_t)PAGE_BYTES), 0);
    assert_int_equal(fixture_read(&f, f.space, 1, &value), SIGBUS);
    assert_int_equal(f.space->resident, 0);
    assert_non_null(strstr(pager_trouble(f.pager), "cannot read slot 1"));
    fixture_expect(&f, f.space, 0, 1);
    close(fd);
    fixture_destroy(&f);
}

static void test_a_file_that_shrinks_is_a_bus_error_behind_its_end(void **state)
{
    struct space_fixture f;
    char path[64];
    int fd = make_file(path, 4);
    uint64_t value;
    struct region_spec spec = {
        .kind = REGION_FILE,
        .permissions = REGION_READ | REGION_WRITE,
        .page_shift = PAGE_SHIFT,
        .strict = true,
        .file_bytes = 4 * PAGE_BYTES};
    struct err err;

    (void)state;
    fixture_create(&f, &(struct fixture_config){0});
    assert_true(backing_create(&spec.backing, dup(fd), "file", &err));
    assert_int_equal(space_map(f.space, fixture_page(0), fixture_page(4), &spec), 0);
    backing_put(spec.backing);
    spec.backing = NULL;
    spec.shared = true;
    assert_int_equal(objects_open_file(&f.memory->objects, fd, true, &spec.object), 0);
    assert_int_equal(space_map(f.space, fixture_page(8), fixture_page(12), &spec), 0);
    object_put(spec.object);
    assert_int_equal(fixture_write(&f, f.space, 10, 0x99), 0);
    assert_int_equal(ftruncate(fd, (off_t)PAGE_BYTES), 0);
    assert_int_equal(fixture_read(&f, f.space, 1, &value), SIGBUS);
    assert_int_equal(fixture_read(&f, f.space, 9, &value), SIGBUS);
    fixture_expect(&f, f.space, 0, 0);
    fixture_expect(&f, f.space, 8, 0);
    assert_int_equal(space_unmap(f.space, fixture_page(8), fixture_page(12)), 0);
    memory_settle(f.memory);
    assert_int_equal(lseek(fd, 0, SEEK_END), PAGE_BYTES); /* what was dirty made it no longer */
    close(fd);
    fixture_destroy(&f);
}

static void test_eviction_leaves_a_page_of_more_than_256_mappings(void **state)
{
    struct space_fixture f;
    struct region_spec spec = {
        .kind = REGION_ANONYMOUS,
        .permissions = REGION_READ | REGION_WRITE,
        .page_shift = PAGE_SHIFT,
        .shared = true};

    (void)state;
    fixture_create(&f, &(struct fixture_config){.swap_pages = 4});
    assert_int_equal(objects_new_anonymous(&f.memory->objects, &spec.object), 0);
    for (unsigned page = 0; page < 257; page++) {
        assert_int_equal(
            space_map(f.space, fixture_page(page), fixture_page(page + 1), &spec), 0);
        assert_int_equal(fixture_write(&f, f.space, page, 0x1000 + page), 0);
    }
    object_put(spec.object);
    uint32_t frame = fixture_frame(&f, f.space, 256);
    pager_let_go(f.pager);
    assert_false(evict_page(f.pager, frame));
    fixture_expect(&f, f.space, 0, 0x1000 + 256);
    assert_int_equal(space_unmap(f.space, fixture_page(100), fixture_page(101)), 0);
    memory_settle(f.memory);
    pager_let_go(f.pager);
    assert_true(evict_page(f.pager, frame));
    memory_settle(f.memory);
    assert_int_equal(f.space->resident, 0);
    fixture_expect(&f, f.space, 200, 0x1000 + 256);
    fixture_destroy(&f);
}

static void test_no_memory_for_an_objects_page_ends_the_program(void **state)
{
    struct space_fixture f;
    struct region_spec spec = {
        .kind = REGION_ANONYMOUS,
        .permissions = REGION_READ | REGION_WRITE,
        .page_shift = PAGE_SHIFT,
        .shared = true};
    unsigned page = 0;

    (void)state;
    fixture_create(&f, &(struct fixture_config){0});
    assert_int_equal(objects_new_anonymous(&f.memory->objects, &spec.object), 0);
    assert_int_equal(space_map(f.space, fixture_page(0), fixture_page(256), &spec), 0);
    object_put(spec.object);
    assert_int_equal(fixture_write(&f, f.space, 0, 1), 0);
    fail_alloc_after(0);
    while (page < 256 && fixture_write(&f, f.space, page, page + 1) == 0) {
        page++;
    }
    assert_true(fail_alloc_off() > 0);
    assert_in_range(page, 8, 255);
    assert_int_equal(memory_resident(f.memory), page);
    for (unsigned i = 0; i < page; i++) {
        fixture_expect(&f, f.space, i, i + 1);
    }
    assert_int_equal(fixture_write(&f, f.space, page, 1), 0);
    fixture_destroy(&f);
}

static void test_no_frame_and_no_table_end_the_program(void **state)
{
    struct space_fixture f;
    const uint64_t far = UINT64_C(4) << (30 - PAGE_SHIFT);

    (void)state;
    fixture_create(&f, &(struct fixture_config){0});
    fixture_map(&f, 0, 4);
    fixture_map(&f, far, 1);
    assert_int_equal(fixture_write(&f, f.space, 0, 1), 0);
    fixture_take_all(&f, 0);
    assert_int_equal(fixture_write(&f, f.space, 1, 1), SIGKILL);
    frames_release(f.cpu->frames, f.taken[--f.taken_count]);
    assert_int_equal(fixture_write(&f, f.space, far, 1), SIGKILL);
    assert_int_equal(fixture_write(&f, f.space, 1, 2), 0); /* the frame was given back */
    fixture_give_back(&f);
    assert_int_equal(fixture_write(&f, f.space, far, 1), 0);
    fixture_destroy(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_swap_ends_the_program_that_wants_more),
        cmocka_unit_test(test_swap_that_cannot_be_written_keeps_the_page),
        cmocka_unit_test(test_swap_that_was_cut_short_is_a_bus_error),
        cmocka_unit_test(test_a_file_that_shrinks_is_a_bus_error_behind_its_end),
        cmocka_unit_test(test_eviction_leaves_a_page_of_more_than_256_mappings),
        cmocka_unit_test(test_no_memory_for_an_objects_page_ends_the_program),
        cmocka_unit_test(test_no_frame_and_no_table_end_the_program),
    };
    return cmocka_run_group_tests_name("unit/pager_refusals", tests, NULL, NULL);
}
