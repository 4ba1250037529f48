/*
 * Reads what follows the name in --policy NAME,key=value,...: whole numbers with a range each.
 * It refuses to know what a key does; its messages go to the caller as text, because a policy
 * has nothing else to report by.  Read policy/random.c for the shortest use.
 */
#ifndef POLICY_KEYS_H
#define POLICY_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct key {
    const char *name;
    uint64_t minimum, maximum; /* both allowed */
    uint64_t *value;           /* where it goes; holds the default before */
};

/*
 * Read text ("" or key=value, separated by commas) by the table of count keys (0 to 8).  Returns
 * false with a sentence in error (error_bytes with its NUL): an unknown key (the nearest is
 * named), one without a value, one given twice, not a whole number, out of its range.
 */
bool keys_parse(
    const char *text, const struct key *keys, size_t count, char *error, size_t error_bytes);

#endif
