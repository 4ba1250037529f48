/* Two files of --json against each other: what differs beyond the uncertainty. */
#ifndef MEASURE_COMPARE_FILES_H
#define MEASURE_COMPARE_FILES_H

#include <stdio.h>

#include "base/err.h"

/*
 * Print the figures of both, with what differs.  *differs: whether any decided figure does.
 * ERR_INPUT: a file cannot be read, is no JSON, or is not of this schema and version.
 */
MUST_CHECK bool
compare_files(FILE *out, const char *a, const char *b, bool *differs, struct err *err);

#endif
