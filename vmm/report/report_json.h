/*
 * A report as one JSON object, with every row of every table.  The members are described in
 * docs/session-format.md.  It refuses to count; read report_text.h for the same for people.
 */
#ifndef REPORT_REPORT_JSON_H
#define REPORT_REPORT_JSON_H

#include <stdio.h>

#include "report/report_session.h"
#include "report/report_source.h"

#define REPORT_JSON_VERSION 1

/* ERR_ENVIRONMENT: no memory.  Whether `out` took it is the caller's to see. */
MUST_CHECK bool report_print_json(
    FILE *out,
    const struct report *report,
    const struct report_source *source,
    struct err *err);

#endif
