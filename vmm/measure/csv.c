/* Writes comma-separated files (RFC 4180); see csv.h. */
#include "measure/csv.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#define PATH_BYTES 4096

static void print_quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            fputc('"', out);
        }
        fputc(*text, out);
    }
    fputc('"', out);
}

static void print_side(FILE *out, const struct figure_side *side)
{
    if (!side->measured) {
        fprintf(out, ",,,,");
    } else if (!side->verdict.decided) {
        fprintf(out, ",undecided,,,");
    } else {
        fprintf(
            out, ",decided,%.9g,%.9g,%.9g", side->value.value, side->value.low,
            side->value.high);
    }
}

static void print_counter(FILE *out, const struct figure_side *side)
{
    if (side->counted) {
        fprintf(out, ",%.9g", side->counter.value);
    } else {
        fputc(',', out);
    }
}

void csv_print_figures(FILE *out, const struct session *session)
{
    fprintf(
        out, "experiment,figure,unit,native,native value,native low,native high,"
             "guest,guest value,guest low,guest high,native counter,guest counter\r\n");
    for (size_t i = 0; i < session->count; i++) {
        const struct result *result = &session->results[i];
        for (size_t j = 0; j < result->figure_count; j++) {
            const struct result_figure *figure = &result->figures[j];
            fprintf(out, "%s,", session->chosen[i]->name);
            print_quoted(out, figure->name);
            fputc(',', out);
            print_quoted(out, figure->unit);
            print_side(out, &figure->side[SIDE_NATIVE]);
            print_side(out, &figure->side[SIDE_GUEST]);
            print_counter(out, &figure->side[SIDE_NATIVE]);
            print_counter(out, &figure->side[SIDE_GUEST]);
            fprintf(out, "\r\n");
        }
    }
}

void csv_print_series(FILE *out, const struct result_series *series)
{
    print_quoted(out, series->x_name);
    for (size_t c = 0; c < series->curves; c++) {
        fputc(',', out);
        print_quoted(out, series->curve[c]);
    }
    fprintf(out, "\r\n");
    for (size_t p = 0; p < series->points; p++) {
        fprintf(out, "%.9g", series->x[p]);
        for (size_t c = 0; c < series->curves; c++) {
            double y = series->y[c * series->points + p];
            if (isnan(y)) {
                fputc(',', out);
            } else {
                fprintf(out, ",%.9g", y);
            }
        }
        fprintf(out, "\r\n");
    }
}

/* "experiment-series.csv" with whatever is no letter or digit as '-'. */
static void name_file(
    char path[PATH_BYTES], const char *directory, const char *experiment, const char *series)
{
    int used = snprintf(path, PATH_BYTES, "%s/%s-", directory, experiment);
    size_t at = used < 0 || used >= PATH_BYTES ? PATH_BYTES - 1 : (size_t)used;

    for (const char *c = series; *c != '\0' && at + 5 < PATH_BYTES; c++) {
        path[at++] = isalnum((unsigned char)*c) ? *c : '-';
    }
    snprintf(path + at, PATH_BYTES - at, ".csv");
}

static FILE *open_file(const char *path, struct err *err)
{
    FILE *out = fopen(path, "we");

    if (out == NULL) {
        err_set_errno(err, ERR_ENVIRONMENT, "--csv: cannot write %s", path);
    }
    return out;
}

static bool close_file(FILE *out, const char *path, struct err *err)
{
    bool ok = !ferror(out);

    ok = fclose(out) == 0 && ok;
    return ok || err_set_errno(err, ERR_ENVIRONMENT, "--csv: cannot write %s", path);
}

bool csv_write(const char *directory, const struct session *session, struct err *err)
{
    char path[PATH_BYTES];

    snprintf(path, sizeof(path), "%s/figures.csv", directory);
    FILE *out = open_file(path, err);
    if (out == NULL) {
        return false;
    }
    csv_print_figures(out, session);
    if (!close_file(out, path, err)) {
        return false;
    }
    for (size_t i = 0; i < session->count; i++) {
        const struct result *result = &session->results[i];
        for (size_t j = 0; j < result->series_count; j++) {
            name_file(path, directory, session->chosen[i]->name, result->series[j].name);
            out = open_file(path, err);
            if (out == NULL) {
                return false;
            }
            csv_print_series(out, &result->series[j]);
            if (!close_file(out, path, err)) {
                return false;
            }
        }
    }
    return true;
}
