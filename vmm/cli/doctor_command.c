/*
 * The words of vmm doctor.  It refuses to examine anything; read cli/doctor.c for that.
 */
#include "cli/doctor_command.h"

#include <argp.h>
#include <errno.h>

#include "cli/doctor.h"
#include "cli/options.h"
#include "cli/usage.h"

enum doctor_key {
    KEY_JSON = 0x100,
    KEY_HELP,
};

static const struct argp_option table[] = {
    {"json", KEY_JSON, NULL, 0, "Print one JSON object, with the same keys on every host", 0},
    {"help", KEY_HELP, NULL, 0, "Print this help", 0},
    {0},
};

static const char doc[] =
    "Says what this host offers to vmm (KVM and how it pages, counters, huge pages, clock, "
    "memory, tools) and what is missing, with the command that mends it.\n"
    "\v"
    "Each line begins with a mark: ok; note: vmm runs, but something is slower or not "
    "available; MISSING: vmm cannot run without it.\n"
    "\n"
    "Exit status:\n"
    "  0    vmm can run here\n"
    "  1    it cannot: something is MISSING\n"
    "  125  usage error";

struct parse {
    struct doctor_options *options;
    struct err *err;
    bool failed;
};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct parse *parse = state->input;

    switch (key) {
    case KEY_JSON:
        parse->options->json = true;
        return 0;
    case KEY_HELP:
        parse->options->help = true;
        state->next = state->argc;
        return 0;
    case ARGP_KEY_ARG:
        parse->failed = true;
        err_set(
            parse->err, ERR_USAGE, "vmm doctor takes no argument, but '%s' was given", text);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.options = table, .parser = parse_option, .doc = doc};

bool doctor_options_parse(
    struct doctor_options *options, int argc, char **argv, struct err *err)
{
    struct parse parse = {.options = options, .err = err};

    *options = (struct doctor_options){.json = false};
    error_t result =
        argp_parse(&argp, argc, argv, ARGP_NO_ERRS | ARGP_NO_EXIT | ARGP_NO_HELP, NULL, &parse);
    if (parse.failed) {
        return false;
    }
    if (result == ENOMEM) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for the command line");
    }
    return result == 0 || usage_explain("vmm doctor", table, argc, argv, err);
}

void doctor_options_print_help(FILE *out)
{
    usage_print_help(out, "vmm doctor", &argp);
}

int doctor_command(int argc, char **argv)
{
    struct doctor_options options;
    struct err err = {0};

    if (!doctor_options_parse(&options, argc, argv, &err)) {
        fprintf(stderr, "vmm: %s\n", err.text);
        return OPTIONS_STATUS_FAILED;
    }
    if (options.help) {
        doctor_options_print_help(stdout);
        return 0;
    }
    return doctor_run(stdout, options.json);
}
