/*
 * What the drawings share, and the two kinds that have no scale of y: heat map and break-down.  It
 * refuses to know what is drawn.  plot.c draws the rest.
 */
#ifndef MEASURE_PLOT_AREA_H
#define MEASURE_PLOT_AREA_H

#include <stdio.h>

#include "measure/result.h"

/* Of a drawing, in the units of its view box. */
#define PLOT_WIDTH  720.0
#define PLOT_HEIGHT 300.0
#define PLOT_LEFT   60.0
#define PLOT_RIGHT  150.0
#define PLOT_TOP    16.0
#define PLOT_BOTTOM 44.0

struct plot_axis {
    double low, high;
    bool logarithmic;
    double from, to; /* where low and high lie in the drawing */
};

double plot_place(const struct plot_axis *axis, double value);

/* Least and greatest of the finite values; never equal. */
void plot_find_range(const double *values, size_t count, double *low, double *high);

/* Text at a place; anchor: SVG's text-anchor. */
void plot_label(FILE *out, double x, double y, const char *anchor, const char *text);

/* A number of an axis: from 10,000 on in thousands, from a million on in millions. */
void plot_format(char *text, size_t bytes, double value);

void plot_heat(FILE *out, const struct result_series *series, const struct plot_axis *x);
void plot_breakdown(FILE *out, const struct result_series *series);
double plot_breakdown_height(const struct result_series *series);

#endif
