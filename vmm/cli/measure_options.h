/*
 * The command line of `vmm measure` as data.  It refuses to carry anything out or to open a file.
 * Read cli/measure_command.h for what happens with it.
 */
#ifndef CLI_MEASURE_OPTIONS_H
#define CLI_MEASURE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

/* Strings are borrowed from argv. */
struct measure_options {
    const char **experiments; /* owns the array; names in the order given, all known */
    size_t experiment_count;  /* 0: all */
    const char *json;         /* NULL: none; "-": standard output */
    const char *csv;          /* a directory */
    const char *html;
    const char *compare[2]; /* both, or NULL */
    bool help;
    bool list;
    bool quick;
    bool native, guest; /* both true unless one alone was asked for */
};

/*
 * Read the words behind `vmm measure`: argv[0] is "measure".  On success destroy *out with
 * measure_options_destroy(); on failure it holds nothing.  ERR_USAGE: an option is unknown, lacks
 * its value or has one too many; an experiment is unknown (the text names the nearest);
 * --compare without exactly two files.  ERR_ENVIRONMENT: no memory.
 */
MUST_CHECK bool
measure_options_parse(struct measure_options *out, int argc, char **argv, struct err *err);
void measure_options_destroy(struct measure_options *options); /* accepts a zeroed struct */

void measure_options_print_help(FILE *out);

#endif
