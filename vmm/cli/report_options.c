/* Table and parser of `vmm report`; see report_options.h. */
#include "cli/report_options.h"

#include <argp.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/usage.h"

#define TOP_DEFAULT 10
#define PARSE_FLAGS (ARGP_NO_ERRS | ARGP_NO_EXIT | ARGP_NO_HELP)

enum { KEY_JSON = 0x100, KEY_HTML, KEY_TOP, KEY_HELP };

static const struct argp_option table[] = {
    {"json", KEY_JSON, NULL, 0, "Print one JSON object with every row of every table", 0},
    {"html", KEY_HTML, "FILE", 0,
     "Write one self-contained page with plots into FILE (plots need gnuplot)", 0},
    {"top", KEY_TOP, "N", 0, "Show N rows of each table (default 10; 0 is all)", 0},
    {"help", KEY_HELP, NULL, 0, "Print this help", 0},
    {0},
};

static const char doc[] =
    "Says what happened in a session that vmm --session=DIR recorded: faults by kind, region, "
    "function, source line and phase, the hottest pages, the working set over time, service "
    "times and page tables.\n"
    "\v"
    "Examples:\n"
    "  vmm --session=s hello.elf && vmm report s\n"
    "  vmm report --json s | jq .faults\n"
    "  vmm report --html=page.html s\n"
    "\n"
    "Exit status:\n"
    "  0    reported, also of a session that was cut off (the report says so)\n"
    "  125  usage, not a session, or damage";

struct parse {
    struct report_options *options;
    struct err *err;
    bool failed;
};

static error_t refuse(struct parse *parse)
{
    parse->failed = true;
    return EINVAL;
}

static bool parse_top(struct report_options *options, const char *text, struct err *err)
{
    char *end;

    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0) {
        return err_set(
            err, ERR_USAGE, "option '--top': '%s' is not a number of rows (allowed: 0, 1, 2…)",
            text);
    }
    options->top = value == 0 ? SIZE_MAX : (size_t)value;
    return true;
}

static error_t parse_one(int key, char *text, struct argp_state *state)
{
    struct parse *parse = state->input;
    struct report_options *options = parse->options;

    switch (key) {
    case KEY_JSON:
        options->json = true;
        return 0;
    case KEY_HTML:
        options->html_file = text;
        if (text[0] == '\0') {
            err_set(
                parse->err, ERR_USAGE,
                "option '--html': the name of the file is empty (allowed: a path)");
            return refuse(parse);
        }
        return 0;
    case KEY_TOP:
        return parse_top(options, text, parse->err) ? 0 : refuse(parse);
    case KEY_HELP:
        options->help = true;
        return 0;
    case ARGP_KEY_ARG:
        if (options->folder != NULL) {
            err_set(parse->err, ERR_USAGE, "vmm report takes one DIR, but '%s' follows", text);
            return refuse(parse);
        }
        options->folder = text;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp grammar = {table, parse_one, "DIR", doc, NULL, NULL, NULL};

bool report_options_parse(
    struct report_options *options, int argc, char **argv, struct err *err)
{
    struct parse parse = {.options = options, .err = err};

    *options = (struct report_options){.top = TOP_DEFAULT};
    error_t result = argp_parse(&grammar, argc, argv, PARSE_FLAGS, NULL, &parse);
    if (parse.failed) {
        return false;
    }
    if (result != 0) {
        return usage_explain("vmm report", table, argc, argv, err);
    }
    return options->folder != NULL || options->help ||
           err_set(
               err, ERR_USAGE,
               "no session given: vmm report [OPTION...] DIR (vmm report --help lists all)");
}

void report_options_print_help(FILE *out)
{
    usage_print_help(out, "vmm report", &grammar);
}
