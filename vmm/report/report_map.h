/*
 * Faults over addresses and time, as a picture of bins: a band of rows for each of the regions
 * with most faults, a column for each slice of time.  It refuses to draw.  Read report_script.c
 * for who does.
 */
#ifndef REPORT_REPORT_MAP_H
#define REPORT_REPORT_MAP_H

#include <stdint.h>

#include "base/err.h"
#include "report/report_session.h"

#define REPORT_BANDS 10
#define REPORT_ROWS  160

struct report_band {
    const struct report_region *region; /* borrows from the report */
    uint64_t low;                       /* address of its first page with a fault */
    uint64_t pages;                     /* from there to its last one */
    unsigned row, rows;
};

struct report_map {
    struct report_band bands[REPORT_BANDS]; /* by process and address, lowest row first */
    unsigned band_count;
    unsigned rows;   /* in use */
    uint64_t others; /* faults in no band */
    uint32_t bin[REPORT_ROWS][REPORT_SLICES];
};

/* Read the session once more and fill in the bins.  Errors: those of session_next(). */
MUST_CHECK bool report_map_fill(
    struct report_map *map,
    const struct report *report,
    struct session_reader *reader,
    struct err *err);

#endif
