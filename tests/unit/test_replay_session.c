/*
 * References from recorded sessions: which of the events are taken, and what is said to be
 * missing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "references_reading.h"
#include "replay/replay_print.h"
#include "session_fixture.h"

struct fault_spec {
    uint64_t address;
    enum fault_kind kind;
    enum record_action action;
    uint32_t region;
    uint16_t process;
    uint8_t access;
};

static void record(struct fixture *fixture, uint64_t time, const struct fault_spec *spec)
{
    struct fault_record fault = fixture_fault(time, spec->address);

    fault.kind = (uint8_t)spec->kind;
    fault.action = (uint8_t)spec->action;
    fault.region = spec->region;
    fault.process = spec->process;
    fault.access = spec->access;
    if (spec->action == ACTION_SIGNAL) {
        fault.level = 0;
    }
    recorder_fault(fixture->recorder, &fault, NULL);
}

static const struct fault_spec plain_faults[] = {
    {0x1008, FAULT_DEMAND_ZERO, ACTION_MAP_ZERO, 1, 0, RECORD_WRITE | RECORD_USER},
    {0x2010, FAULT_FILE_LOAD, ACTION_MAP_FILE, 2, 0, RECORD_FETCH | RECORD_USER},
    {0x9000, FAULT_UNMAPPED, ACTION_SIGNAL, RECORD_NO_REGION, 0, RECORD_USER},
    {0x1008, FAULT_DEMAND_ZERO, ACTION_MAP_ZERO, 1, 3, RECORD_USER},
};

static void test_references_of_a_session_are_its_faults(void **unused)
{
    struct fixture fixture;
    struct references references;
    struct reference out[ROOM];
    struct err err;

    (void)unused;
    fixture_begin(&fixture);
    for (uint64_t i = 0; i < 4; i++) {
        record(&fixture, 100 + i, &plain_faults[i]);
    }
    fixture_end(&fixture, 200);
    assert_true(references_open_session(&references, fixture.folder, NULL, &err));
    assert_int_equal(references.about.kind, REFERENCES_FAULTS);
    assert_int_equal(references.about.page_shift, 12);
    assert_int_equal(references.about.left_out, 1);
    assert_false(references.about.torn);
    assert_false(references.about.evicting);
    for (size_t step = 1; step < 5; step++) {
        assert_int_equal(read_all(&references, out, step), 3);
        assert_reference(&out[0], 0x1008, 1, REFERENCE_WRITE);
        assert_reference(&out[1], 0x2010, 1, REFERENCE_FETCH);
        assert_reference(&out[2], 0x1008, 1, REFERENCE_READ);
        assert_int_equal(out[0].process, 0);
        assert_int_equal(out[2].process, 3);
        assert_true(references_rewind(&references, &err));
    }
    references_close(&references);
    fixture_remove(&fixture);
}

/* Process 3 is forked, executes twice and ends; then another process gets its number. */
static void test_references_of_another_program_are_to_other_pages(void **unused)
{
    const struct fault_spec *fault = &plain_faults[3]; /* of process 3 */
    struct fixture fixture;
    struct references references;
    struct reference out[ROOM];
    struct err err;

    (void)unused;
    fixture_begin(&fixture);
    for (uint64_t time = 100; time < 500; time += 100) {
        switch (time) {
        case 100:
        case 400:
            recorder_process_start(fixture.recorder, time, 3, 1);
            break;
        default:
            recorder_exec(fixture.recorder, time, 3, "/no/such/program");
            break;
        }
        record(&fixture, time + 1, fault);
        record(&fixture, time + 2, &plain_faults[0]);
    }
    fixture_end(&fixture, 500);
    assert_true(references_open_session(&references, fixture.folder, NULL, &err));
    for (unsigned round = 0; round < 2; round++) {
        assert_int_equal(read_all(&references, out, ROOM), 8);
        assert_int_equal(out[0].process, 3);
        assert_int_not_equal(out[2].process, 3);
        assert_int_not_equal(out[4].process, 3);
        assert_int_not_equal(out[2].process, out[4].process);
        assert_int_equal(out[6].process, 3);
        for (size_t i = 1; i < 8; i += 2) {
            assert_int_equal(out[i].process, 0);
        }
        assert_true(references_rewind(&references, &err));
    }
    references_close(&references);
    fixture_remove(&fixture);
}

/* Regions with samples have every access; the others are left out, whatever they faulted. */
static void test_references_prefer_samples_of_their_regions(void **unused)
{
    static const struct fault_spec faults[] = {
        {0x1000, FAULT_DEMAND_ZERO, ACTION_MAP_ZERO, 7, 0, RECORD_WRITE},
        {0x5000, FAULT_DEMAND_ZERO, ACTION_MAP_ZERO, 8, 0, RECORD_WRITE},
        {0x1004, FAULT_SAMPLING, ACTION_UPGRADE, 7, 0, 0},
        {0x1008, FAULT_SAMPLING, ACTION_UPGRADE, 7, 0, RECORD_WRITE},
        {0x1000, FAULT_DEMAND_ZERO, ACTION_MAP_ZERO, 7, 1, RECORD_WRITE},
        {0x3000, FAULT_FILE_LOAD, ACTION_MAP_FILE, 5, 0, 0},
    };
    struct fixture fixture;
    struct references references;
    struct reference out[ROOM];
    struct err err;

    (void)unused;
    fixture_begin(&fixture);
    for (uint64_t i = 0; i < 6; i++) {
        record(&fixture, 100 + i, &faults[i]);
    }
    fixture_end(&fixture, 200);
    assert_true(references_open_session(&references, fixture.folder, NULL, &err));
    assert_int_equal(references.about.kind, REFERENCES_EXACT);
    assert_int_equal(references.about.left_out, 3);
    assert_int_equal(read_all(&references, out, ROOM), 3);
    assert_reference(&out[0], 0x1000, 1, REFERENCE_WRITE);
    assert_reference(&out[1], 0x1004, 1, REFERENCE_READ);
    assert_reference(&out[2], 0x1008, 1, REFERENCE_WRITE);
    references_close(&references);
    fixture_remove(&fixture);
}

static void put_access(struct fixture *fixture, uint64_t time, uint64_t address, uint8_t bytes)
{
    const struct access_record access = {
        .time_ns = time,
        .address = address,
        .process = 2,
        .access = RECORD_WRITE | RECORD_USER,
        .bytes = bytes};

    recorder_access(fixture->recorder, &access, NULL);
}

static void test_references_prefer_recorded_accesses(void **unused)
{
    struct fixture fixture;
    struct references references;
    struct reference out[ROOM];
    struct err err;

    (void)unused;
    fixture_begin(&fixture);
    record(&fixture, 100, &plain_faults[0]);
    put_access(&fixture, 101, 0x1008, 4);
    put_access(&fixture, 102, 0x1ffc, 8);
    put_access(&fixture, 103, 0x3000, 0);
    fixture_end(&fixture, 200);
    assert_true(references_open_session(&references, fixture.folder, NULL, &err));
    assert_int_equal(references.about.kind, REFERENCES_EXACT);
    assert_int_equal(references.about.left_out, 0);
    assert_int_equal(read_all(&references, out, ROOM), 3);
    assert_reference(&out[0], 0x1008, 4, REFERENCE_WRITE);
    assert_reference(&out[1], 0x1ffc, 8, REFERENCE_WRITE);
    assert_reference(&out[2], 0x3000, 1, REFERENCE_WRITE);
    assert_int_equal(out[0].process, 2);
    references_close(&references);
    fixture_remove(&fixture);
}

static void test_references_of_one_phase(void **unused)
{
    struct fixture fixture;
    struct references references;
    struct reference out[ROOM];
    struct err err;

    (void)unused;
    fixture_begin(&fixture);
    record(&fixture, 100, &plain_faults[0]);
    recorder_phase(fixture.recorder, 101, "fill");
    record(&fixture, 102, &plain_faults[1]);
    recorder_phase(fixture.recorder, 103, "sum");
    record(&fixture, 104, &plain_faults[3]);
    recorder_phase(fixture.recorder, 105, "fill");
    record(&fixture, 106, &plain_faults[0]);
    fixture_end(&fixture, 200);
    assert_true(references_open_session(&references, fixture.folder, "fill", &err));
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(read_all(&references, out, ROOM), 2);
        assert_reference(&out[0], 0x2010, 1, REFERENCE_FETCH);
        assert_reference(&out[1], 0x1008, 1, REFERENCE_WRITE);
        assert_true(references_rewind(&references, &err));
    }
    references_close(&references);
    assert_false(references_open_session(&references, fixture.folder, "drain", &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.text, "no phase 'drain'"));
    fixture_remove(&fixture);
}

static void test_references_say_what_a_session_lacks(void **unused)
{
    struct fixture fixture;
    struct references references;
    struct fault_record fault;
    struct reference out[ROOM];
    struct err err;

    (void)unused;
    fixture_begin(&fixture);
    fault = fixture_fault(100, 0x200000);
    fault.level = 2;
    fault.evicted = 17;
    recorder_fault(fixture.recorder, &fault, NULL);
    fixture_abandon(&fixture);
    assert_true(references_open_session(&references, fixture.folder, NULL, &err));
    assert_int_equal(references.about.page_shift, 21);
    assert_true(references.about.evicting);
    assert_true(references.about.torn);
    assert_true(strlen(references.about.tear) > 0);
    assert_int_equal(read_all(&references, out, ROOM), 1);
    references_close(&references);
    fixture_remove(&fixture);
}

static void test_references_say_how_many_events_were_lost(void **unused)
{
    const uint64_t lost = 5;
    struct fixture fixture;
    struct references references;
    struct err err;

    (void)unused;
    fixture_begin(&fixture);
    record(&fixture, 100, &plain_faults[0]);
    fixture_end(&fixture, 200);
    fixture_patch(
        &fixture, SESSION_STREAM_FILE, offsetof(struct session_packet, discarded), &lost,
        sizeof(lost));
    assert_true(references_open_session(&references, fixture.folder, NULL, &err));
    assert_int_equal(references.about.discarded, lost);
    references_close(&references);
    fixture_remove(&fixture);
}

/* --- the classroom question: an array of 8,192 bytes, every 4th of which is touched --- */

#define ARRAY       UINT64_C(0x7fff00000000)
#define ARRAY_BYTES 8192

/* Distinct pages of 1, 2, 4 and 8 KiB that a session touched in its phase, and the notes. */
static void replay_classroom(
    const struct fixture *fixture,
    uint32_t pages[4],
    char notes[REPLAY_NOTES_MAX][REPLAY_NOTE_BYTES],
    size_t *note_count)
{
    const struct replay_plan plan = {
        .policies = {&sim_lru},
        .policy_count = 1,
        .frames = {8},
        .frame_count = 1,
        .page_shifts = {10, 11, 12, 13},
        .size_count = 4,
        .last = UINT64_MAX,
        .access = REFERENCE_ANY};
    struct references references;
    struct replay_result result = {.size_count = 0};
    struct err err = {0};

    if (!references_open_session(&references, fixture->folder, "array", &err) ||
        !replay_run(&plan, &references, &result, &err)) {
        fail_msg("%s", err.text);
    }
    for (unsigned i = 0; i < 4; i++) {
        pages[i] = result.sizes[i].pages;
        assert_int_equal(result.sizes[i].faults[0][0], pages[i]);
    }
    *note_count = replay_notes(notes, &plan, &references.about, &result);
    replay_destroy(&result);
    references_close(&references);
}

static void test_replay_answers_the_classroom_from_accesses(void **unused)
{
    char notes[REPLAY_NOTES_MAX][REPLAY_NOTE_BYTES];
    struct fixture fixture;
    uint32_t pages[4] = {0};
    size_t count = 0;

    (void)unused;
    fixture_begin(&fixture);
    put_access(&fixture, 100, 0x1000, 8); /* before the phase */
    recorder_phase(fixture.recorder, 101, "array");
    for (uint64_t i = 0; i < ARRAY_BYTES; i += 4) {
        put_access(&fixture, 102 + i, ARRAY + i, 1);
    }
    fixture_end(&fixture, 10000);
    replay_classroom(&fixture, pages, notes, &count);
    assert_int_equal(pages[0], 8);
    assert_int_equal(pages[1], 4);
    assert_int_equal(pages[2], 2);
    assert_int_equal(pages[3], 1);
    assert_int_equal(count, 0);
    fixture_remove(&fixture);
}

/* The run had pages of 4 KiB: of smaller ones its two faults cannot say more than two. */
static void test_replay_of_faults_says_what_it_cannot_answer(void **unused)
{
    char notes[REPLAY_NOTES_MAX][REPLAY_NOTE_BYTES];
    struct fixture fixture;
    uint32_t pages[4] = {0};
    size_t count = 0;

    (void)unused;
    fixture_begin(&fixture);
    recorder_phase(fixture.recorder, 100, "array");
    for (uint64_t i = 0; i < ARRAY_BYTES; i += 4096) {
        const struct fault_spec spec = {
            ARRAY + i, FAULT_DEMAND_ZERO, ACTION_MAP_ZERO, 1, 2, RECORD_WRITE | RECORD_USER};
        record(&fixture, 101 + i, &spec);
    }
    fixture_end(&fixture, 10000);
    replay_classroom(&fixture, pages, notes, &count);
    assert_int_equal(pages[0], 2);
    assert_int_equal(pages[2], 2);
    assert_int_equal(pages[3], 1);
    assert_true(count > 0);
    assert_non_null(strstr(notes[0], "faults only"));
    assert_non_null(
        strstr(notes[0], "right for pages of 4K and more, a lower bound for smaller"));
    fixture_remove(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references_of_a_session_are_its_faults),
        cmocka_unit_test(test_references_of_another_program_are_to_other_pages),
        cmocka_unit_test(test_references_prefer_samples_of_their_regions),
        cmocka_unit_test(test_references_prefer_recorded_accesses),
        cmocka_unit_test(test_references_of_one_phase),
        cmocka_unit_test(test_references_say_what_a_session_lacks),
        cmocka_unit_test(test_references_say_how_many_events_were_lost),
        cmocka_unit_test(test_replay_answers_the_classroom_from_accesses),
        cmocka_unit_test(test_replay_of_faults_says_what_it_cannot_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
