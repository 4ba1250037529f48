/*
 * The command line of `vmm report` as data.  It refuses to carry anything out.  Read
 * cli/report_command.h for what happens with it, cli/options.h for how it is reached.
 */
#ifndef CLI_REPORT_OPTIONS_H
#define CLI_REPORT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

/* Strings are borrowed from argv. */
struct report_options {
    const char *folder;
    const char *html_file; /* NULL: no page */
    bool json;
    bool help;
    size_t top; /* rows of a table; SIZE_MAX: all */
};

/* argv[0] is "report".  ERR_USAGE as options_parse() has it, and for a folder too few or too
 * many. */
MUST_CHECK bool
report_options_parse(struct report_options *options, int argc, char **argv, struct err *err);

void report_options_print_help(FILE *out);

#endif
