/*
 * Reads sizes and times off the command line, digit by digit: strtoull would take signs and
 * leading blanks, strtod the locale's decimal sign, "inf" and hexadecimal.  It refuses to know
 * any option. Read cli/options.c next.
 */
#include "cli/value.h"

#include <string.h>

#include "base/addr.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Read digits from *text on and step behind them; at least one.  Saturates at UINT64_MAX, which
 * is beyond every range here. */
static bool parse_digits(const char **text, uint64_t *value)
{
    uint64_t sum = 0;

    if (!is_digit(**text)) {
        return false;
    }
    for (; is_digit(**text); (*text)++) {
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(**text - '0'), &sum)) {
            sum = UINT64_MAX;
        }
    }
    *value = sum;
    return true;
}

/* The power of two that a suffix stands for. */
static bool parse_suffix(const char *text, unsigned *shift)
{
    static const char suffixes[] = "KkMmGgTt";
    const char *found;

    *shift = 0;
    if (*text == '\0') {
        return true;
    }
    found = strchr(suffixes, *text);
    if (found == NULL || text[1] != '\0') {
        return false;
    }
    *shift = 10 * ((unsigned)(found - suffixes) / 2 + 1);
    return true;
}

bool value_parse_size(
    const char *option,
    const char *text,
    const struct value_range *range,
    uint64_t *bytes,
    struct err *err)
{
    const char *rest = text;
    uint64_t value;
    unsigned shift;

    if (!parse_digits(&rest, &value) || !parse_suffix(rest, &shift)) {
        return err_set(
            err, ERR_USAGE, "option '%s': '%s' is not a size (allowed: %s)", option, text,
            range->allowed);
    }
    if (value > range->maximum >> shift || value << shift < range->minimum) {
        return err_set(
            err, ERR_USAGE, "option '%s': '%s' is out of range (allowed: %s)", option, text,
            range->allowed);
    }
    *bytes = round_up(value << shift, range->unit);
    return true;
}

bool value_parse_number(
    const char *option,
    const char *text,
    const struct value_range *range,
    uint64_t *number,
    struct err *err)
{
    const char *rest = text;
    uint64_t value;

    if (!parse_digits(&rest, &value) || *rest != '\0') {
        return err_set(
            err, ERR_USAGE, "option '%s': '%s' is not a whole number (allowed: %s)", option,
            text, range->allowed);
    }
    if (value < range->minimum || value > range->maximum) {
        return err_set(
            err, ERR_USAGE, "option '%s': '%s' is out of range (allowed: %s)", option, text,
            range->allowed);
    }
    *number = value;
    return true;
}

/* Read the decimals behind the point, to the end of text, in units of 1e-9. */
static bool parse_decimals(const char *text, uint64_t *nano)
{
    uint64_t sum = 0;
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 9 || text[digits] != '\0') {
        return false;
    }
    for (size_t i = 0; i < 9; i++) {
        sum = sum * 10 + (i < digits ? (uint64_t)(text[i] - '0') : 0);
    }
    *nano = sum;
    return true;
}

bool value_parse_seconds(const char *option, const char *text, uint64_t *ns, struct err *err)
{
    static const char allowed[] = "seconds such as 10 or 0.5, up to 1000000000; 0 for none";
    const char *rest = text;
    uint64_t seconds;
    uint64_t nano = 0;
    bool good = parse_digits(&rest, &seconds);

    if (good && *rest == '.') {
        good = parse_decimals(rest + 1, &nano);
    } else if (good) {
        good = *rest == '\0';
    }
    if (!good) {
        return err_set(
            err, ERR_USAGE, "option '%s': '%s' is not a time (allowed: %s)", option, text,
            allowed);
    }
    if (seconds > VALUE_SECONDS_MAX || (seconds == VALUE_SECONDS_MAX && nano > 0)) {
        return err_set(
            err, ERR_USAGE, "option '%s': '%s' is out of range (allowed: %s)", option, text,
            allowed);
    }
    *ns = seconds * UINT64_C(1000000000) + nano;
    return true;
}
