/*
 * The columns of a fault: names, and values as cells, once for all formats that have columns.
 * It refuses to know how a cell is written.  Read export_csv.c for a user;
 * docs/session-format.md describes each.
 */
#ifndef EXPORT_EXPORT_COLUMNS_H
#define EXPORT_EXPORT_COLUMNS_H

#include <stdint.h>

#include "base/err.h"
#include "session/format.h"

enum column {
    COLUMN_TIME_NS,
    COLUMN_SERVICE_NS,
    COLUMN_PROCESS,
    COLUMN_KIND,
    COLUMN_ACTION,
    COLUMN_CLASS,
    COLUMN_ACCESS,
    COLUMN_RING,
    COLUMN_PROTECTION,
    COLUMN_ADDRESS,
    COLUMN_RIP,
    COLUMN_REGION,
    COLUMN_REGION_NAME,
    COLUMN_PHASE,
    COLUMN_LEVEL,
    COLUMN_PAGES,
    COLUMN_AROUND,
    COLUMN_FRAME,
    COLUMN_EVICTED,
    COLUMN_ENTRY_BEFORE,
    COLUMN_ENTRY_AFTER,
    COLUMNS
};

struct column_row {
    const struct fault_record *fault;
    const struct session_region *region; /* NULL: none, or not known */
    const char *phase;                   /* "" before the first mark */
};

enum cell_kind { CELL_NULL, CELL_NUMBER, CELL_ADDRESS, CELL_TEXT };

struct cell {
    enum cell_kind kind;
    uint64_t number;  /* CELL_NUMBER, CELL_ADDRESS */
    const char *text; /* CELL_TEXT; borrowed from the row, or static */
};

const char *column_name(enum column column);
struct cell column_cell(enum column column, const struct column_row *row);

#endif
