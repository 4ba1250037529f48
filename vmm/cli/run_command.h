/*
 * `vmm [OPTION…] PROGRAM [ARG…]`: one run from options to reports.  It owns the order in which
 * things are opened, printed and closed; the run itself is vmm/run's.
 */
#ifndef CLI_RUN_COMMAND_H
#define CLI_RUN_COMMAND_H

#include "base/err.h"
#include "cli/options.h"

/* Returns the exit status that the options' header describes.  Prints everything itself, on
 * stderr but for what the user sent elsewhere. */
int run_command(const struct options *options);

#endif
