/*
 * One line for each fault, with a first line of names, as RFC 4180 has it but for the end of a
 * line, which is a newline alone.  Other events are not in it.  Read export_columns.c for what
 * is in a line.
 */
#include <string.h>

#include "export/export.h"
#include "trace/line.h"

/* Each cell at its longest: a number, or a name of SESSION_NAME_BYTES with every byte a quote. */
#define LINE_BYTES (COLUMNS * 2 * (SESSION_NAME_BYTES + 2))

static bool begin(struct export *export, struct err *err)
{
    (void)err;
    for (size_t i = 0; i < export->column_count; i++) {
        fprintf(export->out, "%s%s", i > 0 ? "," : "", column_name(export->columns[i]));
    }
    fputc('\n', export->out);
    return true;
}

static void put_text(struct line *line, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        line_text(line, text);
        return;
    }
    line_char(line, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            line_char(line, '"');
        }
        line_char(line, *text);
    }
    line_char(line, '"');
}

static void put_cell(struct line *line, const struct cell *cell)
{
    switch (cell->kind) {
    case CELL_NULL:
        return;
    case CELL_NUMBER:
        line_decimal(line, cell->number);
        return;
    case CELL_ADDRESS:
        line_hex(line, cell->number, 0);
        return;
    case CELL_TEXT:
        put_text(line, cell->text);
        return;
    }
}

static bool event(struct export *export, const struct session_event *event, struct err *err)
{
    char buffer[LINE_BYTES];
    struct line line;

    (void)err;
    if (event->kind != SESSION_FAULT) {
        return true;
    }
    const struct column_row row = export_row(export, event->of.fault);
    line_start(&line, buffer, sizeof(buffer));
    for (size_t i = 0; i < export->column_count; i++) {
        const struct cell cell = column_cell(export->columns[i], &row);
        if (i > 0) {
            line_char(&line, ',');
        }
        put_cell(&line, &cell);
    }
    line_char(&line, '\n');
    fwrite(buffer, 1, line_bytes(&line), export->out);
    return true;
}

static bool end(struct export *export, struct err *err)
{
    (void)export;
    (void)err;
    return true;
}

const struct export_ops export_csv = {
    .name = "csv", .has_columns = true, .begin = begin, .event = event, .end = end};
