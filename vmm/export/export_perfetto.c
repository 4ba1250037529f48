/*
 * The JSON that Chrome's and Perfetto's trace viewers open ("Trace Event Format"): a fault is a
 * slice as long as its service time, a phase one from mark to mark, each in a track of its own;
 * results and signals are instants, pages mapped so far a counter.  Times are in us.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "export/export.h"
#include "trace/counts.h"
#include "trace/line.h"

#define LINE_BYTES     4096
#define TRACK_FAULTS   1
#define TRACK_PHASES   2
#define COUNTER_PERIOD 256 /* faults between two values of the counter */

struct perfetto {
    bool in_phase;
    uint64_t faults, pages, evicted;
};

/* Viewers take process 0 for the idle one. */
static unsigned viewer_process(uint16_t process)
{
    return process + 1u;
}

static void put_time(struct line *line, const char *key, uint64_t ns)
{
    line_json_key(line, key);
    line_decimal(line, ns / 1000);
    line_char(line, '.');
    line_char(line, (char)('0' + ns / 100 % 10));
    line_char(line, (char)('0' + ns / 10 % 10));
    line_char(line, (char)('0' + ns % 10));
}

static void
start(struct line *line, const char *type, const char *name, unsigned process, unsigned track)
{
    line_text(line, ",\n{");
    line_json_text(line, "ph", type);
    line_json_text(line, "name", name);
    line_json_decimal(line, "pid", process);
    line_json_decimal(line, "tid", track);
}

static void put(struct export *export, const char *buffer, struct line *line)
{
    line_char(line, '}');
    fwrite(buffer, 1, line_bytes(line), export->out);
}

/* The name of a process or of a track in it. */
static void name_track(
    struct export *export, const char *what, unsigned process, unsigned track, const char *name)
{
    char buffer[LINE_BYTES];
    struct line line;

    line_start(&line, buffer, sizeof(buffer));
    start(&line, "M", what, process, track);
    line_text(&line, ",\"args\":{");
    line_json_text(&line, "name", name);
    line_char(&line, '}');
    put(export, buffer, &line);
}

static bool begin(struct export *export, struct err *err)
{
    export->own = calloc(1, sizeof(struct perfetto));
    if (export->own == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for an export");
    }
    fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n", export->out);
    fputs(
        "{\"ph\":\"M\",\"name\":\"process_sort_index\",\"pid\":1,\"tid\":0,\"args\":{\"sort_"
        "index\":"
        "0}}",
        export->out);
    name_track(export, "thread_name", 1, TRACK_PHASES, "phases");
    return true;
}

static void name_process(struct export *export, uint16_t process)
{
    name_track(
        export, "process_name", viewer_process(process), 0,
        path_base_name(export->info->program));
    name_track(export, "thread_name", viewer_process(process), TRACK_FAULTS, "faults");
}

static void put_counter(struct export *export, uint64_t time_ns)
{
    const struct perfetto *perfetto = export->own;
    char buffer[LINE_BYTES];
    struct line line;
    uint64_t pages =
        perfetto->pages > perfetto->evicted ? perfetto->pages - perfetto->evicted : 0;

    line_start(&line, buffer, sizeof(buffer));
    start(&line, "C", "pages mapped", 1, 0);
    put_time(&line, "ts", time_ns);
    line_text(&line, ",\"args\":{");
    line_json_decimal(&line, "pages", pages);
    line_char(&line, '}');
    put(export, buffer, &line);
}

static void put_fault(struct export *export, const struct fault_record *fault)
{
    static const enum column args[] = {COLUMN_ADDRESS, COLUMN_RIP,    COLUMN_ACCESS,
                                       COLUMN_RING,    COLUMN_ACTION, COLUMN_REGION_NAME};
    struct perfetto *perfetto = export->own;
    const struct column_row row = export_row(export, fault);
    char buffer[LINE_BYTES];
    struct line line;

    line_start(&line, buffer, sizeof(buffer));
    start(
        &line, "X", record_kind_name((enum fault_kind)fault->kind),
        viewer_process(fault->process), TRACK_FAULTS);
    line_json_text(&line, "cat", "fault");
    put_time(&line, "ts", fault->time_ns);
    put_time(&line, "dur", fault->service_ns);
    line_text(&line, ",\"args\":{");
    for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
        const struct cell cell = column_cell(args[i], &row);
        if (cell.kind == CELL_ADDRESS) {
            line_json_hex(&line, column_name(args[i]), cell.number);
        } else if (cell.kind == CELL_TEXT) {
            line_json_text(&line, column_name(args[i]), cell.text);
        }
    }
    line_char(&line, '}');
    put(export, buffer, &line);
    perfetto->pages += counts_pages_written(fault);
    perfetto->evicted += fault->evicted != RECORD_NO_FRAME ? 1 : 0;
    if (++perfetto->faults % COUNTER_PERIOD == 0) {
        put_counter(export, fault->time_ns);
    }
}

/* type: "B" or "E", the begin or the end of a phase. */
static void
put_phase(struct export *export, const char *type, uint64_t time_ns, const char *name)
{
    char buffer[LINE_BYTES];
    struct line line;

    line_start(&line, buffer, sizeof(buffer));
    start(&line, type, name, 1, TRACK_PHASES);
    line_json_text(&line, "cat", "phase");
    put_time(&line, "ts", time_ns);
    put(export, buffer, &line);
}

static void mark_phase(struct export *export, uint64_t time_ns, const char *name)
{
    struct perfetto *perfetto = export->own;

    if (perfetto->in_phase) {
        put_phase(export, "E", time_ns, "");
    }
    perfetto->in_phase = name != NULL;
    if (name != NULL) {
        put_phase(export, "B", time_ns, name);
    }
}

static void put_instant(
    struct export *export, unsigned process, uint64_t time_ns, const char *name, int64_t value)
{
    char buffer[LINE_BYTES];
    struct line line;

    line_start(&line, buffer, sizeof(buffer));
    start(&line, "i", name, process, TRACK_PHASES);
    line_json_text(&line, "s", "p");
    put_time(&line, "ts", time_ns);
    line_text(&line, ",\"args\":{");
    line_json_signed(&line, "value", value);
    line_char(&line, '}');
    put(export, buffer, &line);
}

static void put_exec(struct export *export, const struct session_exec *exec, uint64_t time_ns)
{
    char name[SESSION_PATH_BYTES + 8];

    snprintf(name, sizeof(name), "exec %s", exec->path);
    put_instant(export, viewer_process(exec->process), time_ns, name, exec->process);
}

static bool event(struct export *export, const struct session_event *event, struct err *err)
{
    (void)err;
    switch (event->kind) {
    case SESSION_FAULT:
        put_fault(export, event->of.fault);
        return true;
    case SESSION_PHASE:
        mark_phase(export, event->time_ns, event->of.phase->name);
        return true;
    case SESSION_RESULT:
        put_instant(export, 1, event->time_ns, event->of.result->name, event->of.result->value);
        return true;
    case SESSION_SIGNAL:
        put_instant(
            export, viewer_process(event->of.signal->process), event->time_ns,
            event->of.signal->text, event->of.signal->number);
        return true;
    case SESSION_EXEC:
        put_exec(export, event->of.exec, event->time_ns);
        return true;
    case SESSION_PROCESS_START:
        name_process(export, event->of.start->process);
        return true;
    case SESSION_REGION:
    case SESSION_PROCESS_END:
    case SESSION_END:
    case SESSION_ACCESS:
    case SESSION_EVENTS:
        return true;
    }
    return true;
}

static bool end(struct export *export, struct err *err)
{
    (void)err;
    mark_phase(export, export->info->duration_ns, NULL);
    put_counter(export, export->info->duration_ns);
    fputs("\n]}\n", export->out);
    return true;
}

static void release(struct export *export)
{
    free(export->own);
    export->own = NULL;
}

const struct export_ops export_perfetto = {
    .name = "perfetto", .begin = begin, .event = event, .end = end, .release = release};
