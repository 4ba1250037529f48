/*
 * A set of 64-bit keys with a count for each, for what a report counts by.  It refuses to know
 * what the keys mean.  Read report_session.c for the users.
 */
#ifndef REPORT_REPORT_SET_H
#define REPORT_REPORT_SET_H

#include <stdbool.h>
#include <stdint.h>

struct report_set; /* opaque */

struct report_set_item {
    uint64_t key;
    uint64_t count;
};

/* Functions that return bool fail only without memory. */
bool report_set_create(struct report_set **set);
void report_set_destroy(struct report_set *set); /* accepts NULL */
void report_set_empty(struct report_set *set);

/* Add to the count of a key (any but UINT64_MAX), which is put in with 0 when it is not there:
 * *fresh tells, if it is not NULL.  Constant time. */
bool report_set_add(struct report_set *set, uint64_t key, uint64_t count, bool *fresh);
/* The count of a key; 0 where it is not. */
uint64_t report_set_count(const struct report_set *set, uint64_t key);
uint64_t report_set_size(const struct report_set *set);

/* The items, in no order: start with *at = 0. */
bool report_set_next(const struct report_set *set, uint64_t *at, struct report_set_item *item);

#endif
