/*
 * Formatted output of freestanding programs: a printf of seven conversions over a buffer.  It
 * refuses to keep a stream of its own (no mutable globals): the caller's stack holds it. Read
 * check.c next.
 */
#include "print.h"

#include <stdbool.h>
#include <stdint.h>

#include "mem.h"
#include "sys.h"

/* One conversion as it was read from a format. */
struct conversion {
    size_t width;
    bool zeros;
    bool left;
    bool prefix;
    bool is_long;
    char kind;
};

void print_begin(struct print *out, int fd)
{
    *out = (struct print){.fd = fd};
}

void print_flush(struct print *out)
{
    size_t done = 0;

    while (done < out->used) {
        int64_t n = sys_write(out->fd, out->buffer + done, out->used - done);

        if (n <= 0) {
            break;
        }
        done += (size_t)n;
    }
    out->used = 0;
}

static void put_char(struct print *out, char c)
{
    if (out->used == sizeof(out->buffer)) {
        print_flush(out);
    }
    out->buffer[out->used++] = c;
}

static void put_repeated(struct print *out, char c, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put_char(out, c);
    }
}

static void put_text(struct print *out, const char *text)
{
    for (; *text != '\0'; text++) {
        put_char(out, *text);
    }
}

/* Sign or 0x, then digits: zeros pad between the two, blanks outside. */
static void
put_padded(struct print *out, const struct conversion *c, const char *sign, const char *digits)
{
    size_t length = strlen(sign) + strlen(digits);
    size_t padding = c->width > length ? c->width - length : 0;

    if (!c->left && !c->zeros) {
        put_repeated(out, ' ', padding);
    }
    put_text(out, sign);
    if (!c->left && c->zeros) {
        put_repeated(out, '0', padding);
    }
    put_text(out, digits);
    if (c->left) {
        put_repeated(out, ' ', padding);
    }
}

static void
put_number(struct print *out, const struct conversion *c, const char *sign, uint64_t value)
{
    unsigned int base = c->kind == 'x' ? 16 : 10;
    char digits[24];
    size_t at = sizeof(digits);

    digits[--at] = '\0';
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    put_padded(out, c, sign, digits + at);
}

static void put_signed(struct print *out, const struct conversion *c, int64_t value)
{
    /* Negated as unsigned, so that INT64_MIN works. */
    put_number(out, c, value < 0 ? "-" : "", value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

/* Reads flags, width and length; returns the place of the conversion's letter. */
static const char *parse_conversion(const char *at, struct conversion *c)
{
    *c = (struct conversion){0};
    for (; *at == '0' || *at == '-' || *at == '#'; at++) {
        c->zeros = c->zeros || *at == '0';
        c->left = c->left || *at == '-';
        c->prefix = c->prefix || *at == '#';
    }
    for (; *at >= '0' && *at <= '9'; at++) {
        c->width = c->width * 10 + (size_t)(*at - '0');
    }
    for (; *at == 'l'; at++) {
        c->is_long = true;
    }
    c->kind = *at;
    return at;
}

void print_format_list(struct print *out, const char *format, va_list list)
{
    struct conversion c;

    for (const char *at = format; *at != '\0'; at++) {
        if (*at != '%') {
            put_char(out, *at);
            continue;
        }
        at = parse_conversion(at + 1, &c);
        switch (c.kind) {
        case 's':
            put_padded(out, &c, "", va_arg(list, const char *));
            break;
        case 'c':
            put_char(out, (char)va_arg(list, int));
            break;
        case 'd':
            put_signed(out, &c, c.is_long ? va_arg(list, long) : va_arg(list, int));
            break;
        case 'u':
        case 'x':
            put_number(
                out, &c, c.prefix ? "0x" : "",
                c.is_long ? va_arg(list, unsigned long) : va_arg(list, unsigned int));
            break;
        case 'p':
            c.kind = 'x';
            put_number(out, &c, "0x", (uintptr_t)va_arg(list, void *));
            break;
        case '\0':
            put_char(out, '%');
            return;
        default:
            put_char(out, c.kind);
            break;
        }
    }
}

void print_format(struct print *out, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    print_format_list(out, format, list);
    va_end(list);
}

void print_to(int fd, const char *format, ...)
{
    struct print out;
    va_list list;

    print_begin(&out, fd);
    va_start(list, format);
    print_format_list(&out, format, list);
    va_end(list);
    print_flush(&out);
}
