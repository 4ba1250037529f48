/*
 * A reference string: the memory accesses of a program, in order, from wherever they were
 * recorded.  It refuses to know what they are for.  Read references_file.c and
 * references_session.c for the sources, replay.h for the user.
 */
#ifndef REPLAY_REFERENCES_H
#define REPLAY_REFERENCES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Bits of `access`; an instruction that reads and then writes has both. */
#define REFERENCE_READ  0x01
#define REFERENCE_WRITE 0x02
#define REFERENCE_FETCH 0x04
#define REFERENCE_ANY   0x07

#define REFERENCE_BYTES_MAX 65536

struct reference {
    uint64_t address;
    uint32_t bytes; /* from address on, 1 to REFERENCE_BYTES_MAX; does not wrap */
    uint16_t process;
    uint8_t access;
    uint8_t reserved;
};

/* What a source knows, and so what can honestly be said of numbers that come from it. */
enum references_kind {
    REFERENCES_EXACT,   /* every access (to the recorded regions, if it is a session) */
    REFERENCES_FAULTS,  /* only the accesses that faulted */
    REFERENCES_SAMPLED, /* of each period the pages that were touched, once, by address */
};

struct references_about {
    enum references_kind kind;
    const char *name;    /* the file or folder; borrowed from who opened it */
    unsigned page_shift; /* REFERENCES_FAULTS: log2 of the largest page that a fault mapped */
    bool evicting;       /* REFERENCES_FAULTS: pages were taken away and faulted again */
    uint64_t left_out;   /* records that are no references, or of regions not recorded */
    uint64_t discarded;  /* events of the session that found no room on the disk */
    bool torn;           /* the recording was cut off */
    const char *tear;    /* why, in words; NULL if it was not */
};

struct references_ops {
    bool (*read)(
        void *state, struct reference *out, size_t room, size_t *count, struct err *err);
    bool (*rewind)(void *state, struct err *err); /* NULL: can be read once only */
    void (*close)(void *state);
};

struct references {
    const struct references_ops *ops; /* NULL: nothing is open */
    void *state;                      /* owned through ops->close */
    struct references_about about;
};

/*
 * Read up to room references on; *count is 0 behind the last one.  ERR_INPUT: a line or record
 * is not what it should be (the text says where); ERR_ENVIRONMENT: it cannot be read.
 */
MUST_CHECK bool references_read(
    struct references *references,
    struct reference *out,
    size_t room,
    size_t *count,
    struct err *err);

/* Start again.  ERR_INPUT: the source can be read once only, such as a pipe. */
MUST_CHECK bool references_rewind(struct references *references, struct err *err);
void references_close(struct references *references); /* accepts a zeroed struct */

enum references_format {
    /*
     * Lines, each of which is one of
     *   " L 1ffeffe7e0,8"  load, S store, M both, "I  4001000,3" instruction fetch: hexadecimal
     *                      address and bytes, as valgrind --tool=lackey --trace-mem=yes prints
     *   "0x1000, 4096 12"  addresses (reads of one byte), decimal or with 0x hexadecimal, apart
     *                      by spaces or commas
     *   "==123== …" (valgrind's own messages), "# …", or nothing: passed over
     */
    REFERENCES_TEXT,
    REFERENCES_U64, /* addresses, 8 bytes each, little-endian: reads of one byte */
};

/* Open a file; "-" is standard input, which cannot be rewound.  path is borrowed.  ERR_INPUT:
 * it cannot be opened.  ERR_ENVIRONMENT: no memory. */
MUST_CHECK bool references_open_file(
    struct references *references,
    const char *path,
    enum references_format format,
    struct err *err);

/*
 * Open a recorded session, and read it once to see what it has.  folder and phase are
 * borrowed; phase: NULL, or only what lies between a mark of that name and the next mark counts.
 * Accesses that were recorded as such are the references, if there are any; else page-reference samples
 * in the regions that have them; else the faults that gave the program a page.  Errors as
 * session_open() and session_next() have them; ERR_INPUT: no mark of that name.
 */
MUST_CHECK bool references_open_session(
    struct references *references, const char *folder, const char *phase, struct err *err);

#endif
