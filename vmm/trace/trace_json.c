/* Trace lines for programs, an object each; see trace_writer.h. */
#include "trace/trace_writer.h"

static void open_object(struct line *line, const char *type, uint64_t time_ns)
{
    line_char(line, '{');
    line_json_text(line, "type", type);
    line_json_decimal(line, "time_ns", time_ns);
}

static void close_object(struct line *line)
{
    line_char(line, '}');
}

static void put_frame_json(struct line *line, const char *key, uint32_t frame)
{
    line_json_key(line, key);
    if (frame == RECORD_NO_FRAME) {
        line_text(line, "null");
    } else {
        line_decimal(line, frame);
    }
}

static void put_region_json(struct line *line, const struct trace_region *region)
{
    line_json_key(line, "region");
    if (!region) {
        line_text(line, "null");
        return;
    }
    line_char(line, '{');
    line_json_text(line, "label", region->label);
    line_json_text(line, "file", region->file);
    line_json_key(line, "offset");
    if (region->file) {
        line_char(line, '"');
        line_hex(line, region->file_offset, 0);
        line_char(line, '"');
    } else {
        line_text(line, "null");
    }
    line_json_key(line, "permissions");
    line_char(line, '"');
    trace_put_permissions(line, region->permissions);
    line_text(line, "\"}");
}

static void
fault(struct line *line, const struct fault_record *record, const struct trace_region *region)
{
    const char letter[2] = {trace_access_letter(record->access), '\0'};

    open_object(line, "fault", record->time_ns);
    line_json_text(line, "access", letter);
    line_json_text(line, "ring", trace_ring_name(record->access));
    line_json_key(line, "protection");
    line_text(line, record->access & RECORD_PROT ? "true" : "false");
    line_json_hex(line, "address", record->address);
    line_json_hex(line, "rip", record->rip);
    put_region_json(line, region);
    line_json_text(line, "kind", record_kind_name(record->kind));
    line_json_text(line, "action", record_action_name(record->action));
    put_frame_json(line, "frame", record->frame);
    line_json_decimal(line, "frames", record_level_pages(record->level));
    put_frame_json(line, "evicted", record->evicted);
    line_json_hex(line, "entry_before", record->entry_before);
    line_json_hex(line, "entry_after", record->entry_after);
    line_json_decimal(line, "process", record->process);
    line_json_decimal(line, "service_ns", record->service_ns);
    close_object(line);
}

static void
access(struct line *line, const struct access_record *record, const struct trace_region *region)
{
    const char letter[2] = {trace_access_letter(record->access), '\0'};

    open_object(line, "access", record->time_ns);
    line_json_text(line, "access", letter);
    line_json_text(line, "ring", trace_ring_name(record->access));
    line_json_key(line, "sampled");
    line_text(line, (record->access & RECORD_SAMPLED) != 0 ? "true" : "false");
    line_json_hex(line, "address", record->address);
    line_json_decimal(line, "bytes", record->bytes);
    line_json_hex(line, "rip", record->rip);
    put_region_json(line, region);
    line_json_decimal(line, "process", record->process);
    close_object(line);
}

static void header(struct line *line)
{
    line_char(line, '{');
    line_json_text(line, "type", "header");
    line_json_decimal(line, "version", TRACE_VERSION);
    close_object(line);
}

static void phase(struct line *line, uint64_t time_ns, const char *name)
{
    open_object(line, "phase", time_ns);
    line_json_text(line, "name", name);
    close_object(line);
}

static void result(struct line *line, uint64_t time_ns, const char *name, int64_t value)
{
    open_object(line, "result", time_ns);
    line_json_text(line, "name", name);
    line_json_signed(line, "value", value);
    close_object(line);
}

static void signal(struct line *line, uint64_t time_ns, const struct trace_signal *signal)
{
    open_object(line, "signal", time_ns);
    line_json_signed(line, "number", signal->number);
    line_json_signed(line, "code", signal->code);
    line_json_hex(line, "address", signal->address.value);
    line_json_hex(line, "rip", signal->rip.value);
    line_json_text(line, "text", signal->text);
    close_object(line);
}

static void exec(struct line *line, uint64_t time_ns, unsigned process, const char *path)
{
    open_object(line, "exec", time_ns);
    line_json_decimal(line, "process", process);
    line_json_text(line, "path", path);
    close_object(line);
}

static void end(struct line *line, uint64_t time_ns, int status, const char *reason)
{
    open_object(line, "end", time_ns);
    line_json_signed(line, "status", status);
    line_json_text(line, "reason", reason);
    close_object(line);
}

const struct trace_writer trace_writer_json = {
    .header = header,
    .fault = fault,
    .access = access,
    .phase = phase,
    .result = result,
    .signal = signal,
    .exec = exec,
    .end = end};
