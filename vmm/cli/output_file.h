/*
 * A file that something long writes at its end.  The path is tried at the beginning, so that one that
 * cannot be written costs no time, and what is there stays as it was until there is something to
 * write.  Read cli/measure_command.c for the use.
 */
#ifndef CLI_OUTPUT_FILE_H
#define CLI_OUTPUT_FILE_H

#include <stdio.h>

#include "base/err.h"

struct output_file {
    const char *option; /* borrows: for messages */
    const char *path;   /* borrows; NULL: not asked for */
    FILE *stream;       /* owns; open from the beginning where it is no regular file (a pipe, a
                           device), else between open and close */
};

/* Try the path: no regular file is made, changed or left behind by this.  ERR_INPUT: it cannot be
 * written, which the message says with option and path. */
MUST_CHECK bool output_file_try(
    struct output_file *file, const char *option, const char *path, struct err *err);

/* The stream to write to, in place of what the file had; NULL, ERR_ENVIRONMENT: it cannot be
 * opened any more. */
FILE *output_file_open(struct output_file *file, struct err *err);

/* written: false, with *err, if the writer failed.  ERR_ENVIRONMENT: it did, or the last bytes cannot be
 * written; the message says option and path. */
MUST_CHECK bool output_file_close(struct output_file *file, bool written, struct err *err);

/* Let go of it; accepts a zeroed struct and one that is closed. */
void output_file_abandon(struct output_file *file);

#endif
