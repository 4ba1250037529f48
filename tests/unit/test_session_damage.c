/*
 * What a reader of sessions says to damage: each kind of it gets one line that names the place,
 * and a tear is read up to the tear.
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

#include "session_fixture.h"

#define FAULTS 10
#define FIRST  (sizeof(struct session_packet)) /* offset of the first fault */

static void begin_sound(struct fixture *fixture)
{
    fixture_begin(fixture);
    for (uint64_t i = 0; i < FAULTS; i++) {
        struct fault_record fault = fixture_fault(100 + i, 0x10000 + i * PAGE_BYTES);
        recorder_fault(fixture->recorder, &fault, NULL);
    }
}

static void make_sound(struct fixture *fixture)
{
    begin_sound(fixture);
    fixture_end(fixture, 1000);
}

static void expect_refusal(const struct fixture *fixture, const char *words)
{
    struct session_reader *reader;
    struct err err = {0};

    assert_false(session_open(&reader, fixture->folder, &err));
    assert_null(reader);
    assert_int_equal(err.kind, ERR_INPUT);
    if (strstr(err.text, words) == NULL || strchr(err.text, '\n') != NULL) {
        fail_msg("not what was expected (%s): %s", words, err.text);
    }
}

/* How many faults can be read, and how reading ends. */
static unsigned
read_faults(const struct fixture *fixture, enum session_next *end, char *tear, struct err *err)
{
    struct session_reader *reader;
    struct session_event event;
    unsigned faults = 0;

    if (!session_open(&reader, fixture->folder, err)) {
        fail_msg("%s", err->text);
    }
    while ((*end = session_next(reader, &event, err)) == SESSION_NEXT) {
        faults += event.kind == SESSION_FAULT;
    }
    snprintf(tear, SESSION_TEAR_BYTES, "%s", session_info(reader)->tear);
    assert_int_equal(session_info(reader)->torn, tear[0] != '\0');
    session_close(reader);
    return faults;
}

static void expect_broken_event(const struct fixture *fixture, unsigned due, const char *words)
{
    char tear[SESSION_TEAR_BYTES];
    struct err err = {0};
    enum session_next end;

    assert_int_equal(read_faults(fixture, &end, tear, &err), due);
    assert_int_equal(end, SESSION_FAILED);
    assert_int_equal(err.kind, ERR_INPUT);
    if (strstr(err.text, words) == NULL || strstr(err.text, "byte") == NULL) {
        fail_msg("not what was expected (%s): %s", words, err.text);
    }
}

static void expect_tear(const struct fixture *fixture, unsigned due, const char *words)
{
    char tear[SESSION_TEAR_BYTES];
    struct err err = {0};
    enum session_next end;

    assert_int_equal(read_faults(fixture, &end, tear, &err), due);
    assert_int_equal(end, SESSION_DONE);
    if (strstr(tear, words) == NULL) {
        fail_msg("not what was expected (%s): %s", words, tear);
    }
}

static void test_session_refuses_a_folder_without_one(void **state)
{
    struct fixture fixture;
    struct session_reader *reader;
    struct err err;

    (void)state;
    assert_false(session_open(&reader, "/nowhere", &err));
    assert_non_null(strstr(err.text, "/nowhere is not a session"));
    assert_false(session_open(&reader, "/proc/self/exe", &err));
    assert_non_null(strstr(err.text, "is not a session"));
    make_sound(&fixture);
    char path[FIXTURE_PATH_BYTES];
    fixture_path(&fixture, SESSION_STREAM_FILE, path);
    assert_int_equal(unlink(path), 0);
    expect_refusal(&fixture, "cannot read");
    assert_int_equal(symlink("/dev/zero", path), 0);
    expect_refusal(&fixture, "not a regular file");
    fixture_path(&fixture, SESSION_METADATA_FILE, path);
    assert_int_equal(unlink(path), 0);
    expect_refusal(&fixture, "cannot read");
    fixture_remove(&fixture);
}

static void test_session_refuses_a_run_file_that_is_not_its_own(void **state)
{
    static const struct {
        const char *from, *to, *words;
    } edits[] = {
        {"{", "<", "line 1"},
        {"vmm-session", "vmm-summary", "does not say that this is a session"},
        {"\"version\": 1", "\"version\": 2", "version 2 of the format"},
        {"\"uuid\": \"", "\"uuid\": \"x", "out of range"},
        {"\"started_unix_ns\": ", "\"started_unix_ns\": -", "out of range"},
        {"\"started_unix_ns\"", "\"began\"", "started_unix_ns"},
        {"\"argv\": [", "\"argv\": [1, ", "out of range"},
        {"\"demand-zero\"", "\"demand-nought\"", "fault kind 0 is 'demand-nought'"},
        {"\"kill\"", "\"kill\", \"teleport\"", "action 7 is 'teleport'"},
        {"\"kinds\"", "\"sorts\"", "list of each fault kind"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        struct fixture fixture;
        make_sound(&fixture);
        fixture_replace(&fixture, SESSION_RUN_FILE, edits[i].from, edits[i].to);
        expect_refusal(&fixture, edits[i].words);
        fixture_remove(&fixture);
    }
}

static void test_session_of_a_vmm_that_knew_fewer_kinds_is_read(void **state)
{
    struct fixture fixture;
    char tear[SESSION_TEAR_BYTES];
    struct err err;
    enum session_next end;
    char kind[64], line[80];

    (void)state;
    make_sound(&fixture);
    snprintf(kind, sizeof(kind), "\"%s\"", record_kind_name(FAULT_KINDS - 1));
    fixture_replace(&fixture, SESSION_RUN_FILE, kind, "");
    fixture_replace(&fixture, SESSION_RUN_FILE, ",\n    \n  ]", "]");
    snprintf(line, sizeof(line), "    %s = %d,\n", kind, FAULT_KINDS - 1);
    fixture_replace(&fixture, SESSION_METADATA_FILE, line, "");
    assert_int_equal(read_faults(&fixture, &end, tear, &err), FAULTS);
    assert_int_equal(end, SESSION_DONE);
    fixture_remove(&fixture);
}

static char *read_text(const struct fixture *fixture, const char *name)
{
    uint64_t bytes = fixture_size(fixture, name);
    char *text = calloc(1, bytes + 1);
    char path[FIXTURE_PATH_BYTES];

    fixture_path(fixture, name, path);
    FILE *in = fopen(path, "re");
    assert_true(text != NULL && in != NULL && fread(text, 1, bytes, in) == bytes);
    fclose(in);
    return text;
}

/* An older vmm did not know the last events: its metadata end earlier, but between two of them. */
static void test_session_without_later_events_is_read(void **state)
{
    struct fixture fixture;
    char tear[SESSION_TEAR_BYTES];
    struct err err;
    enum session_next end;

    (void)state;
    make_sound(&fixture);
    char *text = read_text(&fixture, SESSION_METADATA_FILE);
    char *last = strstr(text, "event {\n    name = \"exec\"");
    assert_non_null(last);
    size_t kept = (size_t)(last - text);
    fixture_truncate(&fixture, SESSION_METADATA_FILE, kept);
    assert_int_equal(read_faults(&fixture, &end, tear, &err), FAULTS);
    assert_int_equal(end, SESSION_DONE);
    fixture_truncate(&fixture, SESSION_METADATA_FILE, kept - 1);
    expect_refusal(&fixture, "was it edited?");
    *strstr(text, "event {") = '\0';
    fixture_truncate(&fixture, SESSION_METADATA_FILE, strlen(text));
    expect_refusal(&fixture, "was it edited?");
    free(text);
    fixture_remove(&fixture);
}

static void test_session_refuses_metadata_that_was_edited(void **state)
{
    struct fixture fixture;

    (void)state;
    make_sound(&fixture);
    fixture_replace(&fixture, SESSION_METADATA_FILE, "size = 16;", "size = 12;");
    expect_refusal(&fixture, "line 4 is not what version 1");
    fixture_replace(&fixture, SESSION_METADATA_FILE, "size = 12;", "size = 16;");
    fixture_patch(
        &fixture, SESSION_METADATA_FILE, fixture_size(&fixture, SESSION_METADATA_FILE), "\n",
        1);
    expect_refusal(&fixture, "was it edited?");
    fixture_remove(&fixture);
}

static void test_session_refuses_a_packet_that_no_recording_writes(void **state)
{
    static const struct {
        size_t offset;
        uint64_t value;
        const char *words;
    } edits[] = {
        {offsetof(struct session_packet, magic), 1, "wrong magic number"},
        {offsetof(struct session_packet, uuid), 1, "another session"},
        {offsetof(struct session_packet, sequence), 1, "out of sequence"},
        {offsetof(struct session_packet, packet_bits), 1, "size of the packet"},
        {offsetof(struct session_packet, packet_bits), UINT64_MAX - 63, "size of the packet"},
        {offsetof(struct session_packet, content_bits), 0, "size of the packet"},
        {offsetof(struct session_packet, content_bits), 1 << 24, "size of the packet"},
        {offsetof(struct session_packet, time_begin_ns), 5000, "times of the packet"},
        {offsetof(struct session_packet, time_end_ns), UINT64_MAX, "times of the packet"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        struct fixture fixture;
        make_sound(&fixture);
        fixture_patch(
            &fixture, SESSION_STREAM_FILE, edits[i].offset, &edits[i].value,
            sizeof(edits[i].value));
        expect_refusal(&fixture, edits[i].words);
        fixture_remove(&fixture);
    }
}

static void test_session_refuses_a_field_out_of_range_where_it_stands(void **state)
{
    static const struct {
        size_t offset; /* in the fourth fault */
        uint8_t value;
        const char *words;
    } edits[] = {
        {offsetof(struct fault_record, kind), FAULT_KINDS, "kind of the fault"},
        {offsetof(struct fault_record, action), RECORD_ACTIONS, "action"},
        {offsetof(struct fault_record, level), 4, "level"},
        {7, SESSION_EVENTS, "number is not known"},
        {0, 1, "time is before"},
        {7, SESSION_PHASE, "a text has no end"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        struct fixture fixture;
        uint64_t fault = FIRST + 3 * sizeof(struct fault_record);
        uint8_t full[sizeof(struct fault_record)];

        make_sound(&fixture);
        if (strcmp(edits[i].words, "a text has no end") == 0) {
            memset(full, 'x', sizeof(full));
            fixture_patch(&fixture, SESSION_STREAM_FILE, fault + 8, full, sizeof(full));
        }
        fixture_patch(
            &fixture, SESSION_STREAM_FILE, fault + edits[i].offset, &edits[i].value, 1);
        expect_broken_event(&fixture, 3, edits[i].words);
        fixture_remove(&fixture);
    }
}

static void test_session_refuses_an_event_across_the_end_of_its_packet(void **state)
{
    struct fixture fixture;
    uint64_t bits = (FIRST + sizeof(struct fault_record) + 8) * 8;

    (void)state;
    make_sound(&fixture);
    fixture_patch(
        &fixture, SESSION_STREAM_FILE, offsetof(struct session_packet, content_bits), &bits,
        sizeof(bits));
    expect_broken_event(&fixture, 1, "beyond the end of its packet");
    fixture_remove(&fixture);
}

static void test_session_copy_that_is_too_short_is_read_up_to_the_tear(void **state)
{
    struct fixture fixture;

    (void)state;
    make_sound(&fixture);
    uint64_t bytes = fixture_size(&fixture, SESSION_STREAM_FILE);
    /* In the middle of the third fault. */
    uint64_t kept = FIRST + 2 * sizeof(struct fault_record) + 31;
    fixture_truncate(&fixture, SESSION_STREAM_FILE, kept);
    char words[64];
    snprintf(words, sizeof(words), "%llu bytes too early", (unsigned long long)(bytes - kept));
    expect_tear(&fixture, 2, words);
    fixture_truncate(&fixture, SESSION_STREAM_FILE, FIRST + sizeof(struct fault_record));
    expect_tear(&fixture, 1, "too early");
    fixture_truncate(&fixture, SESSION_STREAM_FILE, 20);
    expect_tear(&fixture, 0, "too early");
    fixture_truncate(&fixture, SESSION_STREAM_FILE, 0);
    expect_tear(&fixture, 0, "cut off");
    fixture_remove(&fixture);
}

static void test_session_hole_of_an_unfinished_recording_is_a_tear(void **state)
{
    struct fixture fixture;
    static const uint8_t zeros[6 * sizeof(struct fault_record)];

    (void)state;
    begin_sound(&fixture);
    fixture_abandon(&fixture);
    fixture_patch(
        &fixture, SESSION_STREAM_FILE, FIRST + 4 * sizeof(struct fault_record), zeros,
        sizeof(zeros));
    expect_tear(&fixture, 4, "nothing reached the disk");
    fixture_remove(&fixture);
}

static void test_session_room_for_a_packet_that_never_came_is_no_damage(void **state)
{
    struct fixture fixture;

    (void)state;
    make_sound(&fixture);
    fixture_truncate(
        &fixture, SESSION_STREAM_FILE,
        fixture_size(&fixture, SESSION_STREAM_FILE) + SESSION_PACKET_BYTES);
    expect_tear(&fixture, FAULTS, "");
    fixture_remove(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session_refuses_a_folder_without_one),
        cmocka_unit_test(test_session_refuses_a_run_file_that_is_not_its_own),
        cmocka_unit_test(test_session_of_a_vmm_that_knew_fewer_kinds_is_read),
        cmocka_unit_test(test_session_without_later_events_is_read),
        cmocka_unit_test(test_session_refuses_metadata_that_was_edited),
        cmocka_unit_test(test_session_refuses_a_packet_that_no_recording_writes),
        cmocka_unit_test(test_session_refuses_a_field_out_of_range_where_it_stands),
        cmocka_unit_test(test_session_refuses_an_event_across_the_end_of_its_packet),
        cmocka_unit_test(test_session_copy_that_is_too_short_is_read_up_to_the_tear),
        cmocka_unit_test(test_session_hole_of_an_unfinished_recording_is_a_tear),
        cmocka_unit_test(test_session_room_for_a_packet_that_never_came_is_no_damage),
    };
    return cmocka_run_group_tests_name("session-damage", tests, NULL, NULL);
}
