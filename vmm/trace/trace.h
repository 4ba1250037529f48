/*
 * The live trace: one line for each fault and each other event, as text for a person or as JSON
 * Lines for a program.  It refuses to know how faults are decided or regions kept: the caller
 * says in a record and a struct trace_region what happened.  The format is in
 * docs/trace-format.md; read record.h for what a fault consists of.
 *
 * To a regular file, lines are gathered and written several KiB at a time; to anything else (a
 * terminal, a pipe) each is written at once.  The first write error ends the trace, never the
 * run: later events are dropped, and trace_close() hands the error back.
 */
#ifndef TRACE_TRACE_H
#define TRACE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "trace/record.h"

#define TRACE_VERSION 1 /* of the format; raised when a field changes its meaning or goes */

enum trace_format {
    TRACE_TEXT,
    TRACE_JSON, /* JSON Lines */
};

/* Zero it before trace_open_*; a zeroed one takes every event and does nothing. */
struct trace {
    int fd;
    bool owns_fd;
    bool open;    /* false: not opened, closed, or given up after an error */
    bool gathers; /* a regular file: written only when the buffer fills up */
    bool failed;  /* error is set and not yet handed back */
    enum trace_format format;
    char *buffer; /* owns */
    size_t used;  /* of buffer: whole lines */
    char *name;   /* owns: for the message */
    struct err error;
};

/* Where the address of a fault lies, as the reader should see it.  Strings are borrowed for the
 * call. */
struct trace_region {
    const char *label;    /* "stack", "text"…, or NULL */
    const char *file;     /* base name, or NULL: not from a file */
    uint64_t file_offset; /* of the address, in file */
    uint8_t permissions;  /* REGION_READ | … (space/region.h) */
};

/* A signal that the program was given or ended by. */
struct trace_signal {
    int number;
    int code; /* si_code: SEGV_MAPERR… */
    struct gva address;
    struct gva rip;
    const char *text; /* borrows, not NULL: what happened, in words */
};

/*
 * Begin a trace and write its header.  _path: creates or empties the file.  _fd: fd is
 * borrowed, `name` stands for it in messages.  The caller has SIGPIPE ignored, so that a closed
 * pipe is an error like any other.  Fails with ERR_INPUT when path cannot be opened,
 * ERR_ENVIRONMENT without memory; a header that cannot be written is reported by trace_close()
 * like every write error.
 */
MUST_CHECK bool trace_open_path(
    struct trace *trace, const char *path, enum trace_format format, struct err *err);
MUST_CHECK bool trace_open_fd(
    struct trace *trace, int fd, const char *name, enum trace_format format, struct err *err);

/* One fault.  region: NULL where none holds the address. */
void trace_fault(
    struct trace *trace, const struct fault_record *record, const struct trace_region *region);
/* One access that was recorded beside the faults. */
void trace_access(
    struct trace *trace, const struct access_record *record, const struct trace_region *region);
/* LAB_PHASE and LAB_RESULT.  time_ns: from the start of the run, as in a record. */
void trace_phase(struct trace *trace, uint64_t time_ns, const char *name);
void trace_result(struct trace *trace, uint64_t time_ns, const char *name, int64_t value);
void trace_signal(struct trace *trace, uint64_t time_ns, const struct trace_signal *signal);
/* A process goes on with the program in the file at this path: exec. */
void trace_exec(struct trace *trace, uint64_t time_ns, unsigned process, const char *path);
/* The run is over: the exit status and the reason in words. */
void trace_end(struct trace *trace, uint64_t time_ns, int status, const char *reason);

/* Write what was gathered.  Worth calling before something else is written to the same file
 * (the guest's output, the summary). */
void trace_flush(struct trace *trace);

/* Flush, close and free; accepts a zeroed struct, which it leaves behind.  Returns false with
 * ERR_ENVIRONMENT if any line could not be written, naming the file and the cause. */
MUST_CHECK bool trace_close(struct trace *trace, struct err *err);

#endif
