/*
 * References from files: lines of text and bare addresses, each read twice, and what is said
 * when they are not what they should be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "references_reading.h"

struct file {
    char path[64];
};

static struct file file_with(const void *bytes, size_t count)
{
    struct file file = {"/tmp/vmm-test-references-XXXXXX"};
    int descriptor = mkstemp(file.path);

    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, bytes, count), count);
    close(descriptor);
    return file;
}

static void test_references_reads_what_lackey_writes(void **unused)
{
    static const char text[] = "==4711== Lackey, an example Valgrind tool\n"
                               "==4711== \n"
                               "I  04001000,3\n"
                               " S 1ffeffe7e0,8\n"
                               " L 04222cac,4\r\n"
                               " M 0421c8d8,16\n"
                               "\n"
                               "# by hand\n"
                               " L ffffffffffffffff,1";
    struct file file = file_with(text, sizeof(text) - 1);
    struct reference out[ROOM];
    struct references references;
    struct err err;

    (void)unused;
    assert_true(references_open_file(&references, file.path, REFERENCES_TEXT, &err));
    assert_int_equal(references.about.kind, REFERENCES_EXACT);
    for (size_t step = 1; step < 4; step++) {
        assert_int_equal(read_all(&references, out, step), 5);
        assert_reference(&out[0], 0x4001000, 3, REFERENCE_FETCH);
        assert_reference(&out[1], 0x1ffeffe7e0, 8, REFERENCE_WRITE);
        assert_reference(&out[2], 0x4222cac, 4, REFERENCE_READ);
        assert_reference(&out[3], 0x421c8d8, 16, REFERENCE_READ | REFERENCE_WRITE);
        assert_reference(&out[4], UINT64_MAX, 1, REFERENCE_READ);
        assert_true(references_rewind(&references, &err));
    }
    references_close(&references);
    references_close(&references);
    unlink(file.path);
}

static void test_references_reads_numbers(void **unused)
{
    static const char text[] = "1 2,3\t4  # the first four\n0x1F,0X20, 18446744073709551615\n";
    static const uint64_t expected[] = {1, 2, 3, 4, 0x1f, 0x20, UINT64_MAX};
    struct file file = file_with(text, sizeof(text) - 1);
    struct reference out[ROOM];
    struct references references;
    struct err err;

    (void)unused;
    assert_true(references_open_file(&references, file.path, REFERENCES_TEXT, &err));
    for (size_t step = 1; step < 9; step++) {
        assert_int_equal(read_all(&references, out, step), 7);
        for (size_t i = 0; i < 7; i++) {
            assert_reference(&out[i], expected[i], 1, REFERENCE_READ);
        }
        assert_true(references_rewind(&references, &err));
    }
    references_close(&references);
    unlink(file.path);
}

/* Reading fails with ERR_INPUT and a text that has `part` in it. */
static void
assert_refused(const void *bytes, size_t count, enum references_format format, const char *part)
{
    struct file file = file_with(bytes, count);
    struct reference out[ROOM];
    struct references references;
    struct err err;
    size_t got;

    assert_true(references_open_file(&references, file.path, format, &err));
    assert_false(references_read(&references, out, ROOM, &got, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    if (strstr(err.text, part) == NULL || strstr(err.text, file.path) == NULL) {
        fail_msg("'%s' does not name '%s' and the file", err.text, part);
    }
    references_close(&references);
    unlink(file.path);
}

static void test_references_refuses_other_lines_by_number(void **unused)
{
    static const char *const wrong[] = {
        " L 1000",
        " L ,8",
        " L 1000,",
        " L 1000,0",
        " L 1000,8 9",
        " L 1000,65537",
        " L 10g0,8",
        "L1000,8",
        " L -1,8",
        " L ffffffffffffffff,2",
        " L 10000000000000000,1",
        "hello",
        "1 2 x",
        "-1",
        "18446744073709551616",
        "0x",
        "0x10000000000000000",
        "12ab",
        "1.5",
        " X 1000,8",
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[128];
        int count = snprintf(text, sizeof(text), "1\n L 1000,8\n%s\n", wrong[i]);

        assert_refused(text, (size_t)count, REFERENCES_TEXT, "line 3: '");
    }
    assert_refused("1\n2\0003\n", 6, REFERENCES_TEXT, "line 2: a NUL byte");
}

static void test_references_reads_bare_addresses(void **unused)
{
    static const uint8_t bytes[17] = {
        0x78, 0x56, 0x34, 0x12, [8] = 0xff, [15] = 0x80, [16] = 1};
    struct file file = file_with(bytes, 16);
    struct reference out[ROOM];
    struct references references;
    struct err err;

    (void)unused;
    assert_true(references_open_file(&references, file.path, REFERENCES_U64, &err));
    for (size_t step = 1; step < 4; step++) {
        assert_int_equal(read_all(&references, out, step), 2);
        assert_reference(&out[0], 0x12345678, 1, REFERENCE_READ);
        assert_reference(&out[1], UINT64_C(0x80000000000000ff), 1, REFERENCE_READ);
        assert_true(references_rewind(&references, &err));
    }
    references_close(&references);
    unlink(file.path);
    assert_refused(bytes, 17, REFERENCES_U64, "1 bytes behind the last address");
}

static void test_references_that_are_not_there(void **unused)
{
    struct references references;
    struct err err;

    (void)unused;
    assert_false(references_open_file(&references, "/nowhere/at/all", REFERENCES_TEXT, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.text, "/nowhere/at/all"));
    assert_false(references_open_session(&references, "/nowhere/at/all", NULL, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    references_close(&references);
}

static void test_references_from_a_pipe_come_once(void **unused)
{
    struct references references;
    struct err err;
    int pipe_ends[2];
    int saved = dup(STDIN_FILENO);
    struct reference out[ROOM];

    (void)unused;
    assert_int_equal(pipe(pipe_ends), 0);
    assert_int_equal(write(pipe_ends[1], "5 6", 3), 3);
    close(pipe_ends[1]);
    dup2(pipe_ends[0], STDIN_FILENO);
    assert_true(references_open_file(&references, "-", REFERENCES_TEXT, &err));
    assert_int_equal(read_all(&references, out, ROOM), 2);
    assert_false(references_rewind(&references, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    references_close(&references);
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(pipe_ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references_reads_what_lackey_writes),
        cmocka_unit_test(test_references_reads_numbers),
        cmocka_unit_test(test_references_refuses_other_lines_by_number),
        cmocka_unit_test(test_references_reads_bare_addresses),
        cmocka_unit_test(test_references_that_are_not_there),
        cmocka_unit_test(test_references_from_a_pipe_come_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
