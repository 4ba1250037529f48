/*
 * Sessions as a user records and reads them, on real runs: reports equal to an independent
 * count, babeltrace2, kill -9 in the middle, a limit on files, an existing folder.  Runs in the
 * stage; what needs python3 or babeltrace2 is skipped, and says so, where they are missing.
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
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kvm_ring.h"
#include "launch.h"
#include "session/reader.h"

#define FOLDER_BYTES 64

struct place {
    char folder[FOLDER_BYTES]; /* its own, removed afterwards */
    char session[FOLDER_BYTES + 8];
};

static int enter(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    *state = place;
    snprintf(place->folder, sizeof(place->folder), "/tmp/vmm-session-run-XXXXXX");
    if (mkdtemp(place->folder) == NULL) {
        return 1;
    }
    snprintf(place->session, sizeof(place->session), "%s/s", place->folder);
    return 0;
}

static int leave(void **state)
{
    struct place *place = *state;
    char command[FOLDER_BYTES + 16];

    snprintf(command, sizeof(command), "rm -rf '%s'", place->folder);
    int status = system(command); // NOLINT(cert-env33-c): the path is ours
    free(place);
    return status;
}

/* Run a shell command; fails the test, with what it said, unless it ends with that status. */
static void expect_shell(int status, char *command, struct launch_result *result)
{
    char shell[] = "/bin/sh", option[] = "-c";
    char *argv[] = {shell, option, command, NULL};

    launch(result, argv, NULL, NULL);
    if (result->status != status) {
        fail_msg(
            "status %d, not %d: %s\n%s%s", result->status, status, command, result->output,
            result->errors);
    }
}

static void run_shell(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void run_shell(int status, const char *format, ...)
{
    struct launch_result result;
    char command[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    expect_shell(status, command, &result);
    launch_free(&result);
}

static void need(const char *tool)
{
    char command[128];

    snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1", tool);
    if (system(command) != 0) { // NOLINT(cert-env33-c): the names are ours
        print_message("session-run: skipped: no %s here\n", tool);
        skip();
    }
}

static struct session_reader *open_session(const struct place *place)
{
    struct session_reader *reader;
    struct err err;

    if (!session_open(&reader, place->session, &err)) {
        fail_msg("%s", err.text);
    }
    return reader;
}

static uint64_t count_events(struct session_reader *reader, uint64_t by_kind[SESSION_EVENTS])
{
    struct session_event event;
    struct err err;
    uint64_t count = 0;
    enum session_next next;

    memset(by_kind, 0, SESSION_EVENTS * sizeof(*by_kind));
    while ((next = session_next(reader, &event, &err)) == SESSION_NEXT) {
        by_kind[event.kind]++;
        count++;
    }
    if (next == SESSION_FAILED) {
        fail_msg("%s", err.text);
    }
    return count;
}

/* --- reports against a second count --- */

static void recount(const struct place *place, int status, const char *program)
{
    const char *dir = place->folder;

    need("python3");
    run_shell(
        status, "./vmm --timeout=100 --mem=256M -q --session='%s' %s >/dev/null",
        place->session, program);
    run_shell(0, "./vmm report --json '%s' >'%s/report'", place->session, dir);
    run_shell(0, "./vmm export '%s' >'%s/csv'", place->session, dir);
    run_shell(0, "python3 tests/session/recount.py '%s/report' '%s/csv'", dir, dir);
}

static void test_session_report_counts_a_freestanding_program(void **state)
{
    recount(*state, 0, "./guest.elf");
}

static void test_session_report_counts_a_libc_program(void **state)
{
    recount(*state, 0, "tests/guests/libc-glibc.elf");
}

static void test_session_report_counts_a_growing_stack(void **state)
{
    recount(*state, 0, "./stackgrow.elf");
}

static void test_session_report_counts_a_program_that_a_signal_ends(void **state)
{
    recount(*state, 139, "./nullderef.elf");
}

static void test_session_report_counts_several_processes(void **state)
{
    const struct place *place = *state;
    uint64_t count[SESSION_EVENTS];

    recount(place, 0, "tests/guests/processes-glibc.elf chain");
    struct session_reader *reader = open_session(place);
    count_events(reader, count);
    session_close(reader);
    assert_true(count[SESSION_PROCESS_START] > 1);
    assert_int_equal(count[SESSION_PROCESS_END], count[SESSION_PROCESS_START]);
    run_shell(
        0, "grep -c cow-copy '%s/csv' >/dev/null && cut -d, -f3 '%s/csv' | grep -qx 2",
        place->folder, place->folder);
}

static void test_session_report_counts_evictions_and_swap(void **state)
{
    const struct place *place = *state;

    /* 1: that some of its faults are not the expected ones, as its code was evicted. */
    recount(place, 0, "--frames=300 --swap=64M ./touch.elf 4096 2000 rw || test $? = 1");
    run_shell(0, "test $(cut -d, -f19 '%s/csv' | grep -c '[0-9]') -gt 1000", place->folder);
}

static void test_session_report_names_the_line_that_touches(void **state)
{
    const struct place *place = *state;
    struct launch_result result;
    char command[256];

    run_shell(0, "./vmm -q --session='%s' ./touch.elf 4096 100 >/dev/null", place->session);
    snprintf(command, sizeof(command), "./vmm report '%s'", place->session);
    expect_shell(0, command, &result);
    assert_non_null(strstr(result.output, "  touch.c:"));
    assert_non_null(strstr(result.output, " in count_touches() "));
    assert_non_null(strstr(result.output, "end       exited with status 0, after "));
    launch_free(&result);
}

/* --- babeltrace2 --- */

static void test_session_is_read_by_babeltrace2(void **state)
{
    static const char *const names[SESSION_EVENTS] = {
        [SESSION_FAULT] = "fault",
        [SESSION_PHASE] = "phase",
        [SESSION_RESULT] = "result",
        [SESSION_REGION] = "region",
        [SESSION_PROCESS_START] = "process_start",
        [SESSION_PROCESS_END] = "process_end",
        [SESSION_SIGNAL] = "signal",
        [SESSION_END] = "end",
        [SESSION_ACCESS] = "access",
        [SESSION_EXEC] = "exec"};
    const struct place *place = *state;
    uint64_t count[SESSION_EVENTS];

    need("babeltrace2");
    run_shell(0, "./vmm -q --session='%s' ./touch.elf 4096 9000 rw >/dev/null", place->session);
    struct session_reader *reader = open_session(place);
    assert_true(session_info(reader)->packets > 2);
    uint64_t total = count_events(reader, count);
    session_close(reader);
    run_shell(
        0, "babeltrace2 '%s' >'%s/bt' 2>'%s/bt.err'", place->session, place->folder,
        place->folder);
    run_shell(
        0, "test ! -s '%s/bt.err' || { cat '%s/bt.err'; exit 1; }", place->folder,
        place->folder);
    run_shell(0, "test $(wc -l <'%s/bt') = %llu", place->folder, (unsigned long long)total);
    for (unsigned i = 0; i < SESSION_EVENTS; i++) {
        run_shell(
            0, "test \"$(grep -c ' %s: ' '%s/bt')\" = %llu", names[i], place->folder,
            (unsigned long long)count[i]);
    }
    run_shell(
        0,
        "test \"$(grep 'kind = ( \"demand-zero\"' '%s/bt' | grep -c 'access = { write = 0, "
        "fetch = 0, user = 1, host = 0')\" -ge 9000",
        place->folder);
    run_shell(0, "grep -q 'name = \"predicted\"' '%s/bt'", place->folder);
    run_shell(
        0, "tail -1 '%s/bt' | grep -q 'reason = \"exited with status 0\"'", place->folder);
}

/* --- what goes wrong --- */

/* vmm with a trace into a pipe, which is written at once, behind the session's record: so each
 * fault that comes out of the pipe must be in the session. */
static pid_t start_long_run(const struct place *place, int *out)
{
    char session[FOLDER_BYTES + 32];
    int pipes[2];

    snprintf(session, sizeof(session), "--session=%s", place->session);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(pipes[1], STDERR_FILENO);
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
        execl(
            "./vmm", "vmm", "-q", "--trace", "--format=json", session, "./touch.elf", "4096",
            "200000", (char *)NULL);
        _exit(127);
    }
    close(pipes[1]);
    *out = pipes[0];
    return child;
}

static uint64_t count_lines(FILE *in, uint64_t most)
{
    char *line = NULL;
    size_t bytes = 0;
    uint64_t faults = 0;

    while (faults < most && getline(&line, &bytes, in) > 0) {
        faults += strstr(line, "\"type\":\"fault\"") != NULL && strchr(line, '\n') != NULL;
    }
    free(line);
    return faults;
}

static void test_session_survives_kill_9(void **state)
{
    const struct place *place = *state;
    uint64_t count[SESSION_EVENTS];
    struct launch_result result;
    char command[256];
    int fd, status;

    pid_t child = start_long_run(place, &fd);
    FILE *in = fdopen(fd, "r");
    assert_non_null(in);
    uint64_t seen = count_lines(in, 5000);
    assert_int_equal(seen, 5000);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    seen += count_lines(in, UINT64_MAX);
    fclose(in);
    struct session_reader *reader = open_session(place);
    assert_true(session_info(reader)->torn);
    count_events(reader, count);
    session_close(reader);
    assert_in_range(count[SESSION_FAULT], seen, seen + 1);
    assert_int_equal(count[SESSION_END], 0);
    snprintf(command, sizeof(command), "./vmm report '%s'", place->session);
    expect_shell(0, command, &result);
    assert_non_null(strstr(result.output, "TORN      the recording was cut off"));
    launch_free(&result);
}

static void test_session_full_disk_ends_the_recording_not_the_guest(void **state)
{
    const struct place *place = *state;
    uint64_t count[SESSION_EVENTS];
    struct launch_result result;
    char command[256];

    /* 512 blocks of 1 KiB, or of 512 bytes in a POSIX shell: one or two packets. */
    snprintf(
        command, sizeof(command),
        "ulimit -f 1024; ./vmm -q --session='%s' ./touch.elf 4096 20000", place->session);
    expect_shell(0, command, &result);
    assert_non_null(strstr(result.output, "took 20000"));
    assert_non_null(strstr(result.errors, "events are missing"));
    assert_non_null(strstr(result.errors, "File too large"));
    launch_free(&result);
    struct session_reader *reader = open_session(place);
    assert_true(session_info(reader)->ended);
    assert_true(session_info(reader)->discarded > 0);
    count_events(reader, count);
    assert_true(count[SESSION_FAULT] > 4000);
    assert_in_range(count[SESSION_FAULT] + session_info(reader)->discarded, 20000, 20030);
    session_close(reader);
    snprintf(command, sizeof(command), "./vmm report '%s'", place->session);
    expect_shell(0, command, &result);
    assert_non_null(strstr(result.output, "events found no room on the disk"));
    launch_free(&result);
}

static void test_session_of_an_existing_folder_is_refused(void **state)
{
    const struct place *place = *state;
    struct launch_result result;
    char command[256];

    run_shell(0, "./vmm -q --session='%s' ./hello.elf >/dev/null", place->session);
    snprintf(command, sizeof(command), "./vmm -q --session='%s' ./hello.elf", place->session);
    expect_shell(125, command, &result);
    assert_string_equal(result.output, "");
    assert_non_null(strstr(result.errors, "exists (--force"));
    launch_free(&result);
    run_shell(0, "./vmm -q --force --session='%s' ./hello.elf >/dev/null", place->session);
}

static void test_session_of_no_program_leaves_no_folder(void **state)
{
    const struct place *place = *state;

    run_shell(125, "./vmm --session='%s' ./touch.c 2>/dev/null", place->session);
    run_shell(125, "./vmm --session='%s' /dev/null 2>/dev/null", place->session);
    run_shell(0, "test ! -e '%s'", place->session);
    run_shell(125, "./vmm report '%s' 2>/dev/null", place->session);
    run_shell(125, "./vmm export '%s' 2>/dev/null", place->session);
}

#define session_test(function) cmocka_unit_test_setup_teardown(function, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        session_test(test_session_report_counts_a_freestanding_program),
        session_test(test_session_report_counts_a_libc_program),
        session_test(test_session_report_counts_a_growing_stack),
        session_test(test_session_report_counts_a_program_that_a_signal_ends),
        session_test(test_session_report_counts_several_processes),
        session_test(test_session_report_counts_evictions_and_swap),
        session_test(test_session_report_names_the_line_that_touches),
        session_test(test_session_is_read_by_babeltrace2),
        session_test(test_session_survives_kill_9),
        session_test(test_session_full_disk_ends_the_recording_not_the_guest),
        session_test(test_session_of_an_existing_folder_is_refused),
        session_test(test_session_of_no_program_leaves_no_folder),
    };
    return kvm_ring_run("kvm/session-run", tests, sizeof(tests) / sizeof(tests[0]));
}
