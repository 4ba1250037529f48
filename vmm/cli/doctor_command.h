/*
 * vmm doctor, from its words to the exit status.  Read cli/doctor.h for what is examined.
 */
#ifndef CLI_DOCTOR_COMMAND_H
#define CLI_DOCTOR_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

struct doctor_options {
    bool json;
    bool help;
};

/* argv[0] is "doctor".  ERR_USAGE as options_parse() has it, and for an argument. */
MUST_CHECK bool
doctor_options_parse(struct doctor_options *options, int argc, char **argv, struct err *err);
void doctor_options_print_help(FILE *out);

/* Returns the exit status: 0 when vmm can run here, 1 when it cannot. */
int doctor_command(int argc, char **argv);

#endif
