/*
 * The page from top to bottom, one function for a section; see report_html.h.  All text from
 * outside goes through html_put_text(), which leaves nothing of HTML in it.
 */
#include "report/report_html.h"

#include <inttypes.h>
#include <string.h>

#include "report/html.h"
#include "report/html_misses.h"
#include "report/html_processes.h"
#include "report/report_text.h"
#include "space/region.h"
#include "trace/line.h"

static const char head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<meta name=\"generator\" content=\"vmm " VMM_VERSION "\">\n"
    "<style>\n"
    ":root { --paper: #ffffff; --ink: #1d232b; --faint: #5c6773; --line: #d5dae0; "
    "--warn: #a33b00; }\n"
    "@media (prefers-color-scheme: dark) {\n"
    "  :root { --paper: #14181d; --ink: #dfe5ec; --faint: #98a4b1; --line: #353d47; "
    "--warn: #ffab70; }\n"
    "}\n"
    "body { background: var(--paper); color: var(--ink); margin: 0 auto; max-width: 62rem; "
    "padding: 1.5rem; font: 15px/1.5 system-ui, sans-serif; }\n"
    "h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; }\n"
    "p { margin: .3rem 0; } .faint { color: var(--faint); } .warn { color: var(--warn); "
    "font-weight: 600; }\n"
    "table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }\n"
    ".wide { overflow-x: auto; }\n"
    "th, td { border-bottom: 1px solid var(--line); padding: .2rem .6rem; text-align: right; "
    "}\n"
    "th { color: var(--faint); font-weight: 600; }\n"
    "th:first-child, td:first-child { text-align: left; }\n"
    "td:first-child { font-family: ui-monospace, monospace; font-size: .9em; "
    "overflow-wrap: anywhere; }\n"
    "figure { margin: .5rem 0; } figure svg { width: 100%; height: auto; }\n"
    "svg text { fill: var(--ink); } svg image { image-rendering: pixelated; }\n"
    "svg g[color=\"black\"] { color: var(--faint); } "
    "svg [stroke=\"black\"] { stroke: var(--faint); }\n"
    "</style>\n";

static void put_ms(FILE *out, uint64_t ns)
{
    fprintf(out, "<td>%.3f</td>", (double)ns / 1e6);
}

static void end_table(FILE *out, size_t count)
{
    html_end_list(out, count, REPORT_HTML_ROWS);
}

static size_t rows(size_t count)
{
    return count < REPORT_HTML_ROWS ? count : REPORT_HTML_ROWS;
}

/* --- the top --- */

static void put_head(FILE *out, const struct report *report)
{
    const struct session_info *info = report->info;

    fputs(head, out);
    fputs("<title>", out);
    html_put_text(out, info->argv[0] != NULL ? info->argv[0] : info->program);
    fputs(": page faults</title>\n</head>\n<body>\n<h1>Page faults of ", out);
    for (const char *const *word = info->argv; *word != NULL; word++) {
        html_put_text(out, *word);
        fputc(' ', out);
    }
    fputs("</h1>\n<p class=\"faint\">", out);
    html_put_text(out, info->program);
    fputs(", recorded on ", out);
    html_put_text(out, info->host);
    fputs("</p>\n<p>", out);
    if (info->ended) {
        html_put_text(out, info->reason);
        fprintf(out, ", after %.3f ms</p>\n", (double)info->duration_ns / 1e6);
    } else {
        fprintf(
            out, "The end was not recorded; last event after %.3f ms</p>\n",
            (double)info->duration_ns / 1e6);
    }
    if (info->torn) {
        fputs("<p class=\"warn\">Torn: ", out);
        html_put_text(out, info->tear);
        fputs("</p>\n", out);
    }
    if (info->discarded > 0) {
        fprintf(
            out, "<p class=\"warn\">%" PRIu64 " events found no room on the disk.</p>\n",
            info->discarded);
    }
}

static void
put_plot(FILE *out, const struct report_plots *plots, enum report_plot plot, const char *note)
{
    const char *title = report_plot_title(plot);

    if (plots->svg[plot] != NULL) {
        fprintf(
            out,
            "<section id=\"plot-%u\">\n<h2>%s</h2>\n<figure role=\"img\" aria-label=\"%s\">\n",
            (unsigned)plot, title, title);
        fputs(plots->svg[plot], out);
        fprintf(
            out, "<figcaption class=\"faint\">%s</figcaption></figure>\n</section>\n", note);
    }
}

/* --- tables --- */

static void put_kinds(FILE *out, const struct counts *counts)
{
    html_begin_table(out, "kinds", "Faults by kind", "kind|faults|pages|median ns|99th % ns");
    for (unsigned i = 0; i < FAULT_KINDS; i++) {
        const struct counts_kind *kind = &counts->kind[i];
        if (kind->faults > 0) {
            fprintf(out, "<tr><td>%s</td>", record_kind_name((enum fault_kind)i));
            html_put_number(out, kind->faults);
            html_put_number(out, kind->pages);
            html_put_number(out, histogram_quantile(&kind->service_ns, 500));
            html_put_number(out, histogram_quantile(&kind->service_ns, 990));
            fputs("</tr>\n", out);
        }
    }
    fputs("<tr><td>total</td>", out);
    html_put_number(out, counts->total);
    html_put_number(out, counts_pages(counts));
    fputs("<td></td><td></td></tr>\n", out);
    end_table(out, 0);
    char minor[REPORT_NUMBER_BYTES], major[REPORT_NUMBER_BYTES], host[REPORT_NUMBER_BYTES];
    fprintf(
        out, "<p>minor: %s, major: %s; by the host, for requests of the program: %s</p>\n",
        report_number(counts->minor, minor), report_number(counts->major, major),
        report_number(counts->host, host));
}

static void put_regions(FILE *out, const struct report *report)
{
    uint64_t total = report->counts->total;

    bool several = report_has_processes(report);

    html_begin_table(
        out, "regions", several ? "By process and region" : "By region",
        several ? "region|name|process|faults|minor|major|share"
                : "region|name|faults|minor|major|share");
    for (size_t i = 0; i < rows(report->region_count); i++) {
        const struct session_region *said = &report->regions[i].said;
        fprintf(
            out, "<tr><td>%012" PRIx64 "-%012" PRIx64 " %c%c%c</td><td>", said->begin,
            said->end, (said->permissions & REGION_READ) != 0 ? 'r' : '-',
            (said->permissions & REGION_WRITE) != 0 ? 'w' : '-',
            (said->permissions & REGION_EXEC) != 0 ? 'x' : '-');
        html_put_text(out, report_region_name(said));
        fputs("</td>", out);
        if (several) {
            fprintf(out, "<td>%u</td>", said->process);
        }
        html_put_share(out, &report->regions[i].share, total);
    }
    if (report->nowhere.faults > 0) {
        fprintf(out, "<tr><td>in no region</td><td></td>%s", several ? "<td></td>" : "");
        html_put_share(out, &report->nowhere, total);
    }
    end_table(out, report->region_count);
}

static void put_places(
    FILE *out,
    const char *id,
    const char *title,
    const struct report_place *places,
    size_t count,
    uint64_t total)
{
    if (count == 0) {
        return;
    }
    html_begin_table(out, id, title, "place|faults|minor|major|share");
    for (size_t i = 0; i < rows(count); i++) {
        fputs("<tr><td>", out);
        if (places[i].line > 0) {
            html_put_text(out, places[i].file);
            fprintf(out, ":%d in ", places[i].line);
            html_put_text(out, places[i].function);
            fputs("()", out);
        } else {
            html_put_text(out, places[i].function);
        }
        fputs("</td>", out);
        html_put_share(out, &places[i].share, total);
    }
    end_table(out, count);
}

static void
put_source(FILE *out, const struct report *report, const struct report_source *source)
{
    uint64_t total = report->counts->total;
    const char *remedy = report_source_remedy(source->state);

    put_places(
        out, "functions", "By function", source->functions, source->function_count, total);
    put_places(out, "lines", "By source line", source->lines, source->line_count, total);
    if (remedy != NULL) {
        fprintf(out, "<p class=\"faint\">%s</p>\n", remedy);
    }
}

static void put_phases(FILE *out, const struct report *report)
{
    html_begin_table(
        out, "phases", "By phase", "phase|times|begin ms|ms|faults|minor|major|share");
    for (size_t i = 0; i < rows(report->phase_count); i++) {
        const struct report_phase *phase = &report->phases[i];
        fputs("<tr><td>", out);
        html_put_text(out, phase->name);
        fputs("</td>", out);
        html_put_number(out, phase->times);
        put_ms(out, phase->begin_ns);
        put_ms(out, phase->duration_ns);
        html_put_share(out, &phase->share, report->counts->total);
    }
    end_table(out, report->phase_count);
}

static void put_hot_pages(FILE *out, const struct report *report)
{
    html_begin_table(out, "pages", "Hottest pages", "page|region|process|faults");
    for (unsigned i = 0; i < report->pages.hots; i++) {
        const struct report_hot_page *hot = &report->pages.hot[i];
        const struct report_region *region =
            report_find_region(report, hot->process, hot->address);
        fprintf(out, "<tr><td>%016" PRIx64 "</td><td>", hot->address);
        html_put_text(out, region != NULL ? report_region_name(&region->said) : "");
        fputs("</td>", out);
        fprintf(out, "<td>%u</td>", hot->process);
        html_put_number(out, hot->faults);
        fputs("</tr>\n", out);
    }
    end_table(out, 0);
}

static void put_service(FILE *out, const struct report *report)
{
    static const unsigned quantiles[] = {100, 500, 900, 990, 999};

    html_begin_table(
        out, "service", "Service time, ns", "quantile|10th %|median|90th %|99th %|99.9th %");
    fputs("<tr><td>all kinds</td>", out);
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
        html_put_number(out, report_service_quantile(report, quantiles[i]));
    }
    fputs("</tr>\n", out);
    end_table(out, 0);
}

static void put_tables(FILE *out, const struct report *report)
{
    html_begin_table(
        out, "tables", "Page tables, as the faults filled them",
        "level|tables|entries in use|of all entries");
    for (unsigned level = 4; level >= 1; level--) {
        const struct report_tables *at = &report->pages.tables[level];
        fprintf(out, "<tr><td>%u</td>", level);
        html_put_number(out, at->tables);
        html_put_number(out, at->entries);
        fprintf(
            out, "<td>%.1f%%</td></tr>\n",
            at->tables > 0 ? 100.0 * (double)at->entries / (512.0 * (double)at->tables) : 0.0);
    }
    end_table(out, 0);
}

/* --- the page --- */

static void
put_misses(FILE *out, const struct report_misses *misses, const struct report_plots *plots)
{
    put_plot(
        out, plots, REPORT_PLOT_MISSES,
        misses->references.about.kind == REFERENCES_EXACT
            ? "Of all accesses that were recorded, with every number of frames."
            : "Of the accesses that faulted, which are all that this session has: not the "
              "program's own miss ratio.  See the notes below the table.");
    html_put_misses(out, misses);
}

void report_print_html(
    FILE *out,
    const struct report *report,
    const struct report_source *source,
    const struct report_map *map,
    const struct report_misses *misses,
    const struct report_plots *plots)
{
    char others[128] = "Brighter: more faults.  Bands are regions, each with its lowest page.";

    if (map->others > 0) {
        size_t used = strlen(others);
        snprintf(
            others + used, sizeof(others) - used, "  %" PRIu64 " faults lie elsewhere.",
            map->others);
    }
    put_head(out, report);
    if (plots->missing[0] != '\0') {
        fprintf(out, "<p class=\"warn\">%s</p>\n", plots->missing);
    }
    put_kinds(out, report->counts);
    html_put_processes(out, report, REPORT_HTML_ROWS);
    put_plot(out, plots, REPORT_PLOT_FAULTS, "Each bar is a hundredth of the run.");
    put_plot(out, plots, REPORT_PLOT_MAP, others);
    put_regions(out, report);
    put_source(out, report, source);
    put_phases(out, report);
    put_hot_pages(out, report);
    put_plot(
        out, plots, REPORT_PLOT_WORKING,
        "Pages with a fault: what a program touches without a fault is not seen.");
    put_misses(out, misses, plots);
    put_service(out, report);
    put_plot(out, plots, REPORT_PLOT_SERVICE, "From the exit to just before the next entry.");
    put_tables(out, report);
    put_plot(
        out, plots, REPORT_PLOT_TABLES, "As if nothing that was mapped had been unmapped.");
    fputs("</body>\n</html>\n", out);
}
