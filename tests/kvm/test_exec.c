/*
 * Programs that execute others, as a user sees it: a shell whose commands are programs, compared with the same
 * shell on the host; what the trace, a session and a prompt say of it; that nothing of the old program
 * stays in memory, under every policy.  What the programs themselves find is in tests/guests/exec.c.  Runs in the
 * stage: ./vmm, ./touch.elf, tests/guests/exec-glibc.elf, policies/adversary.so.
 */
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kvm_ring.h"
#include "launch.h"
#include "scratch.h"

#define GUEST "tests/guests/exec-glibc.elf"

static void run_words(struct launch_result *result, const char *const *words)
{
    char *argv[32];
    unsigned count = 0;

    for (; words[count] != NULL; count++) {
        assert_true(count + 1 < 32);
        argv[count] = (char *)words[count];
    }
    argv[count] = NULL;
    launch(result, argv, NULL, NULL);
}
#define RUN(result, ...) run_words((result), (const char *const[]){__VA_ARGS__, NULL})

static void assert_status(const struct launch_result *result, int status)
{
    if (result->status != status) {
        fail_msg(
            "status %d and not %d\n%s%s", result->status, status, result->errors,
            result->output);
    }
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("'%s' is not in:\n%s", part, text);
    }
}

/* --- a shell --- */

static bool is_static(const char *path)
{
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is = fd >= 0 && read(fd, &header, sizeof(header)) == (ssize_t)sizeof(header) &&
              memcmp(header.e_ident, ELFMAG, SELFMAG) == 0;

    for (unsigned i = 0; is && i < header.e_phnum; i++) {
        off_t at = (off_t)(header.e_phoff + i * sizeof(segment));
        is = pread(fd, &segment, sizeof(segment), at) == (ssize_t)sizeof(segment) &&
             segment.p_type != PT_INTERP;
    }
    if (fd >= 0) {
        close(fd);
    }
    return is;
}

/* A busybox that is not dynamically linked; ends the test where there is none. */
static const char *need_busybox(void)
{
    static const char *const places[] = {"/bin/busybox", "/usr/bin/busybox"};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (is_static(places[i])) {
            return places[i];
        }
    }
    print_message("exec: skipped: no static busybox here (Debian: busybox-static)\n");
    skip();
    return NULL;
}

/* B is the path of busybox. */
static void test_exec_shell_does_what_it_does_on_linux(void **state)
{
    static const char *const scripts[] = {
        "ls / | wc -l",
        "$B echo one; $B false; echo $?; $B true && echo yes",
        "$B seq 1 2000 | $B sort -rn | $B head -n 3 | $B tr 0-9 a-j",
        "for i in 1 2 3; do $B sh -c 'exit '$i; echo $?; done",
        "A=1 $B env | $B grep '^A='; (cd /; $B pwd); $B sh -c 'echo $0 $#' name a b c",
        "$B yes | $B head -n 1000 | $B wc",
        "echo input | { read x; echo got $x; } ; $B printf '%s-%s\\n' a b",
        "x=$($B basename /a/b/c); echo $x; $B expr 6 '*' 7; $B test -d / ; echo $?",
        "exec $B sh -c 'exec $B echo executed twice'",
        "$B sh -c 'kill -9 $$'; echo $?; $B sh -c 'trap \"echo trapped\" TERM; kill -TERM $$'",
        "nosuchcommand; echo $?; /nowhere/x; echo $?; /dev/null; echo $?",
        "set -e; $B sleep 0 & wait $!; echo waited $?; $B find /proc/self/fd/0 | $B wc -l",
        "$B xargs -n 2 $B echo <<EOF\n1 2 3 4 5\nEOF",
    };
    const char *busybox = need_busybox();
    struct launch_result native, guest;
    (void)state;

    assert_int_equal(setenv("B", busybox, 1), 0);
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        RUN(&native, busybox, "sh", "-c", scripts[i]);
        RUN(&guest, "./vmm", "-q", "--timeout=100", busybox, "sh", "-c", scripts[i]);
        if (native.status != guest.status || strcmp(native.output, guest.output) != 0) {
            fail_msg(
                "%s\nLinux: status %d\n%s%svmm: status %d\n%s%s", scripts[i], native.status,
                native.output, native.errors, guest.status, guest.output, guest.errors);
        }
        launch_free(&native);
        launch_free(&guest);
    }
}

static void test_exec_script_of_a_shell_is_run(void **state)
{
    const char *busybox = need_busybox();
    char text[512], path[SCRATCH_BYTES];
    struct scratch scratch;
    struct launch_result result;
    (void)state;

    scratch_create(&scratch);
    snprintf(text, sizeof(text), "#!%s sh\necho \"$0 is run with $*\"\n", busybox);
    scratch_path(&scratch, "script", path);
    scratch_write(&scratch, "script", text, strlen(text));
    assert_int_equal(chmod(path, 0755), 0);
    snprintf(text, sizeof(text), "%s one 'two words'", path);
    RUN(&result, "./vmm", "-q", busybox, "sh", "-c", text);
    assert_status(&result, 0);
    snprintf(text, sizeof(text), "%s is run with one two words\n", path);
    assert_string_equal(result.output, text);
    launch_free(&result);
    scratch_destroy(&scratch);
}

/* vmm itself is dynamically linked. */
static void test_exec_dynamic_program_is_refused_by_name(void **state)
{
    const char *busybox = need_busybox();
    struct launch_result result;
    (void)state;

    if (is_static("./vmm")) {
        print_message("exec: skipped: this vmm is static\n");
        skip();
    }
    RUN(&result, "./vmm", "-q", busybox, "sh", "-c", "./vmm --version || echo on");
    assert_status(&result, 0);
    assert_string_equal(result.output, "on\n");
    assert_has(result.errors, "vmm: exec: /");
    assert_has(result.errors, "/vmm: is dynamically linked (wants /");
    assert_has(result.errors, "only static x86-64 programs are run");
    launch_free(&result);
}

/* --- what is told of it --- */

static void test_exec_is_a_line_of_the_trace(void **state)
{
    struct launch_result result;
    (void)state;

    RUN(&result, "./vmm", "-q", "--trace", GUEST, "replace");
    assert_status(&result, 7);
    assert_has(result.errors, " exec process 1 : /");
    launch_free(&result);
    RUN(&result, "./vmm", "-q", "--trace", "--format=json", GUEST, "arguments");
    assert_status(&result, 0);
    assert_has(result.errors, "{\"type\":\"exec\",\"time_ns\":");
    assert_has(result.errors, "\"process\":2,\"path\":\"/");
    launch_free(&result);
}

/* The functions of the second program are its own, and those of the first stay the first's. */
static void test_exec_report_names_functions_of_each_program(void **state)
{
    const char *busybox = need_busybox();
    char option[SCRATCH_BYTES + 16], session[SCRATCH_BYTES];
    struct scratch scratch;
    struct launch_result result;
    (void)state;

    scratch_create(&scratch);
    scratch_path(&scratch, "s", session);
    snprintf(option, sizeof(option), "--session=%s", session);
    RUN(&result, "./vmm", "-q", option, busybox, "sh", "-c", "./touch.elf 4096 100; true");
    assert_status(&result, 0);
    launch_free(&result);
    /* LeakSanitizer was seen to crash in what libraries of libdw keep for each thread. */
    RUN(&result, "/bin/sh", "-c",
        "LSAN_OPTIONS=detect_leaks=0 exec ./vmm report --top=1000 \"$0\"", session);
    assert_status(&result, 0);
    assert_has(result.output, "  count_touches [touch.elf] ");
    assert_has(result.output, " in count_touches() [touch.elf] ");
    assert_has(result.output, "busybox sh -c");
    launch_free(&result);
    RUN(&result, "./vmm", "export", "--format=jsonl", session);
    assert_status(&result, 0);
    assert_has(result.output, "{\"type\":\"exec\",");
    launch_free(&result);
    RUN(&result, "/bin/sh", "-c", "rm -r \"$0\"", session);
    launch_free(&result);
    scratch_destroy(&scratch);
}

static void test_exec_prompt_follows_to_the_new_program(void **state)
{
    static const char script[] = "break process=2,kind=demand-zero\ncontinue\nwhere\nrun\n";
    const char *busybox = need_busybox();
    char path[SCRATCH_BYTES];
    struct scratch scratch;
    struct launch_result result;
    (void)state;

    scratch_create(&scratch);
    scratch_write(&scratch, "script", script, strlen(script));
    scratch_path(&scratch, "script", path);
    RUN(&result, "./vmm", "-q", "-x", path, busybox, "sh", "-c", "./touch.elf 4096 10; true");
    assert_status(&result, 0);
    assert_has(result.errors, "process 2 executes /");
    const char *executes = strstr(result.errors, "process 2 executes ");
    assert_has(executes, "touch.elf+0x");
    assert_has(executes, "touch.c:");
    launch_free(&result);
    scratch_destroy(&scratch);
}

/* --- memory --- */

/* The summary of a run whose program executes itself so many times more. */
static void measure(const char *links, struct launch_result *result)
{
    RUN(result, "./vmm", "--format=json", GUEST, "part-chain", links);
    assert_status(result, 0);
}

/* "KEY":NUMBER behind `from` */
static long long figure(const struct launch_result *result, const char *from, const char *key)
{
    const char *object = strstr(result->errors, from);
    const char *at = object != NULL ? strstr(object, key) : NULL;

    if (at == NULL) {
        fail_msg("no %s of %s in\n%s", key, from, result->errors);
        return 0;
    }
    return strtoll(at + strlen(key), NULL, 10);
}

static void test_exec_leaves_no_frame_behind(void **state)
{
    struct launch_result once, often;
    (void)state;

    measure("1", &once);
    measure("20", &often);
    const char *frames = "\"frames\":{";
    assert_int_equal(figure(&once, frames, "\"data\":"), figure(&often, frames, "\"data\":"));
    assert_int_equal(
        figure(&once, frames, "\"tables\":"), figure(&often, frames, "\"tables\":"));
    assert_true(figure(&once, frames, "\"data\":") > 100);
    assert_int_equal(figure(&once, frames, "\"peak\":"), figure(&often, frames, "\"peak\":"));
    launch_free(&once);
    launch_free(&often);
}

static void test_exec_works_under_every_policy(void **state)
{
    static const char *const policies[] = {
        "--policy=fifo",
        "--policy=clock",
        "--policy=lru",
        "--policy=random",
        "--policy=2q",
        "--policy=arc",
        "--policy=./policies/adversary.so,delay=0",
        "--policy=./policies/stride.so"};
    struct launch_result result;
    (void)state;

    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        RUN(&result, "./vmm", "-q", "--frames=64", "--swap=16M", policies[i], GUEST, "links");
        if (result.status != 0) {
            fail_msg("%s: status %d\n%s", policies[i], result.status, result.errors);
        }
        launch_free(&result);
    }
}

static void test_exec_works_where_accesses_are_recorded(void **state)
{
    static const char *const ways[] = {"--record=sampled,0.002", "--record=accesses"};
    size_t count = sizeof(ways) / sizeof(ways[0]) - (kvm_ring_is_emulated_shadow_svm() ? 1 : 0);
    struct launch_result result;
    (void)state;

    for (size_t i = 0; i < count; i++) {
        RUN(&result, "./vmm", "-q", ways[i], GUEST, "replace");
        assert_status(&result, 7);
        launch_free(&result);
    }
}

/* --- vmm's own program --- */

static void test_exec_program_of_vmm_is_found_by_path(void **state)
{
    char command[SCRATCH_BYTES + 96], name[] = "vmm-exec-test-program";
    struct scratch scratch;
    struct launch_result result;
    char path[SCRATCH_BYTES];
    (void)state;

    scratch_create(&scratch);
    RUN(&result, "/bin/sh", "-c", "cp ./touch.elf \"$0\"", scratch_path(&scratch, name, path));
    assert_status(&result, 0);
    launch_free(&result);
    RUN(&result, "./vmm", "-q", name, "4096", "10");
    assert_status(&result, 125);
    launch_free(&result);
    snprintf(
        command, sizeof(command), "PATH=/nowhere::%s:$PATH ./vmm -q %s 4096 10", scratch.folder,
        name);
    RUN(&result, "/bin/sh", "-c", command);
    assert_status(&result, 0);
    launch_free(&result);
    scratch_destroy(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exec_shell_does_what_it_does_on_linux),
        cmocka_unit_test(test_exec_script_of_a_shell_is_run),
        cmocka_unit_test(test_exec_dynamic_program_is_refused_by_name),
        cmocka_unit_test(test_exec_is_a_line_of_the_trace),
        cmocka_unit_test(test_exec_report_names_functions_of_each_program),
        cmocka_unit_test(test_exec_prompt_follows_to_the_new_program),
        cmocka_unit_test(test_exec_leaves_no_frame_behind),
        cmocka_unit_test(test_exec_works_under_every_policy),
        cmocka_unit_test(test_exec_works_where_accesses_are_recorded),
        cmocka_unit_test(test_exec_program_of_vmm_is_found_by_path),
    };

    return kvm_ring_run("kvm/exec", tests, sizeof(tests) / sizeof(tests[0]));
}
