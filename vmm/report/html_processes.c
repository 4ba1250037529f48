/* One function for each table; see html_processes.h. */
#include "report/html_processes.h"

#include <string.h>

#include "report/html.h"
#include "report/report_text.h"

static void put_life(FILE *out, const struct report *report, size_t i)
{
    const struct report_process *process = &report->by_process.list[i];
    char parent[REPORT_ENDING_BYTES], ending[REPORT_ENDING_BYTES];

    fprintf(out, "<tr><td>%u</td><td>", process->process);
    html_put_text(out, report_programs_name(&report->programs, process->process));
    fprintf(
        out, "</td><td>%s</td><td>%.3f</td><td>%.3f</td><td>%s</td>",
        report_parent(process, parent), (double)process->begin_ns / 1e6,
        (double)report_lifetime_ns(report, process) / 1e6, report_ending(process, ending));
    html_put_number(out, process->pages);
    html_put_share(out, &process->share, report->counts->total);
}

/* A column for each kind that there is. */
static void begin_kinds(FILE *out, const struct report *report)
{
    char columns[512] = "process";

    for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
        if (report->counts->kind[kind].faults > 0) {
            size_t used = strlen(columns);
            snprintf(
                columns + used, sizeof(columns) - used, "|%s",
                record_kind_name((enum fault_kind)kind));
        }
    }
    html_begin_table(out, "process-kinds", "Faults by process and kind", columns);
}

static void put_kinds(FILE *out, const struct report *report, size_t i)
{
    const struct report_process *process = &report->by_process.list[i];

    fprintf(out, "<tr><td>%u</td>", process->process);
    for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
        if (report->counts->kind[kind].faults > 0) {
            html_put_number(out, process->kinds[kind]);
        }
    }
    fputs("</tr>\n", out);
}

void html_put_processes(FILE *out, const struct report *report, size_t rows)
{
    size_t count = report->by_process.count;

    if (!report_has_processes(report)) {
        return;
    }
    html_begin_table(
        out, "processes", "By process",
        "process|program|parent|begin ms|ms|end|pages|faults|minor|major|share");
    for (size_t i = 0; i < count && i < rows; i++) {
        put_life(out, report, i);
    }
    html_end_list(out, count, rows);
    begin_kinds(out, report);
    for (size_t i = 0; i < count && i < rows; i++) {
        put_kinds(out, report, i);
    }
    html_end_list(out, count, rows);
}
