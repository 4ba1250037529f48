/*
 * Trace lines; see trace_lines.h.  The two fault lines are on the path of a fault, so they are
 * put together by hand (line.h) and not by printf.  Read docs/trace-format.md for what a reader
 * may rely on, trace_text.c and trace_json.c for each format.
 */
#include "trace/trace_lines.h"

#include "space/region.h"
#include "trace/trace_writer.h"

static const struct trace_writer *const writers[] = {
    [TRACE_TEXT] = &trace_writer_text, [TRACE_JSON] = &trace_writer_json};

/* --- what both say alike --- */

char trace_access_letter(uint8_t access)
{
    if (access & RECORD_FETCH) {
        return 'x';
    }
    return (access & RECORD_WRITE) ? 'w' : 'r';
}

const char *trace_ring_name(uint8_t access)
{
    if (access & RECORD_HOST) {
        return "host";
    }
    return (access & RECORD_USER) ? "user" : "kernel";
}

void trace_put_permissions(struct line *line, uint8_t permissions)
{
    line_char(line, (permissions & REGION_READ) ? 'r' : '-');
    line_char(line, (permissions & REGION_WRITE) ? 'w' : '-');
    line_char(line, (permissions & REGION_EXEC) ? 'x' : '-');
}

/* --- the lines --- */

void trace_lines_header(struct line *line, enum trace_format format)
{
    writers[format]->header(line);
}

void trace_lines_fault(
    struct line *line,
    enum trace_format format,
    const struct fault_record *record,
    const struct trace_region *region)
{
    writers[format]->fault(line, record, region);
}

void trace_lines_access(
    struct line *line,
    enum trace_format format,
    const struct access_record *record,
    const struct trace_region *region)
{
    writers[format]->access(line, record, region);
}

void trace_lines_phase(
    struct line *line, enum trace_format format, uint64_t time_ns, const char *name)
{
    writers[format]->phase(line, time_ns, name);
}

void trace_lines_result(
    struct line *line,
    enum trace_format format,
    uint64_t time_ns,
    const char *name,
    int64_t value)
{
    writers[format]->result(line, time_ns, name, value);
}

void trace_lines_signal(
    struct line *line,
    enum trace_format format,
    uint64_t time_ns,
    const struct trace_signal *signal)
{
    writers[format]->signal(line, time_ns, signal);
}

void trace_lines_exec(
    struct line *line,
    enum trace_format format,
    uint64_t time_ns,
    unsigned process,
    const char *path)
{
    writers[format]->exec(line, time_ns, process, path);
}

void trace_lines_end(
    struct line *line,
    enum trace_format format,
    uint64_t time_ns,
    int status,
    const char *reason)
{
    writers[format]->end(line, time_ns, status, reason);
}
