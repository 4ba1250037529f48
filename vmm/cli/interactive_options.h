/*
 * The options of a run that stops at faults.  Read cli/options.h for the struct, interactive/ for
 * what is done with them.
 */
#ifndef CLI_INTERACTIVE_OPTIONS_H
#define CLI_INTERACTIVE_OPTIONS_H

#include "cli/options.h"

enum interactive_option {
    INTERACTIVE_BREAK,
    INTERACTIVE_STDIN,
    INTERACTIVE_SCRIPT,
};

/* One option with its value.  ERR_USAGE: the value is empty. */
MUST_CHECK bool interactive_options_parse(
    struct options *options, enum interactive_option option, const char *text, struct err *err);

/* All options are read: whether they go together.  ERR_USAGE. */
MUST_CHECK bool interactive_options_check(const struct options *options, struct err *err);

/* Whether the run stops at faults. */
static inline bool interactive_options_are_given(const struct options *options)
{
    return options->interactive || options->script != NULL;
}

#endif
