/*
 * What a session's faults say of single pages: which are hottest, how large the working set was
 * over time, how full the page tables became.  Memory has a bound: pages that do not fit are
 * left to further passes over the same faults, so every figure is exact.  It refuses to read a
 * session.  Read report_session.c for the passes.
 *
 * A pass takes the pages of one part of all; a part is chosen by a hash of process and 2 MiB
 * range, so that a page table is wholly in one part.
 */
#ifndef REPORT_REPORT_PAGES_H
#define REPORT_REPORT_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "trace/record.h"

#define REPORT_SLICES 100 /* equal parts of the run's time */
#define REPORT_HOT    20
#define REPORT_WINDOW 10 /* slices of the wide window */
/* Tables by how many of their 512 entries are in use: 1 to 8, to 64, to 256, to 512. */
#define REPORT_FILLS 4

struct report_hot_page {
    uint64_t address;
    uint64_t faults;
    uint16_t process;
};

/* Page tables of one level, as the faults of the session filled them. */
struct report_tables {
    uint64_t tables;
    uint64_t entries; /* in use */
    uint64_t fill[REPORT_FILLS];
};

/* A fault that waits for its place in the table to be fetched. */
#define REPORT_BATCH 64
struct report_pending {
    uint64_t key;
    uint16_t slice;
    uint8_t level;
};

struct report_page; /* opaque */
struct report_set;  /* opaque */

struct report_pages {
    /* What was found, over all passes so far. */
    uint64_t distinct;                      /* pages of 4 KiB with a fault */
    struct report_hot_page hot[REPORT_HOT]; /* most faults first, then by process and address */
    unsigned hots;
    uint64_t touched[REPORT_SLICES]; /* pages with a fault in the slice */
    uint64_t window[REPORT_SLICES];  /* … in the REPORT_WINDOW slices that end with it */
    uint64_t fresh[REPORT_SLICES];   /* pages whose first fault was in the slice */
    struct report_tables tables[5];  /* by level, 1 to 4 */

    uint64_t slice_ns; /* length of a slice, at least 1 */
    uint32_t parts, part;
    uint64_t limit;           /* of pages at one time */
    struct report_page *page; /* owns: open addressing */
    uint64_t capacity, used;
    int64_t window_change[REPORT_SLICES + REPORT_WINDOW + 1];
    struct report_set *upper[5]; /* own: tables seen, by level 2 to 4 */
    struct report_pending pending[REPORT_BATCH];
    unsigned pending_count;
    bool full; /* the pass has more pages than the limit */
};

/* duration_ns: of the run.  limit: pages held at one time; 0: the usual 3 million (64 MiB). */
MUST_CHECK bool report_pages_create(
    struct report_pages *pages, uint64_t duration_ns, uint64_t limit, struct err *err);
void report_pages_destroy(struct report_pages *pages); /* accepts a zeroed one */

/* Forget everything, and take part 0 of that many parts; where that is too many, of the most
 * there can be, with twice the limit. */
void report_pages_restart(struct report_pages *pages, uint32_t parts);

/* Count one fault if its page is in this pass's part.  After false the pass is void: there are
 * more pages than fit (restart with more parts), or with *err set, no memory. */
MUST_CHECK bool
report_pages_add(struct report_pages *pages, const struct fault_record *fault, struct err *err);

/* The pass is over: add what it found, and go on to the next part.  *more: there is one.  Fails
 * as report_pages_add() does. */
MUST_CHECK bool report_pages_end_pass(struct report_pages *pages, bool *more, struct err *err);

/* The slice of a time. */
unsigned report_pages_slice(const struct report_pages *pages, uint64_t time_ns);

#endif
