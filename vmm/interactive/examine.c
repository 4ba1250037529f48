/* x/COUNTFORMATSIZE: memory that is there; what is not is said, and stays where it is. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "interactive/console.h"
#include "interactive/handlers.h"

#define STRING_BYTES 200

static unsigned units_in_line(const struct parse_examine *examine)
{
    if (examine->format == 't') {
        return examine->bytes == 1 ? 8 : (examine->bytes == 8 ? 1 : 8 / examine->bytes);
    }
    if (examine->format == 'a') {
        return 2;
    }
    return examine->bytes <= 2 ? 8 : (examine->bytes == 4 ? 4 : 2);
}

static uint64_t unit_value(const uint8_t *bytes, unsigned count)
{
    uint64_t value = 0;

    memcpy(&value, bytes, count);
    return value;
}

static int64_t signed_value(uint64_t value, unsigned bytes)
{
    unsigned shift = 64 - 8 * bytes;

    return (int64_t)(value << shift) >> shift;
}

static void print_binary(FILE *out, uint64_t value, unsigned bytes)
{
    for (unsigned bit = 8 * bytes; bit-- > 0;) {
        fputc((value >> bit & 1) != 0 ? '1' : '0', out);
    }
}

static void print_char(FILE *out, int c)
{
    fprintf(out, "%d '", c >= 128 ? c - 256 : c);
    if (isprint(c) && c != '\'' && c != '\\') {
        fputc(c, out);
    } else {
        fprintf(out, "\\%03o", (unsigned)c);
    }
    fputc('\'', out);
}

static void print_pointer(struct console *console, uint64_t value)
{
    char place[512];

    where_describe(console, value, place, sizeof(place));
    fprintf(
        console->out, "0x%" PRIx64 "%s%s%s", value, place[0] != '\0' ? " <" : "", place,
        place[0] != '\0' ? ">" : "");
}

static void
print_unit(struct console *console, const struct parse_examine *examine, uint64_t value)
{
    FILE *out = console->out;
    const int digits = (int)examine->bytes * 2;

    fputc('\t', out);
    switch (examine->format) {
    case 'd':
        fprintf(out, "%" PRId64, signed_value(value, examine->bytes));
        break;
    case 'u':
        fprintf(out, "%" PRIu64, value);
        break;
    case 'o':
        fprintf(out, "0%" PRIo64, value);
        break;
    case 't':
        print_binary(out, value, examine->bytes);
        break;
    case 'c':
        print_char(out, (int)(value & 0xff));
        break;
    case 'a':
        print_pointer(console, value);
        break;
    default:
        fprintf(out, "0x%0*" PRIx64, digits, value);
        break;
    }
}

static void say_absent(const struct console *console, uint64_t address)
{
    struct preview preview;

    if (!gva_is_canonical(gva_of(address)) || address >= LAYOUT_USER_END) {
        fprintf(console->out, "0x%" PRIx64 ": not the program's\n", address);
        return;
    }
    preview_fault(console_space(console), gva_of(address), RECORD_USER, &preview);
    fprintf(
        console->out, "0x%" PRIx64 ": not in memory (a read would be: %s)\n", address,
        record_kind_name(preview.kind));
}

static void
print_units(struct console *console, const struct parse_examine *examine, uint64_t address)
{
    const unsigned in_line = units_in_line(examine);

    for (unsigned i = 0; i < examine->count; i++) {
        uint8_t bytes[8];
        if (console_peek(console, address, bytes, examine->bytes) != examine->bytes) {
            fputs(i % in_line != 0 ? "\n" : "", console->out);
            say_absent(console, address);
            return;
        }
        if (i % in_line == 0) {
            fprintf(console->out, "%s0x%" PRIx64 ":", i == 0 ? "" : "\n", address);
        }
        print_unit(console, examine, unit_value(bytes, examine->bytes));
        address += examine->bytes;
    }
    fputc('\n', console->out);
}

/* Returns the address behind the string; 0: it is not in memory. */
static uint64_t print_string(const struct console *console, uint64_t address)
{
    FILE *out = console->out;
    unsigned char c;
    unsigned done = 0;

    if (console_peek(console, address, &c, 1) != 1) {
        say_absent(console, address);
        return 0;
    }
    fprintf(out, "0x%" PRIx64 ":\t\"", address);
    while (done < STRING_BYTES && console_peek(console, address + done, &c, 1) == 1 && c != 0) {
        if (isprint(c) && c != '"' && c != '\\') {
            fputc(c, out);
        } else {
            fprintf(out, "\\%03o", (unsigned)c);
        }
        done++;
    }
    fprintf(out, "\"%s\n", done == STRING_BYTES ? "..." : "");
    return address + done + (done < STRING_BYTES ? 1 : 0);
}

/* Likewise. */
static uint64_t print_instruction(struct console *console, uint64_t address)
{
    char text[256], place[512];
    size_t length;
    uint8_t byte;

    if (!where_instruction(console, address, text, sizeof(text), &length)) {
        if (console_peek(console, address, &byte, 1) == 1) {
            fprintf(console->out, "0x%" PRIx64 ":\t(no instruction)\n", address);
        } else {
            say_absent(console, address);
        }
        return 0;
    }
    where_describe(console, address, place, sizeof(place));
    fprintf(
        console->out, "0x%" PRIx64 "%s%s%s:\t%s\n", address, place[0] != '\0' ? " <" : "",
        place, place[0] != '\0' ? ">" : "", text);
    return address + length;
}

enum verb_result examine_memory(struct console *console, const struct verb_words *words)
{
    struct parse_examine examine;
    struct err err;
    uint64_t address;

    if (!parse_examine(words->format, &examine, &err) ||
        !console_address(console, words->word[0], &address, &err)) {
        console_refuse(console, &err);
        return VERB_STAY;
    }
    if (examine.bytes != 0) {
        print_units(console, &examine, address);
        return VERB_STAY;
    }
    for (unsigned i = 0; i < examine.count && (i == 0 || address != 0); i++) {
        address = examine.format == 's' ? print_string(console, address)
                                        : print_instruction(console, address);
    }
    return VERB_STAY;
}
