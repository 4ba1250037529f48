/*
 * The plots of a report as a script for gnuplot, data included.  It refuses to run it.  Read
 * report_plots.h for who does.
 */
#ifndef REPORT_REPORT_SCRIPT_H
#define REPORT_REPORT_SCRIPT_H

#include <stdio.h>

#include "report/report_map.h"
#include "report/report_misses.h"
#include "report/report_session.h"

enum report_plot {
    REPORT_PLOT_FAULTS,  /* over time, by kind */
    REPORT_PLOT_MAP,     /* address by time */
    REPORT_PLOT_WORKING, /* working set */
    REPORT_PLOT_MISSES,  /* miss ratio by frames, where there is a curve */
    REPORT_PLOT_SERVICE, /* histogram of service times */
    REPORT_PLOT_TABLES,  /* page-table occupancy */
    REPORT_PLOTS
};

/* What a plot shows, for its caption. */
const char *report_plot_title(enum report_plot plot);

/* The script; plot N goes into FOLDER/N.svg, which must not need quoting. */
void report_print_script(
    FILE *out,
    const char *folder,
    const struct report *report,
    const struct report_map *map,
    const struct report_misses *misses);

#endif
