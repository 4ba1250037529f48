/* Heat maps and break-downs as SVG; see plot_area.h.  Read plot.c for the other kinds. */
#include "measure/plot_area.h"

#include <math.h>
#include <string.h>

#define SCALE_STEPS  5
#define ROW          40.0 /* of a break-down */
#define PART_COLOURS 4

/* Blue to red, and lighter to darker, so that it can be read without colours. */
static void print_cell(
    FILE *out, double x, double y, double width, double height, double share, const char *title)
{
    fprintf(
        out,
        "<rect shape-rendering=\"crispEdges\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
        "height=\"%.1f\" "
        "fill=\"hsl(%.0f,75%%,%.0f%%)\"><title>%s</title></rect>\n",
        x, y, width, height, 220 - 200 * share, 92 - 50 * share, title);
}

/* What the colours stand for, above the map. */
static void print_scale(FILE *out, const struct result_series *series, double low, double high)
{
    double at = PLOT_LEFT + 110;

    plot_label(out, PLOT_LEFT, PLOT_TOP - 5, "start", series->y_name);
    for (unsigned i = 0; i < SCALE_STEPS; i++) {
        double share = (double)i / (SCALE_STEPS - 1);
        char text[32];
        snprintf(text, sizeof(text), "%.1f", low + share * (high - low));
        print_cell(out, at, PLOT_TOP - 14, 18, 10, share, text);
        plot_label(out, at + 22, PLOT_TOP - 5, "start", text);
        at += 64;
    }
}

void plot_heat(FILE *out, const struct result_series *series, const struct plot_axis *x)
{
    double row = (PLOT_HEIGHT - PLOT_TOP - PLOT_BOTTOM) / (double)series->curves;
    double column = (x->to - x->from) / (double)series->points;
    double low;
    double high;

    plot_find_range(series->y, series->curves * series->points, &low, &high);
    print_scale(out, series, low, high);
    for (size_t c = 0; c < series->curves; c++) {
        double y = PLOT_TOP + row * (double)c;
        plot_label(
            out, PLOT_WIDTH - PLOT_RIGHT + 6, y + row / 2 + 4, "start", series->curve[c]);
        for (size_t p = 0; p < series->points; p++) {
            double value = series->y[c * series->points + p];
            char title[64];
            if (isfinite(value)) {
                snprintf(title, sizeof(title), "%.6g: %.2f", series->x[p], value);
                print_cell(
                    out, x->from + column * (double)p, y, column + 0.3, row + 0.3,
                    (value - low) / (high - low), title);
            }
        }
    }
}

double plot_breakdown_height(const struct result_series *series)
{
    return PLOT_TOP + ROW * 2 * (double)series->curves + 20;
}

/* Name of a part: the axis names them all, with ", " between. */
static void part_name(const struct result_series *series, size_t part, char *text, size_t bytes)
{
    const char *at = series->x_name;

    for (; part > 0 && at != NULL; part--) {
        at = strstr(at, ", ");
        at = at != NULL ? at + 2 : NULL;
    }
    snprintf(text, bytes, "%.*s", at != NULL ? (int)strcspn(at, ",") : 0, at != NULL ? at : "");
}

static void print_parts(FILE *out, const struct result_series *series)
{
    for (size_t p = 0; p < series->points; p++) {
        char text[RESULT_NAME_BYTES];
        double y = PLOT_TOP + 10 + 16 * (double)p;
        part_name(series, p, text, sizeof(text));
        fprintf(
            out, "<rect class=\"p%zu\" x=\"%.1f\" y=\"%.1f\" width=\"10\" height=\"10\"/>\n",
            p % PART_COLOURS, PLOT_WIDTH - PLOT_RIGHT + 10, y - 9);
        plot_label(out, PLOT_WIDTH - PLOT_RIGHT + 25, y, "start", text);
    }
}

/* Parts one behind the other, with their values: of a thin one below, so that none cover another. */
static void print_row(FILE *out, const struct result_series *series, size_t curve)
{
    const double *y = series->y + curve * series->points;
    double top = PLOT_TOP + ROW * 2 * (double)curve;
    double at = PLOT_LEFT;
    double total = 0;

    for (size_t p = 0; p < series->points; p++) {
        total += isfinite(y[p]) ? fmax(y[p], 0) : 0;
    }
    for (size_t p = 0; p < series->points && total > 0; p++) {
        double share = isfinite(y[p]) ? fmax(y[p], 0) / total : 0;
        double width = share * (PLOT_WIDTH - PLOT_LEFT - PLOT_RIGHT);
        char text[48];
        fprintf(
            out,
            "<rect class=\"p%zu\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
            p % PART_COLOURS, at, top, width, ROW);
        snprintf(text, sizeof(text), "%.0f (%.1f %%)", y[p], share * 100);
        plot_label(out, at + width / 2, top + ROW + (width < 60 ? 28 : 14), "middle", text);
        at += width;
    }
    plot_label(out, PLOT_LEFT - 6, top + ROW / 2 + 4, "end", series->curve[curve]);
}

void plot_breakdown(FILE *out, const struct result_series *series)
{
    plot_label(out, PLOT_LEFT, PLOT_TOP - 5, "start", series->y_name);
    for (size_t c = 0; c < series->curves; c++) {
        print_row(out, series, c);
    }
    print_parts(out, series);
}
