/* Trace lines for people, in columns; see trace_writer.h. */
#include "trace/trace_writer.h"

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
        trace_put_permissions(line, region->permissions);
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

static void put_process(struct line *line, uint16_t process)
{
    if (process > FIRST_PROCESS) {
        line_text(line, " process ");
        line_decimal(line, process);
    }
}

/* How, where to, from where. */
static void put_touch(
    struct line *line,
    uint8_t access,
    uint64_t address,
    uint64_t rip,
    const struct trace_region *region)
{
    line_char(line, trace_access_letter(access));
    line_char(line, ' ');
    line_char(line, trace_ring_name(access)[0]);
    line_char(line, ' ');
    put_address(line, address);
    put_address(line, rip);
    put_region(line, region);
}

static void
fault(struct line *line, const struct fault_record *record, const struct trace_region *region)
{
    put_time(line, record->time_ns);
    line_char(line, ' ');
    put_touch(line, record->access, record->address, record->rip, region);
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
    put_process(line, record->process);
}

static void
access(struct line *line, const struct access_record *record, const struct trace_region *region)
{
    put_time(line, record->time_ns);
    line_text(line, " access ");
    put_touch(line, record->access, record->address, record->rip, region);
    line_text(line, (record->access & RECORD_SAMPLED) != 0 ? "sampled" : "bytes ");
    if ((record->access & RECORD_SAMPLED) == 0) {
        line_decimal(line, record->bytes);
    }
    put_process(line, record->process);
}

static void header(struct line *line)
{
    line_text(
        line, "#  seconds a r        address            rip prm region"
              "                   kind          action      frame        ns");
}

static void phase(struct line *line, uint64_t time_ns, const char *name)
{
    put_time(line, time_ns);
    line_text(line, " phase ");
    line_sentence(line, name);
}

static void result(struct line *line, uint64_t time_ns, const char *name, int64_t value)
{
    put_time(line, time_ns);
    line_text(line, " result ");
    line_sentence(line, name);
    line_text(line, " = ");
    line_signed(line, value);
}

static void signal(struct line *line, uint64_t time_ns, const struct trace_signal *signal)
{
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
}

static void exec(struct line *line, uint64_t time_ns, unsigned process, const char *path)
{
    put_time(line, time_ns);
    line_text(line, " exec process ");
    line_decimal(line, process);
    line_text(line, " : ");
    line_sentence(line, path);
}

static void end(struct line *line, uint64_t time_ns, int status, const char *reason)
{
    put_time(line, time_ns);
    line_text(line, " end status ");
    line_signed(line, status);
    line_text(line, " : ");
    line_sentence(line, reason);
}

const struct trace_writer trace_writer_text = {
    .header = header,
    .fault = fault,
    .access = access,
    .phase = phase,
    .result = result,
    .signal = signal,
    .exec = exec,
    .end = end};
