/* Draws series as SVG; see plot.h.  Read html.c for the page. */
#include "measure/plot.h"

#include <math.h>

#include "measure/html.h"

#define WIDTH     720.0
#define HEIGHT    300.0
#define LEFT      60.0
#define RIGHT     150.0
#define TOP       16.0
#define BOTTOM    44.0
#define TICKS_MAX 16

static const char *const colours[] = {"#1f6fb4", "#8fbfe3", "#164b78", "#d2691e",
                                      "#f0b98a", "#8a4310", "#3a8f4a", "#9a4fb0"};
#define COLOURS (sizeof(colours) / sizeof(colours[0]))

struct axis {
    double low, high;
    bool logarithmic;
    double from, to; /* pixels */
};

static double place(const struct axis *axis, double value)
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
            for (unsigned i = 0; i < 3; i++) {
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

static void find_range(const double *values, size_t count, double *low, double *high)
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

static struct axis x_axis(const struct result_series *series)
{
    struct axis axis = {.from = LEFT, .to = WIDTH - RIGHT};

    find_range(series->x, series->points, &axis.low, &axis.high);
    axis.logarithmic =
        axis.low > 0 && (series->kind == SERIES_STAIRCASE || series->kind == SERIES_HISTOGRAM);
    if (!axis.logarithmic) {
        axis.low -= 0.5;
        axis.high += 0.5;
    }
    return axis;
}

static struct axis y_axis(const struct result_series *series)
{
    struct axis axis = {.from = HEIGHT - BOTTOM, .to = TOP};

    find_range(series->y, series->curves * series->points, &axis.low, &axis.high);
    axis.low = fmin(axis.low, 0);
    axis.high *= 1.05;
    return axis;
}

/* --- frame --- */

static void print_label(FILE *out, double x, double y, const char *anchor, const char *text)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    html_print_text(out, text);
    fprintf(out, "</text>\n");
}

static void print_axes(
    FILE *out, const struct result_series *series, const struct axis *x, const struct axis *y)
{
    double ticks[TICKS_MAX];
    char text[32];
    size_t count = plot_ticks(x->low, x->high, x->logarithmic, ticks, TICKS_MAX);

    for (size_t i = 0; i < count; i++) {
        double at = place(x, ticks[i]);
        fprintf(
            out, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", at,
            at, TOP, HEIGHT - BOTTOM);
        snprintf(text, sizeof(text), "%.6g", ticks[i]);
        print_label(out, at, HEIGHT - BOTTOM + 16, "middle", text);
    }
    count = y == NULL ? 0 : plot_ticks(y->low, y->high, false, ticks, TICKS_MAX);
    for (size_t i = 0; i < count; i++) {
        double at = place(y, ticks[i]);
        fprintf(
            out, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n",
            LEFT, WIDTH - RIGHT, at, at);
        snprintf(text, sizeof(text), "%.6g", ticks[i]);
        print_label(out, LEFT - 6, at + 4, "end", text);
    }
    print_label(out, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "middle", series->x_name);
    print_label(out, LEFT, TOP - 5, "start", series->y_name);
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

static void print_legend(FILE *out, const struct result_series *series)
{
    double y = TOP + 10;

    for (size_t c = 0; c < series->curves; c++) {
        if (curve_is_empty(series, c)) {
            continue;
        }
        fprintf(
            out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"10\" height=\"10\" fill=\"%s\"/>\n",
            WIDTH - RIGHT + 10, y - 9, colours[c % COLOURS]);
        print_label(out, WIDTH - RIGHT + 25, y, "start", series->curve[c]);
        y += 16;
    }
}

/* --- kinds --- */

static void print_curve(
    FILE *out,
    const struct result_series *series,
    size_t curve,
    const struct axis *x,
    const struct axis *y)
{
    fprintf(out, "<polyline fill=\"none\" stroke=\"%s\" points=\"", colours[curve % COLOURS]);
    for (size_t p = 0; p < series->points; p++) {
        double value = series->y[curve * series->points + p];
        if (isfinite(value)) {
            fprintf(out, "%.1f,%.1f ", place(x, series->x[p]), place(y, value));
        }
    }
    fprintf(out, "\"/>\n");
}

static void print_bars(
    FILE *out, const struct result_series *series, const struct axis *x, const struct axis *y)
{
    double slot = (x->to - x->from) / (double)series->points;
    double width = slot * 0.8 / (double)series->curves;

    for (size_t c = 0; c < series->curves; c++) {
        for (size_t p = 0; p < series->points; p++) {
            double value = series->y[c * series->points + p];
            if (!isfinite(value)) {
                continue;
            }
            double top = place(y, value);
            double base = place(y, 0);
            fprintf(
                out,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n",
                place(x, series->x[p]) - slot * 0.4 + width * (double)c, fmin(top, base), width,
                fabs(base - top), colours[c % COLOURS]);
        }
    }
}

static void print_heat(FILE *out, const struct result_series *series, const struct axis *x)
{
    double row = (HEIGHT - TOP - BOTTOM) / (double)series->curves;
    double column = (x->to - x->from) / (double)series->points;
    double low;
    double high;

    find_range(series->y, series->curves * series->points, &low, &high);
    for (size_t c = 0; c < series->curves; c++) {
        double y = TOP + row * (double)c;
        print_label(out, WIDTH - RIGHT + 6, y + row / 2 + 4, "start", series->curve[c]);
        for (size_t p = 0; p < series->points; p++) {
            double value = series->y[c * series->points + p];
            if (isfinite(value)) {
                double share = (value - low) / (high - low);
                fprintf(
                    out,
                    "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                    "fill=\"hsl(%.0f,75%%,%.0f%%)\"><title>%.6g: %.2f</title></rect>\n",
                    x->from + column * (double)p, y, column + 0.3, row + 0.3, 220 - 200 * share,
                    92 - 50 * share, series->x[p], value);
            }
        }
    }
}

/* Parts one behind the other, with their values. */
static void print_breakdown(FILE *out, const struct result_series *series)
{
    double row = 40;

    for (size_t c = 0; c < series->curves; c++) {
        const double *y = series->y + c * series->points;
        double total = 0;
        double at = LEFT;
        for (size_t p = 0; p < series->points; p++) {
            total += isfinite(y[p]) ? fmax(y[p], 0) : 0;
        }
        for (size_t p = 0; p < series->points && total > 0; p++) {
            double width =
                (isfinite(y[p]) ? fmax(y[p], 0) : 0) / total * (WIDTH - LEFT - RIGHT);
            char text[48];
            fprintf(
                out,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n",
                at, TOP + row * 2 * (double)c, width, row, colours[(3 * p) % COLOURS]);
            snprintf(text, sizeof(text), "%.0f", y[p]);
            print_label(
                out, at + width / 2, TOP + row * 2 * (double)c + row + 14, "middle", text);
            at += width;
        }
        print_label(
            out, LEFT - 6, TOP + row * 2 * (double)c + row / 2, "end", series->curve[c]);
    }
    print_label(out, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "middle", series->x_name);
}

void plot_print(FILE *out, const struct result_series *series)
{
    struct axis x = x_axis(series);
    struct axis y = y_axis(series);

    fprintf(out, "<figure><figcaption>");
    html_print_text(out, series->name);
    fprintf(
        out, "</figcaption>\n<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\">\n", WIDTH, HEIGHT);
    switch (series->kind) {
    case SERIES_STAIRCASE:
        print_axes(out, series, &x, &y);
        for (size_t c = 0; c < series->curves; c++) {
            print_curve(out, series, c, &x, &y);
        }
        print_legend(out, series);
        break;
    case SERIES_HEAT:
        print_heat(out, series, &x);
        print_axes(out, series, &x, NULL);
        break;
    case SERIES_LADDER:
    case SERIES_HISTOGRAM:
        print_axes(out, series, &x, &y);
        print_bars(out, series, &x, &y);
        print_legend(out, series);
        break;
    case SERIES_BREAKDOWN:
        print_breakdown(out, series);
        break;
    }
    fprintf(out, "</svg></figure>\n");
}
