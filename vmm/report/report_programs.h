/*
 * The programs of a session, and which one each process runs while the session is read: the recorded one, and
 * those that exec has started since.  It refuses to look into them.  Read report_source.c for who does.
 */
#ifndef REPORT_REPORT_PROGRAMS_H
#define REPORT_REPORT_PROGRAMS_H

#include <stddef.h>
#include <stdint.h>

#include "session/reader.h"

/* Told apart; what comes beyond is the last one, whose path is empty. */
#define REPORT_PROGRAMS_MAX 1024

struct report_program {
    char path[SESSION_PATH_BYTES]; /* absolute; cut where it did not fit the session */
    uint64_t hash;                 /* as of struct session_info */
};

struct report_programs {
    struct report_program *list; /* owns; 0: that of the session */
    size_t count;
    uint16_t *of; /* owns: by process, the index of what it runs now */
};

/* ERR_ENVIRONMENT: no memory. */
MUST_CHECK bool report_programs_create(
    struct report_programs *programs, const struct session_info *info, struct err *err);
void report_programs_destroy(struct report_programs *programs); /* accepts a zeroed one */

/* The path of what a process ran last, and its last component; "" and "?" where it is not known. */
const char *report_programs_path(const struct report_programs *programs, uint16_t process);
const char *report_programs_name(const struct report_programs *programs, uint16_t process);

/* A child runs what its parent runs. */
void report_programs_fork(
    struct report_programs *programs, const struct session_process_start *start);
MUST_CHECK bool report_programs_exec(
    struct report_programs *programs, const struct session_exec *exec, struct err *err);

#endif
