/*
 * What one line of the trace says, in text and in JSON.  It refuses to know where lines go and
 * does no input or output, so the same lines can be made of a recorded session.  The format is
 * described in docs/trace-format.md; read trace.h for the arguments.
 */
#ifndef TRACE_TRACE_LINES_H
#define TRACE_TRACE_LINES_H

#include "trace/line.h"
#include "trace/trace.h"

/* No line is longer: its fixed parts are below 1 KiB, and it has at most two strings of
 * LINE_NAME_BYTES, of which a byte becomes at most 6 (\u00NN). */
#define TRACE_LINE_BYTES (1024 + 2 * (size_t)(6 * LINE_NAME_BYTES))

/* Each appends one line, without its end, to `line`. */
void trace_lines_header(struct line *line, enum trace_format format);
void trace_lines_fault(
    struct line *line,
    enum trace_format format,
    const struct fault_record *record,
    const struct trace_region *region);
void trace_lines_access(
    struct line *line,
    enum trace_format format,
    const struct access_record *record,
    const struct trace_region *region);
void trace_lines_phase(
    struct line *line, enum trace_format format, uint64_t time_ns, const char *name);
void trace_lines_result(
    struct line *line,
    enum trace_format format,
    uint64_t time_ns,
    const char *name,
    int64_t value);
void trace_lines_signal(
    struct line *line,
    enum trace_format format,
    uint64_t time_ns,
    const struct trace_signal *signal);
void trace_lines_exec(
    struct line *line,
    enum trace_format format,
    uint64_t time_ns,
    unsigned process,
    const char *path);
void trace_lines_end(
    struct line *line,
    enum trace_format format,
    uint64_t time_ns,
    int status,
    const char *reason);

#endif
