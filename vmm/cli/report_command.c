/* One report from options to output; see report_command.h. */
#include "cli/report_command.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/options.h"
#include "cli/report_options.h"
#include "report/report_html.h"
#include "report/report_json.h"
#include "report/report_session.h"
#include "report/report_source.h"
#include "report/report_text.h"

/* All that the page shows. */
struct page {
    const struct report *report;        /* borrows */
    const struct report_source *source; /* borrows */
    struct report_map map;
    struct report_misses misses;
    struct report_plots plots;
};

static bool write_page(const char *path, const struct page *page, struct err *err)
{
    FILE *out = fopen(path, "we");

    if (out == NULL) {
        return err_set_errno(err, ERR_INPUT, "--html: cannot write %s", path);
    }
    report_print_html(out, page->report, page->source, &page->map, &page->misses, &page->plots);
    bool ok = ferror(out) == 0;
    ok = fclose(out) == 0 && ok;
    return ok || err_set_errno(err, ERR_ENVIRONMENT, "--html: cannot write %s", path);
}

static bool fill_page(
    struct page *page,
    const struct report_options *options,
    struct session_reader *reader,
    struct err *err)
{
    const struct report *report = page->report;
    uint64_t references = report->accesses > 0 ? report->accesses : report->counts->total;

    return report_map_fill(&page->map, report, reader, err) &&
           (report->pages.distinct > REPORT_MISSES_PAGES_MAX ||
            report_misses_find(&page->misses, options->folder, references, err)) &&
           report_plots_draw(&page->plots, NULL, report, &page->map, &page->misses, err);
}

static bool make_page(
    const struct report_options *options,
    struct session_reader *reader,
    const struct report *report,
    const struct report_source *source,
    struct err *err)
{
    struct page *page = calloc(1, sizeof(*page));

    if (page == NULL) {
        return err_set_errno(err, ERR_ENVIRONMENT, "--html");
    }
    page->report = report;
    page->source = source;
    bool ok =
        fill_page(page, options, reader, err) && write_page(options->html_file, page, err);
    if (ok && page->plots.missing[0] != '\0') {
        fprintf(stderr, "vmm: note: %s\n", page->plots.missing);
    }
    report_plots_destroy(&page->plots);
    report_misses_destroy(&page->misses);
    free(page);
    return ok;
}

static bool print_report(
    const struct report_options *options,
    struct session_reader *reader,
    const struct report *report,
    struct err *err)
{
    struct report_source source;
    bool ok = true;

    if (!report_source_find(&source, report, err)) {
        return false;
    }
    if (options->html_file != NULL) {
        ok = make_page(options, reader, report, &source, err);
    }
    if (ok && options->json) {
        ok = report_print_json(stdout, report, &source, err);
    } else if (ok && options->html_file == NULL) {
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

    /* A closed pipe, or a limit on files, is an error of the write. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
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
