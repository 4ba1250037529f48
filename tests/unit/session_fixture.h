/*
 * Makes synthetic sessions in folders of their own for the tests of sessions and reports, and
 * breaks them on request.  Every call aborts the test program when the host cannot do it.
 */
#ifndef SESSION_FIXTURE_H
#define SESSION_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/reader.h"
#include "session/recorder.h"

#define FIXTURE_PATH_BYTES 256

struct fixture {
    char folder[FIXTURE_PATH_BYTES]; /* of the session; it lies in a folder of its own */
    char outer[FIXTURE_PATH_BYTES];
    struct recorder_setup setup;
    struct recorder *recorder; /* NULL once closed */
};

/* Begin a recording whose program is this test program with the arguments "one" and "two". */
void fixture_begin(struct fixture *fixture);
/* End it with status 0, "exited with status 0" and an empty summary. */
void fixture_end(struct fixture *fixture, uint64_t time_ns);
/* Let go of the recorder as a killed vmm would: no end, no truncation. */
void fixture_abandon(struct fixture *fixture);
/* Close what is open and remove everything. */
void fixture_remove(struct fixture *fixture);

/* A demand-zero fault by a write from ring 3, level 1, in region 0 of process 0. */
struct fault_record fixture_fault(uint64_t time_ns, uint64_t address);
/* A region of [begin, end) with that id, readable and writable, anonymous. */
struct region fixture_region(uint32_t id, uint64_t begin, uint64_t end, const char *label);

/* "FOLDER/NAME"; the buffer is the fixture's caller's. */
void fixture_path(
    const struct fixture *fixture, const char *name, char path[FIXTURE_PATH_BYTES]);
/* Overwrite bytes of a file of the session, or append, or cut. */
void fixture_patch(
    const struct fixture *fixture,
    const char *name,
    uint64_t offset,
    const void *bytes,
    size_t count);
void fixture_truncate(const struct fixture *fixture, const char *name, uint64_t bytes);
uint64_t fixture_size(const struct fixture *fixture, const char *name);
/* Replace the first `from` in a text file by `to`, of any length. */
void fixture_replace(
    const struct fixture *fixture, const char *name, const char *from, const char *to);

/* A text region: the mapping of this test's own program that holds `here`, over `backing`. */
struct region fixture_own_code(struct backing *backing, uint64_t here);

#endif
