/*
 * Says in one line what is wrong with a command line and what was probably meant: it reads the
 * same table of options as argp, which itself only answers "wrong".  It refuses to know what an
 * option does.  Read cli/options.c next.
 */
#ifndef CLI_USAGE_H
#define CLI_USAGE_H

#include <argp.h>
#include <stdio.h>

#include "base/err.h"

/*
 * Find the first option in argv[1…] that the table (ended by a zeroed entry) does not take:
 * unknown, ambiguous, without its value, or with one too many.  command: what the reader asks
 * for help
 * ("vmm", "vmm doctor").  Always returns false, with ERR_USAGE in *err; when every option is
 * fine the text says only that the command line is not understood.
 */
bool usage_explain(
    const char *command,
    const struct argp_option *table,
    int argc,
    char *const *argv,
    struct err *err);

/* Print the help that argp makes of a table.  command: as above. */
void usage_print_help(FILE *out, const char *command, const struct argp *argp);

#endif
