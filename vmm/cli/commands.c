/*
 * Lists the subcommands and prints help on them.  It refuses to know an option of any; read the
 * headers that it includes for those.
 */
#include "cli/commands.h"

#include <string.h>

#include "base/nearest.h"
#include "cli/doctor_command.h"
#include "cli/export_command.h"
#include "cli/export_options.h"
#include "cli/measure_command.h"
#include "cli/measure_options.h"
#include "cli/options.h"
#include "cli/replay_command.h"
#include "cli/replay_options.h"
#include "cli/report_command.h"
#include "cli/report_options.h"

#define TOPICS "run, doctor, measure, report, replay, export, help"

static void print_help_on_help(FILE *out)
{
    fputs(
        "Usage: vmm help [SUBCOMMAND]\n"
        "Prints the help of vmm, or of one subcommand:\n" TOPICS ".\n",
        out);
}

static const struct command commands[] = {
    {"run", NULL, options_print_help},
    {"doctor", doctor_command, doctor_options_print_help},
    {"measure", measure_command, measure_options_print_help},
    {"report", report_command, report_options_print_help},
    {"replay", replay_command, replay_options_print_help},
    {"export", export_command, export_options_print_help},
    {"help", commands_help, print_help_on_help},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

const struct command *commands_find(const char *name)
{
    const struct command *command = find(name);

    return command != NULL && command->carry_out != NULL ? command : NULL;
}

bool commands_find_topic(const char *name, const struct command **topic, struct err *err)
{
    const char *names[COMMAND_COUNT];

    *topic = find(name);
    if (*topic != NULL) {
        return true;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        names[i] = commands[i].name;
    }
    const char *nearest = nearest_word(name, names, COMMAND_COUNT);
    if (nearest != NULL) {
        return err_set(
            err, ERR_USAGE, "no help on '%s': did you mean '%s'? (allowed: " TOPICS ")", name,
            nearest);
    }
    return err_set(err, ERR_USAGE, "no help on '%s' (allowed: " TOPICS ")", name);
}

int commands_help(int argc, char **argv)
{
    const struct command *topic = NULL;
    const char *name = argc < 2 ? "run" : strcmp(argv[1], "--help") == 0 ? "help" : argv[1];
    struct err err = {0};
    bool ok = commands_find_topic(name, &topic, &err);

    if (ok && argc > 2) {
        ok = err_set(&err, ERR_USAGE, "vmm help takes one topic, but '%s' follows", argv[2]);
    }
    if (!ok) {
        fprintf(stderr, "vmm: %s\n", err.text);
        return OPTIONS_STATUS_FAILED;
    }
    topic->print_help(stdout);
    return 0;
}
