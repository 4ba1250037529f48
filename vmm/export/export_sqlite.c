/*
 * A SQLite database: a table for each kind of event, indices, and views for a first look.  All
 * in one transaction, so that the file has everything or is not there.  The tables are described
 * in docs/session-format.md.
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/library.h"
#include "export/export.h"

/* clang-format off */
#define FUNCTIONS(f)                                                                           \
    f(sqlite3_bind_int64) f(sqlite3_bind_null) f(sqlite3_bind_text) f(sqlite3_close)           \
    f(sqlite3_errmsg) f(sqlite3_exec) f(sqlite3_finalize) f(sqlite3_open)                      \
    f(sqlite3_prepare_v2) f(sqlite3_reset) f(sqlite3_step)
/* clang-format on */

struct sqlite {
    FUNCTIONS(LIBRARY_MEMBER)
};

static const char *const functions[] = {FUNCTIONS(LIBRARY_NAME) NULL};
static const char *const files[] = {"libsqlite3.so.0", NULL};

enum statement {
    INSERT_FAULT,
    INSERT_REGION,
    INSERT_PHASE,
    INSERT_RESULT,
    INSERT_SIGNAL,
    INSERT_PROCESS,
    END_PROCESS,
    INSERT_ACCESS,
    INSERT_FACT,
    STATEMENTS
};

struct database {
    struct sqlite sqlite;
    sqlite3 *db;                         /* owns */
    sqlite3_stmt *statement[STATEMENTS]; /* own */
    uint64_t faults;
    bool done;
};

/* A statement whose values are bound one by one. */
struct row {
    const struct sqlite *sqlite; /* borrows */
    sqlite3_stmt *statement;     /* borrows */
};

static const char schema[] =
    "PRAGMA journal_mode = OFF;"
    "PRAGMA synchronous = OFF;"
    "PRAGMA user_version = 1;"
    "BEGIN;"
    "CREATE TABLE session (name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE regions (process INTEGER, id INTEGER, time_ns INTEGER, begin_address "
    "INTEGER, "
    "end_address INTEGER, permissions INTEGER, label TEXT, file TEXT, file_offset INTEGER);"
    "CREATE TABLE phases (time_ns INTEGER, name TEXT);"
    "CREATE TABLE results (time_ns INTEGER, name TEXT, value INTEGER);"
    "CREATE TABLE signals (time_ns INTEGER, process INTEGER, number INTEGER, code INTEGER, "
    "address INTEGER, rip INTEGER, text TEXT);"
    "CREATE TABLE processes (process INTEGER, parent INTEGER, start_ns INTEGER, end_ns "
    "INTEGER, "
    "status INTEGER);"
    "CREATE TABLE accesses (time_ns INTEGER, process INTEGER, access INTEGER, address INTEGER, "
    "bytes INTEGER, rip INTEGER, region INTEGER);";

static const char indices[] =
    "CREATE INDEX faults_by_address ON faults (address);"
    "CREATE INDEX faults_by_kind ON faults (kind);"
    "CREATE INDEX faults_by_rip ON faults (rip);"
    "CREATE INDEX faults_by_region ON faults (process, region);"
    "CREATE INDEX faults_by_time ON faults (time_ns);"
    "CREATE VIEW fault AS SELECT id, time_ns / 1e6 AS ms, service_ns / 1e3 AS us, process, "
    "kind, "
    "action, class, access, ring, printf('0x%x', address) AS address, "
    "printf('0x%x', address & ~4095) AS page, printf('0x%x', rip) AS rip, region_name, phase "
    "FROM faults;"
    "CREATE VIEW kinds AS SELECT kind, class, count(*) AS faults, sum(pages) AS pages, "
    "avg(service_ns) AS mean_ns, min(service_ns) AS min_ns, max(service_ns) AS max_ns "
    "FROM faults GROUP BY kind, class ORDER BY faults DESC;"
    "COMMIT;";

static const char *const inserts[STATEMENTS] = {
    [INSERT_REGION] = "INSERT INTO regions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [INSERT_PHASE] = "INSERT INTO phases VALUES (?, ?)",
    [INSERT_RESULT] = "INSERT INTO results VALUES (?, ?, ?)",
    [INSERT_SIGNAL] = "INSERT INTO signals VALUES (?, ?, ?, ?, ?, ?, ?)",
    [INSERT_PROCESS] = "INSERT INTO processes VALUES (?, ?, ?, NULL, NULL)",
    [END_PROCESS] = "UPDATE processes SET end_ns = ?, status = ? WHERE process = ?",
    [INSERT_ACCESS] = "INSERT INTO accesses VALUES (?, ?, ?, ?, ?, ?, ?)",
    [INSERT_FACT] = "INSERT OR REPLACE INTO session VALUES (?, ?)",
};

static bool fail(const struct export *export, struct err *err)
{
    const struct database *database = export->own;

    return err_set(
        err, ERR_ENVIRONMENT, "cannot write %s: %s", export->path,
        database->db != NULL ? database->sqlite.sqlite3_errmsg(database->db) : "no memory");
}

static bool run_script(const struct export *export, const char *script, struct err *err)
{
    const struct database *database = export->own;

    return database->sqlite.sqlite3_exec(database->db, script, NULL, NULL, NULL) == SQLITE_OK ||
           fail(export, err);
}

/* --- binding --- */

static struct row row_of(const struct export *export, enum statement which)
{
    const struct database *database = export->own;

    return (struct row){&database->sqlite, database->statement[which]};
}

static void bind_number(struct row row, int at, uint64_t value)
{
    row.sqlite->sqlite3_bind_int64(row.statement, at, (sqlite3_int64)value);
}

static void bind_text(struct row row, int at, const char *text)
{
    row.sqlite->sqlite3_bind_text(row.statement, at, text, -1, SQLITE_TRANSIENT);
}

static bool insert(struct export *export, enum statement which, struct err *err)
{
    const struct row row = row_of(export, which);
    bool ok = row.sqlite->sqlite3_step(row.statement) == SQLITE_DONE;

    row.sqlite->sqlite3_reset(row.statement);
    return ok || fail(export, err);
}

static bool
insert_fact(struct export *export, const char *name, const char *value, struct err *err)
{
    bind_text(row_of(export, INSERT_FACT), 1, name);
    bind_text(row_of(export, INSERT_FACT), 2, value);
    return insert(export, INSERT_FACT, err);
}

static bool
insert_number_fact(struct export *export, const char *name, uint64_t value, struct err *err)
{
    bind_text(row_of(export, INSERT_FACT), 1, name);
    bind_number(row_of(export, INSERT_FACT), 2, value);
    return insert(export, INSERT_FACT, err);
}

/* --- begin --- */

static bool
prepare_one(struct export *export, enum statement which, const char *text, struct err *err)
{
    struct database *database = export->own;

    return database->sqlite.sqlite3_prepare_v2(
               database->db, text, -1, &database->statement[which], NULL) == SQLITE_OK ||
           fail(export, err);
}

/* The faults' table has the columns of export_columns.h, numbered by `id`. */
static bool create_faults(struct export *export, struct err *err)
{
    char create[1024] = "CREATE TABLE faults (id INTEGER PRIMARY KEY", values[256] = "?";

    for (unsigned i = 0; i < COLUMNS; i++) {
        size_t used = strlen(create);
        snprintf(create + used, sizeof(create) - used, ", %s", column_name((enum column)i));
        used = strlen(values);
        snprintf(values + used, sizeof(values) - used, ", ?");
    }
    strncat(create, ");", sizeof(create) - strlen(create) - 1);
    if (!run_script(export, create, err)) {
        return false;
    }
    snprintf(create, sizeof(create), "INSERT INTO faults VALUES (%s)", values);
    return prepare_one(export, INSERT_FAULT, create, err);
}

static bool prepare(struct export *export, struct err *err)
{
    bool ok = true;

    for (unsigned i = 0; i < STATEMENTS && ok; i++) {
        ok = inserts[i] == NULL || prepare_one(export, (enum statement)i, inserts[i], err);
    }
    return ok;
}

static bool insert_facts(struct export *export, struct err *err)
{
    const struct session_info *info = export->info;

    return insert_fact(export, "program", info->program, err) &&
           insert_fact(export, "vmm", info->vmm_version, err) &&
           insert_fact(export, "host", info->host, err) &&
           insert_fact(export, "reason", info->reason, err) &&
           insert_number_fact(export, "started_unix_ns", info->started_unix_ns, err) &&
           insert_number_fact(export, "duration_ns", info->duration_ns, err) &&
           insert_number_fact(export, "status", (uint64_t)info->status, err) &&
           insert_number_fact(export, "torn", info->torn ? 1 : 0, err) &&
           insert_number_fact(export, "discarded", info->discarded, err);
}

static bool begin(struct export *export, struct err *err)
{
    /* Into an existing database the tables would be mixed. */
    if (access(export->path, F_OK) == 0) {
        return err_set(
            err, ERR_INPUT, "%s exists: a database is written into a new file only",
            export->path);
    }
    struct database *database = calloc(1, sizeof(*database));
    if (database == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for an export");
    }
    if (!library_load(files, functions, &database->sqlite, err)) {
        free(database);
        return false;
    }
    export->own = database;
    if (database->sqlite.sqlite3_open(export->path, &database->db) != SQLITE_OK) {
        return fail(export, err);
    }
    return run_script(export, schema, err) && create_faults(export, err) &&
           prepare(export, err) && insert_facts(export, err);
}

/* --- events --- */

static bool
insert_fault(struct export *export, const struct fault_record *fault, struct err *err)
{
    struct database *database = export->own;
    const struct row out = row_of(export, INSERT_FAULT);
    const struct column_row row = export_row(export, fault);

    bind_number(out, 1, ++database->faults);
    for (int i = 0; i < COLUMNS; i++) {
        const struct cell cell = column_cell((enum column)i, &row);
        switch (cell.kind) {
        case CELL_NULL:
            out.sqlite->sqlite3_bind_null(out.statement, i + 2);
            break;
        case CELL_NUMBER:
        case CELL_ADDRESS:
            bind_number(out, i + 2, cell.number);
            break;
        case CELL_TEXT:
            /* The row outlives the step. */
            out.sqlite->sqlite3_bind_text(out.statement, i + 2, cell.text, -1, SQLITE_STATIC);
            break;
        }
    }
    return insert(export, INSERT_FAULT, err);
}

static bool insert_region(
    struct export *export,
    const struct session_region *region,
    uint64_t time_ns,
    struct err *err)
{
    const struct row row = row_of(export, INSERT_REGION);

    bind_number(row, 1, region->process);
    bind_number(row, 2, region->id);
    bind_number(row, 3, time_ns);
    bind_number(row, 4, region->begin);
    bind_number(row, 5, region->end);
    bind_number(row, 6, region->permissions);
    bind_text(row, 7, region->label);
    bind_text(row, 8, region->file);
    bind_number(row, 9, region->file_offset);
    return insert(export, INSERT_REGION, err);
}

static bool insert_signal(
    struct export *export,
    const struct session_signal *signal,
    uint64_t time_ns,
    struct err *err)
{
    const struct row row = row_of(export, INSERT_SIGNAL);

    bind_number(row, 1, time_ns);
    bind_number(row, 2, signal->process);
    bind_number(row, 3, (uint64_t)signal->number);
    bind_number(row, 4, (uint64_t)signal->code);
    bind_number(row, 5, signal->address);
    bind_number(row, 6, signal->rip);
    bind_text(row, 7, signal->text);
    return insert(export, INSERT_SIGNAL, err);
}

static bool insert_access(
    struct export *export,
    const struct session_access *access,
    uint64_t time_ns,
    struct err *err)
{
    const struct row row = row_of(export, INSERT_ACCESS);

    bind_number(row, 1, time_ns);
    bind_number(row, 2, access->process);
    bind_number(row, 3, access->access);
    bind_number(row, 4, access->address);
    bind_number(row, 5, access->bytes);
    bind_number(row, 6, access->rip);
    bind_number(row, 7, access->region);
    return insert(export, INSERT_ACCESS, err);
}

/* Events of a time, a name or two numbers. */
static bool
insert_small(struct export *export, const struct session_event *event, struct err *err)
{
    switch (event->kind) {
    case SESSION_PHASE:
        bind_number(row_of(export, INSERT_PHASE), 1, event->time_ns);
        bind_text(row_of(export, INSERT_PHASE), 2, event->of.phase->name);
        return insert(export, INSERT_PHASE, err);
    case SESSION_RESULT:
        bind_number(row_of(export, INSERT_RESULT), 1, event->time_ns);
        bind_text(row_of(export, INSERT_RESULT), 2, event->of.result->name);
        bind_number(row_of(export, INSERT_RESULT), 3, (uint64_t)event->of.result->value);
        return insert(export, INSERT_RESULT, err);
    case SESSION_PROCESS_START:
        bind_number(row_of(export, INSERT_PROCESS), 1, event->of.start->process);
        bind_number(row_of(export, INSERT_PROCESS), 2, event->of.start->parent);
        bind_number(row_of(export, INSERT_PROCESS), 3, event->time_ns);
        return insert(export, INSERT_PROCESS, err);
    default:
        bind_number(row_of(export, END_PROCESS), 1, event->time_ns);
        bind_number(row_of(export, END_PROCESS), 2, (uint64_t)event->of.end_process->status);
        bind_number(row_of(export, END_PROCESS), 3, event->of.end_process->process);
        return insert(export, END_PROCESS, err);
    }
}

static bool event(struct export *export, const struct session_event *event, struct err *err)
{
    switch (event->kind) {
    case SESSION_FAULT:
        return insert_fault(export, event->of.fault, err);
    case SESSION_REGION:
        return insert_region(export, event->of.region, event->time_ns, err);
    case SESSION_SIGNAL:
        return insert_signal(export, event->of.signal, event->time_ns, err);
    case SESSION_ACCESS:
        return insert_access(export, event->of.access, event->time_ns, err);
    case SESSION_PHASE:
    case SESSION_RESULT:
    case SESSION_PROCESS_START:
    case SESSION_PROCESS_END:
        return insert_small(export, event, err);
    case SESSION_END:
    case SESSION_EVENTS:
        return true;
    }
    return true;
}

static bool end(struct export *export, struct err *err)
{
    struct database *database = export->own;

    database->done = run_script(export, indices, err);
    return database->done;
}

static void release(struct export *export)
{
    struct database *database = export->own;

    if (database == NULL) {
        return; /* the file is not ours */
    }
    for (unsigned i = 0; i < STATEMENTS; i++) {
        database->sqlite.sqlite3_finalize(database->statement[i]);
    }
    database->sqlite.sqlite3_close(database->db);
    if (!database->done) {
        unlink(export->path);
    }
    free(database);
    export->own = NULL;
}

const struct export_ops export_sqlite = {
    .name = "sqlite",
    .to_file_only = true,
    .begin = begin,
    .event = event,
    .end = end,
    .release = release};
