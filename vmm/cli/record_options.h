/*
 * What --record and --record-regions say.  It refuses to know what a region's name means
 * (watch/select.h does).  Read cli/options.c for the other options.
 */
#ifndef CLI_RECORD_OPTIONS_H
#define CLI_RECORD_OPTIONS_H

#include "cli/options.h"

/* faults, accesses, or sampled,SECONDS.  ERR_USAGE: none of them, or a period that is no time of
 * 1 ms or more. */
MUST_CHECK bool
record_options_parse(struct options *options, const char *text, struct err *err);
/* ERR_USAGE: as select_parse, or nothing. */
MUST_CHECK bool
record_options_parse_regions(struct options *options, const char *text, struct err *err);
/* After all options.  ERR_USAGE: regions without anything to record of them, or sampling that would
 * take the accessed bits from a policy. */
MUST_CHECK bool record_options_check(const struct options *options, struct err *err);

#endif
