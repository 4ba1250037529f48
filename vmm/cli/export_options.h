/*
 * The command line of `vmm export` as data.  It refuses to carry anything out.  Read
 * cli/export_command.h for what happens with it, export/export.h for formats and columns.
 */
#ifndef CLI_EXPORT_OPTIONS_H
#define CLI_EXPORT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "export/export.h"

/* Strings are borrowed from argv. */
struct export_options {
    const char *folder;
    const char *output;              /* NULL or "-": standard output */
    const struct export_ops *format; /* csv unless something else is asked for */
    enum column columns[COLUMNS];    /* all of them unless some are asked for */
    size_t column_count;
    bool columns_given;
    bool help;
};

/* argv[0] is "export".  ERR_USAGE as options_parse() has it; unknown format or column; columns
 * for a format without; a folder too few or too many. */
MUST_CHECK bool
export_options_parse(struct export_options *options, int argc, char **argv, struct err *err);

void export_options_print_help(FILE *out);

#endif
