/*
 * The processes of a session: when each started and ended, who forked it, and its faults by
 * kind.  It refuses to read a session and to print.  Read report_session.c for who fills it.
 *
 * A process is known by its number, of which there are 65,536; a number that a guest uses again
 * is one entry.
 */
#ifndef REPORT_REPORT_PROCESS_H
#define REPORT_REPORT_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "report/report_share.h"

struct report_process {
    uint16_t process;
    uint16_t parent;             /* the process itself for the first one; if started */
    bool started;                /* its start was recorded */
    bool ended;                  /* its end was */
    int status;                  /* if ended, as a shell has it: 128 + N for signal N */
    uint64_t begin_ns;           /* of its start, or of its first fault */
    uint64_t end_ns;             /* if ended */
    uint64_t pages;              /* of 4 KiB that its faults mapped */
    uint64_t kinds[FAULT_KINDS]; /* faults by kind */
    struct report_share share;
};

/* Zero it to start. */
struct report_processes {
    struct report_process *list; /* owns; once sorted, most faults first, then by number */
    size_t count;
    uint32_t *place; /* owns: by number, place in the list + 1; NULL once sorted */
};

/* Functions that return bool fail only without memory.  They are called before
 * report_processes_sort(). */
MUST_CHECK bool report_processes_start(
    struct report_processes *processes,
    uint64_t time_ns,
    uint16_t process,
    uint16_t parent,
    struct err *err);
MUST_CHECK bool report_processes_end(
    struct report_processes *processes,
    uint64_t time_ns,
    uint16_t process,
    int status,
    struct err *err);
MUST_CHECK bool report_processes_add(
    struct report_processes *processes, const struct fault_record *fault, struct err *err);

/* Nothing more comes: put the list into its order. */
void report_processes_sort(struct report_processes *processes);
void report_processes_destroy(struct report_processes *processes); /* accepts a zeroed one */

#endif
