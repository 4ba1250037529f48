/*
 * Has gnuplot, where it is found, draw the plots of a report, and keeps them as SVG text.  It
 * refuses to know what they show.  Read report_script.h for that, report_html.c for the user.
 */
#ifndef REPORT_REPORT_PLOTS_H
#define REPORT_REPORT_PLOTS_H

#include "report/report_script.h"

struct report_plots {
    char *svg[REPORT_PLOTS]; /* own: from "<svg" on; NULL: not drawn */
    char missing[256];       /* why there are none, and the remedy; "": nothing is missing */
};

/*
 * Draw.  gnuplot: the program to run, found on the PATH; NULL: "gnuplot".  It not being there
 * or failing is no error: `missing` says so.  ERR_ENVIRONMENT: no temporary folder, no memory.
 * Destroy *plots with report_plots_destroy() on success.
 */
MUST_CHECK bool report_plots_draw(
    struct report_plots *plots,
    const char *gnuplot,
    const struct report *report,
    const struct report_map *map,
    const struct report_misses *misses,
    struct err *err);
void report_plots_destroy(struct report_plots *plots); /* accepts a zeroed one */

#endif
