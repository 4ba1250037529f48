/*
 * References from a file: lines of text as valgrind's lackey writes them or as people do, or
 * bare 64-bit addresses.  It refuses lines that it does not understand, with their number,
 * instead of skipping them: a string that lost references answers another question.  Read
 * references.h for the formats.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/references.h"

#define SHOWN_BYTES 40 /* of a line that is not understood */

struct file_source {
    FILE *file; /* owns, unless it is stdin */
    enum references_format format;
    char *line; /* owns: getline's */
    size_t line_room;
    const char *rest; /* of the line: numbers that were not handed out yet; or NULL */
    uint64_t line_number;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == ',' || c == '\r' || c == '\n';
}

static const char *skip_space(const char *text)
{
    while (is_space(*text)) {
        text++;
    }
    return text;
}

static bool say_line(const struct file_source *source, struct err *err)
{
    int shown = (int)strcspn(source->line, "\r\n");

    return err_set(
        err, ERR_INPUT,
        "line %llu: '%.*s' is neither a line of lackey (' L 1000,8') nor numbers ('0x1000 "
        "4096')",
        (unsigned long long)source->line_number, shown < SHOWN_BYTES ? shown : SHOWN_BYTES,
        source->line);
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Digits of a base at *text; moves it behind them.  False: no digit, or more than 64 bits. */
static bool parse_digits(const char **text, unsigned base, uint64_t *value)
{
    const char *start = *text;

    *value = 0;
    while ((unsigned)digit_of(**text) < base) {
        if (__builtin_mul_overflow(*value, base, value) ||
            __builtin_add_overflow(*value, (unsigned)digit_of(**text), value)) {
            return false;
        }
        ++*text;
    }
    return *text > start;
}

/* The next of the numbers in source->rest. */
static bool parse_number(struct file_source *source, struct reference *out, struct err *err)
{
    const char *at = source->rest;
    bool hexadecimal = at[0] == '0' && (at[1] | 0x20) == 'x';
    uint64_t value;

    at += hexadecimal ? 2 : 0;
    if (!parse_digits(&at, hexadecimal ? 16 : 10, &value) || (*at != '\0' && !is_space(*at))) {
        return say_line(source, err);
    }
    *out = (struct reference){.address = value, .bytes = 1, .access = REFERENCE_READ};
    at = skip_space(at);
    source->rest = *at != '\0' && *at != '#' ? at : NULL;
    return true;
}

static uint8_t access_of(char letter)
{
    switch (letter) {
    case 'L':
        return REFERENCE_READ;
    case 'S':
        return REFERENCE_WRITE;
    case 'M':
        return REFERENCE_READ | REFERENCE_WRITE;
    case 'I':
        return REFERENCE_FETCH;
    default:
        return 0;
    }
}

/* at: the letter, in source->line. */
static bool parse_lackey(
    const struct file_source *source, const char *at, struct reference *out, struct err *err)
{
    uint8_t access = access_of(*at++);
    uint64_t address;
    uint64_t bytes;
    uint64_t last;
    bool good = *at == ' ' || *at == '\t';

    at = skip_space(at);
    good = good && parse_digits(&at, 16, &address) && *at++ == ',' &&
           parse_digits(&at, 10, &bytes) && *skip_space(at) == '\0' && bytes > 0 &&
           bytes <= REFERENCE_BYTES_MAX && !__builtin_add_overflow(address, bytes - 1, &last);
    if (!good) {
        return say_line(source, err);
    }
    *out = (struct reference){.address = address, .bytes = (uint32_t)bytes, .access = access};
    return true;
}

/* Fetch a line; *more is false at the end of the file. */
static bool next_line(struct file_source *source, bool *more, struct err *err)
{
    errno = 0;
    ssize_t bytes = getline(&source->line, &source->line_room, source->file);

    *more = bytes >= 0;
    if (bytes < 0) {
        return feof(source->file) != 0 || err_set_errno(err, ERR_ENVIRONMENT, "reading");
    }
    source->line_number++;
    if (memchr(source->line, '\0', (size_t)bytes) != NULL) {
        return err_set(
            err, ERR_INPUT, "line %llu: a NUL byte is no text (is the file binary, u64?)",
            (unsigned long long)source->line_number);
    }
    return true;
}

static bool read_text(
    struct file_source *source,
    struct reference *out,
    size_t room,
    size_t *count,
    struct err *err)
{
    while (*count < room) {
        const char *at;
        bool more;

        if (source->rest != NULL) {
            if (!parse_number(source, &out[(*count)++], err)) {
                return false;
            }
            continue;
        }
        if (!next_line(source, &more, err)) {
            return false;
        }
        if (!more) {
            return true;
        }
        at = skip_space(source->line);
        if (*at == '\0' || *at == '#' || strncmp(at, "==", 2) == 0) {
            continue;
        }
        if (access_of(*at) == 0) {
            source->rest = at;
        } else if (!parse_lackey(source, at, &out[(*count)++], err)) {
            return false;
        }
    }
    return true;
}

static bool read_u64(
    struct file_source *source,
    struct reference *out,
    size_t room,
    size_t *count,
    struct err *err)
{
    uint8_t bytes[1024 * sizeof(uint64_t)];

    while (*count < room) {
        size_t wanted = room - *count < 1024 ? room - *count : 1024;
        size_t got = fread(bytes, 1, wanted * sizeof(uint64_t), source->file);

        for (size_t i = 0; i < got / sizeof(uint64_t); i++) {
            uint64_t value;

            memcpy(&value, bytes + i * sizeof(value), sizeof(value));
            out[(*count)++] = (struct reference){
                .address = le64toh(value), .bytes = 1, .access = REFERENCE_READ};
        }
        if (ferror(source->file) != 0) {
            return err_set_errno(err, ERR_ENVIRONMENT, "reading");
        }
        if (got % sizeof(uint64_t) != 0) {
            return err_set(
                err, ERR_INPUT, "%zu bytes behind the last address: not a file of u64",
                got % sizeof(uint64_t));
        }
        if (got < wanted * sizeof(uint64_t)) {
            return true;
        }
    }
    return true;
}

static bool
file_read(void *state, struct reference *out, size_t room, size_t *count, struct err *err)
{
    struct file_source *source = state;

    switch (source->format) {
    case REFERENCES_TEXT:
        return read_text(source, out, room, count, err);
    case REFERENCES_U64:
        return read_u64(source, out, room, count, err);
    }
    return false;
}

static bool file_rewind(void *state, struct err *err)
{
    struct file_source *source = state;

    source->rest = NULL;
    source->line_number = 0;
    if (fseeko(source->file, 0, SEEK_SET) != 0) {
        return err_set_errno(err, ERR_INPUT, "reading a second time");
    }
    return true;
}

static void file_close(void *state)
{
    struct file_source *source = state;

    if (source->file != stdin && source->file != NULL) {
        fclose(source->file);
    }
    free(source->line);
    free(source);
}

static const struct references_ops file_ops = {file_read, file_rewind, file_close};
static const struct references_ops pipe_ops = {file_read, NULL, file_close};

bool references_open_file(
    struct references *references,
    const char *path,
    enum references_format format,
    struct err *err)
{
    struct file_source *source = calloc(1, sizeof(*source));

    *references = (struct references){0};
    if (source == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory to read '%s'", path);
    }
    source->format = format;
    source->file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (source->file == NULL) {
        err_set_errno(err, ERR_INPUT, "opening '%s'", path);
        file_close(source);
        return false;
    }
    *references = (struct references){
        .ops = fseeko(source->file, 0, SEEK_CUR) == 0 && source->file != stdin ? &file_ops
                                                                               : &pipe_ops,
        .state = source,
        .about = {.kind = REFERENCES_EXACT, .name = path},
    };
    return true;
}
