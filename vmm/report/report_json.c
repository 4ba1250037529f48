/*
 * One function for each member of the object; see report_json.h.  Texts from outside go through
 * text(), which makes valid UTF-8 of anything.
 */
#include "report/report_json.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_text.h"

static json_t *text(const char *bytes)
{
    json_t *made = json_string(bytes);

    if (made == NULL) {
        char *copy = strdup(bytes);
        for (char *at = copy; at != NULL && *at != '\0'; at++) {
            if ((unsigned char)*at >= 0x80) {
                *at = '?';
            }
        }
        made = copy != NULL ? json_string(copy) : NULL;
        free(copy);
    }
    return made;
}

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *address(uint64_t value)
{
    char hex[19];

    snprintf(hex, sizeof(hex), "0x%" PRIx64, value);
    return json_string(hex);
}

static json_t *texts(const char *const *words)
{
    json_t *array = json_array();

    for (; *words != NULL; words++) {
        json_array_append_new(array, text(*words));
    }
    return array;
}

static json_t *numbers(const uint64_t *values, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++) {
        json_array_append_new(array, number(values[i]));
    }
    return array;
}

/* The four members of every share, added to an object. */
static json_t *with_share(json_t *object, const struct report_share *share)
{
    json_object_set_new(object, "faults", number(share->faults));
    json_object_set_new(object, "minor", number(share->minor));
    json_object_set_new(object, "major", number(share->major));
    json_object_set_new(object, "service_ns", number(share->service_ns));
    return object;
}

static json_t *session(const struct report *report)
{
    const struct session_info *info = report->info;

    return json_pack(
        "{s:o, s:o, s:o, s:o, s:I, s:I, s:b, s:b, s:s, s:I, s:i, s:o, s:I, s:I}", "program",
        text(info->program), "argv", texts(info->argv), "vmm", text(info->vmm_version), "host",
        text(info->host), "started_unix_ns", (json_int_t)info->started_unix_ns, "duration_ns",
        (json_int_t)info->duration_ns, "ended", info->ended, "torn", info->torn, "tear",
        info->tear, "discarded", (json_int_t)info->discarded, "status", info->status, "reason",
        text(info->reason), "processes", (json_int_t)report->processes, "accesses",
        (json_int_t)report->accesses);
}

static json_t *faults(const struct counts *counts)
{
    json_t *kinds = json_object();

    for (unsigned i = 0; i < FAULT_KINDS; i++) {
        const struct counts_kind *kind = &counts->kind[i];
        if (kind->faults > 0) {
            json_object_set_new(
                kinds, record_kind_name((enum fault_kind)i),
                json_pack(
                    "{s:I, s:I, s:I, s:I}", "faults", (json_int_t)kind->faults, "pages",
                    (json_int_t)kind->pages, "median_ns",
                    (json_int_t)histogram_quantile(&kind->service_ns, 500), "p99_ns",
                    (json_int_t)histogram_quantile(&kind->service_ns, 990)));
        }
    }
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:o}", "total", (json_int_t)counts->total, "pages",
        (json_int_t)counts_pages(counts), "minor", (json_int_t)counts->minor, "major",
        (json_int_t)counts->major, "host", (json_int_t)counts->host, "kinds", kinds);
}

static json_t *process_kinds(const struct report_process *process)
{
    json_t *kinds = json_object();

    for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
        if (process->kinds[kind] > 0) {
            json_object_set_new(
                kinds, record_kind_name((enum fault_kind)kind), number(process->kinds[kind]));
        }
    }
    return kinds;
}

static json_t *processes(const struct report *report)
{
    json_t *array = json_array();

    for (size_t i = 0; i < report->by_process.count; i++) {
        const struct report_process *process = &report->by_process.list[i];
        bool forked = process->started && process->parent != process->process;
        json_t *object = json_pack(
            "{s:i, s:o, s:s, s:I, s:I, s:o, s:I, s:o}", "process", (int)process->process,
            "parent", forked ? json_integer(process->parent) : json_null(), "program",
            report_programs_path(&report->programs, process->process), "begin_ns",
            (json_int_t)process->begin_ns, "duration_ns",
            (json_int_t)report_lifetime_ns(report, process), "status",
            process->ended ? json_integer(process->status) : json_null(), "pages",
            (json_int_t)process->pages, "kinds", process_kinds(process));
        json_array_append_new(array, with_share(object, &process->share));
    }
    return array;
}

static json_t *regions(const struct report *report)
{
    json_t *array = json_array();

    for (size_t i = 0; i < report->region_count; i++) {
        const struct session_region *said = &report->regions[i].said;
        json_t *object = json_pack(
            "{s:i, s:I, s:o, s:o, s:i, s:o, s:o, s:o}", "process", (int)said->process, "id",
            (json_int_t)said->id, "begin", address(said->begin), "end", address(said->end),
            "permissions", (int)said->permissions, "name", text(report_region_name(said)),
            "label", text(said->label), "file", text(said->file));
        json_array_append_new(array, with_share(object, &report->regions[i].share));
    }
    return array;
}

static json_t *places(const struct report_place *list, size_t count, bool lines)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++) {
        json_t *object = json_object();
        if (lines) {
            json_object_set_new(object, "file", text(list[i].file));
            json_object_set_new(object, "line", json_integer(list[i].line));
        }
        json_object_set_new(object, "function", text(list[i].function));
        json_object_set_new(
            object, "program",
            list[i].program[0] != '\0' ? text(list[i].program) : json_null());
        json_array_append_new(array, with_share(object, &list[i].share));
    }
    return array;
}

static json_t *sites(const struct report *report)
{
    json_t *array = json_array();

    for (size_t i = 0; i < report->site_count; i++) {
        const struct report_site *site = &report->sites[i];
        json_t *object = json_pack(
            "{s:o}", "rip",
            site->rip == REPORT_SITE_OTHER ? json_string(REPORT_OTHER) : address(site->rip));
        json_array_append_new(array, with_share(object, &site->share));
    }
    return array;
}

static json_t *phases(const struct report *report)
{
    json_t *array = json_array();

    for (size_t i = 0; i < report->phase_count; i++) {
        const struct report_phase *phase = &report->phases[i];
        json_t *object = json_pack(
            "{s:o, s:I, s:I, s:I}", "name", text(phase->name), "times",
            (json_int_t)phase->times, "begin_ns", (json_int_t)phase->begin_ns, "duration_ns",
            (json_int_t)phase->duration_ns);
        json_array_append_new(array, with_share(object, &phase->share));
    }
    return array;
}

static json_t *results(const struct report *report)
{
    json_t *object = json_object();

    for (size_t i = 0; i < report->result_count; i++) {
        json_t *name = text(report->results[i].name);
        json_object_set_new(
            object, json_string_value(name), json_integer(report->results[i].value));
        json_decref(name);
    }
    return object;
}

static json_t *hot_pages(const struct report_pages *pages)
{
    json_t *array = json_array();

    for (unsigned i = 0; i < pages->hots; i++) {
        json_array_append_new(
            array,
            json_pack(
                "{s:i, s:o, s:I}", "process", (int)pages->hot[i].process, "address",
                address(pages->hot[i].address), "faults", (json_int_t)pages->hot[i].faults));
    }
    return array;
}

static json_t *over_time(const struct report *report)
{
    const struct report_pages *pages = &report->pages;
    json_t *kinds = json_object();

    for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
        uint64_t series[REPORT_SLICES];
        for (unsigned slice = 0; slice < REPORT_SLICES; slice++) {
            series[slice] = report->by_slice[slice][kind];
        }
        if (report->counts->kind[kind].faults > 0) {
            json_object_set_new(
                kinds, record_kind_name((enum fault_kind)kind), numbers(series, REPORT_SLICES));
        }
    }
    return json_pack(
        "{s:I, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "slice_ns", (json_int_t)pages->slice_ns,
        "window_slices", REPORT_WINDOW, "faults", kinds, "pages",
        numbers(pages->touched, REPORT_SLICES), "window_pages",
        numbers(pages->window, REPORT_SLICES), "new_pages",
        numbers(pages->fresh, REPORT_SLICES), "mapped_pages",
        numbers(report->mapped, REPORT_SLICES), "evicted_frames",
        numbers(report->evicted, REPORT_SLICES));
}

static json_t *service(const struct report *report)
{
    json_t *buckets = json_array();

    for (uint64_t from = 64; from <= UINT64_C(1) << 31; from *= 2) {
        uint64_t begin = from == 64 ? 0 : from;
        uint64_t to = from * 2;
        uint64_t count = report_count_service(report, begin, to);
        if (count > 0) {
            json_array_append_new(
                buckets, json_pack(
                             "{s:I, s:I, s:I}", "from_ns", (json_int_t)begin, "to_ns",
                             (json_int_t)to, "faults", (json_int_t)count));
        }
    }
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:o}", "median_ns",
        (json_int_t)report_service_quantile(report, 500), "p90_ns",
        (json_int_t)report_service_quantile(report, 900), "p99_ns",
        (json_int_t)report_service_quantile(report, 990), "p999_ns",
        (json_int_t)report_service_quantile(report, 999), "histogram", buckets);
}

static json_t *tables(const struct report_pages *pages)
{
    json_t *array = json_array();

    for (unsigned level = 4; level >= 1; level--) {
        const struct report_tables *at = &pages->tables[level];
        json_array_append_new(
            array, json_pack(
                       "{s:i, s:I, s:I, s:o}", "level", (int)level, "tables",
                       (json_int_t)at->tables, "entries", (json_int_t)at->entries,
                       "tables_by_fill", numbers(at->fill, REPORT_FILLS)));
    }
    return array;
}

bool report_print_json(
    FILE *out, const struct report *report, const struct report_source *source, struct err *err)
{
    const char *remedy = report_source_remedy(source->state);
    json_t *root = json_pack(
        "{s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s?, s:o, s:o, s:I, s:o, "
        "s:o, s:o, s:o}",
        "format", "vmm-report", "version", REPORT_JSON_VERSION, "session", session(report),
        "faults", faults(report->counts), "processes", processes(report), "regions",
        regions(report), "no_region", with_share(json_object(), &report->nowhere),
        "regions_cut", number(report->regions_cut), "functions",
        places(source->functions, source->function_count, false), "lines",
        places(source->lines, source->line_count, true), "sites", sites(report), "source_note",
        remedy, "phases", phases(report), "results", results(report), "distinct_pages",
        (json_int_t)report->pages.distinct, "hottest_pages", hot_pages(&report->pages), "time",
        over_time(report), "service", service(report), "page_tables", tables(&report->pages));
    bool ok = root != NULL && json_dumpf(root, out, JSON_INDENT(1)) == 0;

    json_decref(root);
    fputc('\n', out);
    return ok || err_set(err, ERR_ENVIRONMENT, "the report cannot be written as JSON");
}
