/*
 * The processes of a session as two tables of the page: when each lived, and its faults by kind.
 * It refuses to count.  Read report_process.h for the numbers.
 */
#ifndef REPORT_HTML_PROCESSES_H
#define REPORT_HTML_PROCESSES_H

#include <stdio.h>

#include "report/report_session.h"

/* rows: of a table at most.  Nothing where there is but one process. */
void html_put_processes(FILE *out, const struct report *report, size_t rows);

#endif
