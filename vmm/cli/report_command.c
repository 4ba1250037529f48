/* One report from options to output; see report_command.h. */
#include "cli/report_command.h"

#include <stdio.h>

#include "cli/options.h"
#include "cli/report_options.h"
#include "report/report_json.h"
#include "report/report_session.h"
#include "report/report_source.h"
#include "report/report_text.h"

static bool print_report(
    const struct report_options *options,
    struct session_reader *reader,
    const struct report *report,
    struct err *err)
{
    struct report_source source;
    bool ok = true;

    (void)reader;
    if (!report_source_find(&source, report, err)) {
        return false;
    }
    if (options->json) {
        ok = report_print_json(stdout, report, &source, err);
    } else {
        report_print_text(stdout, report, &source, options->top);
    }
    report_source_destroy(&source);
    return ok;
}

static bool report_folder(const struct report_options *options, struct err *err)
{
    struct session_reader *reader;
    struct report report;

    if (!session_open(&reader, options->folder, err)) {
        return false;
    }
    bool ok = report_gather(&report, reader, 0, err);
    if (ok) {
        ok = print_report(options, reader, &report, err);
        report_destroy(&report);
    }
    session_close(reader);
    return ok;
}

int report_command(int argc, char **argv)
{
    struct report_options options;
    struct err err = {0};

    if (!report_options_parse(&options, argc, argv, &err)) {
        fprintf(stderr, "vmm: %s\n", err.text);
        return OPTIONS_STATUS_FAILED;
    }
    if (options.help) {
        report_options_print_help(stdout);
        return 0;
    }
    if (!report_folder(&options, &err)) {
        fprintf(stderr, "vmm: %s\n", err.text);
        return OPTIONS_STATUS_FAILED;
    }
    return 0;
}
