/*
 * Which program an instruction is of, in sessions whose processes execute others: one address in several
 * programs, children of each, a program that is gone or another one by now.
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

#include "report/report_source.h"
#include "session_fixture.h"

/* This program, and a copy of it: the same functions at the same addresses. */
struct story {
    struct fixture fixture;
    char self[4096], other[FIXTURE_PATH_BYTES + 8];
    struct backing backing, other_backing;
    struct region code, other_code;
    uint64_t rip;
    struct session_reader *reader;
    struct report report;
    struct report_source source;
};

__attribute__((noinline)) static uint64_t own_place(void)
{
    return (uint64_t)(uintptr_t)__builtin_extract_return_addr(__builtin_return_address(0)) - 1;
}

static void copy_file(const char *from, const char *to)
{
    char command[8192];

    snprintf(command, sizeof(command), "cp '%s' '%s'", from, to);
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c): the paths are ours
}

static void
record(struct story *story, uint64_t time_ns, uint16_t process, struct region *region)
{
    struct fault_record fault = fixture_fault(time_ns, region->begin.value);

    fault.rip = story->rip;
    fault.process = process;
    fault.region = region->id;
    region->described = false;
    recorder_fault(story->fixture.recorder, &fault, region);
}

/* Process 1 forks 2, which executes the copy and forks 3; a fault of each, of 1 before and after. */
static void tell(struct story *story)
{
    struct recorder *recorder;

    assert_non_null(realpath("/proc/self/exe", story->self));
    story->rip = own_place();
    story->backing =
        (struct backing){.fd = -1, .references = 1, .name = strrchr(story->self, '/') + 1};
    story->other_backing = (struct backing){.fd = -1, .references = 1, .name = "other"};
    story->code = fixture_own_code(&story->backing, story->rip);
    story->other_code = story->code;
    story->other_code.id = 8;
    story->other_code.spec.backing = &story->other_backing;
    fixture_begin(&story->fixture);
    snprintf(story->other, sizeof(story->other), "%s/other", story->fixture.outer);
    copy_file(story->self, story->other);
    recorder = story->fixture.recorder;
    recorder_process_start(recorder, 0, 1, 1);
    record(story, 1, 1, &story->code);
    recorder_process_start(recorder, 2, 2, 1);
    record(story, 3, 2, &story->code);
    recorder_exec(recorder, 4, 2, story->other);
    record(story, 5, 2, &story->other_code);
    recorder_process_start(recorder, 6, 3, 2);
    record(story, 7, 3, &story->other_code);
    record(story, 8, 3, &story->other_code);
    record(story, 9, 1, &story->code);
    fixture_end(&story->fixture, 10);
}

static void look(struct story *story)
{
    struct err err;

    if (!session_open(&story->reader, story->fixture.folder, &err) ||
        !report_gather(&story->report, story->reader, 0, &err) ||
        !report_source_find(&story->source, &story->report, &err)) {
        fail_msg("%s", err.text);
    }
}

static void end(struct story *story)
{
    report_source_destroy(&story->source);
    report_destroy(&story->report);
    session_close(story->reader);
    fixture_remove(&story->fixture);
}

static const struct report_place *place_of(const struct story *story, const char *program)
{
    for (size_t i = 0; i < story->source.function_count; i++) {
        if (strcmp(story->source.functions[i].program, program) == 0) {
            return &story->source.functions[i];
        }
    }
    fail_msg("nothing of program '%s'", program);
    return NULL;
}

static void test_report_tells_programs_apart(void **state)
{
    struct story story;
    (void)state;

    tell(&story);
    look(&story);
    assert_int_equal(story.report.programs.count, 2);
    assert_string_equal(story.report.programs.list[1].path, story.other);
    assert_string_equal(report_programs_path(&story.report.programs, 3), story.other);
    assert_string_equal(report_programs_name(&story.report.programs, 2), "other");
    assert_string_equal(report_programs_path(&story.report.programs, 1), story.self);
    assert_int_equal(story.report.site_count, 2);
    assert_int_equal(story.source.function_count, 2);
    const struct report_place *own = place_of(&story, ""), *other = place_of(&story, "other");
    assert_string_equal(own->function, "tell");
    assert_int_equal(own->share.faults, 3);
    assert_string_equal(other->function, "tell");
    assert_int_equal(other->share.faults, 3);
    assert_int_equal(story.source.line_count, 2);
    assert_int_equal(story.source.state, REPORT_SOURCE_LINES);
    end(&story);
}

static void test_report_says_that_another_program_is_gone_or_changed(void **state)
{
    char address[32];
    struct story story;
    (void)state;

    tell(&story);
    FILE *out = fopen(story.other, "ae");
    assert_non_null(out);
    assert_int_equal(fputs("more", out) >= 0 && fclose(out) == 0, 1);
    look(&story);
    snprintf(address, sizeof(address), "0x%lx", story.rip);
    assert_string_equal(place_of(&story, "other, changed since")->function, address);
    assert_string_equal(place_of(&story, "")->function, "tell");
    end(&story);

    tell(&story);
    assert_int_equal(unlink(story.other), 0);
    look(&story);
    assert_string_equal(place_of(&story, "other, cannot be read")->function, address);
    assert_string_equal(place_of(&story, "")->function, "tell");
    end(&story);
}

/* A session of exec in a loop does not make the report grow. */
static void test_report_of_one_program_many_times_is_one_program(void **state)
{
    struct story story;
    char path[64];
    (void)state;

    fixture_begin(&story.fixture);
    recorder_process_start(story.fixture.recorder, 0, 1, 1);
    for (unsigned i = 0; i < 3 * REPORT_PROGRAMS_MAX; i++) {
        snprintf(path, sizeof(path), "/nowhere/%u", i % 2 == 0 ? 0 : i);
        recorder_exec(story.fixture.recorder, i, 1, path);
    }
    fixture_end(&story.fixture, 5000);
    look(&story);
    assert_int_equal(story.report.programs.count, REPORT_PROGRAMS_MAX);
    assert_string_equal(story.report.programs.list[1].path, "/nowhere/0");
    assert_string_equal(story.report.programs.list[REPORT_PROGRAMS_MAX - 1].path, "");
    assert_int_equal(story.report.programs.of[1], REPORT_PROGRAMS_MAX - 1);
    end(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report_tells_programs_apart),
        cmocka_unit_test(test_report_says_that_another_program_is_gone_or_changed),
        cmocka_unit_test(test_report_of_one_program_many_times_is_one_program),
    };

    return cmocka_run_group_tests_name("report programs", tests, NULL, NULL);
}
