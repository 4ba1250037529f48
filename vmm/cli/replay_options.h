/*
 * The command line of vmm replay as data.  It refuses to open anything; read cli/options.h for
 * the same of the other commands, cli/replay_command.c for what happens with it.
 */
#ifndef CLI_REPLAY_OPTIONS_H
#define CLI_REPLAY_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "replay/replay.h"

/* Strings are borrowed from argv. */
struct replay_options {
    bool help;                     /* print help, and nothing else */
    const char *session;           /* folder; NULL: references_file is given */
    const char *references_file;   /* NULL: session is given */
    enum references_format format; /* of references_file */
    const char *phase;             /* of the session; NULL: all of it */
    bool json;
    struct replay_plan plan;
};

/*
 * Read argv[1 … argc), which follow the word "replay".  ERR_USAGE: an option is unknown (the
 * text names the nearest), lacks its value, or the value is not allowed (the text says what is;
 * for a policy also the nearest); neither a session nor --references, or both; --phase without a
 * session.
 */
MUST_CHECK bool
replay_options_parse(struct replay_options *out, int argc, char **argv, struct err *err);

void replay_options_print_help(FILE *out);

#endif
