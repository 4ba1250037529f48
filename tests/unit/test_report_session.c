/*
 * What a report says of synthetic sessions, against numbers counted by hand or by a second,
 * naive way; and that the text, the JSON and the page hold the same.
 */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/options.h"
#include "cli/report_options.h"
#include "report/report_json.h"
#include "report/report_session.h"
#include "report/report_source.h"
#include "report/report_text.h"
#include "session_fixture.h"

#define BASE UINT64_C(0x10000000)

struct subject {
    struct session_reader *reader;
    struct report report;
};

static void gather(struct subject *subject, const struct fixture *fixture, uint64_t limit)
{
    struct err err;

    if (!session_open(&subject->reader, fixture->folder, &err) ||
        !report_gather(&subject->report, subject->reader, limit, &err)) {
        fail_msg("%s", err.text);
    }
}

static void release(struct subject *subject)
{
    report_destroy(&subject->report);
    session_close(subject->reader);
}

static void record(struct fixture *fixture, struct fault_record fault, struct region *region)
{
    fault.region = region != NULL ? region->id : RECORD_NO_REGION;
    recorder_fault(fixture->recorder, &fault, region);
}

/* Two regions, three phases, four kinds: 1 to 7 ms. */
static void make_story(struct fixture *fixture)
{
    struct region bss = fixture_region(0, BASE, BASE + 0x10000, "bss");
    struct region text = fixture_region(1, 0x400000, 0x402000, "text");
    struct fault_record fault;

    fixture_begin(fixture);
    recorder_process_start(fixture->recorder, 0, 0, 0);
    fault = fixture_fault(1000000, 0x401000);
    fault.kind = FAULT_FILE_LOAD;
    fault.action = ACTION_MAP_FILE;
    record(fixture, fault, &text);
    recorder_phase(fixture->recorder, 2000000, "fill");
    record(fixture, fixture_fault(2000000, BASE), &bss);
    record(fixture, fixture_fault(3000000, BASE + 0x1000), &bss);
    recorder_phase(fixture->recorder, 4000000, "again");
    fault = fixture_fault(4000000, BASE + 0x1008);
    fault.kind = FAULT_SPURIOUS;
    fault.action = ACTION_UPGRADE;
    fault.rip = 0x401230;
    fault.service_ns = 70000;
    record(fixture, fault, &bss);
    recorder_phase(fixture->recorder, 5000000, "fill");
    fault = fixture_fault(6000000, 0x123);
    fault.kind = FAULT_UNMAPPED;
    fault.action = ACTION_SIGNAL;
    fault.level = 0;
    record(fixture, fault, NULL);
    recorder_result(fixture->recorder, 6500000, "faults", 3);
    recorder_result(fixture->recorder, 6600000, "faults", 4);
    fixture_end(fixture, 7000000);
}

static void test_report_counts_kinds_minor_and_major(void **state)
{
    struct fixture fixture;
    struct subject subject;

    (void)state;
    make_story(&fixture);
    gather(&subject, &fixture, 0);
    const struct counts *counts = subject.report.counts;
    assert_int_equal(counts->total, 5);
    assert_int_equal(counts->minor, 3);
    assert_int_equal(counts->major, 1);
    assert_int_equal(counts->kind[FAULT_DEMAND_ZERO].faults, 2);
    assert_int_equal(counts->kind[FAULT_UNMAPPED].faults, 1);
    assert_int_equal(subject.report.result_count, 1);
    assert_int_equal(subject.report.results[0].value, 4);
    release(&subject);
    fixture_remove(&fixture);
}

static void test_report_puts_regions_with_most_faults_first(void **state)
{
    struct fixture fixture;
    struct subject subject;

    (void)state;
    make_story(&fixture);
    gather(&subject, &fixture, 0);
    const struct report *report = &subject.report;
    assert_int_equal(report->region_count, 2);
    assert_string_equal(report->regions[0].said.label, "bss");
    assert_int_equal(report->regions[0].share.faults, 3);
    assert_int_equal(report->regions[0].share.service_ns, 72000);
    assert_int_equal(report->regions[0].low, BASE);
    assert_int_equal(report->regions[0].high, BASE + 0x1008);
    assert_int_equal(report->regions[1].share.major, 1);
    assert_int_equal(report->nowhere.faults, 1);
    assert_int_equal(report->nowhere.minor, 0);
    release(&subject);
    fixture_remove(&fixture);
}

static void test_report_adds_up_phases_of_one_name(void **state)
{
    static const struct {
        const char *name;
        uint64_t times, begin_ns, duration_ns, faults;
    } due[] = {
        {"(start)", 1, 0, 2000000, 1},
        {"fill", 2, 2000000, 4000000, 3},
        {"again", 1, 4000000, 1000000, 1},
    };
    struct fixture fixture;
    struct subject subject;

    (void)state;
    make_story(&fixture);
    gather(&subject, &fixture, 0);
    assert_int_equal(subject.report.phase_count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct report_phase *phase = &subject.report.phases[i];
        assert_string_equal(phase->name, due[i].name);
        assert_int_equal(phase->times, due[i].times);
        assert_int_equal(phase->begin_ns, due[i].begin_ns);
        assert_int_equal(phase->duration_ns, due[i].duration_ns);
        assert_int_equal(phase->share.faults, due[i].faults);
    }
    release(&subject);
    fixture_remove(&fixture);
}

static void test_report_phases_beyond_the_bound_are_one(void **state)
{
    struct fixture fixture;
    struct subject subject;
    char name[32];

    (void)state;
    fixture_begin(&fixture);
    for (unsigned i = 0; i < 2 * REPORT_PHASES_MAX; i++) {
        snprintf(name, sizeof(name), "phase %u", i);
        recorder_phase(fixture.recorder, i, name);
        record(&fixture, fixture_fault(i, BASE), NULL);
    }
    fixture_end(&fixture, 1000);
    gather(&subject, &fixture, 0);
    const struct report *report = &subject.report;
    assert_int_equal(report->phase_count, REPORT_PHASES_MAX);
    const struct report_phase *others = &report->phases[REPORT_PHASES_MAX - 1];
    assert_string_equal(others->name, REPORT_OTHER);
    assert_int_equal(others->share.faults, 2 * REPORT_PHASES_MAX - (REPORT_PHASES_MAX - 2));
    release(&subject);
    fixture_remove(&fixture);
}

static void test_report_working_set_is_pages_in_the_window(void **state)
{
    struct fixture fixture;
    struct subject subject;

    (void)state;
    fixture_begin(&fixture);
    /* Slices of 10 ns: page 0 in slice 0, 5 and 40; page 1 in slice 0; page 2 twice in 99. */
    record(&fixture, fixture_fault(0, BASE), NULL);
    record(&fixture, fixture_fault(5, BASE + 0x1000), NULL);
    record(&fixture, fixture_fault(50, BASE + 0x10), NULL);
    record(&fixture, fixture_fault(400, BASE), NULL);
    record(&fixture, fixture_fault(990, BASE + 0x2000), NULL);
    record(&fixture, fixture_fault(999, BASE + 0x2000), NULL);
    fixture_end(&fixture, 999);
    gather(&subject, &fixture, 0);
    const struct report_pages *pages = &subject.report.pages;
    assert_int_equal(pages->slice_ns, 10);
    assert_int_equal(pages->distinct, 3);
    for (unsigned slice = 0; slice < REPORT_SLICES; slice++) {
        uint64_t touched = slice == 0 ? 2 : slice == 5 || slice == 40 || slice == 99;
        uint64_t window = slice < 10                                                 ? 2
                          : slice < 15 || (slice >= 40 && slice < 50) || slice == 99 ? 1
                                                                                     : 0;
        uint64_t fresh = slice == 0 ? 2 : slice == 99;
        assert_int_equal(pages->touched[slice], touched);
        assert_int_equal(pages->window[slice], window);
        assert_int_equal(pages->fresh[slice], fresh);
    }
    release(&subject);
    fixture_remove(&fixture);
}

static void test_report_hottest_pages_are_those_with_most_faults(void **state)
{
    struct fixture fixture;
    struct subject subject;

    (void)state;
    fixture_begin(&fixture);
    for (unsigned page = 0; page < 40; page++) {
        for (unsigned i = 0; i < (page == 7 ? 50 : page % 4 + 1); i++) {
            record(&fixture, fixture_fault(1, BASE + page * PAGE_BYTES + i), NULL);
        }
    }
    struct fault_record kernel = fixture_fault(1, 0xffff800000001000);
    for (unsigned i = 0; i < 60; i++) {
        record(&fixture, kernel, NULL);
    }
    fixture_end(&fixture, 2);
    gather(&subject, &fixture, 0);
    const struct report_pages *pages = &subject.report.pages;
    assert_int_equal(pages->hots, REPORT_HOT);
    assert_true(pages->hot[0].address == 0xffff800000001000);
    assert_int_equal(pages->hot[0].faults, 60);
    assert_int_equal(pages->hot[1].address, BASE + 7 * PAGE_BYTES);
    assert_int_equal(pages->hot[1].faults, 50);
    assert_int_equal(pages->hot[2].address, BASE + 3 * PAGE_BYTES);
    assert_int_equal(pages->hot[2].faults, 4);
    release(&subject);
    fixture_remove(&fixture);
}

static void test_report_page_tables_as_a_walk_would_need_them(void **state)
{
    struct fixture fixture;
    struct subject subject;
    struct fault_record large = fixture_fault(1, UINT64_C(0x7f0000200000) + 0x5000);

    (void)state;
    fixture_begin(&fixture);
    /* One full page table, one entry in the next one, and a 2 MiB leaf far away. */
    for (unsigned i = 0; i < 513; i++) {
        record(&fixture, fixture_fault(1, 0x40000000 + i * PAGE_BYTES), NULL);
    }
    large.level = 2;
    record(&fixture, large, NULL);
    large.address += 0x3000; /* the same leaf */
    record(&fixture, large, NULL);
    fixture_end(&fixture, 2);
    gather(&subject, &fixture, 0);
    const struct report_tables *tables = subject.report.pages.tables;
    assert_int_equal(tables[1].tables, 2);
    assert_int_equal(tables[1].entries, 513);
    assert_int_equal(tables[1].fill[3], 1);
    assert_int_equal(tables[1].fill[0], 1);
    assert_int_equal(tables[2].tables, 2);
    assert_int_equal(tables[2].entries, 3);
    assert_int_equal(tables[3].tables, 2);
    assert_int_equal(tables[3].entries, 2);
    assert_int_equal(tables[4].tables, 1);
    assert_int_equal(tables[4].entries, 2);
    release(&subject);
    fixture_remove(&fixture);
}

/* Many pages in no order, in two processes. */
static void make_scattered(struct fixture *fixture)
{
    uint64_t state = 42;

    fixture_begin(fixture);
    for (unsigned i = 0; i < 20000; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        struct fault_record fault =
            fixture_fault(i, BASE + (state >> 40) % 5000 * 37 * PAGE_BYTES);
        fault.process = i % 2;
        record(fixture, fault, NULL);
    }
    fixture_end(fixture, 20000);
}

static void test_report_is_the_same_in_one_pass_and_in_many(void **state)
{
    /* 16: fewer than a page table has, so that the limit gives way. */
    static const uint64_t limits[] = {5000, 1000, 700, 16};
    struct fixture fixture;
    struct subject one, many;

    (void)state;
    make_scattered(&fixture);
    gather(&one, &fixture, 0);
    assert_int_equal(one.report.pages.parts, 1);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        gather(&many, &fixture, limits[i]);
        const struct report_pages *a = &one.report.pages, *b = &many.report.pages;
        assert_true(b->parts > 1);
        assert_int_equal(a->distinct, b->distinct);
        assert_memory_equal(a->touched, b->touched, sizeof(a->touched));
        assert_memory_equal(a->window, b->window, sizeof(a->window));
        assert_memory_equal(a->fresh, b->fresh, sizeof(a->fresh));
        assert_memory_equal(a->tables, b->tables, sizeof(a->tables));
        assert_memory_equal(a->hot, b->hot, sizeof(a->hot));
        assert_int_equal(many.report.counts->total, 20000);
        release(&many);
    }
    release(&one);
    fixture_remove(&fixture);
}

/* --- forms --- */

static char *print(const struct fixture *fixture, bool json)
{
    struct subject subject;
    struct report_source source;
    struct err err;
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    gather(&subject, fixture, 0);
    assert_non_null(out);
    assert_true(report_source_find(&source, &subject.report, &err));
    if (json) {
        assert_true(report_print_json(out, &subject.report, &source, &err));
    } else {
        report_print_text(out, &subject.report, &source, 10);
    }
    assert_int_equal(fclose(out), 0);
    report_source_destroy(&source);
    release(&subject);
    return text;
}

static void test_report_text_has_the_numbers_where_a_reader_looks(void **state)
{
    static const char *const lines[] = {
        "end       exited with status 0, after 7.000 ms\n",
        "  demand-zero                       2            2          999          999\n",
        "  total                             5            4\n",
        "    minor                           3\n",
        "    major                           1\n",
        "  000010000000-000010010000 rw- bss                                 3            3 "
        "           0   60.0%\n",
        "  0x401230                                                          1            1 "
        "           0   20.0%\n",
        "  fill                         2        2.000      4.000            3            2 "
        "           0   60.0%\n",
        "  0000000010001000  bss                                             2\n",
        "  from            65,536            1  ########\n",
    };
    struct fixture fixture;

    (void)state;
    make_story(&fixture);
    char *text = print(&fixture, false);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (strstr(text, lines[i]) == NULL) {
            fail_msg("no line: %s\nin:\n%s", lines[i], text);
        }
    }
    free(text);
    fixture_remove(&fixture);
}

static void test_report_json_has_every_table(void **state)
{
    struct fixture fixture;
    const char *name;
    json_int_t total, major, bss, fill, value;

    (void)state;
    make_story(&fixture);
    char *text = print(&fixture, true);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    assert_int_equal(
        json_unpack(
            root, "{s:s, s:{s:I, s:I}, s:[{s:I}], s:[o, {s:I}], s:{s:I}}", "format", &name,
            "faults", "total", &total, "major", &major, "regions", "faults", &bss, "phases",
            &(json_t *){NULL}, "faults", &fill, "results", "faults", &value),
        0);
    assert_string_equal(name, "vmm-report");
    assert_int_equal(total, 5);
    assert_int_equal(major, 1);
    assert_int_equal(bss, 3);
    assert_int_equal(fill, 3);
    assert_int_equal(value, 4);
    json_decref(root);
    free(text);
    fixture_remove(&fixture);
}

static void test_report_of_no_faults_says_so(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture);
    fixture_end(&fixture, 5);
    char *text = print(&fixture, false);
    assert_non_null(strstr(text, "no page faults\n"));
    free(text);
    text = print(&fixture, true);
    assert_non_null(strstr(text, "\"total\": 0"));
    free(text);
    fixture_remove(&fixture);
}

static void test_report_of_a_torn_session_says_what_is_missing(void **state)
{
    struct fixture fixture;

    (void)state;
    make_story(&fixture);
    fixture_truncate(
        &fixture, SESSION_STREAM_FILE, fixture_size(&fixture, SESSION_STREAM_FILE) - 100);
    char *text = print(&fixture, false);
    assert_non_null(strstr(text, "TORN      the stream ends 100 bytes too early"));
    assert_non_null(strstr(text, "end       not recorded"));
    free(text);
    fixture_remove(&fixture);
}

/* The test program itself is the one that "ran": a function of it is found by its address. */
__attribute__((noinline)) static uint64_t place_of_known_line(void)
{
    return (uint64_t)(uintptr_t)__builtin_extract_return_addr(__builtin_return_address(0));
}

static void test_report_names_function_and_line_of_a_fault(void **state)
{
    struct fixture fixture;
    struct subject subject;
    struct report_source source;
    struct err err;
    char self[4096];

    (void)state;
    assert_non_null(realpath("/proc/self/exe", self));
    struct backing backing = {.fd = -1, .references = 1, .name = strrchr(self, '/') + 1};
    struct region code = fixture_own_code(&backing, place_of_known_line());
    fixture_begin(&fixture);
    struct fault_record fault = fixture_fault(1, code.begin.value);
    uint64_t known = place_of_known_line();
    int line = __LINE__ - 1;
    fault.rip = known - 1; /* in the call */
    record(&fixture, fault, &code);
    fixture_end(&fixture, 2);
    gather(&subject, &fixture, 0);
    assert_true(report_source_find(&source, &subject.report, &err));
    assert_int_equal(source.state, REPORT_SOURCE_LINES);
    assert_int_equal(source.function_count, 1);
    assert_string_equal(
        source.functions[0].function, "test_report_names_function_and_line_of_a_fault");
    assert_string_equal(source.lines[0].file, "test_report_session.c");
    assert_int_equal(source.lines[0].line, line);
    report_source_destroy(&source);
    release(&subject);
    fixture_remove(&fixture);
}

static void test_report_does_not_look_into_a_program_that_changed(void **state)
{
    struct fixture fixture;
    struct subject subject;
    struct report_source source;
    struct err err;

    (void)state;
    make_story(&fixture);
    fixture_replace(&fixture, SESSION_RUN_FILE, "\"hash\": \"", "\"hash\": \"1");
    gather(&subject, &fixture, 0);
    assert_true(report_source_find(&source, &subject.report, &err));
    assert_int_equal(source.state, REPORT_SOURCE_CHANGED);
    assert_non_null(strstr(report_source_remedy(source.state), "changed"));
    assert_int_equal(source.line_count, 0);
    report_source_destroy(&source);
    release(&subject);
    fixture_remove(&fixture);
}

/* --- options --- */

static void expect_usage(char *one, char *two, const char *words)
{
    char *argv[] = {(char *)"report", one, two, NULL};
    struct report_options options;
    struct err err = {0};

    assert_false(report_options_parse(&options, two != NULL ? 3 : 2, argv, &err));
    assert_int_equal(err.kind, ERR_USAGE);
    if (strstr(err.text, words) == NULL) {
        fail_msg("not what was expected (%s): %s", words, err.text);
    }
}

static void test_report_options_name_what_is_wrong(void **state)
{
    (void)state;
    expect_usage((char *)"--jsno", (char *)"s", "--json");
    expect_usage((char *)"--html=", (char *)"s", "empty");
    expect_usage((char *)"--top=-1", (char *)"s", "'-1' is not a number of rows");
    expect_usage((char *)"--top=99999999999999999999", (char *)"s", "not a number of rows");
    expect_usage((char *)"a", (char *)"b", "'b' follows");
    expect_usage((char *)"--json", NULL, "no session given");
}

static void test_report_options_are_read(void **state)
{
    char *argv[] = {(char *)"report", (char *)"s", (char *)"--top=0", (char *)"--html=p", NULL};
    struct report_options options;
    struct err err;

    (void)state;
    assert_true(report_options_parse(&options, 2, argv, &err));
    assert_int_equal(options.top, 10);
    assert_false(options.json);
    assert_true(report_options_parse(&options, 4, argv, &err));
    assert_string_equal(options.folder, "s");
    assert_string_equal(options.html_file, "p");
    assert_true(options.top == SIZE_MAX);
}

static void test_session_options_of_a_run(void **state)
{
    char *argv[] = {(char *)"vmm", (char *)"--session=d", (char *)"--force", (char *)"p", NULL};
    char *empty[] = {(char *)"vmm", (char *)"--session=", (char *)"p", NULL};
    struct options options;
    struct err err;

    (void)state;
    assert_true(options_parse(&options, 4, argv, &err));
    assert_string_equal(options.session, "d");
    assert_true(options.force);
    assert_ptr_equal(options.words, argv);
    options_destroy(&options);
    assert_false(options_parse(&options, 3, empty, &err));
    assert_int_equal(err.kind, ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report_counts_kinds_minor_and_major),
        cmocka_unit_test(test_report_puts_regions_with_most_faults_first),
        cmocka_unit_test(test_report_adds_up_phases_of_one_name),
        cmocka_unit_test(test_report_phases_beyond_the_bound_are_one),
        cmocka_unit_test(test_report_working_set_is_pages_in_the_window),
        cmocka_unit_test(test_report_hottest_pages_are_those_with_most_faults),
        cmocka_unit_test(test_report_page_tables_as_a_walk_would_need_them),
        cmocka_unit_test(test_report_is_the_same_in_one_pass_and_in_many),
        cmocka_unit_test(test_report_text_has_the_numbers_where_a_reader_looks),
        cmocka_unit_test(test_report_json_has_every_table),
        cmocka_unit_test(test_report_of_no_faults_says_so),
        cmocka_unit_test(test_report_of_a_torn_session_says_what_is_missing),
        cmocka_unit_test(test_report_names_function_and_line_of_a_fault),
        cmocka_unit_test(test_report_does_not_look_into_a_program_that_changed),
        cmocka_unit_test(test_report_options_name_what_is_wrong),
        cmocka_unit_test(test_report_options_are_read),
        cmocka_unit_test(test_session_options_of_a_run),
    };
    return cmocka_run_group_tests_name("report-session", tests, NULL, NULL);
}
