/*
 * Text in a buffer; see line.h.  All appending goes through put() and line_char(), which look
 * at the space left.
 */
#include "trace/line.h"

#include <assert.h>
#include <string.h>

#define DECIMAL_DIGITS 20 /* of 2^64 - 1 */

void line_start(struct line *line, char *buffer, size_t bytes)
{
    *line = (struct line){.begin = buffer, .at = buffer, .end = buffer + bytes};
}

size_t line_bytes(const struct line *line)
{
    return (size_t)(line->at - line->begin);
}

bool line_is_cut(const struct line *line)
{
    return line->cut;
}

static void put(struct line *line, const char *bytes, size_t count)
{
    if (line->cut || count > (size_t)(line->end - line->at)) {
        line->cut = true;
        return;
    }
    memcpy(line->at, bytes, count);
    line->at += count;
}

/* Not by put(), for speed: most of a line is padding and single characters. */
void line_char(struct line *line, char c)
{
    if (line->cut || line->at == line->end) {
        line->cut = true;
        return;
    }
    *line->at++ = c;
}

void line_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

void line_decimal(struct line *line, uint64_t value)
{
    char digits[DECIMAL_DIGITS];
    char *at = digits + sizeof(digits);

    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    put(line, at, (size_t)(digits + sizeof(digits) - at));
}

void line_signed(struct line *line, int64_t value)
{
    if (value < 0) {
        line_char(line, '-');
    }
    /* Negated as unsigned: INT64_MIN has no positive counterpart. */
    line_decimal(line, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void line_grouped(struct line *line, uint64_t value)
{
    char digits[DECIMAL_DIGITS + DECIMAL_DIGITS / 3];
    char *at = digits + sizeof(digits);
    unsigned count = 0;

    do {
        if (count > 0 && count % 3 == 0) {
            *--at = ',';
        }
        *--at = (char)('0' + value % 10);
        value /= 10;
        count++;
    } while (value > 0);
    put(line, at, (size_t)(digits + sizeof(digits) - at));
}

void line_hex(struct line *line, uint64_t value, unsigned digits)
{
    char text[18];
    char *at = text + sizeof(text);
    unsigned count = 0;

    assert(digits <= 16);
    do {
        *--at = "0123456789abcdef"[value & 0xf];
        value >>= 4;
        count++;
    } while (value > 0 || count < digits);
    *--at = 'x';
    *--at = '0';
    put(line, at, (size_t)(text + sizeof(text) - at));
}

/* Characters, not bytes: what follows the first byte of a UTF-8 sequence takes no column. */
static size_t width_from(const struct line *line, size_t start)
{
    size_t width = 0;

    for (const char *at = line->begin + start; at < line->at; at++) {
        width += ((unsigned char)*at & 0xc0) != 0x80;
    }
    return width;
}

static void put_spaces(struct line *line, size_t count)
{
    if (line->cut || count > (size_t)(line->end - line->at)) {
        line->cut = true;
        return;
    }
    memset(line->at, ' ', count);
    line->at += count;
}

void line_pad(struct line *line, size_t start, size_t width)
{
    size_t have = width_from(line, start);

    if (have < width) {
        put_spaces(line, width - have);
    }
}

void line_pad_left(struct line *line, size_t start, size_t width)
{
    size_t bytes = line_bytes(line) - start;
    size_t have = width_from(line, start);

    if (have >= width) {
        return;
    }
    put_spaces(line, width - have);
    if (!line->cut) {
        char *column = line->begin + start;
        memmove(column + (width - have), column, bytes);
        memset(column, ' ', width - have);
    }
}

/* What the first byte of a UTF-8 sequence of several bytes says of the others. */
struct utf8_lead {
    unsigned char first, last; /* leads in this range… */
    unsigned char bytes;       /* …begin a sequence of so many */
    unsigned char low, high;   /* whose second byte is in here; later ones: 0x80 to 0xbf */
};

/* RFC 3629, section 4: no overlong form, no surrogate, nothing above U+10FFFF. */
static const struct utf8_lead utf8_leads[] = {
    {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf}, {0xe1, 0xec, 3, 0x80, 0xbf},
    {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf}, {0xf0, 0xf0, 4, 0x90, 0xbf},
    {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static bool utf8_continues(const unsigned char *byte, const struct utf8_lead *lead)
{
    if (byte[1] < lead->low || byte[1] > lead->high) {
        return false;
    }
    for (size_t i = 2; i < lead->bytes; i++) {
        if ((byte[i] & 0xc0) != 0x80) {
            return false;
        }
    }
    return true;
}

/* The length of the UTF-8 sequence at text, 0 if it is not a valid one.  Stops at a NUL, which
 * continues nothing. */
static size_t utf8_length(const char *text)
{
    const unsigned char *byte = (const unsigned char *)text;

    if (byte[0] < 0x80) {
        return 1;
    }
    for (size_t i = 0; i < sizeof(utf8_leads) / sizeof(utf8_leads[0]); i++) {
        const struct utf8_lead *lead = &utf8_leads[i];
        if (byte[0] >= lead->first && byte[0] <= lead->last) {
            return utf8_continues(byte, lead) ? lead->bytes : 0;
        }
    }
    return 0;
}

static void put_hex_byte(struct line *line, const char *prefix, unsigned char byte)
{
    const char digits[2] = {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 0xf]};

    line_text(line, prefix);
    put(line, digits, sizeof(digits));
}

/* U+0080 to U+009F are control characters that some terminals obey. */
static bool is_c1_control(const char *text)
{
    return (unsigned char)text[0] == 0xc2 && (unsigned char)text[1] < 0xa0;
}

static void put_printable(struct line *line, const char *name, bool spaces)
{
    size_t length;

    for (size_t taken = 0; taken < LINE_NAME_BYTES && name[taken]; taken += length) {
        const char *at = name + taken;
        unsigned char byte = (unsigned char)*at;
        bool control = byte < ' ' || (byte == ' ' && !spaces) || byte == 0x7f;
        length = utf8_length(at);
        if (length == 0 || control || byte == '\\' || is_c1_control(at)) {
            /* Of a C1 control, the second byte alone is not valid and is escaped next. */
            put_hex_byte(line, "\\x", byte);
            length = 1;
        } else {
            put(line, at, length);
        }
    }
}

void line_word(struct line *line, const char *name)
{
    put_printable(line, name, false);
}

void line_sentence(struct line *line, const char *text)
{
    put_printable(line, text, true);
}

void line_json_string(struct line *line, const char *text)
{
    if (!text) {
        line_text(line, "null");
        return;
    }

    size_t length;
    line_char(line, '"');
    for (size_t taken = 0; taken < LINE_NAME_BYTES && text[taken]; taken += length) {
        const char *at = text + taken;
        unsigned char byte = (unsigned char)*at;
        length = utf8_length(at);
        if (length == 0) {
            line_text(line, "\\ufffd");
            length = 1;
        } else if (byte == '"' || byte == '\\') {
            line_char(line, '\\');
            line_char(line, *at);
        } else if (byte < ' ' || byte == 0x7f) {
            put_hex_byte(line, "\\u00", byte);
        } else if (length == 1) {
            line_char(line, *at);
        } else {
            put(line, at, length);
        }
    }
    line_char(line, '"');
}

void line_json_key(struct line *line, const char *key)
{
    if (line->at > line->begin && line->at[-1] != '{') {
        line_char(line, ',');
    }
    line_char(line, '"');
    line_text(line, key);
    line_text(line, "\":");
}

void line_json_decimal(struct line *line, const char *key, uint64_t value)
{
    line_json_key(line, key);
    line_decimal(line, value);
}

void line_json_signed(struct line *line, const char *key, int64_t value)
{
    line_json_key(line, key);
    line_signed(line, value);
}

void line_json_hex(struct line *line, const char *key, uint64_t value)
{
    line_json_key(line, key);
    line_char(line, '"');
    line_hex(line, value, 0);
    line_char(line, '"');
}

void line_json_text(struct line *line, const char *key, const char *text)
{
    line_json_key(line, key);
    line_json_string(line, text);
}
