/*
 * Every way in which a run ends or talks, as the user sees it: exit status, messages, streams,
 * trace and reports, and that nothing is left behind.  It refuses to know why; the programs are
 * those of tests/guests.  Runs in the stage: ./vmm, ./NAME.elf, tests/guests/.  Read launch.h
 * first, and test_refusals.c next for runs that never start.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kvm_ring.h"
#include "launch.h"
#include "scratch.h"

#define WAITER     "tests/guests/wait-glibc.elf"
#define WORDS(...) ((char *const[]){__VA_ARGS__, NULL})

/* A run that hangs ends as a failure here, with what it said. */
#define GUARD "--timeout=60"

static void assert_has(const char *text, const char *words)
{
    if (strstr(text, words) == NULL) {
        fail_msg("no \"%s\" in: %s", words, text);
    }
}

static void assert_status(const struct launch_result *result, int status)
{
    if (result->status != status) {
        fail_msg(
            "exit status %d instead of %d\n  output: %.400s\n  errors: %s", result->status,
            status, result->output, result->errors);
    }
}

static void assert_has_table(const struct launch_result *result)
{
    assert_has(result->errors, "page faults           faults         pages");
    assert_has(result->errors, "\ntotal ");
    assert_has(result->errors, "guest RAM");
}

/* --- time limit and signals --- */

struct waiting {
    struct launch_child child;
    int input; /* the end of its standard input that can be written */
};

/* Start the waiter with an open, empty pipe as its input. */
static void start_waiting(struct waiting *waiting, char *option, char *what)
{
    char *const argv[] = {"./vmm", option, WAITER, what, NULL};
    int input[2];

    assert_int_equal(pipe2(input, O_CLOEXEC), 0);
    const struct launch_setup setup = {.argv = argv, .input = input[0]};
    launch_start(&waiting->child, &setup);
    close(input[0]);
    waiting->input = input[1];
}

static void end_waiting(struct waiting *waiting, struct launch_result *result)
{
    launch_end(&waiting->child, result);
    close(waiting->input);
}

static void test_endings_timeout_ends_whatever_a_program_does(void **state)
{
    static char *const whats[] = {"loop", "sleep", "read", "write"};

    (void)state;
    for (size_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
        struct waiting waiting;
        struct launch_result result;
        start_waiting(&waiting, "--timeout=0.25", whats[i]);
        end_waiting(&waiting, &result);
        assert_status(&result, 124);
        assert_has(result.errors, "vmm: wait-glibc.elf: timed out after 0.250 s\n");
        assert_has_table(&result);
        launch_free(&result);
    }
}

static void check_signal(int signal, const char *name, char *what)
{
    struct waiting waiting;
    struct launch_result result;
    char words[80];

    start_waiting(&waiting, GUARD, what);
    assert_true(launch_await(&waiting.child, "waiting\n"));
    assert_int_equal(kill(waiting.child.pid, signal), 0);
    end_waiting(&waiting, &result);
    assert_status(&result, 128 + signal);
    snprintf(words, sizeof(words), "vmm: wait-glibc.elf: interrupted by %s\n", name);
    assert_has(result.errors, words);
    assert_has_table(&result);
    launch_free(&result);
}

static void test_endings_interrupt_ends_with_the_table_and_130(void **state)
{
    (void)state;
    check_signal(SIGINT, "SIGINT", "loop");
    check_signal(SIGINT, "SIGINT", "sleep");
    check_signal(SIGINT, "SIGINT", "read");
    check_signal(SIGINT, "SIGINT", "write");
}

static void test_endings_terminate_ends_with_the_table_and_143(void **state)
{
    (void)state;
    check_signal(SIGTERM, "SIGTERM", "loop");
    check_signal(SIGTERM, "SIGTERM", "sleep");
}

static void test_endings_hangup_and_quit_end_with_the_table(void **state)
{
    (void)state;
    check_signal(SIGHUP, "SIGHUP", "loop");
    check_signal(SIGQUIT, "SIGQUIT", "sleep");
}

/* --- streams --- */

static void test_endings_program_reads_a_pipe_to_its_end(void **state)
{
    struct waiting waiting;
    struct launch_result result;

    (void)state;
    start_waiting(&waiting, GUARD, "read");
    assert_true(launch_await(&waiting.child, "waiting\n"));
    assert_int_equal(write(waiting.input, "abc", 3), 3);
    assert_int_equal(write(waiting.input, "defg", 4), 4);
    close(waiting.input);
    launch_end(&waiting.child, &result);
    assert_status(&result, 0);
    assert_string_equal(result.output, "waiting\n7 bytes\n");
    launch_free(&result);
}

static void test_endings_output_nobody_reads_is_sigpipe(void **state)
{
    char *const argv[] = {"./vmm", GUARD, WAITER, "write", NULL};
    const struct launch_setup setup = {.argv = argv, .deaf = true};
    struct launch_child child;
    struct launch_result result;

    (void)state;
    launch_start(&child, &setup);
    launch_end(&child, &result);
    assert_status(&result, 128 + SIGPIPE);
    assert_has(result.errors, "vmm: wait-glibc.elf: ended by SIGPIPE");
    assert_has_table(&result);
    launch_free(&result);
}

static void run(struct launch_result *result, char *const *argv)
{
    launch(result, argv, NULL, NULL);
}

static void test_endings_quiet_says_nothing(void **state)
{
    struct launch_result result;

    (void)state;
    run(&result, WORDS("./vmm", "--quiet", "hello.elf"));
    assert_status(&result, 0);
    assert_string_equal(result.output, "hello from ring 3\n");
    assert_string_equal(result.errors, "");
    launch_free(&result);
}

static void test_endings_table_goes_to_standard_error_alone(void **state)
{
    struct launch_result result;

    (void)state;
    run(&result, WORDS("./vmm", "hello.elf"));
    assert_status(&result, 0);
    assert_string_equal(result.output, "hello from ring 3\n");
    assert_has_table(&result);
    assert_has(result.errors, "\nexited with status 0\n");
    launch_free(&result);
}

static void test_endings_maps_and_tables_are_shown(void **state)
{
    struct launch_result result;

    (void)state;
    run(&result, WORDS("./vmm", "--quiet", "--maps", "--tables", "hello.elf"));
    assert_status(&result, 0);
    assert_string_equal(result.output, "hello from ring 3\n");
    assert_has(result.errors, "hello.elf [text]\n");
    assert_has(result.errors, "[stack]\n");
    assert_has(result.errors, "PML4 at 0x");
    assert_has(result.errors, "4 KiB r-x user");
    assert_has(result.errors, "4 KiB rw- user");
    assert_null(strstr(result.errors, "page faults"));
    launch_free(&result);
}

static void test_endings_fault_that_ends_a_program_is_said_in_words(void **state)
{
    struct launch_result result;

    (void)state;
    run(&result, WORDS("./vmm", "--quiet", "readonly.elf"));
    assert_status(&result, 128 + SIGSEGV);
    assert_has(result.errors, "vmm: readonly.elf: segmentation fault: write to 0x");
    assert_has(result.errors, "(read-only, rodata of readonly.elf+0x");
    assert_has(result.errors, ") at rip 0x");
    launch_free(&result);
}

/* --- nothing is left --- */

static void check_leaves_nothing(const struct scratch *scratch, char *const *argv, int status)
{
    const struct launch_setup setup = {.argv = argv, .folder = scratch->folder};
    struct launch_child child;
    struct launch_result result;

    launch_start(&child, &setup);
    launch_end(&child, &result);
    assert_status(&result, status);
    launch_free(&result);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    assert_int_equal(scratch_count(scratch), 0);
}

static void test_endings_leave_no_process_and_no_file(void **state)
{
    struct scratch scratch;
    char *hello = realpath("hello.elf", NULL);
    char *fault = realpath("nullderef.elf", NULL);
    char *waiter = realpath(WAITER, NULL);

    (void)state;
    assert_true(hello != NULL && fault != NULL && waiter != NULL);
    scratch_create(&scratch);
    assert_int_equal(setenv("TMPDIR", scratch.folder, 1), 0);
    /* Children that vmm left would become ours. */
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    check_leaves_nothing(&scratch, WORDS("./vmm", "--quiet", hello), 0);
    check_leaves_nothing(&scratch, WORDS("./vmm", "--maps", "--tables", fault), 139);
    check_leaves_nothing(&scratch, WORDS("./vmm", "--timeout=0.1", waiter, "loop"), 124);
    check_leaves_nothing(&scratch, WORDS("./vmm", "no-such-program"), 125);
    unsetenv("TMPDIR");
    scratch_destroy(&scratch);
    free(hello);
    free(fault);
    free(waiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endings_timeout_ends_whatever_a_program_does),
        cmocka_unit_test(test_endings_interrupt_ends_with_the_table_and_130),
        cmocka_unit_test(test_endings_terminate_ends_with_the_table_and_143),
        cmocka_unit_test(test_endings_hangup_and_quit_end_with_the_table),
        cmocka_unit_test(test_endings_program_reads_a_pipe_to_its_end),
        cmocka_unit_test(test_endings_output_nobody_reads_is_sigpipe),
        cmocka_unit_test(test_endings_quiet_says_nothing),
        cmocka_unit_test(test_endings_table_goes_to_standard_error_alone),
        cmocka_unit_test(test_endings_maps_and_tables_are_shown),
        cmocka_unit_test(test_endings_fault_that_ends_a_program_is_said_in_words),
        cmocka_unit_test(test_endings_leave_no_process_and_no_file),
    };

    return kvm_ring_run("kvm/endings", tests, sizeof(tests) / sizeof(tests[0]));
}
