/* Tables for a terminal, one function each; see report_text.h. */
#include "report/report_text.h"

#include <inttypes.h>
#include <string.h>

#include "space/region.h"
#include "trace/line.h"

#define ROWS_OF_TIME 10

static void put_number(FILE *out, uint64_t value)
{
    char number[REPORT_NUMBER_BYTES];

    fprintf(out, " %12s", report_number(value, number));
}

static void put_percent(FILE *out, uint64_t part, uint64_t whole)
{
    double percent = whole > 0 ? 100.0 * (double)part / (double)whole : 0.0;

    fprintf(out, " %6.1f%%", percent);
}

static void put_share(FILE *out, const struct report_share *share, uint64_t whole)
{
    put_number(out, share->faults);
    put_number(out, share->minor);
    put_number(out, share->major);
    put_percent(out, share->faults, whole);
}

/* A name from a file or a guest: nothing in it reaches the terminal as a control character. */
static void put_word(FILE *out, const char *text, int width)
{
    char buffer[4 * LINE_NAME_BYTES];
    struct line line;

    line_start(&line, buffer, sizeof(buffer));
    line_sentence(&line, text);
    fprintf(out, "%-*.*s", width, (int)line_bytes(&line), buffer);
}

static void put_more(FILE *out, size_t count, size_t top)
{
    if (count > top) {
        fprintf(out, "  … and %zu more (--top=%zu shows them)\n", count - top, count);
    }
}

static size_t rows(size_t count, size_t top)
{
    return count < top ? count : top;
}

static double to_ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

static void put_head(FILE *out, const struct report *report)
{
    const struct session_info *info = report->info;

    fputs("program   ", out);
    put_word(out, info->program, 0);
    for (const char *const *word = info->argv; *word != NULL; word++) {
        if (word != info->argv) {
            fputc(' ', out);
            put_word(out, *word, 0);
        }
    }
    fputs("\nrecorded  on ", out);
    put_word(out, info->host, 0);
    fputs(" by vmm ", out);
    put_word(out, info->vmm_version, 0);
    fprintf(out, "\nend       ");
    if (info->ended) {
        put_word(out, info->reason, 0);
        fprintf(out, ", after %.3f ms\n", to_ms(info->duration_ns));
    } else {
        fprintf(out, "not recorded; last event after %.3f ms\n", to_ms(info->duration_ns));
    }
    if (report->accesses > 0) {
        fprintf(
            out, "accesses  %" PRIu64 " recorded beside the faults; vmm replay uses them\n",
            report->accesses);
    }
    if (info->torn) {
        fprintf(out, "TORN      %s\n", info->tear);
    }
    if (info->discarded > 0) {
        fprintf(
            out, "MISSING   %" PRIu64 " events found no room on the disk\n", info->discarded);
    }
    fputc('\n', out);
}

static void put_kinds(FILE *out, const struct counts *counts)
{
    fprintf(
        out, "%-24s %12s %12s %12s %12s\n", "faults by kind", "faults", "pages", "median ns",
        "99th % ns");
    for (unsigned i = 0; i < FAULT_KINDS; i++) {
        const struct counts_kind *kind = &counts->kind[i];
        if (kind->faults > 0) {
            fprintf(out, "  %-22s", record_kind_name((enum fault_kind)i));
            put_number(out, kind->faults);
            put_number(out, kind->pages);
            put_number(out, histogram_quantile(&kind->service_ns, 500));
            put_number(out, histogram_quantile(&kind->service_ns, 990));
            fputc('\n', out);
        }
    }
    fprintf(out, "  %-22s", "total");
    put_number(out, counts->total);
    put_number(out, counts_pages(counts));
    fputs("\n    minor               ", out);
    put_number(out, counts->minor);
    fputs("\n    major               ", out);
    put_number(out, counts->major);
    fputs("\n    by the host         ", out);
    put_number(out, counts->host);
    fputs("\n\n", out);
}

static void
put_process(FILE *out, const struct report *report, const struct report_process *process)
{
    char parent[REPORT_ENDING_BYTES], ending[REPORT_ENDING_BYTES];

    fprintf(
        out, "  %-8u %6s %12.3f %10.3f  %-13s", process->process,
        report_parent(process, parent), to_ms(process->begin_ns),
        to_ms(report_lifetime_ns(report, process)), report_ending(process, ending));
    put_share(out, &process->share, report->counts->total);
    put_number(out, process->pages);
    fprintf(out, "  %s\n", report_programs_name(&report->programs, process->process));
}

/* A column for each kind that there is. */
static void put_process_kinds(FILE *out, const struct report *report, size_t top)
{
    const struct report_processes *processes = &report->by_process;

    fprintf(out, "%-10s", "by process");
    for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
        if (report->counts->kind[kind].faults > 0) {
            fprintf(out, " %12s", record_kind_name((enum fault_kind)kind));
        }
    }
    fputc('\n', out);
    for (size_t i = 0; i < rows(processes->count, top); i++) {
        fprintf(out, "  %-8u", processes->list[i].process);
        for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
            if (report->counts->kind[kind].faults > 0) {
                put_number(out, processes->list[i].kinds[kind]);
            }
        }
        fputc('\n', out);
    }
    fputc('\n', out);
}

static void put_processes(FILE *out, const struct report *report, size_t top)
{
    const struct report_processes *processes = &report->by_process;

    fprintf(
        out, "%-10s %6s %12s %10s  %-13s %12s %12s %12s %7s %12s  %s\n", "by process", "parent",
        "begin ms", "ms", "end", "faults", "minor", "major", "share", "pages", "program");
    for (size_t i = 0; i < rows(processes->count, top); i++) {
        put_process(out, report, &processes->list[i]);
    }
    put_more(out, processes->count, top);
    fputc('\n', out);
    put_process_kinds(out, report, top);
}

static void put_columns(FILE *out, const char *title, int width)
{
    fprintf(
        out, "%-*s %12s %12s %12s %7s\n", width, title, "faults", "minor", "major", "share");
}

static void put_regions(FILE *out, const struct report *report, size_t top)
{
    bool several = report_has_processes(report);

    put_columns(out, several ? "by process and region" : "by region", 56);
    for (size_t i = 0; i < rows(report->region_count, top); i++) {
        const struct report_region *region = &report->regions[i];
        const struct session_region *said = &region->said;
        if (several) {
            fprintf(out, " %5u", said->process);
        }
        fprintf(
            out, "  %012" PRIx64 "-%012" PRIx64 " %c%c%c ", said->begin, said->end,
            (said->permissions & REGION_READ) != 0 ? 'r' : '-',
            (said->permissions & REGION_WRITE) != 0 ? 'w' : '-',
            (said->permissions & REGION_EXEC) != 0 ? 'x' : '-');
        put_word(out, report_region_name(said), several ? 18 : 24);
        put_share(out, &region->share, report->counts->total);
        fputc('\n', out);
    }
    put_more(out, report->region_count, top);
    if (report->nowhere.faults > 0) {
        fprintf(out, "  %-54s", "in no region");
        put_share(out, &report->nowhere, report->counts->total);
        fputc('\n', out);
    }
    if (report->regions_cut > 0) {
        fprintf(out, "  %-54s", "in regions beyond the first 65,536");
        put_number(out, report->regions_cut);
        fputc('\n', out);
    }
    fputc('\n', out);
}

static void put_place(FILE *out, const struct report_place *place, uint64_t total)
{
    char text[2 * REPORT_PLACE_BYTES + REPORT_PROGRAM_BYTES + 32];

    if (place->line > 0) {
        snprintf(
            text, sizeof(text), "%s:%d in %s()", place->file, place->line, place->function);
    } else {
        snprintf(text, sizeof(text), "%s", place->function);
    }
    if (place->program[0] != '\0') {
        size_t used = strlen(text);
        snprintf(text + used, sizeof(text) - used, " [%s]", place->program);
    }
    fputs("  ", out);
    put_word(out, text, 54);
    put_share(out, &place->share, total);
    fputc('\n', out);
}

static void put_places(
    FILE *out, const struct report *report, const struct report_source *source, size_t top)
{
    const char *remedy = report_source_remedy(source->state);

    put_columns(out, "by function", 56);
    for (size_t i = 0; i < rows(source->function_count, top); i++) {
        put_place(out, &source->functions[i], report->counts->total);
    }
    put_more(out, source->function_count, top);
    if (remedy != NULL && source->function_count > 0) {
        fprintf(out, "  (%s)\n", remedy);
    }
    fputc('\n', out);
    if (source->line_count == 0) {
        return;
    }
    put_columns(out, "by source line", 56);
    for (size_t i = 0; i < rows(source->line_count, top); i++) {
        put_place(out, &source->lines[i], report->counts->total);
    }
    put_more(out, source->line_count, top);
    fputc('\n', out);
}

static void put_phases(FILE *out, const struct report *report, size_t top)
{
    fprintf(
        out, "%-24s %7s %12s %10s %12s %12s %12s %7s\n", "by phase", "times", "begin ms", "ms",
        "faults", "minor", "major", "share");
    for (size_t i = 0; i < rows(report->phase_count, top); i++) {
        const struct report_phase *phase = &report->phases[i];
        fputs("  ", out);
        put_word(out, phase->name, 22);
        fprintf(
            out, " %7" PRIu64 " %12.3f %10.3f", phase->times, to_ms(phase->begin_ns),
            to_ms(phase->duration_ns));
        put_share(out, &phase->share, report->counts->total);
        fputc('\n', out);
    }
    put_more(out, report->phase_count, top);
    fputc('\n', out);
}

static void put_hot_pages(FILE *out, const struct report *report, size_t top)
{
    const struct report_pages *pages = &report->pages;
    char number[REPORT_NUMBER_BYTES];

    bool several = report_has_processes(report);

    fprintf(
        out, "hottest pages%s, of %s pages with a fault\n", several ? " by process" : "",
        report_number(pages->distinct, number));
    for (size_t i = 0; i < rows(pages->hots, top); i++) {
        const struct report_hot_page *hot = &pages->hot[i];
        const struct report_region *region =
            report_find_region(report, hot->process, hot->address);
        if (several) {
            fprintf(out, " %5u", hot->process);
        }
        fprintf(out, "  %016" PRIx64 "  ", hot->address);
        put_word(
            out, region != NULL ? report_region_name(&region->said) : "-", several ? 30 : 36);
        put_number(out, hot->faults);
        fputc('\n', out);
    }
    fputc('\n', out);
}

/* Ten rows, each the last of ten slices: the window is as wide as a row. */
static void put_working_set(FILE *out, const struct report *report)
{
    const struct report_pages *pages = &report->pages;
    uint64_t fresh = 0, mapped = 0, evicted = 0;

    fprintf(
        out, "%-24s %12s %12s %12s %12s\n", "working set over time", "faults", "pages",
        "pages so far", "mapped");
    for (unsigned slice = 0, faults = 0; slice < REPORT_SLICES; slice++) {
        for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
            faults += (unsigned)report->by_slice[slice][kind];
        }
        fresh += pages->fresh[slice];
        mapped += report->mapped[slice];
        evicted += report->evicted[slice];
        if (slice % (REPORT_SLICES / ROWS_OF_TIME) == REPORT_SLICES / ROWS_OF_TIME - 1) {
            fprintf(out, "  up to %13.3f ms", to_ms((slice + 1) * pages->slice_ns));
            put_number(out, faults);
            put_number(out, pages->window[slice]);
            put_number(out, fresh);
            put_number(out, mapped > evicted ? mapped - evicted : 0);
            fputc('\n', out);
            faults = 0;
        }
    }
    fputs(
        "  (pages: those with a fault in the row's time, of 4 KiB; mapped: by faults, less "
        "evicted)\n\n",
        out);
}

/* A row for each power of two that has samples, from the first to the last. */
static void put_service(FILE *out, const struct report *report)
{
    static const unsigned quantiles[] = {100, 500, 900, 990, 999};
    static const char *const names[] = {"10th %", "median", "90th %", "99th %", "99.9th %"};
    uint64_t total = report->counts->total;

    fprintf(out, "%-24s %12s\n", "service time", "ns");
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
        fprintf(out, "  %-22s", names[i]);
        put_number(out, report_service_quantile(report, quantiles[i]));
        fputc('\n', out);
    }
    for (uint64_t from = 64; from <= UINT64_C(1) << 31; from *= 2) {
        uint64_t begin = from == 64 ? 0 : from;
        uint64_t count = report_count_service(report, begin, from * 2);
        if (count > 0) {
            char low[REPORT_NUMBER_BYTES];
            unsigned bar = (unsigned)((double)count / (double)total * 40.0 + 0.5);
            fprintf(out, "  from %17s", report_number(begin, low));
            put_number(out, count);
            fprintf(out, "  %.*s\n", (int)bar, "########################################");
        }
    }
    fputc('\n', out);
}

static void put_tables(FILE *out, const struct report *report)
{
    static const char *const names[] = {
        [1] = "1 (page tables)", [2] = "2 (directories)", [3] = "3 (PDPT)", [4] = "4 (PML4)"};

    fprintf(
        out, "%-24s %12s %12s %8s\n", "page tables, as filled", "tables", "entries", "in use");
    for (unsigned level = 4; level >= 1; level--) {
        const struct report_tables *tables = &report->pages.tables[level];
        fprintf(out, "  level %-16s", names[level]);
        put_number(out, tables->tables);
        put_number(out, tables->entries);
        put_percent(out, tables->entries, tables->tables * 512);
        fputc('\n', out);
    }
}

void report_print_text(
    FILE *out, const struct report *report, const struct report_source *source, size_t top)
{
    put_head(out, report);
    if (report->counts->total == 0) {
        fputs("no page faults\n", out);
        return;
    }
    put_kinds(out, report->counts);
    if (report_has_processes(report)) {
        put_processes(out, report, top);
    }
    put_regions(out, report, top);
    put_places(out, report, source, top);
    put_phases(out, report, top);
    put_hot_pages(out, report, top);
    put_working_set(out, report);
    put_service(out, report);
    put_tables(out, report);
}
