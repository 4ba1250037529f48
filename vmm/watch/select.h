/*
 * Which of a program's memory is watched: the text behind --record-regions as data.  It knows
 * regions and addresses, and neither pages nor faults.  Read opened.h for what is done about it.
 */
#ifndef WATCH_SELECT_H
#define WATCH_SELECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "space/region.h"

#define SELECT_WORDS 16

/* A region by its name, or a range of addresses. */
struct select_word {
    const char *name; /* borrows, name_bytes long, no NUL; NULL: a range */
    unsigned name_bytes;
    uint64_t begin, end;
};

struct select {
    struct select_word word[SELECT_WORDS];
    unsigned count; /* 0: all data, which is every region that is not executable */
    bool all;       /* every region, text and the fetches from it included */
};

/*
 * Read REGION[,REGION...]: `all`, a region's name as --maps prints it, or BEGIN-END (as strtoull
 * reads numbers, END not included).  text: borrowed by *select; NULL or empty: all data.  Fails
 * with ERR_USAGE: an empty word, a range that is none, more than SELECT_WORDS.
 */
MUST_CHECK bool select_parse(struct select *select, const char *text, struct err *err);

/* The name that a region goes by: its label, or else the name of its kind. */
const char *select_region_name(const struct region *region);

/* Whether any of [begin, end) in this region is watched; begin < end. */
bool select_watches(
    const struct select *select, const struct region *region, uint64_t begin, uint64_t end);

/* Which pages must be mapped closed for that: MEMORY_CLOSED_*. */
uint8_t select_closed(const struct select *select);

#endif
