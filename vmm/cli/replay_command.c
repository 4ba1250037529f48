/*
 * vmm replay: opens the references, has the plan answered, prints the answers.  It refuses to
 * know how any of the three is done.  Read replay/replay.h next.
 */
#include "cli/replay_command.h"

#include <stdio.h>

#include "cli/options.h"
#include "cli/replay_options.h"
#include "replay/replay_print.h"

static bool open_references(
    const struct replay_options *options, struct references *references, struct err *err)
{
    if (options->session != NULL) {
        return references_open_session(references, options->session, options->phase, err);
    }
    return references_open_file(references, options->references_file, options->format, err);
}

static bool answer(const struct replay_options *options, struct err *err)
{
    struct references references = {0};
    struct replay_result result = {0};
    bool good = open_references(options, &references, err) &&
                replay_run(&options->plan, &references, &result, err);

    if (good && options->json) {
        good = replay_print_json(stdout, &options->plan, &references.about, &result, err);
    } else if (good) {
        replay_print_table(stdout, &options->plan, &references.about, &result);
    }
    replay_destroy(&result);
    references_close(&references);
    return good;
}

int replay_command(int argc, char **argv)
{
    struct replay_options options;
    struct err err = {0};

    if (!replay_options_parse(&options, argc, argv, &err)) {
        fprintf(stderr, "vmm: %s\n", err.text);
        return OPTIONS_STATUS_FAILED;
    }
    if (options.help) {
        replay_options_print_help(stdout);
        return 0;
    }
    if (!answer(&options, &err)) {
        fprintf(stderr, "vmm: %s\n", err.text);
        return OPTIONS_STATUS_FAILED;
    }
    return 0;
}
