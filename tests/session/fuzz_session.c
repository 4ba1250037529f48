/*
 * Feeds a reader of sessions with anything: the first byte of an input chooses the file of a
 * sound session that the rest replaces.  Whatever it is, the reader must return, and report and
 * export with it.  Built by `make fuzz` with libFuzzer; test_session_fuzz runs it on a bounded
 * set of inputs.
 *
 *   first byte % 4: 0, 3: the stream (3: with the session's uuid put into it), 1: run.json,
 *   2: metadata
 */
#include "fuzz_session.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/session_fixture.h"
#include "export/export.h"
#include "report/report_session.h"

#define PAGE_LIMIT 16 /* so that several passes are made */

static void use_session(const char *folder)
{
    const enum column columns[] = {
        COLUMN_TIME_NS, COLUMN_KIND, COLUMN_REGION_NAME, COLUMN_PHASE};
    struct session_reader *reader;
    struct report report;
    struct err err;

    if (!session_open(&reader, folder, &err)) {
        return;
    }
    if (report_gather(&report, reader, PAGE_LIMIT, &err)) {
        report_destroy(&report);
    }
    if (!export_session(reader, &export_csv, "/dev/null", columns, 4, &err)) {
        err.text[0] = '\0'; /* damage is what is looked for */
    }
    session_close(reader);
}

static void read_file(const struct fixture *fixture, const char *name, void *to, size_t bytes)
{
    char path[FIXTURE_PATH_BYTES];

    fixture_path(fixture, name, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, to, bytes) != (ssize_t)bytes) {
        perror(path);
        abort();
    }
    close(fd);
}

static void
replace_file(const struct fixture *fixture, const char *name, const uint8_t *data, size_t bytes)
{
    fixture_patch(fixture, name, 0, data, bytes);
    fixture_truncate(fixture, name, bytes);
}

static void try_file(
    const struct fixture *fixture,
    const char *name,
    const uint8_t *data,
    size_t bytes,
    bool uuid)
{
    size_t sound_bytes = fixture_size(fixture, name);
    uint8_t *sound = malloc(sound_bytes);
    struct session_packet packet;

    if (sound == NULL) {
        abort();
    }
    read_file(fixture, name, sound, sound_bytes);
    replace_file(fixture, name, data, bytes);
    if (uuid && bytes >= sizeof(packet)) {
        memcpy(&packet, sound, sizeof(packet));
        fixture_patch(
            fixture, name, offsetof(struct session_packet, uuid), packet.uuid,
            sizeof(packet.uuid));
    }
    use_session(fixture->folder);
    replace_file(fixture, name, sound, sound_bytes);
    free(sound);
}

void fuzz_make_session(struct fixture *fixture)
{
    struct region region = fixture_region(2, 0x10000, 0x90000, "bss");

    fixture_begin(fixture);
    recorder_process_start(fixture->recorder, 0, 0, 0);
    for (uint64_t i = 0; i < 40; i++) {
        struct fault_record fault = fixture_fault(i * 10, 0x10000 + i * PAGE_BYTES);
        fault.region = 2;
        recorder_fault(fixture->recorder, &fault, &region);
        if (i % 16 == 8) {
            recorder_phase(fixture->recorder, i * 10, "phase");
            recorder_result(fixture->recorder, i * 10, "result", (int64_t)i);
        }
    }
    fixture_end(fixture, 500);
}

void fuzz_try(const struct fixture *fixture, const uint8_t *data, size_t bytes)
{
    static const char *const names[4] = {
        SESSION_STREAM_FILE, SESSION_RUN_FILE, SESSION_METADATA_FILE, SESSION_STREAM_FILE};

    if (bytes > 0) {
        try_file(fixture, names[data[0] % 4], data + 1, bytes - 1, data[0] % 4 == 3);
    }
}
