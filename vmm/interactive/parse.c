/* Arguments of commands; see parse.h. */
#include "interactive/parse.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"
#include "run/outcome.h"
#include "space/region.h"

#define NAME_BYTES 128

/* --- numbers --- */

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* Behind the digits; NULL: none, or more than 64 bits. */
static const char *take_number(const char *text, uint64_t *value)
{
    unsigned base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
    const char *at = base == 16 ? text + 2 : text;
    const char *first = at;

    *value = 0;
    for (; digit_of(*at) < (int)base; at++) {
        if (__builtin_mul_overflow(*value, base, value) ||
            __builtin_add_overflow(*value, (uint64_t)digit_of(*at), value)) {
            return NULL;
        }
    }
    return at != first ? at : NULL;
}

bool parse_number(const char *text, const char *what, uint64_t *value, struct err *err)
{
    uint64_t number;
    const char *end = text != NULL ? take_number(text, &number) : NULL;

    if (end == NULL || *end != '\0') {
        return err_set(
            err, ERR_INPUT, "'%.64s' is not %s (a number, decimal or 0x...)",
            text != NULL ? text : "", what);
    }
    *value = number;
    return true;
}

/* --- addresses --- */

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '$';
}

static bool bad_address(const char *text, struct err *err)
{
    return err_set(
        err, ERR_INPUT,
        "'%.64s' is not an address (0x..., $rip, $cr2 or a function's name, then +N or -N)",
        text);
}

/* The first term; *end: behind it. */
static bool take_term(
    const char *text,
    const struct parse_names *names,
    uint64_t *value,
    const char **end,
    struct err *err)
{
    char name[NAME_BYTES];
    size_t bytes = 0;

    if (isdigit((unsigned char)text[0])) {
        *end = take_number(text, value);
        return *end != NULL || bad_address(text, err);
    }
    while (is_name(text[bytes])) {
        bytes++;
    }
    if (bytes == 0 || bytes >= sizeof(name) || names == NULL) {
        return bad_address(text, err);
    }
    memcpy(name, text, bytes);
    name[bytes] = '\0';
    *end = text + bytes;
    return names->find(names->context, name, value, err);
}

bool parse_address(
    const char *text, const struct parse_names *names, uint64_t *value, struct err *err)
{
    const char *at;
    uint64_t sum, more;

    if (text == NULL || text[0] == '\0') {
        return err_set(err, ERR_INPUT, "an address is missing");
    }
    if (!take_term(text, names, &sum, &at, err)) {
        return false;
    }
    while (*at == '+' || *at == '-') {
        bool minus = *at == '-';
        at = take_number(at + 1, &more);
        if (at == NULL) {
            return bad_address(text, err);
        }
        sum = minus ? sum - more : sum + more;
    }
    if (*at != '\0') {
        return bad_address(text, err);
    }
    *value = sum;
    return true;
}

/* --- ranges --- */

/* BYTES with K, M or G. */
static bool take_size(const char *text, uint64_t *bytes)
{
    const char *end = take_number(text, bytes);
    unsigned shift = 0;

    if (end == NULL) {
        return false;
    }
    switch (toupper((unsigned char)*end)) {
    case 'K':
        shift = 10;
        break;
    case 'M':
        shift = 20;
        break;
    case 'G':
        shift = 30;
        break;
    default:
        return *end == '\0';
    }
    uint64_t scaled = *bytes << shift;
    bool fits = scaled >> shift == *bytes;
    *bytes = scaled;
    return fits && end[1] == '\0';
}

static bool take_end(char sign, const char *text, struct parse_range *range)
{
    uint64_t value;

    if (sign == '+') {
        return take_size(text, &value) && value != 0 &&
               !__builtin_add_overflow(range->begin.value, value, &range->end.value);
    }
    const char *end = take_number(text, &value);
    range->end = gva_of(value);
    return end != NULL && *end == '\0' && value > range->begin.value;
}

bool parse_range(
    const char *text,
    const struct parse_names *names,
    struct parse_range *range,
    struct err *err)
{
    const char *at = text;
    uint64_t begin = 0;

    if (text == NULL || text[0] == '\0') {
        return err_set(
            err, ERR_INPUT, "a range is missing (BEGIN-END, BEGIN+BYTES or an address)");
    }
    if (!take_term(text, names, &begin, &at, err)) {
        return false;
    }
    range->begin = gva_of(begin);
    if (*at == '\0') {
        range->begin = gva_page(range->begin);
        range->end = gva_add(range->begin, PAGE_BYTES);
        return range->end.value != 0 || bad_address(text, err);
    }
    if ((*at != '-' && *at != '+') || !take_end(*at, at + 1, range)) {
        return err_set(
            err, ERR_INPUT,
            "'%.64s' is not a range (BEGIN-END with BEGIN below END, or BEGIN+BYTES)", text);
    }
    return true;
}

/* --- permissions --- */

bool parse_permissions(const char *text, uint8_t *permissions, struct err *err)
{
    static const char letters[] = "rwx";
    uint8_t bits = 0;
    bool ok = text != NULL && strlen(text) == 3;

    for (unsigned i = 0; ok && i < 3; i++) {
        ok = text[i] == letters[i] || text[i] == '-';
        bits = (uint8_t)(bits | (text[i] == letters[i] ? 1U << i : 0));
    }
    if (!ok) {
        return err_set(
            err, ERR_INPUT, "'%.64s' are no permissions (r--, rw-, r-x, --- and so on)",
            text != NULL ? text : "");
    }
    *permissions = bits;
    return true;
}
_Static_assert(REGION_READ == 1 && REGION_WRITE == 2 && REGION_EXEC == 4, "in this order");

/* --- x/ --- */

static unsigned unit_of(char letter)
{
    switch (letter) {
    case 'b':
        return 1;
    case 'h':
        return 2;
    case 'w':
        return 4;
    case 'g':
        return 8;
    default:
        return 0;
    }
}

/* What a format has where no size is given. */
static unsigned unit_of_format(char format)
{
    if (format == 's' || format == 'i') {
        return 0;
    }
    if (format == 'c') {
        return 1;
    }
    return format == 'a' ? 8 : 4;
}

bool parse_examine(const char *text, struct parse_examine *examine, struct err *err)
{
    const char *all = text != NULL ? text : "";
    const char *at = all;
    uint64_t count = 1;
    char format = '\0';
    unsigned bytes = 0;

    if (isdigit((unsigned char)*at)) {
        at += strspn(at, "0123456789");
        count = strtoull(all, NULL, 10);
        if (count == 0 || count > PARSE_EXAMINE_MAX) {
            return err_set(
                err, ERR_INPUT, "x/%.32s: a count is 1 to %d", all, PARSE_EXAMINE_MAX);
        }
    }
    for (; *at != '\0'; at++) {
        if (strchr("xduotacsi", *at) != NULL && format == '\0') {
            format = *at;
        } else if (unit_of(*at) != 0 && bytes == 0) {
            bytes = unit_of(*at);
        } else {
            return err_set(
                err, ERR_INPUT,
                "x/%.32s: '%c' does not belong there (COUNT, then one of x d u o t a c s i, "
                "and "
                "one of b h w g)",
                all, *at);
        }
    }
    if (format == '\0') {
        format = 'x';
    }
    unsigned usual = unit_of_format(format);
    *examine = (struct parse_examine){
        .count = (unsigned)count,
        .format = format,
        .bytes = usual == 0 || bytes == 0 ? usual : bytes};
    return true;
}

/* --- signals --- */

/* Those that end a program by default and that a fault or a user may bring. */
static const int signals[] = {SIGHUP, SIGINT,  SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,
                              SIGFPE, SIGKILL, SIGUSR1, SIGSEGV, SIGUSR2, SIGALRM, SIGTERM};
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

bool parse_signal(const char *text, int *number, struct err *err)
{
    const char *names[SIGNALS];
    char word[32];
    uint64_t value = 0;
    const char *end = take_number(text, &value);
    bool numeric = end != NULL && *end == '\0';

    snprintf(word, sizeof(word), "%s%s", strncasecmp(text, "SIG", 3) == 0 ? "" : "SIG", text);
    for (char *at = word; *at != '\0'; at++) {
        *at = (char)toupper((unsigned char)*at);
    }
    for (size_t i = 0; i < SIGNALS; i++) {
        names[i] = outcome_signal_name(signals[i]);
        if (numeric ? value == (uint64_t)signals[i] : strcmp(word, names[i]) == 0) {
            *number = signals[i];
            return true;
        }
    }
    const char *nearest = nearest_word(word, names, SIGNALS);
    return err_set(
        err, ERR_INPUT, "'%.32s' is no signal for a fault%s%s%s", text,
        nearest != NULL ? ": did you mean " : " (SIGSEGV, SIGBUS, SIGKILL...)",
        nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
}
