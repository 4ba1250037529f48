/* Reads two measurements back and compares them; see compare_files.h. */
#include "measure/compare_files.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "measure/analyse/compare.h"
#include "measure/format.h"
#include "measure/json.h"

#define NAME_BYTES 128

struct measurement {
    json_t *root;              /* owns */
    struct figure *figures;    /* owns */
    char (*names)[NAME_BYTES]; /* owns */
    size_t count;
};

static void measurement_destroy(struct measurement *measurement)
{
    json_decref(measurement->root);
    free(measurement->figures);
    free(measurement->names);
}

static bool check_schema(const json_t *root, const char *path, struct err *err)
{
    const char *schema = json_string_value(json_object_get(root, "schema"));
    json_int_t version = json_integer_value(json_object_get(root, "version"));

    if (schema == NULL || strcmp(schema, JSON_SCHEMA) != 0) {
        return err_set(err, ERR_INPUT, "%s is not a file of vmm measure --json", path);
    }
    return version == JSON_VERSION ||
           err_set(
               err, ERR_INPUT, "%s is of schema version %lld, but only %d is known", path,
               (long long)version, JSON_VERSION);
}

/* One side of one figure, if it was measured. */
static void add_figure(
    struct measurement *measurement,
    const char *experiment,
    const json_t *figure,
    enum side side)
{
    const json_t *at = json_object_get(figure, side_name(side));
    const char *name = json_string_value(json_object_get(figure, "name"));
    const char *unit = json_string_value(json_object_get(figure, "unit"));

    if (!json_is_object(at) || name == NULL || unit == NULL) {
        return;
    }
    char *full = measurement->names[measurement->count];
    snprintf(full, NAME_BYTES, "%s: %s, %s", experiment, name, side_name(side));
    measurement->figures[measurement->count++] = (struct figure){
        .name = full,
        .unit = unit,
        .decided = json_is_true(json_object_get(at, "decided")),
        .estimate = {
            json_number_value(json_object_get(at, "value")),
            json_number_value(json_object_get(at, "low")),
            json_number_value(json_object_get(at, "high"))}};
}

static size_t count_figures(const json_t *results)
{
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(results); i++) {
        count += json_array_size(json_object_get(json_array_get(results, i), "figures"));
    }
    return count;
}

static bool read_file(const char *path, struct measurement *out, struct err *err)
{
    json_error_t where;

    *out = (struct measurement){.root = json_load_file(path, 0, &where)};
    if (out->root == NULL && where.line < 0) {
        return err_set(err, ERR_INPUT, "--compare: %s", where.text);
    }
    if (out->root == NULL) {
        return err_set(err, ERR_INPUT, "%s, line %d: %s", path, where.line, where.text);
    }
    if (!check_schema(out->root, path, err)) {
        return false;
    }
    const json_t *results = json_object_get(out->root, "results");
    size_t room = count_figures(results) * SIDE_COUNT + 1;
    out->figures = calloc(room, sizeof(*out->figures));
    out->names = calloc(room, sizeof(*out->names));
    if (out->figures == NULL || out->names == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for the figures of %s", path);
    }
    for (size_t i = 0; i < json_array_size(results); i++) {
        const json_t *result = json_array_get(results, i);
        const char *name = json_string_value(json_object_get(result, "experiment"));
        const json_t *figures = json_object_get(result, "figures");
        for (size_t j = 0; j < json_array_size(figures); j++) {
            for (enum side side = 0; side < SIDE_COUNT; side++) {
                add_figure(out, name == NULL ? "?" : name, json_array_get(figures, j), side);
            }
        }
    }
    return true;
}

static const char *result_word(enum compare_result result)
{
    switch (result) {
    case COMPARE_SAME:
        return "same";
    case COMPARE_LESS:
        return "LESS";
    case COMPARE_MORE:
        return "MORE";
    case COMPARE_NEAR:
        return "near";
    case COMPARE_UNITS:
        return "other unit";
    case COMPARE_OPEN_A:
        return "undecided in A";
    case COMPARE_OPEN_B:
        return "undecided in B";
    case COMPARE_OPEN:
        return "undecided in both";
    case COMPARE_ONLY_A:
        return "only in A";
    case COMPARE_ONLY_B:
        return "only in B";
    }
    return "";
}

static void format_figure(char text[FORMAT_BYTES], const struct figure *figure)
{
    if (figure == NULL || !figure->decided) {
        snprintf(text, FORMAT_BYTES, "%s", figure == NULL ? "-" : "undecided");
    } else {
        format_estimate(text, &figure->estimate);
    }
}

static void print_padded(FILE *out, const char *text, size_t width)
{
    size_t columns = format_columns(text);

    fprintf(out, "%s%*s ", text, columns < width ? (int)(width - columns) : 0, "");
}

static const struct figure *any_figure(const struct compare_row *row)
{
    return row->a != NULL ? row->a : row->b;
}

static void print_row(FILE *out, const struct compare_row *row, size_t name_columns)
{
    const struct figure *any = any_figure(row);
    char text[FORMAT_BYTES];

    print_padded(out, any->name, name_columns);
    print_padded(out, any->unit, 8);
    format_figure(text, row->a);
    print_padded(out, text, 22);
    format_figure(text, row->b);
    print_padded(out, text, 22);
    fprintf(out, "%s", result_word(row->result));
    if (row->result == COMPARE_LESS || row->result == COMPARE_MORE ||
        row->result == COMPARE_NEAR) {
        fprintf(out, ", %.3g times", row->ratio);
    }
    fprintf(out, "\n");
}

/* All rows, in columns; returns whether a figure differs. */
static bool print_rows(FILE *out, const struct compare_row *rows, size_t count)
{
    size_t name_columns = 0;
    bool differs = false;

    for (size_t i = 0; i < count; i++) {
        size_t columns = format_columns(any_figure(&rows[i])->name);
        name_columns = columns > name_columns ? columns : name_columns;
    }
    for (size_t i = 0; i < count; i++) {
        print_row(out, &rows[i], name_columns);
        differs = differs || rows[i].result == COMPARE_LESS || rows[i].result == COMPARE_MORE;
    }
    return differs;
}

static void print_host(FILE *out, char letter, const char *path, const json_t *root)
{
    const json_t *host = json_object_get(root, "host");
    const char *cpu = json_string_value(json_object_get(host, "cpu"));
    const char *paging = json_string_value(json_object_get(host, "paging"));
    const char *start = json_string_value(json_object_get(root, "start"));

    fprintf(
        out, "%c  %s: %s, paging %s, %s\n", letter, path, cpu == NULL ? "?" : cpu,
        paging == NULL ? "?" : paging, start == NULL ? "?" : start);
}

bool compare_files(FILE *out, const char *a, const char *b, bool *differs, struct err *err)
{
    struct measurement first = {0};
    struct measurement second = {0};
    struct compare_row *rows = NULL;
    bool ok = read_file(a, &first, err) && read_file(b, &second, err);

    if (ok) {
        rows = calloc(first.count + second.count + 1, sizeof(*rows));
        if (rows == NULL) {
            ok = err_set(err, ERR_ENVIRONMENT, "no memory for a comparison");
        }
    }
    *differs = false;
    if (rows != NULL) {
        size_t count =
            compare_figures(first.figures, first.count, second.figures, second.count, rows);
        print_host(out, 'A', a, first.root);
        print_host(out, 'B', b, second.root);
        *differs = print_rows(out, rows, count);
    }
    free(rows);
    measurement_destroy(&first);
    measurement_destroy(&second);
    return ok;
}
