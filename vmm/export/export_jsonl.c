/*
 * JSON Lines: every event of the session, one object a line.  The keys are those of the live
 * trace (docs/trace-format.md) where it has the event, so that what reads the one reads the
 * other; columns beyond them and further events are added.
 */
#include <string.h>

#include "export/export.h"
#include "space/region.h"
#include "trace/line.h"
#include "trace/trace.h"

/* The longest: a signal's text of SESSION_TEXT_BYTES, each byte six as JSON. */
#define LINE_BYTES 4096

static void start(struct line *line, const char *type, uint64_t time_ns)
{
    line_char(line, '{');
    line_json_text(line, "type", type);
    line_json_decimal(line, "time_ns", time_ns);
}

static bool begin(struct export *export, struct err *err)
{
    (void)err;
    fprintf(export->out, "{\"type\":\"header\",\"version\":%d}\n", TRACE_VERSION);
    return true;
}

static void put_permissions(struct line *line, uint8_t permissions)
{
    const char text[4] = {
        (permissions & REGION_READ) != 0 ? 'r' : '-',
        (permissions & REGION_WRITE) != 0 ? 'w' : '-',
        (permissions & REGION_EXEC) != 0 ? 'x' : '-', '\0'};

    line_json_text(line, "permissions", text);
}

static const char *text_or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void put_region_of(struct line *line, const struct column_row *row)
{
    const struct session_region *region = row->region;

    line_json_key(line, "region");
    if (region == NULL) {
        line_text(line, "null");
        return;
    }
    line_char(line, '{');
    line_json_text(line, "label", text_or_null(region->label));
    line_json_text(line, "file", text_or_null(region->file));
    if (region->file[0] != '\0') {
        line_json_decimal(
            line, "offset", row->fault->address - region->begin + region->file_offset);
    } else {
        line_json_key(line, "offset");
        line_text(line, "null");
    }
    put_permissions(line, region->permissions);
    line_json_decimal(line, "id", region->id);
    line_char(line, '}');
}

static void put_column(struct line *line, enum column column, const struct column_row *row)
{
    const struct cell cell = column_cell(column, row);

    switch (cell.kind) {
    case CELL_NULL:
        line_json_key(line, column_name(column));
        line_text(line, "null");
        return;
    case CELL_NUMBER:
        line_json_decimal(line, column_name(column), cell.number);
        return;
    case CELL_ADDRESS:
        line_json_hex(line, column_name(column), cell.number);
        return;
    case CELL_TEXT:
        line_json_text(line, column_name(column), cell.text);
        return;
    }
}

static void
put_fault(struct line *line, const struct export *export, const struct fault_record *fault)
{
    static const enum column first[] = {COLUMN_ACCESS, COLUMN_RING};
    static const enum column then[] = {COLUMN_KIND,        COLUMN_ACTION,  COLUMN_CLASS,
                                       COLUMN_FRAME,       COLUMN_EVICTED, COLUMN_ENTRY_BEFORE,
                                       COLUMN_ENTRY_AFTER, COLUMN_PROCESS, COLUMN_SERVICE_NS,
                                       COLUMN_PHASE,       COLUMN_LEVEL,   COLUMN_PAGES,
                                       COLUMN_AROUND};
    const struct column_row row = export_row(export, fault);

    start(line, "fault", fault->time_ns);
    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
        put_column(line, first[i], &row);
    }
    line_json_key(line, "protection");
    line_text(line, (fault->access & RECORD_PROT) != 0 ? "true" : "false");
    put_column(line, COLUMN_ADDRESS, &row);
    put_column(line, COLUMN_RIP, &row);
    put_region_of(line, &row);
    for (size_t i = 0; i < sizeof(then) / sizeof(then[0]); i++) {
        put_column(line, then[i], &row);
    }
    line_json_decimal(line, "frames", record_level_pages(fault->level));
}

static void put_region(struct line *line, const struct session_region *region, uint64_t time_ns)
{
    start(line, "region", time_ns);
    line_json_decimal(line, "process", region->process);
    line_json_decimal(line, "id", region->id);
    line_json_hex(line, "begin", region->begin);
    line_json_hex(line, "end", region->end);
    put_permissions(line, region->permissions);
    line_json_text(line, "kind", region_kind_name((enum region_kind)region->kind));
    line_json_text(line, "label", text_or_null(region->label));
    line_json_text(line, "file", text_or_null(region->file));
    line_json_decimal(line, "file_offset", region->file_offset);
    line_json_decimal(line, "page_bytes", UINT64_C(1) << region->page_shift);
}

static void put_signal(struct line *line, const struct session_signal *signal, uint64_t time_ns)
{
    start(line, "signal", time_ns);
    line_json_signed(line, "number", signal->number);
    line_json_signed(line, "code", signal->code);
    line_json_hex(line, "address", signal->address);
    line_json_hex(line, "rip", signal->rip);
    line_json_text(line, "text", signal->text);
    line_json_decimal(line, "process", signal->process);
}

static void put_access(struct line *line, const struct session_access *access, uint64_t time_ns)
{
    bool write = (access->access & RECORD_WRITE) != 0;
    bool fetch = (access->access & RECORD_FETCH) != 0;

    start(line, "access", time_ns);
    line_json_text(line, "access", write ? "w" : fetch ? "x" : "r");
    line_json_key(line, "sampled");
    line_text(line, (access->access & RECORD_SAMPLED) != 0 ? "true" : "false");
    line_json_hex(line, "address", access->address);
    line_json_decimal(line, "bytes", access->bytes);
    line_json_hex(line, "rip", access->rip);
    line_json_decimal(line, "process", access->process);
    line_json_decimal(line, "region", access->region);
}

static void
put_event(struct line *line, const struct export *export, const struct session_event *event)
{
    switch (event->kind) {
    case SESSION_FAULT:
        put_fault(line, export, event->of.fault);
        return;
    case SESSION_PHASE:
        start(line, "phase", event->time_ns);
        line_json_text(line, "name", event->of.phase->name);
        return;
    case SESSION_RESULT:
        start(line, "result", event->time_ns);
        line_json_text(line, "name", event->of.result->name);
        line_json_signed(line, "value", event->of.result->value);
        return;
    case SESSION_REGION:
        put_region(line, event->of.region, event->time_ns);
        return;
    case SESSION_PROCESS_START:
        start(line, "process_start", event->time_ns);
        line_json_decimal(line, "process", event->of.start->process);
        line_json_decimal(line, "parent", event->of.start->parent);
        return;
    case SESSION_PROCESS_END:
        start(line, "process_end", event->time_ns);
        line_json_decimal(line, "process", event->of.end_process->process);
        line_json_signed(line, "status", event->of.end_process->status);
        return;
    case SESSION_SIGNAL:
        put_signal(line, event->of.signal, event->time_ns);
        return;
    case SESSION_END:
        start(line, "end", event->time_ns);
        line_json_signed(line, "status", event->of.end->status);
        line_json_text(line, "reason", event->of.end->reason);
        return;
    case SESSION_ACCESS:
        put_access(line, event->of.access, event->time_ns);
        return;
    case SESSION_EXEC:
        start(line, "exec", event->time_ns);
        line_json_decimal(line, "process", event->of.exec->process);
        line_json_text(line, "path", event->of.exec->path);
        return;
    case SESSION_EVENTS:
        return;
    }
}

static bool event(struct export *export, const struct session_event *event, struct err *err)
{
    char buffer[LINE_BYTES];
    struct line line;

    (void)err;
    line_start(&line, buffer, sizeof(buffer));
    put_event(&line, export, event);
    line_text(&line, "}\n");
    fwrite(buffer, 1, line_bytes(&line), export->out);
    return true;
}

static bool end(struct export *export, struct err *err)
{
    (void)export;
    (void)err;
    return true;
}

const struct export_ops export_jsonl = {
    .name = "jsonl", .begin = begin, .event = event, .end = end};
