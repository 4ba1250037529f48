/*
 * Builds text in a buffer of the caller's: numbers, padded columns, JSON.  It exists because a
 * trace line is on the path of a fault, where printf costs more than the fault's own
 * bookkeeping; it refuses to know what the text says or where it goes.  Read trace.c for its
 * main user.
 *
 * What does not fit is cut, never overrun, and line_is_cut() tells; a cut line takes nothing
 * more.
 */
#ifndef TRACE_LINE_H
#define TRACE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a name or text from outside, so much is taken at most: a line has a bound. */
#define LINE_NAME_BYTES 512

struct line {
    char *begin; /* borrows */
    char *at;
    char *end;
    bool cut;
};

/* Start an empty line in buffer[bytes]; the buffer is borrowed and gets no NUL. */
void line_start(struct line *line, char *buffer, size_t bytes);
size_t line_bytes(const struct line *line);
bool line_is_cut(const struct line *line);

void line_char(struct line *line, char c);
void line_text(struct line *line, const char *text);
void line_decimal(struct line *line, uint64_t value);
void line_signed(struct line *line, int64_t value);
void line_grouped(struct line *line, uint64_t value); /* 1,234,567 */
/* 0x and at least `digits` (0 to 16) digits. */
void line_hex(struct line *line, uint64_t value, unsigned digits);

/* Pad with spaces what was written from column `start` on (an earlier line_bytes()) to `width`
 * characters: on the right, or for numbers on the left. */
void line_pad(struct line *line, size_t start, size_t width);
void line_pad_left(struct line *line, size_t start, size_t width);

/*
 * A name from outside (a file, the guest) as one word of printable characters: valid UTF-8
 * stays, anything else, spaces, control characters and backslashes become \xNN.  Up to
 * LINE_NAME_BYTES.
 */
void line_word(struct line *line, const char *name);
/* As line_word(), but spaces stay. */
void line_sentence(struct line *line, const char *text);

/* "text" as JSON (RFC 8259): what must be escaped is, and a byte that is not valid UTF-8
 * becomes U+FFFD.  NULL becomes null.  Up to LINE_NAME_BYTES of text. */
void line_json_string(struct line *line, const char *text);

/* ,"key": with the comma only where a member went before. */
void line_json_key(struct line *line, const char *key);
void line_json_decimal(struct line *line, const char *key, uint64_t value);
void line_json_signed(struct line *line, const char *key, int64_t value);
void line_json_hex(struct line *line, const char *key, uint64_t value); /* "0x…", a string */
void line_json_text(struct line *line, const char *key, const char *text);

#endif
