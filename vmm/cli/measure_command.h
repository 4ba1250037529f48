/* vmm measure, from options to output. */
#ifndef CLI_MEASURE_COMMAND_H
#define CLI_MEASURE_COMMAND_H

#include "cli/measure_options.h"

/* Returns the exit status. */
int measure_command(const struct measure_options *options);

#endif
