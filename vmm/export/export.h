/*
 * Turns a recorded session into another format.  It owns what formats have in common: the walk
 * over the events, which region and phase a fault belongs to, and the output file; each format
 * is a struct of functions in a file of its own.  Columns and formats are described in
 * docs/session-format.md.  Read export_columns.h next.
 */
#ifndef EXPORT_EXPORT_H
#define EXPORT_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "export/export_columns.h"
#include "session/reader.h"

struct report_set;
struct export;

/* Functions of a format; each returns false with *err, or, when only the output did not take
 * it, true: the walk looks at the stream itself. */
struct export_ops {
    const char *name;
    bool to_file_only; /* writes `path` by itself: no stream */
    bool has_columns;  /* --columns chooses among them */
    bool (*begin)(struct export *export, struct err *err);
    bool (*event)(struct export *export, const struct session_event *event, struct err *err);
    bool (*end)(struct export *export, struct err *err);
    void (*release)(struct export *export); /* whatever happened; NULL: nothing to do */
};

extern const struct export_ops export_csv, export_jsonl, export_sqlite, export_perfetto;

/* All formats, and how many there are; the name of the nearest is the caller's to find. */
#define EXPORT_FORMATS 4
const struct export_ops *export_format(size_t index);

/* What a format sees while the session goes by. */
struct export
{
    const struct session_info *info; /* borrows */
    const char *path;                /* borrows: of the output; NULL: standard output */
    FILE *out;                       /* NULL for to_file_only */
    const enum column *columns;      /* borrows; column_count of them */
    size_t column_count;
    const char *phase; /* the current one, "" before the first */
    void *own;         /* the format's */

    /* Private to export.c. */
    char phase_name[SESSION_NAME_BYTES];
    struct session_region *regions; /* owns: what was last said of each */
    size_t region_count;
    struct report_set *region_index; /* owns: (process, id) -> index + 1 */
};

/* The region of that number as it was last described; NULL where there is none. */
const struct session_region *
export_find_region(const struct export *export, uint16_t process, uint32_t id);

/* A fault as a row. */
struct column_row export_row(const struct export *export, const struct fault_record *fault);

/*
 * Export a session.  path: of the file to write; NULL or "-": standard output.  columns: of
 * each row, in that order; NULL: all (only for formats that have columns).  ERR_USAGE: the
 * format needs a file.  ERR_INPUT: the file cannot be made or, for to_file_only, exists;
 * damage in the session.  ERR_ENVIRONMENT: the output could not be written, no memory.
 */
MUST_CHECK bool export_session(
    struct session_reader *reader,
    const struct export_ops *ops,
    const char *path,
    const enum column *columns,
    size_t column_count,
    struct err *err);

#endif
