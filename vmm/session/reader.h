/*
 * Reads a recorded session event by event, in the order of recording, with memory that does not
 * depend on its length.  Nothing of it is trusted: what reaches the caller was checked.  It
 * refuses to count or to judge; read format.h for the events, vmm/report for a user.
 *
 * A session that was cut off (vmm was killed, the disk was full, a copy is incomplete) is read
 * up to the tear; struct session_info says that there is one.
 */
#ifndef SESSION_READER_H
#define SESSION_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "session/format.h"

#define SESSION_TEAR_BYTES 192

/* What is known of a session once it is open; strings are owned by the reader. */
struct session_info {
    const char *program;           /* absolute path of the executable, as it was */
    const char *const *argv;       /* NULL-terminated: the program's name and arguments */
    const char *vmm_version;       /* that recorded it */
    const char *host;              /* kernel and CPU in one line */
    uint64_t program_hash;         /* FNV-1a of the executable's bytes, 0: not known */
    uint64_t started_unix_ns;      /* wall-clock time of the start of the run */
    uint64_t mem_bytes;            /* physical memory of the guest */
    uint64_t duration_ns;          /* time of the last event */
    uint64_t packets;              /* in the stream */
    uint64_t stream_bytes;         /* of events that can be read, packet headers excluded */
    bool torn;                     /* the stream ends before its end event */
    char tear[SESSION_TEAR_BYTES]; /* why, and how much is missing, in words; "" if not torn */
    bool ended;                    /* the end event is there; then: */
    int status;                    /* exit status of the run */
    const char *reason;            /* in words */
    uint64_t discarded;            /* events that found no room on the disk */
};

/* One event; the pointer is into the reader's buffer and valid until the next call. */
struct session_event {
    enum session_event_kind kind;
    uint64_t time_ns; /* from the start of the run; never descends */
    union {
        const struct fault_record *fault;  /* kind, action and level are in range */
        const struct session_phase *phase; /* texts end with a NUL */
        const struct session_result *result;
        const struct session_region *region; /* begin < end */
        const struct session_process_start *start;
        const struct session_process_end *end_process;
        const struct session_signal *signal;
        const struct session_end *end;
        const struct session_access *access;
        const struct session_exec *exec;
        const void *bytes;
    } of;
};

struct session_reader; /* opaque */

/*
 * Open the session in `folder`.  Checks run.json, the metadata and the chain of packets, so
 * that info is complete.  ERR_INPUT: not a session, another version, metadata that this version
 * did not write, a stream that belongs to another session, a broken packet that is not a tear;
 * ERR_ENVIRONMENT: no memory, a file that cannot be read.
 */
MUST_CHECK bool
session_open(struct session_reader **reader, const char *folder, struct err *err);
void session_close(struct session_reader *reader); /* accepts NULL */

const struct session_info *session_info(const struct session_reader *reader);

enum session_next {
    SESSION_NEXT,   /* *event was filled in */
    SESSION_DONE,   /* no event is left, or the tear was reached */
    SESSION_FAILED, /* *err says why; the reader stays there */
};

/* The next event.  Fails with ERR_INPUT, naming the byte: an event, or a field of it, is out of
 * range. */
MUST_CHECK enum session_next
session_next(struct session_reader *reader, struct session_event *event, struct err *err);

/* Start again from the first event. */
void session_rewind(struct session_reader *reader);

#endif
