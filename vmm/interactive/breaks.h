/*
 * At which faults to stop: a list of breaks, each a set of conditions that all must hold.  Without a
 * break every fault is one to stop at.  It refuses to know what a stop is: it answers for a fault.
 * Read console.h for who asks.
 */
#ifndef INTERACTIVE_BREAKS_H
#define INTERACTIVE_BREAKS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "interactive/parse.h"
#include "space/region.h"
#include "trace/record.h"

#define BREAKS_MAX        64
#define BREAKS_NAME_BYTES 64

struct breaks_one {
    unsigned number; /* as the user sees it, from 1; 0: the place is free */
    uint32_t kinds;  /* 1 << enum fault_kind; 0: any */
    bool has_range;
    struct parse_range range;
    char region[BREAKS_NAME_BYTES]; /* "": any */
    unsigned process;               /* 0: any */
    uint64_t count;                 /* stop from the count-th fault on; 0 and 1: at each */
    uint64_t hits;                  /* faults that matched so far */
};

struct breaks {
    struct breaks_one one[BREAKS_MAX];
    unsigned used;
    unsigned last_number;
};

/*
 * Add "KEY=VALUE[,KEY=VALUE...]"; NULL or "": every fault.  Keys: kind, range, region, process,
 * count; kind and no other may stand several times, and any of them will do.  names: for range; NULL:
 * numbers only.  *number: of the new break.  ERR_INPUT: an unknown key (the nearest is named), a bad
 * value, too many breaks; nothing was added.
 */
MUST_CHECK bool breaks_add(
    struct breaks *breaks,
    const char *text,
    const struct parse_names *names,
    unsigned *number,
    struct err *err);

/* False: there is no break of this number. */
bool breaks_delete(struct breaks *breaks, uint64_t number);
void breaks_delete_all(struct breaks *breaks);

struct breaks_fault {
    enum fault_kind kind;
    uint64_t address;
    const struct region *region; /* NULL: none */
    unsigned process;
};

/* Count a fault for each break that it matches, and say whether to stop; *number: for which break, 0
 * where there is none at all. */
bool breaks_match(struct breaks *breaks, const struct breaks_fault *fault, unsigned *number);

/* One line for each break. */
void breaks_print(const struct breaks *breaks, FILE *out);

/* What a region goes by: its label, or else the name of its kind. */
const char *breaks_region_name(const struct region *region);

/* Words for completion: keys with their equals sign, and kinds and groups of kinds.  NULL-terminated. */
extern const char *const breaks_keys[];
const char *const *breaks_kinds(void);

#endif
