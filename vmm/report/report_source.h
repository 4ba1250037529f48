/*
 * Where in a program's source the instructions lie that faulted: function and line, by the
 * program's own symbols and debugging information.  It refuses to guess: without a symbol the
 * place is an address, and for a program that changed since it was run nothing is looked up.
 * Read report_session.h for where the instructions come from.
 */
#ifndef REPORT_REPORT_SOURCE_H
#define REPORT_REPORT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "report/report_session.h"

#define REPORT_PLACE_BYTES 192

enum report_source_state {
    REPORT_SOURCE_LINES,   /* functions and lines are known */
    REPORT_SOURCE_SYMBOLS, /* functions only: no debugging information */
    REPORT_SOURCE_NONE,    /* neither */
    REPORT_SOURCE_CHANGED, /* the program is not the one that ran */
    REPORT_SOURCE_GONE,    /* the program cannot be read */
    REPORT_SOURCE_NO_TOOL, /* libdw is not installed */
};

/* Faults of one function, or of one line of it. */
struct report_place {
    char function[REPORT_PLACE_BYTES]; /* or "0x401000" */
    char file[REPORT_PLACE_BYTES];     /* base name; "" where not known */
    int line;                          /* 0: not known, or all of the function */
    struct report_share share;
};

struct report_source {
    enum report_source_state state;
    struct report_place *functions; /* owns; most faults first, then by name */
    size_t function_count;
    struct report_place *lines; /* owns; likewise, then by line; only where lines are known */
    size_t line_count;
};

/* Look up every site of a report.  Destroy *source with report_source_destroy() on success.
 * ERR_ENVIRONMENT: no memory. */
MUST_CHECK bool
report_source_find(struct report_source *source, const struct report *report, struct err *err);
void report_source_destroy(struct report_source *source); /* accepts a zeroed one */

/* What a user can do about a state, in one line; NULL where nothing is missing. */
const char *report_source_remedy(enum report_source_state state);

#endif
