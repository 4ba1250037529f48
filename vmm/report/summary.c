/*
 * The report of a run; see summary.h.  It only lays out: quantiles come from trace/histogram.c
 * and the meaning of minor and major from trace/counts.h.
 */
#include "report/summary.h"

#include "trace/line.h"
#include "trace/trace.h"

/* All of it fits: 15 kinds of at most 130 bytes, a reason of at most 6 * LINE_NAME_BYTES. */
#define REPORT_BYTES 8192
#define COLUMN_NAME  14
#define COLUMN       14

static void put_name(struct line *line, const char *name)
{
    size_t start = line_bytes(line);

    line_text(line, name);
    line_pad(line, start, COLUMN_NAME);
}

static void put_heading(struct line *line, const char *heading)
{
    size_t start = line_bytes(line);

    line_text(line, heading);
    line_pad_left(line, start, COLUMN);
}

static void put_number(struct line *line, uint64_t value)
{
    size_t start = line_bytes(line);

    line_grouped(line, value);
    line_pad_left(line, start, COLUMN);
}

static void put_kind(struct line *line, unsigned kind, const struct counts_kind *counts)
{
    put_name(line, record_kind_name(kind));
    put_number(line, counts->faults);
    put_number(line, counts->pages);
    put_number(line, histogram_quantile(&counts->service_ns, 500));
    put_number(line, histogram_quantile(&counts->service_ns, 990));
    line_char(line, '\n');
}

/* A part of the total, in its column. */
static void put_share(struct line *line, const char *name, uint64_t faults)
{
    put_name(line, name);
    put_number(line, faults);
    line_char(line, '\n');
}

static void put_faults(struct line *line, const struct counts *counts)
{
    if (counts->total == 0) {
        line_text(line, "no page faults\n\n");
        return;
    }
    put_name(line, "page faults");
    put_heading(line, "faults");
    put_heading(line, "pages");
    put_heading(line, "median ns");
    put_heading(line, "99th % ns");
    line_char(line, '\n');
    for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
        if (counts->kind[kind].faults > 0) {
            put_kind(line, kind, &counts->kind[kind]);
        }
    }
    put_name(line, "total");
    put_number(line, counts->total);
    put_number(line, counts_pages(counts));
    line_char(line, '\n');
    put_share(line, "  minor", counts->minor);
    put_share(line, "  major", counts->major);
    put_share(line, "  by the host", counts->host);
    line_char(line, '\n');
}

static void put_frames(struct line *line, const char *name, uint64_t frames)
{
    put_name(line, name);
    put_number(line, frames);
    put_number(line, frames * (PAGE_BYTES / 1024));
    line_char(line, '\n');
}

static void put_memory(struct line *line, const struct summary *summary)
{
    put_name(line, "memory");
    put_heading(line, "frames");
    put_heading(line, "KiB");
    line_char(line, '\n');
    put_frames(line, "data", summary->frames_data);
    put_frames(line, "page tables", summary->frames_tables);
    put_frames(line, "peak in use", summary->frames_peak);
    put_frames(line, "guest RAM", summary->frames_total);
    if (summary->swap_total != 0) {
        put_frames(line, "swap in use", summary->swap_used);
    }
    line_char(line, '\n');
}

/* Where a policy was at work. */
static void put_replacement(struct line *line, const struct summary *summary)
{
    if (summary->policy == NULL) {
        return;
    }
    line_text(line, "policy ");
    line_text(line, summary->policy);
    line_text(line, ": ");
    line_grouped(line, summary->evictions);
    line_text(line, summary->evictions == 1 ? " page evicted, " : " pages evicted, ");
    line_grouped(line, summary->write_backs);
    line_text(line, " written\n");
}

/* In the unit that leaves at least one digit in front, with three digits behind. */
static void put_duration(struct line *line, uint64_t ns)
{
    const struct {
        uint64_t ns;
        const char *name;
    } units[] = {{1000000000, " s"}, {1000000, " ms"}, {1000, " us"}};
    size_t unit = ns >= units[0].ns ? 0 : ns >= units[1].ns ? 1 : 2;
    uint64_t thousandths = ns / (units[unit].ns / 1000);

    line_grouped(line, thousandths / 1000);
    line_char(line, '.');
    line_char(line, (char)('0' + thousandths / 100 % 10));
    line_char(line, (char)('0' + thousandths / 10 % 10));
    line_char(line, (char)('0' + thousandths % 10));
    line_text(line, units[unit].name);
}

static void put_accesses(struct line *line, uint64_t accesses)
{
    if (accesses != 0) {
        line_grouped(line, accesses);
        line_text(line, accesses == 1 ? " access recorded\n" : " accesses recorded\n");
    }
}

static void put_run(struct line *line, const struct summary *summary)
{
    line_grouped(line, summary->requests);
    line_text(line, summary->requests == 1 ? " request served, " : " requests served, ");
    line_grouped(line, summary->exits);
    line_text(line, summary->exits == 1 ? " exit, " : " exits, ");
    put_duration(line, summary->elapsed_ns);
    line_char(line, '\n');
    line_sentence(line, summary->reason);
    line_char(line, '\n');
}

void summary_print_text(FILE *out, const struct summary *summary)
{
    char buffer[REPORT_BYTES];
    struct line line;

    line_start(&line, buffer, sizeof(buffer));
    put_faults(&line, summary->counts);
    put_memory(&line, summary);
    put_replacement(&line, summary);
    put_accesses(&line, summary->accesses);
    put_run(&line, summary);
    fwrite(buffer, 1, line_bytes(&line), out);
}

static void put_kinds_json(struct line *line, const struct counts *counts)
{
    line_json_key(line, "kinds");
    line_char(line, '{');
    for (unsigned i = 0; i < FAULT_KINDS; i++) {
        const struct counts_kind *kind = &counts->kind[i];
        if (kind->faults == 0) {
            continue;
        }
        line_json_key(line, record_kind_name(i));
        line_char(line, '{');
        line_json_decimal(line, "faults", kind->faults);
        line_json_decimal(line, "pages", kind->pages);
        line_json_decimal(line, "median_ns", histogram_quantile(&kind->service_ns, 500));
        line_json_decimal(line, "p99_ns", histogram_quantile(&kind->service_ns, 990));
        line_char(line, '}');
    }
    line_char(line, '}');
}

void summary_print_json(FILE *out, const struct summary *summary)
{
    const struct counts *counts = summary->counts;
    char buffer[REPORT_BYTES];
    struct line line;

    line_start(&line, buffer, sizeof(buffer));
    line_char(&line, '{');
    line_json_text(&line, "type", "summary");
    line_json_decimal(&line, "version", TRACE_VERSION);
    line_json_key(&line, "faults");
    line_char(&line, '{');
    line_json_decimal(&line, "total", counts->total);
    line_json_decimal(&line, "pages", counts_pages(counts));
    line_json_decimal(&line, "minor", counts->minor);
    line_json_decimal(&line, "major", counts->major);
    line_json_decimal(&line, "host", counts->host);
    put_kinds_json(&line, counts);
    line_char(&line, '}');
    line_json_key(&line, "frames");
    line_char(&line, '{');
    line_json_decimal(&line, "data", summary->frames_data);
    line_json_decimal(&line, "tables", summary->frames_tables);
    line_json_decimal(&line, "peak", summary->frames_peak);
    line_json_decimal(&line, "total", summary->frames_total);
    line_char(&line, '}');
    if (summary->policy != NULL) {
        line_json_text(&line, "policy", summary->policy);
    }
    line_json_decimal(&line, "evictions", summary->evictions);
    line_json_decimal(&line, "write_backs", summary->write_backs);
    line_json_decimal(&line, "swap_used", summary->swap_used);
    line_json_decimal(&line, "accesses", summary->accesses);
    line_json_decimal(&line, "requests", summary->requests);
    line_json_decimal(&line, "exits", summary->exits);
    line_json_decimal(&line, "elapsed_ns", summary->elapsed_ns);
    line_json_signed(&line, "status", summary->status);
    line_json_text(&line, "reason", summary->reason);
    line_text(&line, "}\n");
    fwrite(buffer, 1, line_bytes(&line), out);
}
