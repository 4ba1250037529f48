/*
 * What a report says of sessions with several processes, and that one with a single process does
 * not speak of processes.
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

#include "report/report_html.h"
#include "report/report_json.h"
#include "report/report_session.h"
#include "report/report_source.h"
#include "report/report_text.h"
#include "session_fixture.h"

#define HEAP  UINT64_C(0x600000)
#define STACK UINT64_C(0x7ffffff00000)

/* A session that is read, and all that its forms are printed from. */
struct subject {
    struct session_reader *reader;
    struct report report;
    struct report_source source;
    struct report_map map;
};

static void open_subject(struct subject *subject, const struct fixture *fixture)
{
    struct err err = {0};

    if (!session_open(&subject->reader, fixture->folder, &err) ||
        !report_gather(&subject->report, subject->reader, 0, &err) ||
        !report_source_find(&subject->source, &subject->report, &err) ||
        !report_map_fill(&subject->map, &subject->report, subject->reader, &err)) {
        fail_msg("%s", err.text);
    }
}

static void close_subject(struct subject *subject)
{
    report_source_destroy(&subject->source);
    report_destroy(&subject->report);
    session_close(subject->reader);
}

static void fault(
    struct fixture *fixture,
    uint16_t process,
    uint64_t time_ns,
    enum fault_kind kind,
    struct region *region)
{
    struct fault_record record = fixture_fault(time_ns, region->begin.value);

    record.process = process;
    record.region = region->id;
    record.kind = (uint8_t)kind;
    record.action = kind == FAULT_COW_COPY ? ACTION_COPY : ACTION_MAP_ZERO;
    recorder_fault(fixture->recorder, &record, region);
}

/* 1 forks 2, and 2 forks 3, over equal addresses: one fault in the heap of 1, four of 2, two of
 * 3, and one in the stack of 3.  Only 2 is seen to end. */
static void make_family(struct fixture *fixture)
{
    struct region heap[4]; /* by process: each has its own, of one range */
    struct region stack = fixture_region(1, STACK, STACK + 0x10000, "stack");

    for (unsigned i = 0; i < 4; i++) {
        heap[i] = fixture_region(0, HEAP, HEAP + 0x10000, "heap");
    }
    fixture_begin(fixture);
    recorder_process_start(fixture->recorder, 0, 1, 1);
    fault(fixture, 1, 1000000, FAULT_DEMAND_ZERO, &heap[1]);
    recorder_process_start(fixture->recorder, 2000000, 2, 1);
    fault(fixture, 2, 2000000, FAULT_DEMAND_ZERO, &heap[2]);
    recorder_process_start(fixture->recorder, 3000000, 3, 2);
    fault(fixture, 3, 3000000, FAULT_COW_COPY, &heap[3]);
    fault(fixture, 3, 3000000, FAULT_COW_COPY, &heap[3]);
    fault(fixture, 3, 3000000, FAULT_COW_COPY, &stack);
    for (unsigned i = 0; i < 3; i++) {
        fault(fixture, 2, 4000000, FAULT_COW_COPY, &heap[2]);
    }
    recorder_process_end(fixture->recorder, 5000000, 2, 139);
    fixture_end(fixture, 7000000);
}

static void make_single(struct fixture *fixture)
{
    struct region heap = fixture_region(0, HEAP, HEAP + 0x10000, "heap");

    fixture_begin(fixture);
    recorder_process_start(fixture->recorder, 0, 1, 1);
    fault(fixture, 1, 1000000, FAULT_DEMAND_ZERO, &heap);
    recorder_process_end(fixture->recorder, 7000000, 1, 0);
    fixture_end(fixture, 7000000);
}

static void test_report_tells_processes_apart(void **state)
{
    static const struct {
        uint16_t process, parent;
        uint64_t begin_ns, lifetime_ns, faults, copies;
    } due[] = {
        {2, 1, 2000000, 3000000, 4, 3},
        {3, 2, 3000000, 4000000, 3, 3},
        {1, 1, 0, 7000000, 1, 0},
    };
    struct fixture fixture;
    struct subject subject;

    (void)state;
    make_family(&fixture);
    open_subject(&subject, &fixture);
    const struct report *report = &subject.report;
    assert_int_equal(report->by_process.count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct report_process *one = &report->by_process.list[i];
        assert_int_equal(one->process, due[i].process);
        assert_int_equal(one->parent, due[i].parent);
        assert_int_equal(one->begin_ns, due[i].begin_ns);
        assert_int_equal(report_lifetime_ns(report, one), due[i].lifetime_ns);
        assert_int_equal(one->share.faults, due[i].faults);
        assert_int_equal(one->pages, due[i].faults);
        assert_int_equal(one->kinds[FAULT_COW_COPY], due[i].copies);
        assert_int_equal(one->ended, due[i].process == 2);
    }
    assert_int_equal(report->by_process.list[0].status, 139);
    assert_int_equal(report->region_count, 4);
    close_subject(&subject);
    fixture_remove(&fixture);
}

/* As a long run does that has used up its numbers. */
static void test_report_takes_a_number_used_again_for_one_process(void **state)
{
    struct region heap = fixture_region(0, HEAP, HEAP + 0x10000, "heap");
    struct fixture fixture;
    struct subject subject;

    (void)state;
    fixture_begin(&fixture);
    recorder_process_start(fixture.recorder, 0, 1, 1);
    for (unsigned i = 0; i < 5; i++) {
        recorder_process_start(fixture.recorder, 10 + i, 65535, (uint16_t)(1 + i));
        fault(&fixture, 65535, 10 + i, FAULT_DEMAND_ZERO, &heap);
        recorder_process_end(fixture.recorder, 10 + i, 65535, (int)i);
    }
    fixture_end(&fixture, 100);
    open_subject(&subject, &fixture);
    assert_int_equal(subject.report.by_process.count, 2);
    const struct report_process *again = &subject.report.by_process.list[0];
    assert_int_equal(again->process, 65535);
    assert_int_equal(again->parent, 5);
    assert_int_equal(again->status, 4);
    assert_int_equal(again->begin_ns, 10);
    assert_int_equal(again->end_ns, 14);
    assert_int_equal(again->share.faults, 5);
    assert_int_equal(subject.report.processes, 6);
    close_subject(&subject);
    fixture_remove(&fixture);
}

static void test_report_lists_many_processes_most_faults_first(void **state)
{
    struct region heap = fixture_region(0, HEAP, HEAP + 0x10000, "heap");
    struct fixture fixture;
    struct subject subject;

    (void)state;
    fixture_begin(&fixture);
    for (unsigned i = 0; i < 1000; i++) {
        for (unsigned j = 0; j < i % 7; j++) {
            fault(&fixture, (uint16_t)(i * 60), i, FAULT_DEMAND_ZERO, &heap);
        }
    }
    fixture_end(&fixture, 1000);
    open_subject(&subject, &fixture);
    const struct report_processes *processes = &subject.report.by_process;
    assert_int_equal(processes->count, 1000 - 143); /* i % 7 == 0: none */
    for (size_t i = 0; i < processes->count; i++) {
        const struct report_process *one = &processes->list[i];
        assert_int_equal(one->share.faults, one->process / 60 % 7);
        if (i > 0) {
            const struct report_process *before = one - 1;
            assert_true(
                before->share.faults > one->share.faults ||
                (before->share.faults == one->share.faults && before->process < one->process));
        }
    }
    close_subject(&subject);
    fixture_remove(&fixture);
}

/* --- forms --- */

enum form { FORM_TEXT, FORM_JSON, FORM_PAGE, FORM_SCRIPT };

/* The caller frees it. */
static char *print(const struct fixture *fixture, enum form form)
{
    static const struct report_misses no_misses;
    static const struct report_plots no_plots;
    struct subject subject;
    struct err err;
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    assert_non_null(out);
    open_subject(&subject, fixture);
    switch (form) {
    case FORM_TEXT:
        report_print_text(out, &subject.report, &subject.source, 10);
        break;
    case FORM_JSON:
        assert_true(report_print_json(out, &subject.report, &subject.source, &err));
        break;
    case FORM_PAGE:
        report_print_html(
            out, &subject.report, &subject.source, &subject.map, &no_misses, &no_plots);
        break;
    case FORM_SCRIPT:
        report_print_script(out, "plots", &subject.report, &subject.map, &no_misses);
        break;
    }
    assert_int_equal(fclose(out), 0);
    close_subject(&subject);
    return text;
}

static void expect(
    void (*make)(struct fixture *),
    enum form form,
    const char *const *pieces,
    size_t count,
    bool present)
{
    struct fixture fixture;

    make(&fixture);
    char *text = print(&fixture, form);
    for (size_t i = 0; i < count; i++) {
        if ((strstr(text, pieces[i]) != NULL) != present) {
            fail_msg("%s: %s\nin:\n%s", present ? "missing" : "there", pieces[i], text);
        }
    }
    free(text);
    fixture_remove(&fixture);
}

static void test_report_text_names_the_process_of_a_row(void **state)
{
    static const char *const pieces[] = {
        "by process parent     begin ms         ms  end                 faults        minor    "
        " "
        "   major   share        pages  program\n"
        "  2             1        2.000      3.000  status 139               4            4    "
        " "
        "       0   50.0%            4  test_report_processes\n"
        "  3             2        3.000      4.000  -                        3            3    "
        " "
        "       0   37.5%            3  test_report_processes\n"
        "  1             -        0.000      7.000  -                        1            1    "
        " "
        "       0   12.5%            1  test_report_processes\n",
        "by process  demand-zero     cow-copy\n"
        "  2                   1            3\n"
        "  3                   0            3\n"
        "  1                   1            0\n",
        "by process and region                                          faults        minor    "
        "    major   share\n"
        "     2  000000600000-000000610000 rw- heap                          4            4    "
        "        0   50.0%\n"
        "     3  000000600000-000000610000 rw- heap                          2            2    "
        "        0   25.0%\n"
        "     1  000000600000-000000610000 rw- heap                          1            1    "
        "        0   12.5%\n"
        "     3  7ffffff00000-7ffffff10000 rw- stack                         1            1    "
        "        0   12.5%\n",
        "hottest pages by process, of 4 pages with a fault\n"
        "     2  0000000000600000  heap                                      4\n",
    };

    (void)state;
    expect(make_family, FORM_TEXT, pieces, sizeof(pieces) / sizeof(pieces[0]), true);
}

static void test_report_page_names_the_process_of_a_row(void **state)
{
    static const char *const pieces[] = {
        "<section id=\"processes\">",
        "<tr><td>2</td><td>test_report_processes</td><td>1</td><td>2.000</td>",
        "<td>3.000</td><td>status 139</td>",
        "<td>4</td><td>4</td><td>4</td><td>0</td><td>50.0%</td></tr>",
        "<tr><th>process</th><th>demand-zero</th><th>cow-copy</th></tr>",
        "<tr><td>3</td><td>0</td><td>3</td></tr>",
        "<th>region</th><th>name</th><th>process</th>",
        "<td>stack</td><td>3</td><td>1</td>",
    };

    (void)state;
    expect(make_family, FORM_PAGE, pieces, sizeof(pieces) / sizeof(pieces[0]), true);
}

/* Bands of one process lie together, though their addresses are far apart. */
static void test_report_map_has_a_label_for_each_process(void **state)
{
    static const char *const pieces[] = {
        "set ytics (\"pid 1 heap 600000\" 0.0, \"pid 2 heap 600000\" 1.0, "
        "\"pid 3 heap 600000\" 2.0, \"pid 3 stack 7ffffff00000\" 3.0)"};

    (void)state;
    expect(make_family, FORM_SCRIPT, pieces, 1, true);
}

static void test_report_of_one_process_does_not_speak_of_it(void **state)
{
    static const char *const text[] = {"by process", "parent", "     1  0"};
    static const char *const page[] = {
        "id=\"processes\"", "id=\"process-kinds\"", "<th>name</th><th>process</th>"};
    static const char *const script[] = {"pid"};

    (void)state;
    expect(make_single, FORM_TEXT, text, sizeof(text) / sizeof(text[0]), false);
    expect(make_single, FORM_PAGE, page, sizeof(page) / sizeof(page[0]), false);
    expect(make_single, FORM_SCRIPT, script, 1, false);
}

static void test_report_json_has_every_process(void **state)
{
    struct fixture fixture;
    const json_t *parent, *status;
    int process, forked_by, ended, begin, duration, pages, copies, faults, service;

    (void)state;
    make_family(&fixture);
    char *text = print(&fixture, FORM_JSON);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const json_t *list = json_object_get(root, "processes");
    assert_int_equal(json_array_size(list), 3);
    assert_int_equal(
        json_unpack(
            json_array_get(list, 0), "{s:i, s:i, s:i, s:i, s:i, s:i, s:{s:i}, s:i, s:i}",
            "process", &process, "parent", &forked_by, "status", &ended, "begin_ns", &begin,
            "duration_ns", &duration, "pages", &pages, "kinds", "cow-copy", &copies, "faults",
            &faults, "service_ns", &service),
        0);
    assert_int_equal(process, 2);
    assert_int_equal(forked_by, 1);
    assert_int_equal(ended, 139);
    assert_int_equal(begin, 2000000);
    assert_int_equal(duration, 3000000);
    assert_int_equal(pages, 4);
    assert_int_equal(copies, 3);
    assert_int_equal(faults, 4);
    assert_int_equal(service, 4000);
    assert_int_equal(
        json_unpack(
            json_array_get(list, 2), "{s:o, s:o}", "parent", &parent, "status", &status),
        0);
    assert_true(json_is_null(parent));
    assert_true(json_is_null(status));
    json_decref(root);
    free(text);
    fixture_remove(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report_tells_processes_apart),
        cmocka_unit_test(test_report_takes_a_number_used_again_for_one_process),
        cmocka_unit_test(test_report_lists_many_processes_most_faults_first),
        cmocka_unit_test(test_report_text_names_the_process_of_a_row),
        cmocka_unit_test(test_report_page_names_the_process_of_a_row),
        cmocka_unit_test(test_report_map_has_a_label_for_each_process),
        cmocka_unit_test(test_report_of_one_process_does_not_speak_of_it),
        cmocka_unit_test(test_report_json_has_every_process),
    };
    return cmocka_run_group_tests_name("report-processes", tests, NULL, NULL);
}
