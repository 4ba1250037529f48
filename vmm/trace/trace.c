/*
 * Where trace lines are gathered and written, and what happens when they cannot be.  What a
 * line says is next door, in trace_lines.h; the path of a fault goes through begin() and
 * finish() only.
 */
#include "trace/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace/trace_lines.h"

#define BUFFER_BYTES (4 * TRACE_LINE_BYTES)

/* Waits where the descriptor is non-blocking (a terminal may be made so by another process). */
static ssize_t write_once(int fd, const char *bytes, size_t count)
{
    for (;;) {
        ssize_t written = write(fd, bytes, count);
        if (written >= 0) {
            return written;
        }
        if (errno == EAGAIN) {
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
        } else if (errno != EINTR) {
            return -1;
        }
    }
}

/* A disk that fills up takes part of a line first; a reader of lines is better off without it. */
static void cut_torn_line(const struct trace *trace, size_t written)
{
    size_t torn = 0;
    off_t end = lseek(trace->fd, 0, SEEK_CUR);

    while (torn < written && trace->buffer[written - torn - 1] != '\n') {
        torn++;
    }
    if (trace->gathers && torn > 0 && end >= (off_t)torn &&
        ftruncate(trace->fd, end - (off_t)torn) != 0) {
        return; /* It stays torn; the error to report is the first one. */
    }
}

static void give_up(struct trace *trace, size_t written)
{
    err_set_errno(
        &trace->error, ERR_ENVIRONMENT,
        "cannot write the trace to %s (the program ran on without it)", trace->name);
    cut_torn_line(trace, written);
    trace->failed = true;
    trace->open = false;
}

void trace_flush(struct trace *trace)
{
    size_t done = 0;

    while (trace->open && done < trace->used) {
        ssize_t written = write_once(trace->fd, trace->buffer + done, trace->used - done);
        if (written < 0) {
            give_up(trace, done);
        } else {
            done += (size_t)written;
        }
    }
    trace->used = 0;
}

/* Start a line with room for the longest; false: the trace is not open. */
static bool begin(struct trace *trace, struct line *line)
{
    if (!trace->open) {
        return false;
    }
    line_start(line, trace->buffer + trace->used, BUFFER_BYTES - trace->used);
    return true;
}

static void finish(struct trace *trace, struct line *line)
{
    line_char(line, '\n');
    if (!line_is_cut(line)) {
        trace->used += line_bytes(line);
    }
    if (!trace->gathers || BUFFER_BYTES - trace->used < TRACE_LINE_BYTES) {
        trace_flush(trace);
    }
}

static bool open_common(struct trace *trace, const char *name, enum trace_format format)
{
    struct stat status;

    trace->format = format;
    trace->buffer = malloc(BUFFER_BYTES);
    trace->name = strdup(name);
    if (!trace->buffer || !trace->name) {
        return false;
    }
    trace->gathers = fstat(trace->fd, &status) == 0 && S_ISREG(status.st_mode);
    trace->open = true;

    struct line line;
    if (begin(trace, &line)) {
        trace_lines_header(&line, format);
        finish(trace, &line);
    }
    return true;
}

static void release(struct trace *trace)
{
    free(trace->buffer);
    free(trace->name);
    *trace = (struct trace){0};
}

bool trace_open_path(
    struct trace *trace, const char *path, enum trace_format format, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

    if (fd < 0) {
        return err_set_errno(err, ERR_INPUT, "cannot open %s for the trace", path);
    }
    *trace = (struct trace){.fd = fd, .owns_fd = true};
    if (!open_common(trace, path, format)) {
        close(fd);
        release(trace);
        return err_set(err, ERR_ENVIRONMENT, "no memory for the trace");
    }
    return true;
}

bool trace_open_fd(
    struct trace *trace, int fd, const char *name, enum trace_format format, struct err *err)
{
    *trace = (struct trace){.fd = fd, .owns_fd = false};
    if (!open_common(trace, name, format)) {
        release(trace);
        return err_set(err, ERR_ENVIRONMENT, "no memory for the trace");
    }
    return true;
}

void trace_fault(
    struct trace *trace, const struct fault_record *record, const struct trace_region *region)
{
    struct line line;

    if (begin(trace, &line)) {
        trace_lines_fault(&line, trace->format, record, region);
        finish(trace, &line);
    }
}

void trace_access(
    struct trace *trace, const struct access_record *record, const struct trace_region *region)
{
    struct line line;

    if (begin(trace, &line)) {
        trace_lines_access(&line, trace->format, record, region);
        finish(trace, &line);
    }
}

void trace_phase(struct trace *trace, uint64_t time_ns, const char *name)
{
    struct line line;

    if (begin(trace, &line)) {
        trace_lines_phase(&line, trace->format, time_ns, name);
        finish(trace, &line);
    }
}

void trace_result(struct trace *trace, uint64_t time_ns, const char *name, int64_t value)
{
    struct line line;

    if (begin(trace, &line)) {
        trace_lines_result(&line, trace->format, time_ns, name, value);
        finish(trace, &line);
    }
}

void trace_signal(struct trace *trace, uint64_t time_ns, const struct trace_signal *signal)
{
    struct line line;

    if (begin(trace, &line)) {
        trace_lines_signal(&line, trace->format, time_ns, signal);
        finish(trace, &line);
    }
}

void trace_exec(struct trace *trace, uint64_t time_ns, unsigned process, const char *path)
{
    struct line line;

    if (begin(trace, &line)) {
        trace_lines_exec(&line, trace->format, time_ns, process, path);
        finish(trace, &line);
    }
}

void trace_end(struct trace *trace, uint64_t time_ns, int status, const char *reason)
{
    struct line line;

    if (begin(trace, &line)) {
        trace_lines_end(&line, trace->format, time_ns, status, reason);
        finish(trace, &line);
    }
}

bool trace_close(struct trace *trace, struct err *err)
{
    trace_flush(trace);
    /* A network file system may say only now that the disk is full. */
    if (trace->owns_fd && close(trace->fd) != 0 && !trace->failed) {
        err_set_errno(
            &trace->error, ERR_ENVIRONMENT, "cannot write the trace to %s", trace->name);
        trace->failed = true;
    }
    bool ok = !trace->failed;
    if (!ok) {
        *err = trace->error;
    }
    release(trace);
    return ok;
}
