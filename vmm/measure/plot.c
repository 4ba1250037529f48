/*
 * Draws series with axes as SVG; see plot.h.  Colours are classes, which the page defines for light
 * and for dark: html.c.  Read plot_area.c for the kinds without a scale of y.
 */
#include "measure/plot.h"

#include <math.h>
#include <string.h>

#include "measure/html.h"
#include "measure/plot_area.h"

#define TICKS_MAX    16
#define SPARSE_RANGE 1e4 /* of a logarithmic axis: beyond it powers of ten alone */

double plot_place(const struct plot_axis *axis, double value)
{
    double share = axis->logarithmic ? log(value / axis->low) / log(axis->high / axis->low)
                                     : (value - axis->low) / (axis->high - axis->low);

    return axis->from + share * (axis->to - axis->from);
}

size_t plot_ticks(double low, double high, bool logarithmic, double *ticks, size_t room)
{
    static const double steps[] = {1, 2, 5, 10};
    size_t count = 0;

    if (!(high > low) || room == 0 || (logarithmic && low <= 0)) {
        return 0;
    }
    if (logarithmic) {
        for (int power = (int)floor(log10(low)); pow(10, power) <= high; power++) {
            for (unsigned i = 0; i < (high / low > SPARSE_RANGE ? 1 : 3); i++) {
                double tick = pow(10, power) * steps[i];
                if (tick >= low && tick <= high && count < room) {
                    ticks[count++] = tick;
                }
            }
        }
        return count;
    }
    double unit = pow(10, floor(log10((high - low) / 4)));
    double step = unit;
    for (unsigned i = 0; i < 4 && (high - low) / step > 7; i++) {
        step = unit * steps[i];
    }
    double first = ceil(low / step);
    while (count < room && (first + (double)count) * step <= high) {
        ticks[count] = (first + (double)count) * step;
        count++;
    }
    return count;
}

/* --- ranges --- */

void plot_find_range(const double *values, size_t count, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(values[i])) {
            *low = fmin(*low, values[i]);
            *high = fmax(*high, values[i]);
        }
    }
    if (!isfinite(*low)) {
        *low = 0;
        *high = 1;
    }
    if (*high <= *low) {
        *high = *low + 1;
    }
}

static struct plot_axis x_axis(const struct result_series *series)
{
    struct plot_axis axis = {.from = PLOT_LEFT, .to = PLOT_WIDTH - PLOT_RIGHT};

    plot_find_range(series->x, series->points, &axis.low, &axis.high);
    axis.logarithmic =
        axis.low > 0 && (series->kind == SERIES_STAIRCASE || series->kind == SERIES_HISTOGRAM);
    if (!axis.logarithmic) {
        axis.low -= 0.5;
        axis.high += 0.5;
    }
    return axis;
}

static struct plot_axis y_axis(const struct result_series *series)
{
    struct plot_axis axis = {.from = PLOT_HEIGHT - PLOT_BOTTOM, .to = PLOT_TOP};

    plot_find_range(series->y, series->curves * series->points, &axis.low, &axis.high);
    axis.low = fmin(axis.low, 0);
    axis.high *= 1.05;
    return axis;
}

/* --- frame --- */

void plot_label(FILE *out, double x, double y, const char *anchor, const char *text)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    html_print_text(out, text);
    fprintf(out, "</text>\n");
}

void plot_format(char *text, size_t bytes, double value)
{
    double size = fabs(value);

    snprintf(
        text, bytes, "%.6g%s",
        size >= 1e6   ? value / 1e6
        : size >= 1e4 ? value / 1e3
                      : value,
        size >= 1e6   ? "M"
        : size >= 1e4 ? "k"
                      : "");
}

static void print_axes(
    FILE *out,
    const struct result_series *series,
    const struct plot_axis *x,
    const struct plot_axis *y)
{
    double ticks[TICKS_MAX];
    char text[32];
    size_t count = plot_ticks(x->low, x->high, x->logarithmic, ticks, TICKS_MAX);

    for (size_t i = 0; i < count; i++) {
        double at = plot_place(x, ticks[i]);
        fprintf(
            out, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", at,
            at, y != NULL ? PLOT_TOP : PLOT_HEIGHT - PLOT_BOTTOM,
            PLOT_HEIGHT - PLOT_BOTTOM + 3);
        plot_format(text, sizeof(text), ticks[i]);
        plot_label(out, at, PLOT_HEIGHT - PLOT_BOTTOM + 16, "middle", text);
    }
    count = y == NULL ? 0 : plot_ticks(y->low, y->high, false, ticks, TICKS_MAX);
    for (size_t i = 0; i < count; i++) {
        double at = plot_place(y, ticks[i]);
        fprintf(
            out, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n",
            PLOT_LEFT, PLOT_WIDTH - PLOT_RIGHT, at, at);
        plot_format(text, sizeof(text), ticks[i]);
        plot_label(out, PLOT_LEFT - 6, at + 4, "end", text);
    }
    plot_label(
        out, (PLOT_LEFT + PLOT_WIDTH - PLOT_RIGHT) / 2, PLOT_HEIGHT - 8, "middle",
        series->x_name);
    if (y != NULL) {
        plot_label(out, PLOT_LEFT, PLOT_TOP - 5, "start", series->y_name);
    }
}

static bool curve_is_empty(const struct result_series *series, size_t curve)
{
    for (size_t p = 0; p < series->points; p++) {
        if (isfinite(series->y[curve * series->points + p])) {
            return false;
        }
    }
    return true;
}

/* A side has a colour, and what is drawn of it a shade. */
static void name_colour(char class[3], const struct result_series *series, size_t curve)
{
    const char *name = series->curve[curve];
    const char *side = strncmp(name, "native", 6) == 0  ? "n"
                       : strncmp(name, "guest", 5) == 0 ? "g"
                                                        : "o";
    unsigned shade = strstr(name, "control") != NULL || strstr(name, "walks") != NULL ? 1
                     : strstr(name, "net") != NULL                                    ? 2
                                                                                      : 0;

    snprintf(class, 3, "%s%u", side, shade);
}

static void print_legend(FILE *out, const struct result_series *series)
{
    double y = PLOT_TOP + 10;

    for (size_t c = 0; c < series->curves; c++) {
        char class[3];
        if (curve_is_empty(series, c)) {
            continue;
        }
        name_colour(class, series, c);
        fprintf(
            out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"10\" height=\"10\"/>\n",
            class, PLOT_WIDTH - PLOT_RIGHT + 10, y - 9);
        plot_label(out, PLOT_WIDTH - PLOT_RIGHT + 25, y, "start", series->curve[c]);
        y += 16;
    }
}

/* --- kinds --- */

static void print_curve(
    FILE *out,
    const struct result_series *series,
    size_t curve,
    const struct plot_axis *x,
    const struct plot_axis *y)
{
    char class[3];

    name_colour(class, series, curve);
    /* Both sides often lie on each other: the guest's dashes let the native line through. */
    fprintf(out, "<polyline class=\"%s\" points=\"", class);
    for (size_t p = 0; p < series->points; p++) {
        double value = series->y[curve * series->points + p];
        if (isfinite(value)) {
            fprintf(out, "%.1f,%.1f ", plot_place(x, series->x[p]), plot_place(y, value));
        }
    }
    fprintf(out, "\"/>\n");
}

static void print_bars(
    FILE *out,
    const struct result_series *series,
    const struct plot_axis *x,
    const struct plot_axis *y)
{
    double slot = (x->to - x->from) / (double)series->points;
    double width = slot * 0.8 / (double)series->curves;

    for (size_t c = 0; c < series->curves; c++) {
        char class[3];
        name_colour(class, series, c);
        for (size_t p = 0; p < series->points; p++) {
            double value = series->y[c * series->points + p];
            if (!isfinite(value)) {
                continue;
            }
            double top = plot_place(y, value);
            double base = plot_place(y, 0);
            fprintf(
                out,
                "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
                class, plot_place(x, series->x[p]) - slot * 0.4 + width * (double)c,
                fmin(top, base), width, fabs(base - top));
        }
    }
}

/* Where CPUID puts the steps. */
static void
print_marks(FILE *out, const struct result_series *series, const struct plot_axis *x)
{
    for (size_t i = 0; i < series->mark_count; i++) {
        char text[32];
        double at = plot_place(x, series->mark[i]);
        if (series->mark[i] < x->low || series->mark[i] > x->high) {
            continue;
        }
        fprintf(
            out, "<line class=\"mark\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", at,
            at, PLOT_TOP, PLOT_HEIGHT - PLOT_BOTTOM);
        snprintf(text, sizeof(text), "CPUID %.0f", series->mark[i]);
        plot_label(out, at - 4, PLOT_TOP + 10, "end", text);
    }
}

static double height_of(const struct result_series *series)
{
    return series->kind == SERIES_BREAKDOWN ? plot_breakdown_height(series) : PLOT_HEIGHT;
}

void plot_print(FILE *out, const struct result_series *series)
{
    struct plot_axis x = x_axis(series);
    struct plot_axis y = y_axis(series);

    fprintf(out, "<figure><figcaption>");
    html_print_text(out, series->name);
    fprintf(
        out, "</figcaption>\n<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\">\n", PLOT_WIDTH,
        height_of(series));
    switch (series->kind) {
    case SERIES_STAIRCASE:
        print_axes(out, series, &x, &y);
        for (size_t c = 0; c < series->curves; c++) {
            print_curve(out, series, c, &x, &y);
        }
        print_marks(out, series, &x);
        print_legend(out, series);
        break;
    case SERIES_HEAT:
        plot_heat(out, series, &x);
        print_axes(out, series, &x, NULL);
        break;
    case SERIES_LADDER:
    case SERIES_HISTOGRAM:
        print_axes(out, series, &x, &y);
        print_bars(out, series, &x, &y);
        print_legend(out, series);
        break;
    case SERIES_BREAKDOWN:
        plot_breakdown(out, series);
        break;
    }
    fprintf(out, "</svg></figure>\n");
}
