/*
 * vmm: a virtual memory laboratory on real hardware.  Picks the command; everything else is in
 * cli/. The order in which to read the rest is in docs/reading-order.md.
 */
#include <stdio.h>

#include "cli/doctor.h"
#include "cli/export_command.h"
#include "cli/measure_command.h"
#include "cli/options.h"
#include "cli/replay_command.h"
#include "cli/report_command.h"
#include "cli/run_command.h"

static int carry_out(const struct options *options)
{
    switch (options->command) {
    case OPTIONS_RUN:
        return run_command(options);
    case OPTIONS_DOCTOR:
        return doctor_run(stdout, options->json);
    case OPTIONS_REPORT:
        return report_command(options->program_count, options->program);
    case OPTIONS_EXPORT:
        return export_command(options->program_count, options->program);
    case OPTIONS_MEASURE:
        return measure_command(&options->measure);
    case OPTIONS_REPLAY:
        return replay_command(options->program_count, options->program);
    case OPTIONS_HELP:
        options_print_help(stdout, options->topic);
        return 0;
    case OPTIONS_VERSION:
        options_print_version(stdout);
        return 0;
    }
    return OPTIONS_STATUS_FAILED;
}

int main(int argc, char **argv)
{
    struct options options;
    struct err err = {0};

    if (!options_parse(&options, argc, argv, &err)) {
        fprintf(stderr, "vmm: %s\n", err.text);
        return OPTIONS_STATUS_FAILED;
    }
    int status = carry_out(&options);
    options_destroy(&options);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("vmm: standard output");
        return OPTIONS_STATUS_FAILED;
    }
    return status;
}
