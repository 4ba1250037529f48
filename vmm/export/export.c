/* The walk that all formats share; see export.h. */
#include "export/export.h"

#include <stdlib.h>
#include <string.h>

#include "report/report_set.h"

static const struct export_ops *const formats[EXPORT_FORMATS] = {
    &export_csv, &export_jsonl, &export_sqlite, &export_perfetto};

const struct export_ops *export_format(size_t index)
{
    return index < EXPORT_FORMATS ? formats[index] : NULL;
}

static uint64_t region_key(uint16_t process, uint32_t id)
{
    return (uint64_t)process << 32 | id;
}

const struct session_region *
export_find_region(const struct export *export, uint16_t process, uint32_t id)
{
    uint64_t known = report_set_count(export->region_index, region_key(process, id));

    return known > 0 ? &export->regions[known - 1] : NULL;
}

struct column_row export_row(const struct export *export, const struct fault_record *fault)
{
    return (struct column_row){
        .fault = fault,
        .region = fault->region != RECORD_NO_REGION
                      ? export_find_region(export, fault->process, fault->region)
                      : NULL,
        .phase = export->phase};
}

static bool
take_region(struct export *export, const struct session_region *said, struct err *err)
{
    uint64_t key = region_key(said->process, said->id);
    uint64_t known = report_set_count(export->region_index, key);

    if (known == 0) {
        size_t count = export->region_count;
        if ((count & (count - 1)) == 0) {
            size_t room = count == 0 ? 1 : count * 2;
            struct session_region *bigger = realloc(export->regions, room * sizeof(*bigger));
            if (bigger == NULL) {
                return err_set(err, ERR_ENVIRONMENT, "no memory for the regions");
            }
            export->regions = bigger;
        }
        known = ++export->region_count;
        if (!report_set_add(export->region_index, key, known, NULL)) {
            return err_set(err, ERR_ENVIRONMENT, "no memory for the regions");
        }
    }
    export->regions[known - 1] = *said;
    return true;
}

static bool note(struct export *export, const struct session_event *event, struct err *err)
{
    if (event->kind == SESSION_REGION) {
        return take_region(export, event->of.region, err);
    }
    if (event->kind == SESSION_PHASE) {
        memcpy(export->phase_name, event->of.phase->name, sizeof(export->phase_name));
    }
    return true;
}

static bool output_failed(const struct export *export, struct err *err)
{
    return err_set_errno(
        err, ERR_ENVIRONMENT, "cannot write %s",
        export->path != NULL ? export->path : "standard output");
}

static bool walk(
    struct export *export,
    struct session_reader *reader,
    const struct export_ops *ops,
    struct err *err)
{
    struct session_event event;
    enum session_next next;

    if (!ops->begin(export, err)) {
        return false;
    }
    while ((next = session_next(reader, &event, err)) == SESSION_NEXT) {
        if (!note(export, &event, err) || !ops->event(export, &event, err)) {
            return false;
        }
        if (export->out != NULL && ferror(export->out)) {
            return output_failed(export, err);
        }
    }
    return next == SESSION_DONE && ops->end(export, err);
}

static bool open_output(
    struct export *export, const struct export_ops *ops, const char *path, struct err *err)
{
    if (path != NULL && strcmp(path, "-") != 0) {
        export->path = path;
    }
    if (ops->to_file_only) {
        return export->path != NULL ||
               err_set(
                   err, ERR_USAGE, "format %s is a file: say which by --output=FILE",
                   ops->name);
    }
    export->out = export->path != NULL ? fopen(path, "we") : stdout;
    return export->out != NULL || err_set_errno(err, ERR_INPUT, "cannot write %s", path);
}

static bool close_output(struct export *export, struct err *err)
{
    if (export->out == NULL) {
        return true;
    }
    bool ok = fflush(export->out) == 0 && !ferror(export->out);
    ok = (export->out == stdout || fclose(export->out) == 0) && ok;
    return ok || output_failed(export, err);
}

bool export_session(
    struct session_reader *reader,
    const struct export_ops *ops,
    const char *path,
    const enum column *columns,
    size_t column_count,
    struct err *err)
{
    struct err later;
    struct export export = {
        .info = session_info(reader), .columns = columns, .column_count = column_count};

    export.phase = export.phase_name;
    if (!report_set_create(&export.region_index)) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for an export");
    }
    session_rewind(reader);
    bool ok = open_output(&export, ops, path, err);
    if (ok) {
        ok = walk(&export, reader, ops, err);
        if (ops->release != NULL) {
            ops->release(&export);
        }
        ok = close_output(&export, ok ? err : &later) && ok;
    }
    report_set_destroy(export.region_index);
    free(export.regions);
    return ok;
}
