/*
 * The reader of sessions on a bounded set of broken sessions: every file of a sound one, cut
 * everywhere, and with bytes changed by a generator with a fixed seed.  What counts is that each
 * call returns; under the sanitizers, that it touches nothing that is not its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../session/fuzz_session.h"

#define ROUNDS  700
#define CHANGES 4

struct subject {
    struct fixture fixture;
    uint8_t *input; /* the choosing byte, then the file */
    size_t bytes;   /* of the file */
};

static void begin(struct subject *subject, uint8_t choice, const char *name)
{
    char path[FIXTURE_PATH_BYTES];

    fuzz_make_session(&subject->fixture);
    subject->bytes = fixture_size(&subject->fixture, name);
    subject->input = malloc(subject->bytes + 1);
    assert_non_null(subject->input);
    subject->input[0] = choice;
    fixture_path(&subject->fixture, name, path);
    FILE *in = fopen(path, "re");
    assert_non_null(in);
    assert_int_equal(fread(subject->input + 1, 1, subject->bytes, in), subject->bytes);
    fclose(in);
}

/* The session is as sound as before: nothing of an input is left. */
static void end(struct subject *subject)
{
    struct session_reader *reader;
    struct session_event event;
    struct err err;
    enum session_next next;

    assert_true(session_open(&reader, subject->fixture.folder, &err));
    while ((next = session_next(reader, &event, &err)) == SESSION_NEXT) {
    }
    assert_int_equal(next, SESSION_DONE);
    session_close(reader);
    free(subject->input);
    fixture_remove(&subject->fixture);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void change_bytes(uint8_t choice, const char *name, unsigned rounds)
{
    struct subject subject;
    uint64_t state = 0x9e3779b97f4a7c15 + choice;

    begin(&subject, choice, name);
    uint8_t *changed = malloc(subject.bytes + 1);
    assert_non_null(changed);
    for (unsigned round = 0; round < rounds; round++) {
        memcpy(changed, subject.input, subject.bytes + 1);
        for (unsigned i = 0; i < 1 + round % CHANGES; i++) {
            /* Headers more often than the rest. */
            size_t span = round % 3 == 0 && subject.bytes > 200 ? 200 : subject.bytes;
            changed[1 + next_random(&state) % span] = (uint8_t)next_random(&state);
        }
        fuzz_try(&subject.fixture, changed, subject.bytes + 1);
    }
    free(changed);
    end(&subject);
}

static void cut(uint8_t choice, const char *name, size_t step)
{
    struct subject subject;

    begin(&subject, choice, name);
    for (size_t bytes = 0; bytes < subject.bytes; bytes += step) {
        fuzz_try(&subject.fixture, subject.input, bytes + 1);
    }
    end(&subject);
}

static void test_session_reader_returns_whatever_bytes_of_a_stream_change(void **state)
{
    (void)state;
    change_bytes(0, SESSION_STREAM_FILE, ROUNDS);
    change_bytes(3, SESSION_STREAM_FILE, ROUNDS);
}

static void test_session_reader_returns_whatever_bytes_of_other_files_change(void **state)
{
    (void)state;
    change_bytes(1, SESSION_RUN_FILE, ROUNDS / 3);
    change_bytes(2, SESSION_METADATA_FILE, ROUNDS / 10);
}

static void test_session_reader_returns_wherever_a_file_ends(void **state)
{
    (void)state;
    cut(0, SESSION_STREAM_FILE, 5);
    cut(1, SESSION_RUN_FILE, 7);
    cut(2, SESSION_METADATA_FILE, 97);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session_reader_returns_whatever_bytes_of_a_stream_change),
        cmocka_unit_test(test_session_reader_returns_whatever_bytes_of_other_files_change),
        cmocka_unit_test(test_session_reader_returns_wherever_a_file_ends),
    };
    return cmocka_run_group_tests_name("session-fuzz", tests, NULL, NULL);
}
