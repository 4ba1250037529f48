/*
 * Sessions written by the recorder and read back: every event and field, order, regions that
 * are described when due, the end of the disk, and a vmm that dies.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "session_fixture.h"

static struct session_reader *open_reader(const struct fixture *fixture)
{
    struct session_reader *reader;
    struct err err;

    if (!session_open(&reader, fixture->folder, &err)) {
        fail_msg("%s", err.text);
    }
    return reader;
}

static struct session_event read_event(struct session_reader *reader)
{
    struct session_event event;
    struct err err = {0};

    enum session_next next = session_next(reader, &event, &err);
    if (next != SESSION_NEXT) {
        fail_msg("no event: %s", next == SESSION_FAILED ? err.text : "done");
    }
    return event;
}

static struct session_event
expect_event(struct session_reader *reader, enum session_event_kind kind, uint64_t time_ns)
{
    struct session_event event = read_event(reader);

    assert_int_equal(event.kind, kind);
    assert_int_equal(event.time_ns, time_ns);
    return event;
}

static void expect_done(struct session_reader *reader)
{
    struct session_event event;
    struct err err;

    assert_int_equal(session_next(reader, &event, &err), SESSION_DONE);
    assert_int_equal(session_next(reader, &event, &err), SESSION_DONE);
}

/* Faults until there is none; checks that addresses count up by pages from `first`. */
static uint64_t count_faults(struct session_reader *reader, uint64_t first)
{
    struct session_event event;
    struct err err = {0};
    uint64_t faults = 0;
    enum session_next next;

    while ((next = session_next(reader, &event, &err)) == SESSION_NEXT) {
        if (event.kind == SESSION_FAULT) {
            assert_int_equal(event.of.fault->address, first + faults * PAGE_BYTES);
            faults++;
        }
    }
    if (next == SESSION_FAILED) {
        fail_msg("%s", err.text);
    }
    return faults;
}

static void record_faults(struct fixture *fixture, uint64_t from, uint64_t count)
{
    for (uint64_t i = from; i < from + count; i++) {
        struct fault_record fault = fixture_fault(1000 + i, 0x10000000 + i * PAGE_BYTES);
        recorder_fault(fixture->recorder, &fault, NULL);
    }
}

static void test_session_keeps_every_byte_of_a_fault(void **state)
{
    struct fixture fixture;
    struct fault_record fault;

    (void)state;
    fixture_begin(&fixture);
    for (unsigned i = 0; i < sizeof(fault); i++) {
        ((uint8_t *)&fault)[i] = (uint8_t)(i + 1);
    }
    fault.time_ns = 0x00ffeeddccbbaa99;
    fault.kind = FAULT_KINDS - 1;
    fault.action = RECORD_ACTIONS - 1;
    fault.level = 3;
    recorder_fault(fixture.recorder, &fault, NULL);
    fixture_end(&fixture, fault.time_ns);
    struct session_reader *reader = open_reader(&fixture);
    struct session_event event = expect_event(reader, SESSION_FAULT, fault.time_ns);
    assert_memory_equal(event.of.fault, &fault, sizeof(fault));
    session_close(reader);
    fixture_remove(&fixture);
}

static void test_session_keeps_the_fields_of_every_other_event(void **state)
{
    const struct session_signal signal = {
        .address = 0x1234, .rip = 0x5678, .number = 11, .code = -6, .process = 9};
    const struct access_record access = {
        .time_ns = 5,
        .address = 0xabc,
        .rip = 0xdef,
        .region = 5,
        .process = 2,
        .access = 1,
        .bytes = 8};
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture);
    recorder_process_start(fixture.recorder, 1, 3, 2);
    recorder_phase(fixture.recorder, 2, "fill");
    recorder_result(fixture.recorder, 3, "faults", -5);
    recorder_signal(fixture.recorder, 4, &signal, "write to nowhere");
    recorder_access(fixture.recorder, &access, NULL);
    recorder_process_end(fixture.recorder, 6, 3, 139);
    recorder_exec(fixture.recorder, 7, 4, "/no/such/program");
    fixture_end(&fixture, 8);
    struct session_reader *reader = open_reader(&fixture);
    struct session_event event = expect_event(reader, SESSION_PROCESS_START, 1);
    assert_int_equal(event.of.start->process, 3);
    assert_int_equal(event.of.start->parent, 2);
    event = expect_event(reader, SESSION_PHASE, 2);
    assert_string_equal(event.of.phase->name, "fill");
    event = expect_event(reader, SESSION_RESULT, 3);
    assert_string_equal(event.of.result->name, "faults");
    assert_int_equal(event.of.result->value, -5);
    event = expect_event(reader, SESSION_SIGNAL, 4);
    assert_string_equal(event.of.signal->text, "write to nowhere");
    assert_memory_equal(
        &event.of.signal->address, &signal.address, offsetof(struct session_signal, text) - 8);
    event = expect_event(reader, SESSION_ACCESS, 5);
    assert_memory_equal(&event.of.access->address, &access.address, sizeof(access) - 8);
    event = expect_event(reader, SESSION_PROCESS_END, 6);
    assert_int_equal(event.of.end_process->status, 139);
    event = expect_event(reader, SESSION_EXEC, 7);
    assert_int_equal(event.of.exec->process, 4);
    assert_int_equal(event.of.exec->program_hash, 0);
    assert_string_equal(event.of.exec->path, "/no/such/program");
    event = expect_event(reader, SESSION_END, 8);
    assert_string_equal(event.of.end->reason, "exited with status 0");
    expect_done(reader);
    session_close(reader);
    fixture_remove(&fixture);
}

static void test_session_info_says_what_was_run_and_how_it_ended(void **state)
{
    struct fixture fixture;
    char self[4096];

    (void)state;
    fixture_begin(&fixture);
    fixture_end(&fixture, 77);
    struct session_reader *reader = open_reader(&fixture);
    const struct session_info *info = session_info(reader);
    assert_non_null(realpath("/proc/self/exe", self));
    assert_string_equal(info->program, self);
    assert_string_equal(info->argv[0], "program");
    assert_string_equal(info->argv[2], "two");
    assert_null(info->argv[3]);
    assert_int_equal(info->mem_bytes, 1 << 30);
    assert_int_equal(info->duration_ns, 77);
    assert_int_equal(info->packets, 1);
    assert_int_not_equal(info->program_hash, 0);
    assert_true(info->ended);
    assert_false(info->torn);
    assert_string_equal(info->tear, "");
    assert_int_equal(info->status, 0);
    assert_string_equal(info->reason, "exited with status 0");
    session_close(reader);
    fixture_remove(&fixture);
}

static void test_session_spans_packets_in_order_and_can_be_read_again(void **state)
{
    const uint64_t count = 3 * SESSION_PACKET_BYTES / sizeof(struct fault_record);
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture);
    record_faults(&fixture, 0, count);
    fixture_end(&fixture, 1000 + count);
    struct session_reader *reader = open_reader(&fixture);
    assert_int_equal(session_info(reader)->packets, 4);
    assert_int_equal(count_faults(reader, 0x10000000), count);
    session_rewind(reader);
    assert_int_equal(count_faults(reader, 0x10000000), count);
    session_close(reader);
    fixture_remove(&fixture);
}

static void test_session_file_is_as_long_as_its_events(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture);
    record_faults(&fixture, 0, 10);
    fixture_end(&fixture, 5000);
    assert_int_equal(
        fixture_size(&fixture, SESSION_STREAM_FILE), sizeof(struct session_packet) +
                                                         10 * sizeof(struct fault_record) +
                                                         sizeof(struct session_end));
    fixture_remove(&fixture);
}

static void test_session_raises_a_time_that_would_descend(void **state)
{
    struct fixture fixture;
    struct fault_record late = fixture_fault(500, 0x1000), early = fixture_fault(400, 0x2000);

    (void)state;
    fixture_begin(&fixture);
    recorder_fault(fixture.recorder, &late, NULL);
    recorder_fault(fixture.recorder, &early, NULL);
    fixture_end(&fixture, 600);
    struct session_reader *reader = open_reader(&fixture);
    expect_event(reader, SESSION_FAULT, 500);
    struct session_event event = expect_event(reader, SESSION_FAULT, 500);
    assert_int_equal(event.of.fault->address, 0x2000);
    session_close(reader);
    fixture_remove(&fixture);
}

static void test_session_describes_a_region_before_its_first_fault_only(void **state)
{
    struct fixture fixture;
    struct region region = fixture_region(4, 0x10000, 0x14000, "bss");
    struct fault_record one = fixture_fault(1, 0x10000), two = fixture_fault(2, 0x13000);

    (void)state;
    one.region = two.region = 4;
    fixture_begin(&fixture);
    recorder_fault(fixture.recorder, &one, &region);
    recorder_fault(fixture.recorder, &two, &region);
    fixture_end(&fixture, 3);
    struct session_reader *reader = open_reader(&fixture);
    const struct session_region *said = expect_event(reader, SESSION_REGION, 1).of.region;
    assert_int_equal(said->begin, 0x10000);
    assert_int_equal(said->end, 0x14000);
    assert_int_equal(said->id, 4);
    assert_int_equal(said->permissions, REGION_READ | REGION_WRITE);
    assert_string_equal(said->label, "bss");
    assert_string_equal(said->file, "");
    expect_event(reader, SESSION_FAULT, 1);
    expect_event(reader, SESSION_FAULT, 2);
    expect_event(reader, SESSION_END, 3);
    session_close(reader);
    fixture_remove(&fixture);
}

static void test_session_describes_a_region_again_when_it_grew_or_changed(void **state)
{
    struct fixture fixture;
    struct region stack = fixture_region(1, 0x20000, 0x30000, "stack");
    struct fault_record inside = fixture_fault(1, 0x20000), below = fixture_fault(2, 0x1f000);

    (void)state;
    fixture_begin(&fixture);
    recorder_fault(fixture.recorder, &inside, &stack);
    assert_true(stack.described);
    stack.begin = gva_of(0x1f000);
    stack.described = false; /* as every change of a region does */
    inside.time_ns = 2;
    recorder_fault(fixture.recorder, &inside, &stack); /* grew, but still fits */
    recorder_fault(fixture.recorder, &below, &stack);
    stack.spec.permissions = REGION_READ;
    stack.described = false;
    inside.time_ns = 3;
    recorder_fault(fixture.recorder, &inside, &stack);
    inside.process = 1; /* the same number in another process is another region */
    stack.described = false;
    recorder_fault(fixture.recorder, &inside, &stack);
    fixture_end(&fixture, 3);
    struct session_reader *reader = open_reader(&fixture);
    static const enum session_event_kind due[] = {
        SESSION_REGION, SESSION_FAULT, SESSION_FAULT,  SESSION_REGION, SESSION_FAULT,
        SESSION_REGION, SESSION_FAULT, SESSION_REGION, SESSION_FAULT,  SESSION_END};
    for (size_t i = 0; i < sizeof(due) / sizeof(due[0]); i++) {
        assert_int_equal(read_event(reader).kind, due[i]);
    }
    session_close(reader);
    fixture_remove(&fixture);
}

static void test_session_remembers_many_regions(void **state)
{
    struct fixture fixture;
    uint64_t regions = 0, faults = 0;

    (void)state;
    fixture_begin(&fixture);
    for (unsigned round = 0; round < 2; round++) {
        for (uint32_t id = 0; id < 1000; id++) {
            uint64_t begin = 0x100000 + (uint64_t)id * 0x2000;
            struct region region = fixture_region(id, begin, begin + 0x1000, NULL);
            struct fault_record fault = fixture_fault(round, begin);
            recorder_fault(fixture.recorder, &fault, &region);
        }
    }
    fixture_end(&fixture, 2);
    struct session_reader *reader = open_reader(&fixture);
    for (;;) {
        struct session_event event = read_event(reader);
        regions += event.kind == SESSION_REGION;
        faults += event.kind == SESSION_FAULT;
        if (event.kind == SESSION_END) {
            break;
        }
    }
    assert_int_equal(regions, 1000);
    assert_int_equal(faults, 2000);
    session_close(reader);
    fixture_remove(&fixture);
}

static void test_session_of_a_killed_vmm_has_all_that_was_recorded(void **state)
{
    const uint64_t count = SESSION_PACKET_BYTES / sizeof(struct fault_record) + 17;
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture);
    record_faults(&fixture, 0, count);
    fixture_abandon(&fixture);
    struct session_reader *reader = open_reader(&fixture);
    assert_true(session_info(reader)->torn);
    assert_false(session_info(reader)->ended);
    assert_non_null(strstr(session_info(reader)->tear, "cut off"));
    assert_int_equal(session_info(reader)->duration_ns, 1000 + count - 1);
    assert_int_equal(count_faults(reader, 0x10000000), count);
    session_close(reader);
    fixture_remove(&fixture);
}

/* In a child, so that the limit and the signal's action end with it. */
static int record_beyond_limit(struct fixture *fixture, uint64_t count)
{
    struct rlimit limit = {.rlim_cur = 2 * SESSION_PACKET_BYTES, .rlim_max = RLIM_INFINITY};
    struct err err = {0};

    signal(SIGXFSZ, SIG_IGN);
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0) {
        return 2;
    }
    limit.rlim_cur = 2 * SESSION_PACKET_BYTES;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        return 2;
    }
    record_faults(fixture, 0, count);
    recorder_end(fixture->recorder, 1000 + count, 0, "exited with status 0");
    bool ok = recorder_close(fixture->recorder, "{}", &err);
    return !ok && strstr(err.text, "events are missing") != NULL &&
                   strstr(err.text, "File too large") != NULL
               ? 0
               : 1;
}

static void test_session_stops_where_the_disk_is_full_and_says_so(void **state)
{
    const uint64_t count = 4 * SESSION_PACKET_BYTES / sizeof(struct fault_record);
    struct fixture fixture;
    int status;

    (void)state;
    fixture_begin(&fixture);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(record_beyond_limit(&fixture, count));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    struct session_reader *reader = open_reader(&fixture);
    const struct session_info *info = session_info(reader);
    assert_true(info->ended); /* room for the end is always kept */
    uint64_t kept = count_faults(reader, 0x10000000);
    assert_int_equal(kept + info->discarded, count);
    assert_in_range(kept, 8100, 8192);
    session_close(reader);
    fixture_remove(&fixture);
}

static void test_session_folder_that_exists_is_refused_unless_forced(void **state)
{
    struct fixture fixture;
    struct recorder *recorder;
    struct err err;

    (void)state;
    fixture_begin(&fixture);
    record_faults(&fixture, 0, 3);
    fixture_end(&fixture, 2000);
    assert_false(recorder_create(&recorder, &fixture.setup, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.text, "--force"));
    struct session_reader *reader = open_reader(&fixture);
    assert_int_equal(count_faults(reader, 0x10000000), 3);
    session_close(reader);
    fixture.setup.force = true;
    assert_true(recorder_create(&fixture.recorder, &fixture.setup, &err));
    fixture_end(&fixture, 9);
    reader = open_reader(&fixture);
    assert_int_equal(count_faults(reader, 0x10000000), 0);
    session_close(reader);
    fixture_remove(&fixture);
}

static void test_session_without_a_run_is_removed(void **state)
{
    struct fixture fixture;
    struct err err;

    (void)state;
    fixture_begin(&fixture);
    assert_true(recorder_close(fixture.recorder, NULL, &err));
    fixture.recorder = NULL;
    assert_int_equal(access(fixture.folder, F_OK), -1);
    fixture_remove(&fixture);
}

static void test_session_refuses_a_program_or_a_folder_that_cannot_be(void **state)
{
    struct fixture fixture;
    struct recorder *recorder;
    struct err err;

    (void)state;
    fixture_begin(&fixture);
    fixture_end(&fixture, 1);
    struct recorder_setup setup = fixture.setup;
    setup.program = "/nowhere/program";
    assert_false(recorder_create(&recorder, &setup, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.text, "/nowhere/program"));
    setup = fixture.setup;
    setup.folder = "/nowhere/session";
    assert_false(recorder_create(&recorder, &setup, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.text, "/nowhere/session"));
    fixture_remove(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session_keeps_every_byte_of_a_fault),
        cmocka_unit_test(test_session_keeps_the_fields_of_every_other_event),
        cmocka_unit_test(test_session_info_says_what_was_run_and_how_it_ended),
        cmocka_unit_test(test_session_spans_packets_in_order_and_can_be_read_again),
        cmocka_unit_test(test_session_file_is_as_long_as_its_events),
        cmocka_unit_test(test_session_raises_a_time_that_would_descend),
        cmocka_unit_test(test_session_describes_a_region_before_its_first_fault_only),
        cmocka_unit_test(test_session_describes_a_region_again_when_it_grew_or_changed),
        cmocka_unit_test(test_session_remembers_many_regions),
        cmocka_unit_test(test_session_of_a_killed_vmm_has_all_that_was_recorded),
        cmocka_unit_test(test_session_stops_where_the_disk_is_full_and_says_so),
        cmocka_unit_test(test_session_folder_that_exists_is_refused_unless_forced),
        cmocka_unit_test(test_session_without_a_run_is_removed),
        cmocka_unit_test(test_session_refuses_a_program_or_a_folder_that_cannot_be),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
