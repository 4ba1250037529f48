/*
 * The subcommands of vmm as a table: what each is called, who carries it out and who prints its
 * help.  Each takes its own words apart; a run of a program, which has no word of its own, is
 * cli/options.h.  Read vmm/main.c for who asks.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include <stdio.h>

#include "base/err.h"

struct command {
    const char *name; /* the word in argv[1] */
    /* argv[0] is the name.  Prints everything itself; returns the exit status.  NULL: a topic of
     * help alone. */
    int (*carry_out)(int argc, char **argv);
    void (*print_help)(FILE *out);
};

/* NULL: no such subcommand. */
const struct command *commands_find(const char *name);

/* The topic of help that a word names.  ERR_USAGE: none; the text names the nearest, and all. */
MUST_CHECK bool
commands_find_topic(const char *name, const struct command **topic, struct err *err);

/* vmm help [TOPIC], as a subcommand. */
int commands_help(int argc, char **argv);

#endif
