/*
 * Records a run: makes the session's folder, turns what happens into events, says what regions
 * are before faults name them, and completes run.json at the end.  It refuses to know how
 * events reach the disk (writer.h) and who calls it (run/observe.c does).
 *
 * The disk running full ends the recording, never the run: later events are counted, and
 * recorder_close() says so.
 */
#ifndef SESSION_RECORDER_H
#define SESSION_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "session/format.h"
#include "space/region.h"

struct recorder_setup {
    const char *folder;
    bool force;                 /* replace the session in an existing folder */
    const char *program;        /* path; made absolute here */
    const char *const *argv;    /* NULL-terminated */
    const char *const *command; /* vmm's own command line, NULL-terminated; NULL: not known */
    uint64_t mem_bytes, stack_bytes;
};

struct recorder; /* opaque */

/*
 * Make the folder and begin.  setup and its strings must outlive the recorder.  ERR_INPUT: the
 * folder exists (without force), or cannot be made; the program cannot be found.
 * ERR_ENVIRONMENT: no room, no memory.  On failure nothing new is left behind.
 */
MUST_CHECK bool recorder_create(
    struct recorder **recorder, const struct recorder_setup *setup, struct err *err);

/* One fault and the region that holds it (NULL: none).  Constant time; on the common path no
 * system call and no allocation. */
void recorder_fault(
    struct recorder *recorder, const struct fault_record *record, struct region *region);

/* Whether faults are left out from now on, as the user wants it; what else happens is not. */
void recorder_pause(struct recorder *recorder, bool paused);
bool recorder_is_paused(const struct recorder *recorder);

/* Times as in a record.  Texts are cut to what format.h has room for. */
void recorder_phase(struct recorder *recorder, uint64_t time_ns, const char *name);
void recorder_result(
    struct recorder *recorder, uint64_t time_ns, const char *name, int64_t value);
void recorder_process_start(
    struct recorder *recorder, uint64_t time_ns, uint16_t process, uint16_t parent);
void recorder_process_end(
    struct recorder *recorder, uint64_t time_ns, uint16_t process, int status);
/* The process is about to run the program in the file at this path. */
void recorder_exec(
    struct recorder *recorder, uint64_t time_ns, uint16_t process, const char *path);
/* The head is filled in here. */
void recorder_signal(
    struct recorder *recorder,
    uint64_t time_ns,
    const struct session_signal *signal,
    const char *text);
/* One access, and the region that holds it (NULL: none). */
void recorder_access(
    struct recorder *recorder, const struct access_record *record, struct region *region);

/* Say what every region of a process is that no fault has named yet. */
void recorder_regions(
    struct recorder *recorder,
    uint64_t time_ns,
    uint16_t process,
    const struct regions *regions);

/* The run is over: the exit status and the reason in words. */
void recorder_end(struct recorder *recorder, uint64_t time_ns, int status, const char *reason);

/*
 * Complete run.json and free everything; accepts NULL.  summary: JSON text of the outcome, as
 * report/summary.h prints it; NULL: the run did not take place, and the session is removed.
 * Returns false with ERR_ENVIRONMENT when something could not be recorded, saying what.
 */
MUST_CHECK bool recorder_close(struct recorder *recorder, const char *summary, struct err *err);

#endif
