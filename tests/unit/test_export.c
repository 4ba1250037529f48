/*
 * Exports of a synthetic session, each read back by something that is not ours: golden text,
 * jansson, SQLite.
 */
#include <jansson.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/export_options.h"
#include "export/export.h"
#include "session_fixture.h"

static void make_story(struct fixture *fixture)
{
    struct backing backing = {.fd = -1, .references = 1, .name = (char *)"a, \"b\".elf"};
    struct region data = fixture_region(7, 0x10000, 0x20000, NULL);
    struct fault_record fault = fixture_fault(1500, 0x10008);

    data.spec.backing = &backing;
    data.spec.file_offset = 0x3000;
    fixture_begin(fixture);
    recorder_process_start(fixture->recorder, 0, 0, 0);
    fault.region = 7;
    recorder_fault(fixture->recorder, &fault, &data);
    recorder_phase(fixture->recorder, 2000, "second \"half\"");
    fault = fixture_fault(3000, 0xffff800000000000);
    fault.region = RECORD_NO_REGION;
    fault.frame = RECORD_NO_FRAME;
    fault.evicted = 9;
    fault.kind = FAULT_KERNEL_PAGE;
    fault.action = ACTION_SIGNAL;
    fault.level = 0;
    fault.access = RECORD_USER | RECORD_PROT;
    recorder_fault(fixture->recorder, &fault, NULL);
    recorder_result(fixture->recorder, 3500, "faults", -2);
    recorder_process_end(fixture->recorder, 4000, 0, 0);
    fixture_end(fixture, 4000);
}

/* The export as a file's text, which the caller frees. */
static char *export_as(
    const struct fixture *fixture, const char *format, const char *columns, const char *name)
{
    char path[FIXTURE_PATH_BYTES], option[512];
    char *argv[6] = {"export"};
    int argc = 1;
    struct export_options options;
    struct session_reader *reader;
    struct err err;

    fixture_path(fixture, name, path);
    snprintf(option, sizeof(option), "--format=%s", format);
    argv[argc++] = option;
    char list[256];
    if (columns != NULL) {
        snprintf(list, sizeof(list), "--columns=%s", columns);
        argv[argc++] = list;
    }
    argv[argc++] = (char *)fixture->folder;
    assert_true(export_options_parse(&options, argc, argv, &err));
    assert_true(session_open(&reader, options.folder, &err));
    if (!export_session(
            reader, options.format, path, options.columns, options.column_count, &err)) {
        fail_msg("%s", err.text);
    }
    session_close(reader);
    size_t bytes = fixture_size(fixture, name);
    char *text = calloc(1, bytes + 1);
    FILE *in = fopen(path, "re");
    assert_true(text != NULL && in != NULL);
    assert_int_equal(fread(text, 1, bytes, in), bytes);
    fclose(in);
    return text;
}

static void test_export_csv_has_a_line_for_each_fault(void **state)
{
    struct fixture fixture;

    (void)state;
    make_story(&fixture);
    char *text = export_as(&fixture, "csv", NULL, "out.csv");
    assert_string_equal(
        text, "time_ns,service_ns,process,kind,action,class,access,ring,protection,address,rip,"
              "region,"
              "region_name,phase,level,pages,around,frame,evicted,entry_before,entry_after\n"
              "1500,1000,0,demand-zero,map-zero,minor,w,user,0,0x10008,0x401000,7,\"a, "
              "\"\"b\"\".elf\",,1,1,0,7,,0x0,0x100000067\n"
              "3000,1000,0,kernel-page,signal,neither,r,user,1,0xffff800000000000,0x401000,,,"
              "\"second "
              "\"\"half\"\"\",0,0,0,,9,0x0,0x100000067\n");
    free(text);
    fixture_remove(&fixture);
}

static void test_export_csv_has_the_columns_that_are_asked_for_in_order(void **state)
{
    struct fixture fixture;

    (void)state;
    make_story(&fixture);
    char *text = export_as(&fixture, "csv", "kind,time_ns", "out.csv");
    assert_string_equal(text, "kind,time_ns\ndemand-zero,1500\nkernel-page,3000\n");
    free(text);
    fixture_remove(&fixture);
}

static void test_export_jsonl_has_every_event_as_an_object(void **state)
{
    static const char *const types[] = {"header", "process_start", "region",
                                        "fault",  "phase",         "fault",
                                        "result", "process_end",   "end"};
    struct fixture fixture;
    unsigned lines = 0;

    (void)state;
    make_story(&fixture);
    char *text = export_as(&fixture, "jsonl", NULL, "out.jsonl");
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        if (object == NULL) {
            fail_msg("not JSON: %s", line);
        }
        assert_in_range(lines, 0, 8);
        assert_string_equal(json_string_value(json_object_get(object, "type")), types[lines]);
        if (lines == 3) {
            json_t *region = json_object_get(object, "region");
            assert_string_equal(
                json_string_value(json_object_get(region, "file")), "a, \"b\".elf");
            assert_int_equal(json_integer_value(json_object_get(region, "offset")), 0x3008);
            assert_true(json_is_false(json_object_get(object, "protection")));
        }
        if (lines == 5) {
            assert_true(json_is_null(json_object_get(object, "region")));
            assert_true(json_is_null(json_object_get(object, "frame")));
            assert_int_equal(json_integer_value(json_object_get(object, "evicted")), 9);
            assert_string_equal(
                json_string_value(json_object_get(object, "address")), "0xffff800000000000");
            assert_string_equal(
                json_string_value(json_object_get(object, "phase")), "second \"half\"");
        }
        json_decref(object);
        lines++;
    }
    assert_int_equal(lines, 9);
    free(text);
    fixture_remove(&fixture);
}

/* The rules of "Trace Event Format" for the types that are used. */
static void check_viewer_event(const json_t *event)
{
    const char *type = json_string_value(json_object_get(event, "ph"));

    assert_non_null(type);
    assert_true(strchr("MXBEiC", type[0]) != NULL && type[1] == '\0');
    assert_true(json_is_string(json_object_get(event, "name")));
    assert_true(json_is_integer(json_object_get(event, "pid")));
    assert_true(json_is_integer(json_object_get(event, "tid")));
    if (type[0] != 'M') {
        assert_true(json_is_number(json_object_get(event, "ts")));
    }
    if (type[0] == 'X') {
        assert_true(json_is_number(json_object_get(event, "dur")));
        assert_true(json_is_object(json_object_get(event, "args")));
    }
}

static void test_export_perfetto_is_what_trace_viewers_open(void **state)
{
    struct fixture fixture;
    unsigned faults = 0, open = 0;
    size_t i;
    json_t *event;

    (void)state;
    make_story(&fixture);
    char *text = export_as(&fixture, "perfetto", NULL, "out.json");
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    assert_true(json_array_size(json_object_get(root, "traceEvents")) > 5);
    json_array_foreach(json_object_get(root, "traceEvents"), i, event)
    {
        check_viewer_event(event);
        const char *type = json_string_value(json_object_get(event, "ph"));
        open += type[0] == 'B';
        open -= type[0] == 'E';
        if (type[0] == 'X' && faults++ == 0) {
            assert_string_equal(
                json_string_value(json_object_get(event, "name")), "demand-zero");
            assert_true(json_number_value(json_object_get(event, "ts")) == 1.5);
            assert_true(json_number_value(json_object_get(event, "dur")) == 1.0);
        }
    }
    assert_int_equal(faults, 2);
    assert_int_equal(open, 0);
    json_decref(root);
    free(text);
    fixture_remove(&fixture);
}

static void expect_row(sqlite3 *db, const char *query, const char *due)
{
    sqlite3_stmt *statement;
    char row[512] = "";

    if (sqlite3_prepare_v2(db, query, -1, &statement, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", query, sqlite3_errmsg(db));
    }
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        const unsigned char *text = sqlite3_column_text(statement, i);
        size_t used = strlen(row);
        snprintf(
            row + used, sizeof(row) - used, "%s%s", i > 0 ? "|" : "",
            text != NULL ? (const char *)text : "NULL");
    }
    assert_string_equal(row, due);
    sqlite3_finalize(statement);
}

static void test_export_sqlite_answers_queries(void **state)
{
    struct fixture fixture;
    char path[FIXTURE_PATH_BYTES];
    sqlite3 *db;

    (void)state;
    make_story(&fixture);
    free(export_as(&fixture, "sqlite", NULL, "out.db"));
    fixture_path(&fixture, "out.db", path);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    expect_row(db, "PRAGMA integrity_check", "ok");
    expect_row(
        db,
        "SELECT id, time_ns, kind, address, region, evicted, phase FROM faults WHERE id = 1",
        "1|1500|demand-zero|65544|7|NULL|");
    expect_row(
        db, "SELECT address, page, ring, phase FROM fault WHERE kind = 'kernel-page'",
        "0xffff800000000000|0xffff800000000000|user|second \"half\"");
    expect_row(db, "SELECT sum(faults), sum(pages) FROM kinds", "2|1");
    expect_row(
        db, "SELECT begin_address, file, file_offset FROM regions", "65536|a, \"b\".elf|12288");
    expect_row(db, "SELECT name, value FROM results", "faults|-2");
    expect_row(db, "SELECT start_ns, end_ns, status FROM processes", "0|4000|0");
    expect_row(db, "SELECT value FROM session WHERE name = 'reason'", "exited with status 0");
    expect_row(
        db, "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND sql NOT NULL", "5");
    sqlite3_close(db);
    fixture_remove(&fixture);
}

static void test_export_sqlite_refuses_an_existing_file_and_leaves_it(void **state)
{
    struct fixture fixture;
    struct session_reader *reader;
    char path[FIXTURE_PATH_BYTES];
    struct err err;

    (void)state;
    make_story(&fixture);
    fixture_patch(&fixture, "out.db", 0, "mine", 4);
    fixture_path(&fixture, "out.db", path);
    assert_true(session_open(&reader, fixture.folder, &err));
    assert_false(export_session(reader, &export_sqlite, path, NULL, 0, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.text, "exists"));
    assert_int_equal(fixture_size(&fixture, "out.db"), 4);
    assert_false(export_session(reader, &export_sqlite, NULL, NULL, 0, &err));
    assert_int_equal(err.kind, ERR_USAGE);
    session_close(reader);
    fixture_remove(&fixture);
}

static void test_export_leaves_no_database_of_half_a_session(void **state)
{
    struct fixture fixture;
    struct session_reader *reader;
    char path[FIXTURE_PATH_BYTES];
    const uint8_t kind = FAULT_KINDS;
    struct err err;

    (void)state;
    make_story(&fixture);
    /* process_start, region, then the first fault. */
    uint64_t fault = sizeof(struct session_packet) + sizeof(struct session_process_start) +
                     sizeof(struct session_region);
    fixture_patch(
        &fixture, SESSION_STREAM_FILE, fault + offsetof(struct fault_record, kind), &kind, 1);
    fixture_path(&fixture, "out.db", path);
    assert_true(session_open(&reader, fixture.folder, &err));
    assert_false(export_session(reader, &export_sqlite, path, NULL, 0, &err));
    assert_non_null(strstr(err.text, "out of range"));
    assert_int_equal(access(path, F_OK), -1);
    session_close(reader);
    fixture_remove(&fixture);
}

static void test_export_says_when_the_output_takes_nothing(void **state)
{
    const enum column columns[] = {COLUMN_KIND};
    struct fixture fixture;
    struct session_reader *reader;
    struct err err;

    (void)state;
    make_story(&fixture);
    assert_true(session_open(&reader, fixture.folder, &err));
    assert_false(export_session(reader, &export_csv, "/dev/full", columns, 1, &err));
    assert_int_equal(err.kind, ERR_ENVIRONMENT);
    assert_non_null(strstr(err.text, "/dev/full: No space left on device"));
    assert_false(export_session(reader, &export_csv, "/nowhere/x", columns, 1, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    session_close(reader);
    fixture_remove(&fixture);
}

static void expect_usage(char *one, char *two, const char *words)
{
    char *argv[] = {"export", one, two, NULL};
    struct export_options options;
    struct err err = {0};

    assert_false(export_options_parse(&options, two != NULL ? 3 : 2, argv, &err));
    assert_int_equal(err.kind, ERR_USAGE);
    if (strstr(err.text, words) == NULL) {
        fail_msg("not what was expected (%s): %s", words, err.text);
    }
}

static void test_export_options_name_what_is_wrong(void **state)
{
    (void)state;
    expect_usage("--format=cvs", "s", "did you mean 'csv'?");
    expect_usage("--format=x", "s", "allowed: csv, jsonl, sqlite, perfetto");
    expect_usage("--columns=kind,adress", "s", "no column 'adress': did you mean 'address'?");
    expect_usage("--columns=", "s", "no column ''");
    expect_usage("--columns=kind,kind", "s", "'kind' is given twice");
    expect_usage("--output=", "s", "empty");
    expect_usage("--colums=kind", "s", "--columns");
    expect_usage("a", "b", "'b' follows");
    expect_usage("--format=csv", NULL, "no session given");
    char *argv[] = {"export", "--format=jsonl", "--columns=kind", "s", NULL};
    struct export_options options;
    struct err err;
    assert_false(export_options_parse(&options, 4, argv, &err));
    assert_non_null(strstr(err.text, "--format=csv"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_export_csv_has_a_line_for_each_fault),
        cmocka_unit_test(test_export_csv_has_the_columns_that_are_asked_for_in_order),
        cmocka_unit_test(test_export_jsonl_has_every_event_as_an_object),
        cmocka_unit_test(test_export_perfetto_is_what_trace_viewers_open),
        cmocka_unit_test(test_export_sqlite_answers_queries),
        cmocka_unit_test(test_export_sqlite_refuses_an_existing_file_and_leaves_it),
        cmocka_unit_test(test_export_leaves_no_database_of_half_a_session),
        cmocka_unit_test(test_export_says_when_the_output_takes_nothing),
        cmocka_unit_test(test_export_options_name_what_is_wrong),
    };
    return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}
