/*
 * vmm: a virtual memory laboratory on real hardware.  Picks the command; everything else is in
 * cli/. The order in which to read the rest is in docs/reading-order.md.
 */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/run_command.h"

static int carry_out(const struct options *options)
{
    switch (options->command) {
    case OPTIONS_RUN:
        return run_command(options);
    case OPTIONS_HELP:
        options_print_help(stdout);
        return 0;
    case OPTIONS_VERSION:
        options_print_version(stdout);
        return 0;
    }
    return OPTIONS_STATUS_FAILED;
}

static int run(int argc, char **argv)
{
    struct options options;
    struct err err = {0};

    if (!options_parse(&options, argc, argv, &err)) {
        fprintf(stderr, "vmm: %s\n", err.text);
        return OPTIONS_STATUS_FAILED;
    }
    int status = carry_out(&options);
    options_destroy(&options);
    return status;
}

int main(int argc, char **argv)
{
    const struct command *command = argc > 1 ? commands_find(argv[1]) : NULL;
    int status = command != NULL ? command->carry_out(argc - 1, argv + 1) : run(argc, argv);

    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("vmm: standard output");
        return OPTIONS_STATUS_FAILED;
    }
    return status;
}
