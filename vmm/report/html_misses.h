/*
 * What a replay found, as a table of the page with what must be said beside it.  It refuses to
 * compute and to draw.  Read report_misses.h for the numbers.
 */
#ifndef REPORT_HTML_MISSES_H
#define REPORT_HTML_MISSES_H

#include <stdio.h>

#include "report/report_misses.h"

/* Without a replay (a zeroed *misses) it says why. */
void html_put_misses(FILE *out, const struct report_misses *misses);

#endif
