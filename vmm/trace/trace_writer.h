/*
 * One format of the trace: how each line is put together.  It is what trace_lines.c and the formats
 * share, and nobody else includes it.  Read trace_lines.h for what the lines are.
 */
#ifndef TRACE_TRACE_WRITER_H
#define TRACE_TRACE_WRITER_H

#include "abi.h"

#include "trace/line.h"
#include "trace/trace.h"

/* As the functions of trace_lines.h. */
struct trace_writer {
    void (*header)(struct line *line);
    void (*fault)(
        struct line *line,
        const struct fault_record *record,
        const struct trace_region *region);
    void (*access)(
        struct line *line,
        const struct access_record *record,
        const struct trace_region *region);
    void (*phase)(struct line *line, uint64_t time_ns, const char *name);
    void (*result)(struct line *line, uint64_t time_ns, const char *name, int64_t value);
    void (*signal)(struct line *line, uint64_t time_ns, const struct trace_signal *signal);
    void (*exec)(struct line *line, uint64_t time_ns, unsigned process, const char *path);
    void (*end)(struct line *line, uint64_t time_ns, int status, const char *reason);
};

extern const struct trace_writer trace_writer_text;
extern const struct trace_writer trace_writer_json;

/* x, w or r. */
char trace_access_letter(uint8_t access);
/* Who accessed: the user's program, the guest's kernel, or the host on the program's behalf. */
const char *trace_ring_name(uint8_t access);
/* Of a region: "rw-". */
void trace_put_permissions(struct line *line, uint8_t permissions);

#endif
