/*
 * The swap file when it is full, short, sealed or not what its name says.  The file is a nameless
 * one in memory, known to swap_create by its name below /proc.
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/addr.h"
#include "memory/swap.h"

struct file {
    int fd;
    char path[64];
};

static struct file make_file(uint64_t bytes)
{
    struct file file = {.fd = memfd_create("swap", MFD_CLOEXEC | MFD_ALLOW_SEALING)};

    assert_true(file.fd >= 0);
    assert_int_equal(ftruncate(file.fd, (off_t)bytes), 0);
    snprintf(file.path, sizeof(file.path), "/proc/self/fd/%d", file.fd);
    return file;
}

static void
expect_refusal(const char *path, uint64_t bytes, enum err_kind kind, const char *text)
{
    struct swap *swap = (struct swap *)(uintptr_t)1;
    struct err err = {0};

    assert_false(swap_create(&swap, path, bytes, &err));
    assert_null(swap);
    assert_int_equal(err.kind, kind);
    if (strstr(err.text, text) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.text, text);
    }
}

static void test_swap_create_refuses_what_cannot_hold_pages(void **state)
{
    struct file empty = make_file(0);

    (void)state;
    expect_refusal("/proc", PAGE_BYTES, ERR_INPUT, "cannot open /proc");
    expect_refusal("/dev/null", PAGE_BYTES, ERR_INPUT, "/dev/null is not a regular file");
    expect_refusal("/nonexistent/swap", PAGE_BYTES, ERR_INPUT, "/nonexistent/swap");
    expect_refusal(empty.path, 0, ERR_INPUT, "is empty: say how large");
    expect_refusal(empty.path, PAGE_BYTES - 1, ERR_INPUT, "is empty");
    expect_refusal(empty.path, UINT64_C(1) << 44, ERR_INPUT, "at most 16 TiB");
    expect_refusal(empty.path, UINT64_C(1) << 63, ERR_INPUT, "cannot make");
    close(empty.fd);
}

static void test_swap_create_says_where_no_temporary_file_can_be(void **state)
{
    (void)state;
    const char *folder = getenv("TMPDIR");
    char *before = folder != NULL ? strdup(folder) : NULL;

    setenv("TMPDIR", "/nonexistent", 1);
    expect_refusal(NULL, PAGE_BYTES, ERR_ENVIRONMENT, "/nonexistent");
    if (before != NULL) {
        setenv("TMPDIR", before, 1);
    } else {
        unsetenv("TMPDIR");
    }
    free(before);
}

static struct swap *create(const struct file *file, uint64_t bytes)
{
    struct swap *swap;
    struct err err;

    if (!swap_create(&swap, file->path, bytes, &err)) {
        fail_msg("%s", err.text);
    }
    return swap;
}

static void test_swap_alloc_ends_with_the_last_slot_and_reuses_those_put_back(void **state)
{
    struct file file = make_file(3 * PAGE_BYTES + 100);
    struct swap *swap = create(&file, 0);

    (void)state;
    assert_int_equal(swap_total(swap), 3);
    uint32_t slot[3];
    for (unsigned i = 0; i < 3; i++) {
        slot[i] = swap_alloc(swap);
        assert_int_equal(slot[i], i);
    }
    assert_int_equal(swap_alloc(swap), SWAP_NONE);
    assert_int_equal(swap_used(swap), 3);
    swap_get(swap, slot[1]);
    swap_put(swap, slot[1]);
    assert_int_equal(swap_alloc(swap), SWAP_NONE); /* it has a reference left */
    swap_put(swap, slot[1]);
    assert_int_equal(swap_references(swap, slot[1]), 0);
    assert_int_equal(swap_used(swap), 2);
    assert_int_equal(swap_alloc(swap), slot[1]);
    assert_int_equal(swap_frame(swap, slot[1]), FRAMES_NONE);
    swap_destroy(swap);
    close(file.fd);
}

static void test_swap_read_brings_back_what_was_written_to_the_slot(void **state)
{
    struct file file = make_file(0);
    struct swap *swap = create(&file, 4 * PAGE_BYTES);
    uint8_t page[PAGE_BYTES], back[PAGE_BYTES];

    (void)state;
    for (uint32_t slot = 0; slot < 4; slot++) {
        memset(page, 0x10 + (int)slot, sizeof(page));
        assert_int_equal(swap_alloc(swap), slot);
        assert_true(swap_write(swap, slot, page));
    }
    for (uint32_t slot = 0; slot < 4; slot++) {
        memset(page, 0x10 + (int)slot, sizeof(page));
        assert_true(swap_read(swap, slot, back));
        assert_memory_equal(page, back, sizeof(page));
    }
    assert_null(swap_error(swap));
    assert_int_equal(swap_writes(swap), 4);
    assert_int_equal(swap_reads(swap), 4);
    swap_destroy(swap);
    close(file.fd);
}

static void test_swap_write_says_why_it_failed_first(void **state)
{
    struct file file = make_file(4 * PAGE_BYTES);
    struct swap *swap = create(&file, 0);
    const uint8_t page[PAGE_BYTES] = {1};
    char text[128];

    (void)state;
    assert_int_equal(fcntl(file.fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
    assert_false(swap_write(swap, 2, page));
    assert_false(swap_write(swap, 3, page));
    snprintf(
        text, sizeof(text), "swap file %s: cannot write slot 2: %s", file.path,
        "Operation not permitted");
    assert_string_equal(swap_error(swap), text);
    swap_destroy(swap);
    close(file.fd);
}

static void test_swap_read_notices_a_file_that_became_shorter(void **state)
{
    struct file file = make_file(4 * PAGE_BYTES);
    struct swap *swap = create(&file, 0);
    uint8_t page[PAGE_BYTES];

    (void)state;
    assert_int_equal(ftruncate(file.fd, 2 * (off_t)PAGE_BYTES + 1), 0);
    assert_true(swap_read(swap, 1, page));
    assert_false(swap_read(swap, 2, page)); /* one byte of it is there */
    assert_non_null(strstr(swap_error(swap), "cannot read slot 2: the file is shorter"));
    assert_false(swap_read(swap, 3, page));
    assert_non_null(strstr(swap_error(swap), "slot 2"));
    swap_destroy(swap);
    close(file.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_swap_create_refuses_what_cannot_hold_pages),
        cmocka_unit_test(test_swap_create_says_where_no_temporary_file_can_be),
        cmocka_unit_test(test_swap_alloc_ends_with_the_last_slot_and_reuses_those_put_back),
        cmocka_unit_test(test_swap_read_brings_back_what_was_written_to_the_slot),
        cmocka_unit_test(test_swap_write_says_why_it_failed_first),
        cmocka_unit_test(test_swap_read_notices_a_file_that_became_shorter),
    };
    return cmocka_run_group_tests_name("unit/swap", tests, NULL, NULL);
}
