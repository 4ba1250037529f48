/* Figures and series as comma-separated files in a directory. */
#ifndef MEASURE_CSV_H
#define MEASURE_CSV_H

#include "measure/session.h"

/*
 * Write figures.csv and EXPERIMENT-SERIES.csv into `directory`, which exists.  ERR_ENVIRONMENT: a
 * file cannot be written (the disk is full).
 */
MUST_CHECK bool
csv_write(const char *directory, const struct session *session, struct err *err);

/* One table each, to an open stream. */
void csv_print_figures(FILE *out, const struct session *session);
void csv_print_series(FILE *out, const struct result_series *series);

#endif
