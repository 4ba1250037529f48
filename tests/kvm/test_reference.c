/*
 * What --record=accesses and --record=sampled record, of real runs: against the list of a program
 * that knows its own accesses, against valgrind's lackey on the same program, and against what a
 * program does when nobody watches.  Runs in the stage; what needs valgrind is skipped, and says so,
 * where it is missing.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kvm_ring.h"
#include "launch.h"
#include "reference_string.h"
#include "session/reader.h"

#define FOLDER_BYTES 64
#define PROGRAM      "./refstring.elf"

struct place {
    char folder[FOLDER_BYTES]; /* its own, removed afterwards */
    char session[FOLDER_BYTES + 8];
    char lackey[FOLDER_BYTES + 8];
    char *said; /* owns: what PROGRAM prints */
    struct reference_range field, work, code, text;
};

/* Run a shell command; fails the test, with what it said, unless it ends with that status. */
static char *run_shell(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static char *run_shell(int status, const char *format, ...)
{
    struct launch_result result;
    char command[1024], shell[] = "/bin/sh", option[] = "-c";
    char *argv[] = {shell, option, command, NULL};
    va_list args;

    va_start(args, format);
    vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    launch(&result, argv, NULL, NULL);
    if (result.status != status) {
        fail_msg(
            "status %d, not %d: %s\n%s%s", result.status, status, command, result.output,
            result.errors);
    }
    char *output = strdup(result.output);
    assert_non_null(output);
    launch_free(&result);
    return output;
}

static int enter(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    *state = place;
    snprintf(place->folder, sizeof(place->folder), "/tmp/vmm-reference-XXXXXX");
    if (mkdtemp(place->folder) == NULL) {
        return 1;
    }
    snprintf(place->session, sizeof(place->session), "%s/s", place->folder);
    snprintf(place->lackey, sizeof(place->lackey), "%s/lackey", place->folder);
    place->said = run_shell(0, "./vmm -q " PROGRAM);
    place->field = reference_find_range(place->said, "field");
    place->work = reference_find_range(place->said, "work");
    place->code = reference_find_range(place->said, "code");
    place->text = (struct reference_range){
        place->code.begin & ~UINT64_C(0xffff), (place->code.end | 0xffff) + 1};
    return 0;
}

static int leave(void **state)
{
    struct place *place = *state;
    char command[FOLDER_BYTES + 16];

    snprintf(command, sizeof(command), "rm -rf '%s'", place->folder);
    int status = system(command); // NOLINT(cert-env33-c): the path is ours
    free(place->said);
    free(place);
    return status;
}

static void record(
    struct place *place, const char *options, const char *program, struct reference_string *got)
{
    free(run_shell(
        0, "./vmm -q --timeout=200 --session='%s' %s %s", place->session, options, program));
    reference_read_session(got, place->session);
}

static void
record_range(struct place *place, struct reference_range range, struct reference_string *got)
{
    char options[128];

    snprintf(
        options, sizeof(options), "--record=accesses --record-regions=0x%" PRIx64 "-0x%" PRIx64,
        range.begin, range.end);
    record(place, options, PROGRAM, got);
}

/* --- exact --- */

static void test_reference_string_is_what_the_program_says(void **state)
{
    struct place *place = *state;
    struct reference_string got, wanted;

    record_range(place, place->field, &got);
    reference_keep_code(&got, place->code);
    reference_read_text(&wanted, place->said);
    assert_true(wanted.count > 30);
    reference_expect_equal(&got, &wanted);
    reference_free(&got);
    reference_free(&wanted);
}

static void test_reference_string_is_the_same_without_a_choice_of_regions(void **state)
{
    struct place *place = *state;
    struct reference_string got, wanted;

    record(place, "--record=accesses --fault-around=16", PROGRAM, &got);
    reference_keep(&got, place->field, false);
    reference_keep_code(&got, place->code);
    reference_read_text(&wanted, place->said);
    reference_expect_equal(&got, &wanted);
    reference_free(&got);
    reference_free(&wanted);
}

static void test_reference_string_has_nothing_but_the_chosen_range(void **state)
{
    struct place *place = *state;
    const struct reference_range some = {place->field.begin + 0x20, place->field.begin + 0x34};
    struct reference_string got;

    record_range(place, some, &got);
    reference_keep_code(&got, place->code);
    assert_int_equal(got.count, 3);
    assert_int_equal(got.item[0].address, place->field.begin + 0x20);
    assert_int_equal(got.item[2].address, place->field.begin + 0x30);
    reference_free(&got);
}

/* One leaf of 2 MiB holds all that is watched.  The program predicts small pages, so it ends with 1. */
static void test_reference_string_is_exact_in_a_large_page(void **state)
{
    struct place *place = *state;
    struct reference_string got;

    record(
        place, "--record=accesses --record-regions=anonymous --page-size=2m --mem=256M",
        "./touch.elf 65536 64 rw || test $? = 1", &got);
    assert_int_equal(got.count, 128);
    for (size_t i = 0; i < got.count; i++) {
        assert_int_equal(got.item[i].access, i % 2 == 0 ? 'r' : 'w');
        assert_int_equal(got.item[i].address, got.item[0].address + i / 2 * 65536);
    }
    reference_free(&got);
}

/* A system call's buffers: the text that the program prints is read by the host. */
static void test_reference_string_has_what_requests_read(void **state)
{
    struct place *place = *state;
    struct reference_string got;
    uint64_t bytes = 0;

    record(place, "--record=accesses", PROGRAM, &got);
    for (size_t i = 0; i < got.count; i++) {
        bytes += (got.item[i].flags & RECORD_HOST) != 0 && got.item[i].access == 'r'
                     ? got.item[i].bytes
                     : 0;
    }
    assert_int_equal(bytes, strlen(place->said));
    reference_free(&got);
}

/* --- against lackey --- */

static void run_lackey(struct place *place, struct reference_string *wanted)
{
    if (system("command -v valgrind >/dev/null 2>&1") != 0) { // NOLINT(cert-env33-c): ours
        print_message("reference: skipped: no valgrind here\n");
        skip();
    }
    char *said = run_shell(
        0, "valgrind --tool=lackey --trace-mem=yes --log-file='%s' " PROGRAM, place->lackey);
    assert_string_equal(said, place->said);
    free(said);
    reference_read_lackey(wanted, place->lackey, place->text);
}

static void compare_with_lackey(
    struct place *place, struct reference_range range, bool fetches, size_t at_least)
{
    struct reference_string got, wanted;

    run_lackey(place, &wanted);
    record_range(place, range, &got);
    reference_keep_code(&got, place->text);
    reference_keep(&got, range, fetches);
    reference_keep(&wanted, range, fetches);
    reference_level(&got);
    reference_level(&wanted);
    assert_true(wanted.count >= at_least);
    reference_expect_equal(&got, &wanted);
    reference_free(&got);
    reference_free(&wanted);
}

static void test_reference_string_of_awkward_instructions_is_lackeys(void **state)
{
    struct place *place = *state;

    compare_with_lackey(place, place->field, false, 30);
}

static void test_reference_string_of_compiled_code_is_lackeys(void **state)
{
    struct place *place = *state;

    compare_with_lackey(place, place->work, false, 500);
}

static void test_reference_string_of_fetches_is_lackeys(void **state)
{
    struct place *place = *state;

    compare_with_lackey(place, place->code, true, 40);
}

/* --- the program does not notice --- */

static void expect_not_noticed(const char *const *programs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *plain = run_shell(0, "./vmm -q --timeout=60 %s 2>&1; echo $?", programs[i]);
        char *data = run_shell(
            0, "./vmm -q --timeout=200 --record=accesses %s 2>&1; echo $?", programs[i]);
        char *all = run_shell(
            0, "./vmm -q --timeout=200 --record=accesses --record-regions=all %s 2>&1; echo $?",
            programs[i]);
        assert_string_equal(data, plain);
        assert_string_equal(all, plain);
        free(plain);
        free(data);
        free(all);
    }
}

static void test_recording_is_not_noticed(void **state)
{
    static const char *const programs[] = {
        "./refstring.elf", "./nullderef.elf", "./tests/guests/signals-musl.elf flags"};
    size_t count = sizeof(programs) / sizeof(programs[0]);

    (void)state;
    if (kvm_ring_is_emulated_shadow_svm()) {
        print_message("LEFT OUT on this emulated processor: %s\n", programs[--count]);
    }
    expect_not_noticed(programs, count);
}

/* Minutes where the CPU is emulated. */
static void test_recording_is_not_noticed_by_longer_programs(void **state)
{
    static const char *const programs[] = {
        "./forkchain.elf 20",
        "./cow.elf both",
        "./sharedlib.elf copy",
        "./readonly.elf",
        "./tests/guests/signals-musl.elf fault",
        "./tests/guests/signals-musl.elf exceptions",
        "./tests/guests/signals-musl.elf nested",
        "./tests/guests/processes-musl.elf fork",
        "./tests/guests/processes-musl.elf slices"};

    (void)state;
    if (kvm_ring_is_emulated()) {
        kvm_ring_leave_out("programs that take minutes when each access is recorded");
    }
    expect_not_noticed(programs, sizeof(programs) / sizeof(programs[0]));
}

/* --- replay --- */

/* Every fourth byte of 8,192, in pages of 1,024: eight faults, and two in pages of 4,096. */
static void test_replay_of_accesses_answers_for_other_page_sizes(void **state)
{
    struct place *place = *state;

    free(run_shell(
        0,
        "./vmm -q --record=accesses --record-regions=anonymous --session='%s' "
        "./touch.elf 4 2048",
        place->session));
    char *table = run_shell(
        0, "./vmm replay --page-size=1k,4k --policy=lru --frames=16 '%s'", place->session);
    assert_non_null(strstr(table, "2,048 references, every access that was recorded"));
    assert_non_null(strstr(table, "pages of 1 KiB: 8 touched"));
    assert_non_null(strstr(table, "pages of 4 KiB: 2 touched"));
    free(table);
}

/* --- sampled --- */

/* In each sample behind the first one of a phase, of the range: how many pages there are, and whether
 * all are among the `part` that begin there. */
static void expect_phase(
    const struct reference_string *got,
    uint64_t begin_ns,
    uint64_t end_ns,
    struct reference_range part)
{
    const uint64_t pages = (part.end - part.begin) / 4096;
    uint64_t first_ns = 0, sample_ns = 0, seen = 0, samples = 0;

    for (size_t i = 0; i < got->count; i++) {
        const struct reference_item *item = &got->item[i];
        if (item->time_ns <= begin_ns || item->time_ns >= end_ns) {
            continue;
        }
        first_ns = first_ns == 0 ? item->time_ns : first_ns;
        if (item->time_ns == first_ns) {
            continue;
        }
        if (item->time_ns != sample_ns) {
            assert_true(sample_ns == 0 || seen == pages);
            seen = 0;
            samples++;
        }
        sample_ns = item->time_ns;
        seen++;
        assert_in_range(item->address, part.begin, part.end - 1);
        assert_int_equal(item->flags, RECORD_USER | RECORD_SAMPLED);
    }
    assert_true(samples >= 3);
}

static uint64_t phase_time(const struct place *place, const char *name)
{
    struct session_reader *reader;
    struct session_event event;
    struct err err;
    uint64_t time_ns = 0;

    assert_true(session_open(&reader, place->session, &err));
    while (session_next(reader, &event, &err) == SESSION_NEXT) {
        if (event.kind == SESSION_PHASE && strcmp(event.of.phase->name, name) == 0) {
            time_ns = event.time_ns;
        }
    }
    session_close(reader);
    return time_ns;
}

static void test_samples_follow_the_working_set(void **state)
{
    struct place *place = *state;
    struct reference_string got;

    char *said = run_shell(
        0,
        "./vmm -q --record=sampled,0.02 --record-regions=anonymous --session='%s' "
        "./workset.elf 16 4 200",
        place->session);
    struct reference_range range = reference_find_range(said, "range");
    free(said);
    reference_read_session(&got, place->session);
    const struct reference_range first = {range.begin, range.begin + 4 * UINT64_C(4096)};
    const struct reference_range second = {first.end, first.end + 4 * UINT64_C(4096)};
    uint64_t first_ns = phase_time(place, "first"), second_ns = phase_time(place, "second");
    expect_phase(&got, first_ns, second_ns, first);
    expect_phase(&got, second_ns, UINT64_MAX, second);
    reference_free(&got);
    char *table = run_shell(0, "./vmm replay --policy=lru --frames=4 '%s'", place->session);
    assert_non_null(strstr(table, "pages touched in each period"));
    assert_non_null(strstr(table, "note: samples only"));
    free(table);
}

#define reference_test(function) cmocka_unit_test_setup_teardown(function, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        reference_test(test_reference_string_is_what_the_program_says),
        reference_test(test_reference_string_is_the_same_without_a_choice_of_regions),
        reference_test(test_reference_string_has_nothing_but_the_chosen_range),
        reference_test(test_reference_string_is_exact_in_a_large_page),
        reference_test(test_reference_string_has_what_requests_read),
        reference_test(test_reference_string_of_awkward_instructions_is_lackeys),
        reference_test(test_reference_string_of_compiled_code_is_lackeys),
        reference_test(test_reference_string_of_fetches_is_lackeys),
        reference_test(test_recording_is_not_noticed),
        reference_test(test_recording_is_not_noticed_by_longer_programs),
        reference_test(test_replay_of_accesses_answers_for_other_page_sizes),
        reference_test(test_samples_follow_the_working_set),
    };
    return kvm_ring_run("kvm/reference", tests, sizeof(tests) / sizeof(tests[0]));
}
