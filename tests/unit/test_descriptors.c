/* Descriptors: numbers, sharing, and who closes the host's file in the end. */
/* cmocka.h wants the four in front of it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "linux/descriptors.h"

static int open_null(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void test_descriptors_start_with_the_standard_streams(void **state)
{
    struct descriptors descriptors;

    (void)state;
    assert_int_equal(descriptors_create(&descriptors), 0);
    for (uint64_t fd = 0; fd <= 2; fd++) {
        assert_int_equal(descriptors_get(&descriptors, fd) != NULL, is_open((int)fd));
    }
    assert_null(descriptors_get(&descriptors, 3));
    assert_non_null(descriptors.directory);
    descriptors_destroy(&descriptors);
    assert_true(is_open(2)); /* vmm's own are never closed */
}

static void test_descriptors_take_the_lowest_free_number(void **state)
{
    struct descriptors descriptors;

    (void)state;
    assert_int_equal(descriptors_create(&descriptors), 0);
    for (int64_t wanted = 3; wanted < 40; wanted++) {
        struct open_file *file = open_file_create(open_null(), false);
        assert_int_equal(descriptors_add(&descriptors, file, 3, false), wanted);
    }
    assert_int_equal(descriptors_close(&descriptors, 7), 0);
    assert_int_equal(descriptors_close(&descriptors, 20), 0);
    struct open_file *file = open_file_create(open_null(), false);
    assert_int_equal(descriptors_add(&descriptors, file, 8, true), 20);
    assert_true(descriptors_slot(&descriptors, 20)->close_on_exec);
    file = open_file_create(open_null(), false);
    assert_int_equal(descriptors_add(&descriptors, file, 0, false), 7);
    descriptors_destroy(&descriptors);
}

static void test_descriptors_refuse_numbers_beyond_the_limit(void **state)
{
    const uint64_t bad[] = {DESCRIPTORS_MAX, 0x7fffffff, 0x80000000, UINT32_MAX, UINT64_MAX};
    struct descriptors descriptors;

    (void)state;
    assert_int_equal(descriptors_create(&descriptors), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int fd = open_null();
        assert_null(descriptors_get(&descriptors, bad[i]));
        assert_int_equal(descriptors_close(&descriptors, bad[i]), -EBADF);
        assert_int_equal(
            descriptors_add(&descriptors, open_file_create(fd, false), bad[i], false), -EINVAL);
        assert_false(is_open(fd)); /* the reference went with the refusal */
        fd = open_null();
        assert_int_equal(
            descriptors_put_at(&descriptors, open_file_create(fd, false), bad[i], false),
            -EBADF);
        assert_false(is_open(fd));
    }
    int fd = open_null();
    struct open_file *file = open_file_create(fd, false);
    file->references += DESCRIPTORS_MAX;
    int64_t last = 0;
    while (last >= 0) {
        last = descriptors_add(&descriptors, file, 3, false);
    }
    assert_int_equal(last, -EMFILE);
    while (file->references > DESCRIPTORS_MAX - 3) {
        open_file_put(file);
    }
    descriptors_destroy(&descriptors);
    assert_false(is_open(fd));
}

/* The upper half of a register does not count: a descriptor is an int. */
static void test_descriptors_ignore_the_upper_half(void **state)
{
    struct descriptors descriptors;

    (void)state;
    assert_int_equal(descriptors_create(&descriptors), 0);
    struct open_file *file = open_file_create(open_null(), false);
    assert_int_equal(descriptors_add(&descriptors, file, 3, false), 3);
    assert_ptr_equal(descriptors_get(&descriptors, UINT64_C(0xdead00000003)), file);
    descriptors_destroy(&descriptors);
}

static void test_descriptors_copy_shares_open_files(void **state)
{
    struct descriptors parent, child;
    int fd = open_null();

    (void)state;
    assert_int_equal(descriptors_create(&parent), 0);
    struct open_file *file = open_file_create(fd, false);
    assert_int_equal(descriptors_add(&parent, file, 3, true), 3);
    assert_int_equal(descriptors_copy(&child, &parent), 0);
    assert_ptr_equal(descriptors_get(&child, 3), file);
    assert_true(descriptors_slot(&child, 3)->close_on_exec);
    assert_int_equal(file->references, 2);
    assert_int_equal(descriptors_close(&parent, 3), 0);
    assert_null(descriptors_get(&parent, 3));
    assert_true(is_open(fd));
    descriptors_destroy(&parent);
    assert_true(is_open(fd));
    descriptors_destroy(&child);
    assert_false(is_open(fd));
}

static void test_descriptors_put_at_closes_what_was_there(void **state)
{
    struct descriptors descriptors;
    int first = open_null(), second = open_null();

    (void)state;
    assert_int_equal(descriptors_create(&descriptors), 0);
    assert_int_equal(
        descriptors_put_at(&descriptors, open_file_create(first, false), 100, false), 100);
    assert_int_equal(
        descriptors_put_at(&descriptors, open_file_create(second, false), 100, false), 100);
    assert_false(is_open(first));
    assert_true(is_open(second));
    descriptors_destroy(&descriptors);
    assert_false(is_open(second));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptors_start_with_the_standard_streams),
        cmocka_unit_test(test_descriptors_take_the_lowest_free_number),
        cmocka_unit_test(test_descriptors_refuse_numbers_beyond_the_limit),
        cmocka_unit_test(test_descriptors_ignore_the_upper_half),
        cmocka_unit_test(test_descriptors_copy_shares_open_files),
        cmocka_unit_test(test_descriptors_put_at_closes_what_was_there),
    };

    return cmocka_run_group_tests_name("descriptors", tests, NULL, NULL);
}
