/* Table and parser of `vmm export`; see export_options.h. */
#include "cli/export_options.h"

#include <argp.h>
#include <errno.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/usage.h"

#define PARSE_FLAGS (ARGP_NO_ERRS | ARGP_NO_EXIT | ARGP_NO_HELP)

enum { KEY_OUTPUT = 'o', KEY_FORMAT = 0x100, KEY_COLUMNS, KEY_HELP };

static const struct argp_option table[] = {
    {"format", KEY_FORMAT, "FORMAT", 0,
     "csv (default): one line for each fault; jsonl: every event, one JSON object a line; "
     "sqlite: a database with indices and views; perfetto: for the viewers of Chrome and "
     "Perfetto",
     0},
    {"output", KEY_OUTPUT, "FILE", 0,
     "Write into FILE, not to standard output; sqlite needs it, and that FILE is new", 0},
    {"columns", KEY_COLUMNS, "NAME,...", 0, "Only these columns, in that order (csv)", 0},
    {"help", KEY_HELP, NULL, 0, "Print this help", 0},
    {0},
};

static const char doc[] =
    "Turns a session that vmm --session=DIR recorded into a format that other tools read.\n"
    "\v"
    "Columns: time_ns, service_ns, process, kind, action, class, access, ring, protection, "
    "address, rip, region, region_name, phase, level, pages, around, frame, evicted, "
    "entry_before, "
    "entry_after.\n"
    "\n"
    "Examples:\n"
    "  vmm export s > faults.csv\n"
    "  vmm export --columns=time_ns,kind,address s | head\n"
    "  vmm export --format=sqlite -o s.db s && sqlite3 s.db 'SELECT * FROM kinds'\n"
    "  vmm export --format=perfetto -o s.json s    (open it at ui.perfetto.dev)\n"
    "\n"
    "Exit status:\n"
    "  0    exported, also from a session that was cut off (a note says so)\n"
    "  125  usage, not a session, damage, or the output cannot be written";

struct parse {
    struct export_options *options;
    struct err *err;
    bool failed;
};

static bool refuse_column(const char *word, struct err *err)
{
    const char *names[COLUMNS];
    char allowed[320] = "";
    size_t used = 0;

    for (unsigned i = 0; i < COLUMNS; i++) {
        names[i] = column_name((enum column)i);
    }
    const char *nearest = nearest_word(word, names, COLUMNS);

    for (unsigned i = 0; i < COLUMNS; i++) {
        used += (size_t)snprintf(
            allowed + used, sizeof(allowed) - used, "%s%s", i > 0 ? ", " : "",
            column_name((enum column)i));
    }
    return err_set(
        err, ERR_USAGE, "option '--columns': there is no column '%.40s'%s%s%s (allowed: %s)",
        word, nearest != NULL ? ": did you mean '" : "", nearest != NULL ? nearest : "",
        nearest != NULL ? "'?" : "", allowed);
}

static bool
add_column(const char *word, enum column columns[COLUMNS], size_t *count, struct err *err)
{
    unsigned column = 0;

    while (column < COLUMNS && strcmp(word, column_name((enum column)column)) != 0) {
        column++;
    }
    if (column == COLUMNS) {
        return refuse_column(word, err);
    }
    for (size_t i = 0; i < *count; i++) {
        if (columns[i] == (enum column)column) {
            return err_set(
                err, ERR_USAGE, "option '--columns': column '%s' is given twice", word);
        }
    }
    columns[(*count)++] = (enum column)column;
    return true;
}

/* "time_ns,kind,address": into room for COLUMNS. */
static bool
parse_columns(const char *list, enum column columns[COLUMNS], size_t *count, struct err *err)
{
    char word[64];

    *count = 0;
    for (;;) {
        size_t length = strcspn(list, ",");
        snprintf(word, sizeof(word), "%.*s", (int)(length < 63 ? length : 63), list);
        if (!add_column(word, columns, count, err)) {
            return false;
        }
        if (list[length] == '\0') {
            return true;
        }
        list += length + 1;
    }
}

static bool parse_format(struct export_options *options, const char *text, struct err *err)
{
    const char *names[EXPORT_FORMATS];

    for (size_t i = 0; i < EXPORT_FORMATS; i++) {
        names[i] = export_format(i)->name;
        if (strcmp(text, names[i]) == 0) {
            options->format = export_format(i);
            return true;
        }
    }
    const char *nearest = nearest_word(text, names, EXPORT_FORMATS);
    return err_set(
        err, ERR_USAGE,
        "option '--format': there is no format '%.40s'%s%s%s (allowed: csv, jsonl, sqlite, "
        "perfetto)",
        text, nearest != NULL ? ": did you mean '" : "", nearest != NULL ? nearest : "",
        nearest != NULL ? "'?" : "");
}

static bool parse_output(struct export_options *options, const char *text, struct err *err)
{
    options->output = text;
    return text[0] != '\0' ||
           err_set(
               err, ERR_USAGE,
               "option '--output': the name of the file is empty (allowed: a path)");
}

static bool parse_folder(struct export_options *options, const char *text, struct err *err)
{
    if (options->folder != NULL) {
        return err_set(err, ERR_USAGE, "vmm export takes one DIR, but '%s' follows", text);
    }
    options->folder = text;
    return true;
}

static error_t parse_one(int key, char *text, struct argp_state *state)
{
    struct parse *parse = state->input;
    struct export_options *options = parse->options;
    bool ok = true;

    switch (key) {
    case KEY_FORMAT:
        ok = parse_format(options, text, parse->err);
        break;
    case KEY_OUTPUT:
        ok = parse_output(options, text, parse->err);
        break;
    case KEY_COLUMNS:
        options->columns_given = true;
        ok = parse_columns(text, options->columns, &options->column_count, parse->err);
        break;
    case KEY_HELP:
        options->help = true;
        break;
    case ARGP_KEY_ARG:
        ok = parse_folder(options, text, parse->err);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    parse->failed = !ok;
    return ok ? 0 : EINVAL;
}

static const struct argp grammar = {table, parse_one, "DIR", doc, NULL, NULL, NULL};

bool export_options_parse(
    struct export_options *options, int argc, char **argv, struct err *err)
{
    struct parse parse = {.options = options, .err = err};

    *options = (struct export_options){.format = &export_csv, .column_count = COLUMNS};
    for (unsigned i = 0; i < COLUMNS; i++) {
        options->columns[i] = (enum column)i;
    }
    error_t result = argp_parse(&grammar, argc, argv, PARSE_FLAGS, NULL, &parse);
    if (parse.failed) {
        return false;
    }
    if (result != 0) {
        return usage_explain("vmm export", table, argc, argv, err);
    }
    if (options->help) {
        return true;
    }
    if (options->columns_given && !options->format->has_columns) {
        return err_set(
            err, ERR_USAGE, "option '--columns' goes with --format=csv, not with %s",
            options->format->name);
    }
    return options->folder != NULL ||
           err_set(
               err, ERR_USAGE,
               "no session given: vmm export [OPTION...] DIR (vmm export --help lists all)");
}

void export_options_print_help(FILE *out)
{
    usage_print_help(out, "vmm export", &grammar);
}
