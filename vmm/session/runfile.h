/*
 * run.json: what was run, where and how it ended.  It is written when a recording begins and
 * again when it ends, and it is all that a reader needs beside the stream.  Its members are
 * described in docs/session-format.md; read recorder.h for who writes it, reader.h for who
 * reads it.
 */
#ifndef SESSION_RUNFILE_H
#define SESSION_RUNFILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "session/format.h"

struct runfile {
    uint8_t uuid[SESSION_UUID_BYTES];
    uint64_t started_unix_ns;
    uint64_t program_hash; /* runfile_hash() of the executable; 0: not known */
    uint64_t mem_bytes;
    uint64_t stack_bytes;
    const char *program;        /* absolute path */
    const char *const *argv;    /* NULL-terminated: what the program was given */
    const char *const *command; /* likewise: vmm's own command line; NULL: not known */
    unsigned kinds, actions;    /* names that are known to the vmm that recorded */
    const char *vmm_version;
    const char *host;    /* one line */
    const char *summary; /* JSON text of the outcome; NULL while there is none */
    json_t *root;        /* owns, after runfile_read(): the strings are in there */
    const char **words;  /* owns, likewise: argv */
};

/* Write run.json into the folder, replacing it in one step.  ERR_ENVIRONMENT, naming the file. */
MUST_CHECK bool runfile_write(const char *folder, const struct runfile *run, struct err *err);

/*
 * Read run.json; destroy *run with runfile_destroy() on success.  ERR_INPUT: no such file, not
 * JSON, not a session, another version, a member missing or out of range, fault kinds that this
 * vmm does not know.
 */
MUST_CHECK bool runfile_read(const char *folder, struct runfile *run, struct err *err);
void runfile_destroy(struct runfile *run); /* accepts a zeroed one */

/*
 * A 64-bit hash of a file's bytes, to see whether a program changed since; 0 when it cannot be
 * read.  FNV-1a over little-endian words of 64 bits, the last one filled up with zeros, then
 * over the length.
 */
uint64_t runfile_hash(const char *path);

#endif
