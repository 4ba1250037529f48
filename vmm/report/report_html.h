/*
 * A report as one HTML page that needs nothing else: no network, no script, light or dark as
 * the reader has it.  It refuses to count and to draw.  Read report_plots.h for the plots.
 */
#ifndef REPORT_REPORT_HTML_H
#define REPORT_REPORT_HTML_H

#include <stdio.h>

#include "report/report_misses.h"
#include "report/report_plots.h"
#include "report/report_session.h"
#include "report/report_source.h"

#define REPORT_HTML_ROWS 50 /* of a table, at most */

/* Whether `out` took it is the caller's to see. */
void report_print_html(
    FILE *out,
    const struct report *report,
    const struct report_source *source,
    const struct report_map *map,
    const struct report_misses *misses,
    const struct report_plots *plots);

#endif
