/*
 * Where in its source a place of a program's file lies: function and line, by the program's own
 * symbols and debugging information, and back from a symbol to the place.  It refuses to know where
 * a program was put in memory: its callers ask by offsets in the file.  Read report_source.h and
 * interactive/where.c for them.
 */
#ifndef REPORT_PROGRAM_SOURCE_H
#define REPORT_PROGRAM_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define PROGRAM_PLACE_BYTES 192

struct program_source; /* opaque */

struct program_place {
    char function[PROGRAM_PLACE_BYTES]; /* "" where not known */
    char file[PROGRAM_PLACE_BYTES];     /* base name; "" where not known */
    int line;                           /* 0: not known */
};

/* Open a program for looking up.  NULL with ERR_INPUT: it cannot be read; ERR_ENVIRONMENT: no
 * memory, or libdw is not installed. */
MUST_CHECK struct program_source *program_source_open(const char *path, struct err *err);
void program_source_close(struct program_source *source); /* accepts NULL */

/* What lies at an offset in the file.  *place is written in any case; false: nothing is known. */
bool program_source_find(
    const struct program_source *source, uint64_t file_offset, struct program_place *place);

/* The offset in the file of a function or variable by its name; false: there is no such, or its
 * contents are not in the file (bss). */
bool program_source_find_symbol(
    const struct program_source *source, const char *name, uint64_t *file_offset);

#endif
