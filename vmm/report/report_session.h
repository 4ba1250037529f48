/*
 * Everything that a report says of a session, gathered in one struct: counts, regions, places
 * in the code, phases, pages, slices of time.  It refuses to print.  Read report_text.c for the
 * shortest of its users; counts.h and report_pages.h for parts of it.
 *
 * Memory does not grow with the number of faults: lists that a guest could make long have a
 * bound, and what comes beyond it is counted in a last entry of its own.
 */
#ifndef REPORT_REPORT_SESSION_H
#define REPORT_REPORT_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "report/report_pages.h"
#include "report/report_process.h"
#include "report/report_share.h"
#include "session/reader.h"
#include "trace/counts.h"

#define REPORT_PHASES_MAX  256
#define REPORT_RESULTS_MAX 256
#define REPORT_REGIONS_MAX 65536
#define REPORT_SITES_MAX   65536
#define REPORT_OTHER       "(others)"
#define REPORT_LOADING     "(loading)"      /* vmm, while it made the program's first stack */
#define REPORT_SITE_OTHER  (UINT64_MAX - 1) /* as a rip */

/* One region: what was last said of it, and its faults. */
struct report_region {
    struct session_region said;
    struct report_share share;
    uint64_t low, high; /* addresses of faults, if there are any: from low to high */
};

/* All parts of the run under one name; the first is what came before any mark. */
struct report_phase {
    char name[SESSION_NAME_BYTES];
    uint64_t begin_ns; /* of the first part */
    uint64_t duration_ns;
    uint64_t times; /* that it began */
    struct report_share share;
};

/* A figure that the guest reported; the last value of each name. */
struct report_result {
    char name[SESSION_NAME_BYTES];
    int64_t value;
};

/* An instruction that faulted. */
struct report_site {
    uint64_t rip;
    bool by_program; /* not only host accesses: at 0, those are from before the program ran */
    struct report_share share;
};

struct report {
    const struct session_info *info; /* borrows: the reader's */
    struct counts *counts;           /* owns */
    struct report_processes by_process;
    struct report_region *regions; /* owns; most faults first, then by process and address */
    size_t region_count;
    uint64_t regions_cut;        /* faults in regions beyond REPORT_REGIONS_MAX */
    struct report_share nowhere; /* in no region */
    struct report_phase *phases; /* owns; in order of beginning */
    size_t phase_count;
    struct report_result *results; /* owns; in order of first report */
    size_t result_count;
    struct report_site *sites; /* owns; most faults first, then by rip */
    size_t site_count;
    struct report_pages pages;
    uint64_t by_slice[REPORT_SLICES][FAULT_KINDS];
    uint64_t mapped[REPORT_SLICES];  /* pages of 4 KiB mapped in the slice */
    uint64_t evicted[REPORT_SLICES]; /* frames evicted in the slice */
    uint64_t accesses;               /* recorded memory accesses */
    uint64_t signals;
    struct session_signal last_signal; /* if signals > 0 */
    uint64_t processes;                /* that started */
};

/*
 * Read a whole session, in as many passes as its pages take.  page_limit: as
 * report_pages_create() has it.  Destroy *report with report_destroy() on success; the reader
 * must live as long.  Errors: those of session_next(), and ERR_ENVIRONMENT without memory.
 */
MUST_CHECK bool report_gather(
    struct report *report, struct session_reader *reader, uint64_t page_limit, struct err *err);
void report_destroy(struct report *report); /* accepts a zeroed one */

#endif
