/*
 * Series as inline SVG: staircase, heat map, bars, histogram, break-down.  It refuses to know what
 * the series mean; html.c puts them on a page.
 */
#ifndef MEASURE_PLOT_H
#define MEASURE_PLOT_H

#include <stdio.h>

#include "measure/result.h"

void plot_print(FILE *out, const struct result_series *series);

/* Ticks of an axis from low to high: at most `room`, round numbers (logarithmic: 1, 2, 5 a
 * decade).  Returns their number. */
size_t plot_ticks(double low, double high, bool logarithmic, double *ticks, size_t room);

#endif
