/*
 * Trace lines; see trace_lines.h.  The two fault lines are on the path of a fault, so they are
 * put together by hand (line.h) and not by printf.  Read docs/trace-format.md for what a reader
 * may rely on.
 */
#include "trace/trace_lines.h"

#include "abi.h"

#include "space/region.h"

/* Widths of the text columns; a longer entry shifts the rest of its line. */
enum {
    WIDTH_SECONDS = 4,
    WIDTH_ADDRESS = 14,
    WIDTH_REGION = 24,
    WIDTH_KIND = 13,
    WIDTH_ACTION = 8,
    WIDTH_FRAME = 8,
    WIDTH_SERVICE = 9,
};

static char access_letter(uint8_t access)
{
    if (access & RECORD_FETCH) {
        return 'x';
    }
    return (access & RECORD_WRITE) ? 'w' : 'r';
}

/* Who accessed: the user's program, the guest's kernel, or the host on the program's behalf. */
static const char *ring_name(uint8_t access)
{
    if (access & RECORD_HOST) {
        return "host";
    }
    return (access & RECORD_USER) ? "user" : "kernel";
}

static void put_permissions(struct line *line, uint8_t permissions)
{
    line_char(line, (permissions & REGION_READ) ? 'r' : '-');
    line_char(line, (permissions & REGION_WRITE) ? 'w' : '-');
    line_char(line, (permissions & REGION_EXEC) ? 'x' : '-');
}

/* --- text --- */

/* Seconds with microseconds (cut, not rounded, so that no line is ahead of its time). */
static void put_time(struct line *line, uint64_t time_ns)
{
    size_t start = line_bytes(line);
    uint64_t us = time_ns / 1000;

    line_decimal(line, us / 1000000);
    line_pad_left(line, start, WIDTH_SECONDS);
    line_char(line, '.');
    for (uint64_t unit = 100000; unit > 0; unit /= 10) {
        line_char(line, (char)('0' + us / unit % 10));
    }
}

static void put_column(struct line *line, const char *text, size_t width)
{
    size_t start = line_bytes(line);

    line_text(line, text);
    line_pad(line, start, width);
    line_char(line, ' ');
}

static void put_address(struct line *line, uint64_t address)
{
    size_t start = line_bytes(line);

    line_hex(line, address, 0);
    line_pad_left(line, start, WIDTH_ADDRESS);
    line_char(line, ' ');
}

static void put_region(struct line *line, const struct trace_region *region)
{
    size_t start = line_bytes(line);

    if (region) {
        put_permissions(line, region->permissions);
        line_char(line, ' ');
    } else {
        line_text(line, "-   ");
    }
    if (region && region->file) {
        line_word(line, region->file);
        line_char(line, '+');
        line_hex(line, region->file_offset, 0);
    } else if (region && region->label && region->label[0]) {
        line_word(line, region->label);
    } else {
        line_char(line, '-');
    }
    line_pad(line, start, 4 + WIDTH_REGION);
    line_char(line, ' ');
}

static void put_frame(struct line *line, const struct fault_record *record)
{
    size_t start = line_bytes(line);

    if (record->frame == RECORD_NO_FRAME) {
        line_char(line, '-');
    } else {
        line_decimal(line, record->frame);
    }
    if (record->frame != RECORD_NO_FRAME && record->level > 1) {
        line_char(line, '-');
        line_decimal(line, (uint64_t)record->frame + record_level_pages(record->level) - 1);
    }
    line_pad_left(line, start, WIDTH_FRAME);
    line_char(line, ' ');
}

/* A process that is not the first one is named; 0 stands in records from before there were several. */
#define FIRST_PROCESS 1

static void fault_text(
    struct line *line, const struct fault_record *record, const struct trace_region *region)
{
    put_time(line, record->time_ns);
    line_char(line, ' ');
    line_char(line, access_letter(record->access));
    line_char(line, ' ');
    line_char(line, ring_name(record->access)[0]);
    line_char(line, ' ');
    put_address(line, record->address);
    put_address(line, record->rip);
    put_region(line, region);
    put_column(line, record_kind_name(record->kind), WIDTH_KIND);
    put_column(line, record_action_name(record->action), WIDTH_ACTION);
    put_frame(line, record);
    size_t start = line_bytes(line);
    line_decimal(line, record->service_ns);
    line_pad_left(line, start, WIDTH_SERVICE);
    if (record->evicted != RECORD_NO_FRAME) {
        line_text(line, " evicted ");
        line_decimal(line, record->evicted);
    }
    if (record->process > FIRST_PROCESS) {
        line_text(line, " process ");
        line_decimal(line, record->process);
    }
}

/* --- JSON --- */

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
    put_permissions(line, region->permissions);
    line_text(line, "\"}");
}

static void fault_json(
    struct line *line, const struct fault_record *record, const struct trace_region *region)
{
    const char access[2] = {access_letter(record->access), '\0'};

    open_object(line, "fault", record->time_ns);
    line_json_text(line, "access", access);
    line_json_text(line, "ring", ring_name(record->access));
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

/* --- the lines --- */

void trace_lines_header(struct line *line, enum trace_format format)
{
    switch (format) {
    case TRACE_TEXT:
        line_text(
            line, "#  seconds a r        address            rip prm region"
                  "                   kind          action      frame        ns");
        break;
    case TRACE_JSON:
        line_char(line, '{');
        line_json_text(line, "type", "header");
        line_json_decimal(line, "version", TRACE_VERSION);
        close_object(line);
        break;
    }
}

void trace_lines_fault(
    struct line *line,
    enum trace_format format,
    const struct fault_record *record,
    const struct trace_region *region)
{
    switch (format) {
    case TRACE_TEXT:
        fault_text(line, record, region);
        break;
    case TRACE_JSON:
        fault_json(line, record, region);
        break;
    }
}

static void access_text(
    struct line *line, const struct access_record *record, const struct trace_region *region)
{
    put_time(line, record->time_ns);
    line_text(line, " access ");
    line_char(line, access_letter(record->access));
    line_char(line, ' ');
    line_char(line, ring_name(record->access)[0]);
    line_char(line, ' ');
    put_address(line, record->address);
    put_address(line, record->rip);
    put_region(line, region);
    line_text(line, (record->access & RECORD_SAMPLED) != 0 ? "sampled" : "bytes ");
    if ((record->access & RECORD_SAMPLED) == 0) {
        line_decimal(line, record->bytes);
    }
    if (record->process > FIRST_PROCESS) {
        line_text(line, " process ");
        line_decimal(line, record->process);
    }
}

static void access_json(
    struct line *line, const struct access_record *record, const struct trace_region *region)
{
    const char access[2] = {access_letter(record->access), '\0'};

    open_object(line, "access", record->time_ns);
    line_json_text(line, "access", access);
    line_json_text(line, "ring", ring_name(record->access));
    line_json_key(line, "sampled");
    line_text(line, (record->access & RECORD_SAMPLED) != 0 ? "true" : "false");
    line_json_hex(line, "address", record->address);
    line_json_decimal(line, "bytes", record->bytes);
    line_json_hex(line, "rip", record->rip);
    put_region_json(line, region);
    line_json_decimal(line, "process", record->process);
    close_object(line);
}

void trace_lines_access(
    struct line *line,
    enum trace_format format,
    const struct access_record *record,
    const struct trace_region *region)
{
    switch (format) {
    case TRACE_TEXT:
        access_text(line, record, region);
        break;
    case TRACE_JSON:
        access_json(line, record, region);
        break;
    }
}

void trace_lines_phase(
    struct line *line, enum trace_format format, uint64_t time_ns, const char *name)
{
    switch (format) {
    case TRACE_TEXT:
        put_time(line, time_ns);
        line_text(line, " phase ");
        line_sentence(line, name);
        break;
    case TRACE_JSON:
        open_object(line, "phase", time_ns);
        line_json_text(line, "name", name);
        close_object(line);
        break;
    }
}

void trace_lines_result(
    struct line *line,
    enum trace_format format,
    uint64_t time_ns,
    const char *name,
    int64_t value)
{
    switch (format) {
    case TRACE_TEXT:
        put_time(line, time_ns);
        line_text(line, " result ");
        line_sentence(line, name);
        line_text(line, " = ");
        line_signed(line, value);
        break;
    case TRACE_JSON:
        open_object(line, "result", time_ns);
        line_json_text(line, "name", name);
        line_json_signed(line, "value", value);
        close_object(line);
        break;
    }
}

void trace_lines_signal(
    struct line *line,
    enum trace_format format,
    uint64_t time_ns,
    const struct trace_signal *signal)
{
    switch (format) {
    case TRACE_TEXT:
        put_time(line, time_ns);
        line_text(line, " signal ");
        line_signed(line, signal->number);
        line_text(line, " code ");
        line_signed(line, signal->code);
        line_text(line, " address ");
        line_hex(line, signal->address.value, 0);
        line_text(line, " rip ");
        line_hex(line, signal->rip.value, 0);
        line_text(line, " : ");
        line_sentence(line, signal->text);
        break;
    case TRACE_JSON:
        open_object(line, "signal", time_ns);
        line_json_signed(line, "number", signal->number);
        line_json_signed(line, "code", signal->code);
        line_json_hex(line, "address", signal->address.value);
        line_json_hex(line, "rip", signal->rip.value);
        line_json_text(line, "text", signal->text);
        close_object(line);
        break;
    }
}

void trace_lines_end(
    struct line *line,
    enum trace_format format,
    uint64_t time_ns,
    int status,
    const char *reason)
{
    switch (format) {
    case TRACE_TEXT:
        put_time(line, time_ns);
        line_text(line, " end status ");
        line_signed(line, status);
        line_text(line, " : ");
        line_sentence(line, reason);
        break;
    case TRACE_JSON:
        open_object(line, "end", time_ns);
        line_json_signed(line, "status", status);
        line_json_text(line, "reason", reason);
        close_object(line);
        break;
    }
}
