/*
 * What a program has written to a shared mapping of a file is in the file when vmm has ended, however
 * the program ended; and where it cannot be, vmm says so.  tests/guests/coherence.c has what a
 * program itself sees.  Runs in the stage: ./vmm, tests/guests/coherence-glibc.elf.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "kvm_ring.h"
#include "launch.h"
#include "scratch.h"

#define FILE_BYTES (3ul * 4096 + 100)
#define WRITTEN    (3ul * 4096) /* what `coherence leave` writes: all L */

/* Run `coherence leave FILE HOW` on a fresh file; the caller releases *result, frees the contents. */
static char *leave(
    struct scratch *scratch, const char *how, const char *option, struct launch_result *result)
{
    char path[SCRATCH_BYTES];
    char *const argv[] = {
        "./vmm",
        "--quiet",
        (char *)(uintptr_t)option,
        "tests/guests/coherence-glibc.elf",
        "leave",
        scratch_path(scratch, "file", path),
        (char *)(uintptr_t)how,
        NULL};
    char *old = calloc(1, FILE_BYTES);
    size_t bytes = 0;

    assert_non_null(old);
    memset(old, 'o', FILE_BYTES);
    scratch_write(scratch, "file", old, FILE_BYTES);
    free(old);
    launch(result, argv, NULL, NULL);
    char *text = scratch_read(path, &bytes);
    assert_int_equal(bytes, FILE_BYTES);
    return text;
}

static size_t count_of(const char *text, char wanted)
{
    size_t count = 0;

    for (size_t i = 0; i < FILE_BYTES; i++) {
        count += text[i] == wanted ? 1 : 0;
    }
    return count;
}

static void check_written(const char *how, const char *option, int status)
{
    struct scratch scratch;
    struct launch_result result;

    scratch_create(&scratch);
    char *text = leave(&scratch, how, option, &result);
    if (result.status != status || count_of(text, 'L') != WRITTEN ||
        count_of(text, 'o') != FILE_BYTES - WRITTEN) {
        fail_msg(
            "%s: exit status %d, %zu bytes written; errors: %s", how, result.status,
            count_of(text, 'L'), result.errors);
    }
    free(text);
    launch_free(&result);
    scratch_destroy(&scratch);
}

static void test_mapped_files_are_written_at_an_exit(void **state)
{
    (void)state;
    check_written("exit", "--timeout=60", 3);
}

static void test_mapped_files_are_written_when_a_signal_ends_the_program(void **state)
{
    (void)state;
    check_written("kill", "--timeout=60", 128 + 9);
    check_written("segv", "--timeout=60", 128 + 11);
}

static void test_mapped_files_are_written_at_a_timeout(void **state)
{
    (void)state;
    check_written("hang", "--timeout=3", 124);
    check_written("child", "--timeout=3", 124);
}

static void test_mapped_files_with_few_frames_are_written(void **state)
{
    (void)state;
    check_written("exit", "--frames=64", 3);
}

/* A limit on the size of files stands for a full disk: vmm gets EFBIG. */
static void test_mapped_files_that_cannot_be_written_are_said(void **state)
{
    struct scratch scratch;
    struct launch_result result;
    struct rlimit before, few;

    (void)state;
    scratch_create(&scratch);
    char path[SCRATCH_BYTES];
    char *const argv[] = {
        "./vmm",
        "--quiet",
        "tests/guests/coherence-glibc.elf",
        "leave",
        scratch_path(&scratch, "file", path),
        "exit",
        NULL};
    char *old = calloc(1, FILE_BYTES);
    assert_non_null(old);
    scratch_write(&scratch, "file", old, FILE_BYTES);
    free(old);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    few = (struct rlimit){.rlim_cur = 4096, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
    launch(&result, argv, NULL, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(result.status, 3); /* the program's own end stands */
    assert_non_null(strstr(result.errors, "what was written to a mapped file is lost: "));
    launch_free(&result);
    scratch_destroy(&scratch);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mapped_files_are_written_at_an_exit),
        cmocka_unit_test(test_mapped_files_are_written_when_a_signal_ends_the_program),
        cmocka_unit_test(test_mapped_files_are_written_at_a_timeout),
        cmocka_unit_test(test_mapped_files_with_few_frames_are_written),
        cmocka_unit_test(test_mapped_files_that_cannot_be_written_are_said)};

    return kvm_ring_run("kvm/mapped files", tests, sizeof(tests) / sizeof(tests[0]));
}
