/*
 * Reads the values of options strictly: the whole text counts, no locale, no sign, no exponent,
 * no silent wrap-around.  It refuses to know which option wants what.  Read cli/options.c for
 * that.
 */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H

#include <stdint.h>

#include "base/err.h"

struct value_range {
    uint64_t minimum, maximum; /* bytes, both allowed; maximum is a multiple of unit */
    uint64_t unit;             /* the result is rounded up to a multiple; a power of two */
    const char *allowed;       /* the same range in words, for the message */
};

/*
 * Read a size: a decimal number, then nothing or one of K, M, G, T (or k, m, g, t; powers of
 * 1024). *bytes is untouched on failure.  ERR_USAGE, naming option and text: not a size, or
 * outside range.
 */
MUST_CHECK bool value_parse_size(
    const char *option,
    const char *text,
    const struct value_range *range,
    uint64_t *bytes,
    struct err *err);

/*
 * Read a whole number, in decimal.  range: its unit is not looked at.  *number is untouched on
 * failure.  ERR_USAGE, naming option and text: not a number, or outside range.
 */
MUST_CHECK bool value_parse_number(
    const char *option,
    const char *text,
    const struct value_range *range,
    uint64_t *number,
    struct err *err);

#define VALUE_SECONDS_MAX UINT64_C(1000000000)

/*
 * Read a time in seconds, with up to nine decimals, from 0 to VALUE_SECONDS_MAX.  *ns is
 * untouched on failure.  ERR_USAGE, naming option and text: not a decimal number, or too large.
 */
MUST_CHECK bool
value_parse_seconds(const char *option, const char *text, uint64_t *ns, struct err *err);

#endif
