/* One export from options to output; see export_command.h. */
#include "cli/export_command.h"

#include <signal.h>
#include <stdio.h>

#include "cli/export_options.h"
#include "cli/options.h"

static bool export_folder(const struct export_options *options, struct err *err)
{
    struct session_reader *reader;

    if (!session_open(&reader, options->folder, err)) {
        return false;
    }
    bool ok = export_session(
        reader, options->format, options->output, options->columns, options->column_count, err);
    if (ok && session_info(reader)->torn) {
        fprintf(stderr, "vmm: note: %s: %s\n", options->folder, session_info(reader)->tear);
    }
    session_close(reader);
    return ok;
}

int export_command(int argc, char **argv)
{
    struct export_options options;
    struct err err = {0};

    /* A closed pipe, or a limit on files, is an error of the write. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (!export_options_parse(&options, argc, argv, &err)) {
        fprintf(stderr, "vmm: %s\n", err.text);
        return OPTIONS_STATUS_FAILED;
    }
    if (options.help) {
        export_options_print_help(stdout);
        return 0;
    }
    if (!export_folder(&options, &err)) {
        fprintf(stderr, "vmm: %s\n", err.text);
        return OPTIONS_STATUS_FAILED;
    }
    return 0;
}
