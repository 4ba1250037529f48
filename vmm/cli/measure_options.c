/*
 * The options of `vmm measure`: argp's table and callback.  It refuses to judge file names; read
 * cli/measure_command.c for that.
 */
#include "cli/measure_options.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/usage.h"
#include "measure/catalogue.h"

enum measure_key {
    KEY_LIST = 0x100,
    KEY_QUICK,
    KEY_NATIVE,
    KEY_GUEST,
    KEY_JSON,
    KEY_CSV,
    KEY_HTML,
    KEY_COMPARE,
    KEY_HELP,
};

static const struct argp_option table[] = {
    {.doc = "What to measure:", .group = 1},
    {"list", KEY_LIST, NULL, 0, "Name the experiments with their questions", 1},
    {"quick", KEY_QUICK, NULL, 0, "Fewer windows: within 20 seconds instead of three minutes",
     1},
    {"native", KEY_NATIVE, NULL, 0, "Only in this process (default: both, interleaved)", 1},
    {"guest", KEY_GUEST, NULL, 0, "Only in a guest", 1},
    {.doc = "Where it goes, beside the table on standard output:", .group = 2},
    {"json", KEY_JSON, "FILE", 0,
     "All figures and series, as docs/measure-format.md says; - is standard output instead of "
     "the table",
     2},
    {"csv", KEY_CSV, "DIR", 0, "One file for the figures and one a series", 2},
    {"html", KEY_HTML, "FILE", 0, "One page with tables and plots, complete in itself", 2},
    {.doc = "Instead of measuring:", .group = 3},
    {"compare", KEY_COMPARE, NULL, 0,
     "Compare two files of --json: vmm measure --compare A.json B.json", 3},
    {"help", KEY_HELP, NULL, 0, "Print this help", 4},
    {0},
};

static const char doc[] =
    "Measures what address translation costs on this machine, by experiment: TLBs, page walks, "
    "paging-structure caches, faults; natively and in a guest side by side.\n"
    "\v"
    "Without EXPERIMENT all of them run.  What cannot be decided is said to be undecided, and "
    "why.\n"
    "\n"
    "Examples:\n"
    "  vmm measure --quick\n"
    "  vmm measure tlb ways --html tlb.html\n"
    "  vmm measure --json before.json      and, some change later, --json after.json\n"
    "  vmm measure --compare before.json after.json\n"
    "\n"
    "Exit status:\n"
    "  0    measured (undecided figures included); compared: nothing differs\n"
    "  1    an experiment could not run here; compared: something differs\n"
    "  125  usage, a file that cannot be written or read, no usable KVM";

struct parse {
    struct measure_options *options;
    struct err *err;
    bool failed;
};

static bool refuse_experiment(const char *text, struct err *err)
{
    const char *names[64];
    size_t count = catalogue_count < 64 ? catalogue_count : 64;

    for (size_t i = 0; i < count; i++) {
        names[i] = catalogue[i].name;
    }
    const char *nearest = nearest_word(text, names, count);
    return nearest != NULL
               ? err_set(
                     err, ERR_USAGE,
                     "'%s' is not an experiment: did you mean '%s'? (vmm measure "
                     "--list names all)",
                     text, nearest)
               : err_set(
                     err, ERR_USAGE, "'%s' is not an experiment (vmm measure --list names all)",
                     text);
}

/* A word: an experiment, or a file behind --compare, which is known only at the end. */
static bool take_word(struct measure_options *options, const char *text)
{
    options->experiments[options->experiment_count++] = text;
    return true;
}

static bool take_file(const char **file, const char *option, const char *text, struct err *err)
{
    *file = text;
    return text[0] != '\0' ||
           err_set(err, ERR_USAGE, "option '%s': the name is empty (allowed: a path)", option);
}

static bool take_option(struct parse *parse, int key, const char *text)
{
    struct measure_options *options = parse->options;

    switch (key) {
    case KEY_LIST:
        return options->list = true;
    case KEY_QUICK:
        return options->quick = true;
    case KEY_NATIVE:
        return options->native = true;
    case KEY_GUEST:
        return options->guest = true;
    case KEY_JSON:
        return take_file(&options->json, "--json", text, parse->err);
    case KEY_CSV:
        return take_file(&options->csv, "--csv", text, parse->err);
    case KEY_HTML:
        return take_file(&options->html, "--html", text, parse->err);
    default:
        options->compare[0] = "";
        return true;
    }
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct parse *parse = state->input;

    switch (key) {
    case KEY_LIST:
    case KEY_QUICK:
    case KEY_NATIVE:
    case KEY_GUEST:
    case KEY_JSON:
    case KEY_CSV:
    case KEY_HTML:
    case KEY_COMPARE:
        parse->failed = !take_option(parse, key, text);
        return parse->failed ? EINVAL : 0;
    case KEY_HELP:
        parse->options->help = true;
        state->next = state->argc;
        return 0;
    case ARGP_KEY_ARG:
        return take_word(parse->options, text) ? 0 : EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp grammar = {
    .options = table, .parser = parse_option, .args_doc = "[EXPERIMENT...]", .doc = doc};

/* What the words are, now that all options are known. */
static bool settle(struct measure_options *options, struct err *err)
{
    if (options->help) {
        return true;
    }
    if (options->native == options->guest) {
        options->native = options->guest = true;
    }
    if (options->compare[0] != NULL) {
        if (options->experiment_count != 2) {
            return err_set(
                err, ERR_USAGE, "--compare takes two files of --json, and %zu %s given",
                options->experiment_count, options->experiment_count == 1 ? "was" : "were");
        }
        options->compare[0] = options->experiments[0];
        options->compare[1] = options->experiments[1];
        options->experiment_count = 0;
        return true;
    }
    for (size_t i = 0; i < options->experiment_count; i++) {
        if (catalogue_find(options->experiments[i]) == NULL) {
            return refuse_experiment(options->experiments[i], err);
        }
    }
    return true;
}

bool measure_options_parse(struct measure_options *out, int argc, char **argv, struct err *err)
{
    struct parse parse = {.options = out, .err = err};

    *out = (struct measure_options){.native = false};
    out->experiments = calloc((size_t)argc + 1, sizeof(*out->experiments));
    if (out->experiments == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for the command line");
    }
    error_t result = argp_parse(
        &grammar, argc, argv, ARGP_NO_ERRS | ARGP_NO_EXIT | ARGP_NO_HELP, NULL, &parse);
    bool ok = !parse.failed && result == 0;
    if (!parse.failed && result == ENOMEM) {
        err_set(err, ERR_ENVIRONMENT, "no memory for the command line");
    } else if (!parse.failed && result != 0) {
        ok = usage_explain("vmm measure", table, argc, argv, err);
    }
    ok = ok && settle(out, err);
    if (!ok) {
        measure_options_destroy(out);
    }
    return ok;
}

void measure_options_destroy(struct measure_options *options)
{
    free(options->experiments);
    options->experiments = NULL;
    options->experiment_count = 0;
}

void measure_options_print_help(FILE *out)
{
    usage_print_help(out, "vmm measure", &grammar);
}
