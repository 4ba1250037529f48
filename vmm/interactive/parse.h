/*
 * Reads the arguments of commands: addresses, ranges, permissions, numbers and the format of x/.
 * Strict as the command line is: the whole text counts, and what is wrong is said in one line.  It
 * refuses to know what a name stands for: its caller looks names up.  Read verbs.h for who asks.
 */
#ifndef INTERACTIVE_PARSE_H
#define INTERACTIVE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

/* What "$rip" or "main" is; NULL: names are not allowed.  False: there is no such name; err says so. */
struct parse_names {
    bool (*find)(void *context, const char *name, uint64_t *value, struct err *err);
    void *context;
};

/* A number in decimal, or with 0x in hexadecimal.  ERR_INPUT, naming what it should be. */
MUST_CHECK bool
parse_number(const char *text, const char *what, uint64_t *value, struct err *err);

/* NUMBER, $REGISTER or a symbol, then any of +NUMBER and -NUMBER. */
MUST_CHECK bool parse_address(
    const char *text, const struct parse_names *names, uint64_t *value, struct err *err);

struct parse_range {
    struct gva begin, end; /* begin < end */
};

/*
 * BEGIN-END (END not included), BEGIN+BYTES (BYTES with K, M or G if wanted), or one ADDRESS for
 * the page that it lies in.  BEGIN may be a name.
 */
MUST_CHECK bool parse_range(
    const char *text,
    const struct parse_names *names,
    struct parse_range *range,
    struct err *err);

/* "r-x", "rw-", "---": REGION_READ | … */
MUST_CHECK bool parse_permissions(const char *text, uint8_t *permissions, struct err *err);

#define PARSE_EXAMINE_MAX 4096

/* Of x/COUNTFORMATSIZE, as gdb has it. */
struct parse_examine {
    unsigned count;
    char format;    /* x d u o t a c s i */
    unsigned bytes; /* of a unit: 1, 2, 4, 8; 0 for s and i */
};

/* text: what follows the slash; "" or NULL: 1 x w. */
MUST_CHECK bool parse_examine(const char *text, struct parse_examine *examine, struct err *err);

/* A signal that a fault may end in, by name ("SIGSEGV", "segv") or number. */
MUST_CHECK bool parse_signal(const char *text, int *number, struct err *err);

#endif
