/* Collects what an experiment found; see result.h. */
#include "measure/result.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct result_figure *
result_add_figure(struct result *result, const char *unit, const char *name, ...)
{
    assert(result->figure_count < RESULT_FIGURES_MAX);
    struct result_figure *figure = &result->figures[result->figure_count++];
    va_list args;

    *figure = (struct result_figure){.claim = CLAIM_NONE};
    va_start(args, name);
    vsnprintf(figure->name, sizeof(figure->name), name, args);
    va_end(args);
    snprintf(figure->unit, sizeof(figure->unit), "%s", unit);
    return figure;
}

void figure_decide(struct result_figure *figure, enum side side, struct estimate value)
{
    figure->side[side].measured = true;
    figure->side[side].value = value;
    verdict_decide(&figure->side[side].verdict, "%s", "");
}

void figure_refuse(struct result_figure *figure, enum side side, const char *format, ...)
{
    struct figure_side *at = &figure->side[side];
    va_list args;

    *at =
        (struct figure_side){.measured = true, .counted = at->counted, .counter = at->counter};
    va_start(args, format);
    vsnprintf(at->verdict.reason, sizeof(at->verdict.reason), format, args);
    va_end(args);
}

void figure_count(struct result_figure *figure, enum side side, struct estimate counter)
{
    figure->side[side].counted = true;
    figure->side[side].counter = counter;
}

void figure_read(struct result_figure *figure, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(figure->reading, sizeof(figure->reading), format, args);
    va_end(args);
}

void figure_claim(struct result_figure *figure, uint64_t entries)
{
    bool decided = false;
    bool agree = true;

    figure->claimed = (double)entries;
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        const struct figure_side *at = &figure->side[side];
        if (at->measured && at->verdict.decided) {
            decided = true;
            agree = agree && at->value.low <= figure->claimed * 1.001 &&
                    at->value.high >= figure->claimed * 0.999;
        }
    }
    figure->claim = entries == 0 ? CLAIM_HIDDEN
                    : !decided   ? CLAIM_OPEN
                    : agree      ? CLAIM_AGREE
                                 : CLAIM_DISAGREE;
}

struct result_series *result_add_series(
    struct result *result,
    enum series_kind kind,
    size_t curves,
    size_t points,
    const char *name,
    ...)
{
    assert(result->series_count < RESULT_SERIES_MAX && curves <= SERIES_CURVES_MAX);
    struct result_series *series = &result->series[result->series_count];
    va_list args;

    *series = (struct result_series){.kind = kind, .curves = curves, .points = points};
    series->x = calloc(points + 1, sizeof(double));
    series->y = calloc(curves * points + 1, sizeof(double));
    if (series->x == NULL || series->y == NULL) {
        free(series->x);
        free(series->y);
        return NULL;
    }
    for (size_t i = 0; i < curves * points; i++) {
        series->y[i] = NAN;
    }
    va_start(args, name);
    vsnprintf(series->name, sizeof(series->name), name, args);
    va_end(args);
    result->series_count++;
    return series;
}

void series_name_axes(struct result_series *series, const char *x, const char *y)
{
    snprintf(series->x_name, sizeof(series->x_name), "%s", x);
    snprintf(series->y_name, sizeof(series->y_name), "%s", y);
}

void series_name_sides(struct result_series *series)
{
    assert(series->curves == SIDE_COUNT);
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        snprintf(series->curve[side], sizeof(series->curve[0]), "%s", side_name(side));
    }
}

void series_mark(struct result_series *series, uint64_t entries)
{
    assert(series->mark_count < SERIES_MARKS_MAX);
    if (entries > 0) {
        series->mark[series->mark_count++] = (double)entries;
    }
}

void series_set(struct result_series *series, size_t curve, size_t point, double value)
{
    assert(curve < series->curves && point < series->points);
    series->y[curve * series->points + point] = value;
}

void result_add_control(struct result *result, bool flat, const char *format, ...)
{
    assert(result->control_count < RESULT_CONTROLS_MAX);
    struct result_control *control = &result->controls[result->control_count++];
    va_list args;

    control->flat = flat;
    va_start(args, format);
    vsnprintf(control->text, sizeof(control->text), format, args);
    va_end(args);
}

void result_note(struct result *result, const char *format, ...)
{
    assert(result->note_count < RESULT_NOTES_MAX);
    va_list args;

    va_start(args, format);
    vsnprintf(result->notes[result->note_count++], sizeof(result->notes[0]), format, args);
    va_end(args);
}

const struct result_figure *result_find_figure(const struct result *result, const char *name)
{
    for (size_t i = 0; i < result->figure_count; i++) {
        if (strcmp(result->figures[i].name, name) == 0) {
            return &result->figures[i];
        }
    }
    return NULL;
}

void result_destroy(struct result *result)
{
    for (size_t i = 0; i < result->series_count; i++) {
        free(result->series[i].x);
        free(result->series[i].y);
    }
    *result = (struct result){0};
}
