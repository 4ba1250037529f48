/* One or more passes over a session; see report_session.h. */
#include "report/report_session.h"

#include <stdlib.h>
#include <string.h>

#include "report/report_set.h"

/* Where the passes are; what is found goes into the report. */
struct gather {
    struct report *report;
    struct report_set *region_index; /* owns: (process, id) -> index + 1 */
    struct report_set *site_index;   /* owns: rip -> index + 1 */
    uint64_t last_region_key;        /* most faults lie where the one before did */
    struct report_region *last_region;
    struct report_phase *phase;
    uint64_t phase_begin_ns;
    bool first_pass;
    uint64_t faults; /* in this pass */
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_ENVIRONMENT, "no memory for a report");
}

/* --- lists that grow to a bound --- */

/* Room for one more item of `bytes` behind `count` of them, doubling; NULL: no memory. */
static void *make_room(void *items, size_t count, size_t bytes)
{
    bool is_power = (count & (count - 1)) == 0;

    if (count != 0 && !is_power) {
        return items;
    }
    return realloc(items, (count == 0 ? 1 : count * 2) * bytes);
}

/* The index of a key in a set that keeps index + 1 as the count; false: it is not there yet,
 * and *index is the next one. */
static bool
find_index(struct report_set *set, uint64_t key, size_t next, size_t *index, struct err *err)
{
    uint64_t known = report_set_count(set, key);

    *index = known > 0 ? (size_t)known - 1 : next;
    if (known == 0 && !report_set_add(set, key, next + 1, NULL)) {
        return no_memory(err);
    }
    return true;
}

/* --- regions --- */

static uint64_t region_key(uint16_t process, uint32_t id)
{
    return (uint64_t)process << 32 | id;
}

static bool
take_region(struct gather *gather, const struct session_region *said, struct err *err)
{
    struct report *report = gather->report;
    uint64_t key = region_key(said->process, said->id);
    size_t index;

    if (report->region_count == REPORT_REGIONS_MAX &&
        report_set_count(gather->region_index, key) == 0) {
        return true;
    }
    if (!find_index(gather->region_index, key, report->region_count, &index, err)) {
        return false;
    }
    if (index == report->region_count) {
        struct report_region *bigger =
            make_room(report->regions, report->region_count, sizeof(*bigger));
        if (bigger == NULL) {
            return no_memory(err);
        }
        report->regions = bigger;
        bigger[report->region_count++] = (struct report_region){.said = *said};
        gather->last_region = NULL; /* the list may have moved */
    }
    report->regions[index].said = *said;
    return true;
}

static void note_address(struct report_region *region, uint64_t address)
{
    if (region->share.faults == 0 || address < region->low) {
        region->low = address;
    }
    if (region->share.faults == 0 || address > region->high) {
        region->high = address;
    }
}

static void add_to_region(struct gather *gather, const struct fault_record *fault)
{
    struct report *report = gather->report;

    if (fault->region == RECORD_NO_REGION) {
        report_share_add(&report->nowhere, fault);
        return;
    }
    uint64_t key = region_key(fault->process, fault->region);
    if (gather->last_region == NULL || gather->last_region_key != key) {
        uint64_t known = report_set_count(gather->region_index, key);
        if (known == 0) {
            report->regions_cut++;
            return;
        }
        gather->last_region = &report->regions[known - 1];
        gather->last_region_key = key;
    }
    note_address(gather->last_region, fault->address);
    report_share_add(&gather->last_region->share, fault);
}

/* --- places in the code --- */

static bool
add_to_site(struct gather *gather, const struct fault_record *fault, struct err *err)
{
    struct report *report = gather->report;
    uint64_t rip = fault->rip;
    size_t index;

    if (report->site_count >= REPORT_SITES_MAX &&
        report_set_count(gather->site_index, rip) == 0) {
        rip = REPORT_SITE_OTHER;
    }
    if (!find_index(gather->site_index, rip, report->site_count, &index, err)) {
        return false;
    }
    if (index == report->site_count) {
        struct report_site *bigger =
            make_room(report->sites, report->site_count, sizeof(*bigger));
        if (bigger == NULL) {
            return no_memory(err);
        }
        report->sites = bigger;
        bigger[report->site_count++] = (struct report_site){.rip = rip};
    }
    report_share_add(&report->sites[index].share, fault);
    report->sites[index].by_program |= (fault->access & RECORD_HOST) == 0;
    return true;
}

/* --- phases and results --- */

static void end_phase(struct gather *gather, uint64_t time_ns)
{
    if (gather->phase != NULL) {
        gather->phase->duration_ns += time_ns - gather->phase_begin_ns;
    }
}

static size_t find_phase(const struct report *report, const char *name)
{
    size_t i = 0;

    while (i < report->phase_count && strcmp(report->phases[i].name, name) != 0) {
        i++;
    }
    return i;
}

static bool
begin_phase(struct gather *gather, uint64_t time_ns, const char *name, struct err *err)
{
    struct report *report = gather->report;
    size_t i = find_phase(report, name);

    end_phase(gather, time_ns);
    if (i >= REPORT_PHASES_MAX - 1) {
        name = REPORT_OTHER;
        i = find_phase(report, name);
    }
    if (i == report->phase_count) {
        struct report_phase *bigger =
            make_room(report->phases, report->phase_count, sizeof(*bigger));
        if (bigger == NULL) {
            return no_memory(err);
        }
        report->phases = bigger;
        bigger[i] = (struct report_phase){.begin_ns = time_ns};
        strncpy(bigger[i].name, name, sizeof(bigger[i].name) - 1);
        report->phase_count++;
    }
    gather->phase = &report->phases[i];
    gather->phase->times++;
    gather->phase_begin_ns = time_ns;
    return true;
}

static bool
take_result(struct report *report, const struct session_result *result, struct err *err)
{
    size_t i = 0;

    while (i < report->result_count && strcmp(report->results[i].name, result->name) != 0) {
        i++;
    }
    if (i == REPORT_RESULTS_MAX) {
        return true;
    }
    if (i == report->result_count) {
        struct report_result *bigger = make_room(report->results, i, sizeof(*bigger));
        if (bigger == NULL) {
            return no_memory(err);
        }
        report->results = bigger;
        memcpy(bigger[i].name, result->name, sizeof(bigger[i].name));
        report->result_count++;
    }
    report->results[i].value = result->value;
    return true;
}

/* --- events --- */

static bool take_fault(struct gather *gather, const struct fault_record *fault, struct err *err)
{
    struct report *report = gather->report;
    unsigned slice = report_pages_slice(&report->pages, fault->time_ns);

    counts_add(report->counts, fault);
    report->by_slice[slice][fault->kind]++;
    report->mapped[slice] += counts_pages_written(fault);
    report->evicted[slice] += fault->evicted != RECORD_NO_FRAME ? 1 : 0;
    add_to_region(gather, fault);
    report_share_add(&gather->phase->share, fault);
    return report_processes_add(&report->by_process, fault, err) &&
           add_to_site(gather, fault, err);
}

static bool
take_event(struct gather *gather, const struct session_event *event, struct err *err)
{
    struct report *report = gather->report;

    switch (event->kind) {
    case SESSION_FAULT:
        return take_fault(gather, event->of.fault, err);
    case SESSION_PHASE:
        return begin_phase(gather, event->time_ns, event->of.phase->name, err);
    case SESSION_RESULT:
        return take_result(report, event->of.result, err);
    case SESSION_REGION:
        return take_region(gather, event->of.region, err);
    case SESSION_PROCESS_START:
        report->processes++;
        return report_processes_start(
            &report->by_process, event->time_ns, event->of.start->process,
            event->of.start->parent, err);
    case SESSION_PROCESS_END:
        return report_processes_end(
            &report->by_process, event->time_ns, event->of.end_process->process,
            event->of.end_process->status, err);
    case SESSION_SIGNAL:
        report->signals++;
        report->last_signal = *event->of.signal;
        return true;
    case SESSION_ACCESS:
        report->accesses++;
        return true;
    case SESSION_END:
    case SESSION_EVENTS:
        return true;
    }
    return true;
}

/* --- passes --- */

/* One pass: everything in the first one, only pages in the others.  A pass whose pages do not
 * fit goes on without them. */
static bool pass(struct gather *gather, struct session_reader *reader, struct err *err)
{
    struct report_pages *pages = &gather->report->pages;
    struct session_event event;
    enum session_next next;

    gather->faults = 0;
    while ((next = session_next(reader, &event, err)) == SESSION_NEXT) {
        if (gather->first_pass && !take_event(gather, &event, err)) {
            return false;
        }
        if (event.kind != SESSION_FAULT || pages->full) {
            continue;
        }
        gather->faults++;
        if (!report_pages_add(pages, event.of.fault, err) && !pages->full) {
            return false;
        }
        if (pages->full && !gather->first_pass) {
            break;
        }
    }
    return next != SESSION_FAILED;
}

/* Enough parts, if pages keep coming as they did until the table was full; twice as many as
 * before at least. */
static uint32_t parts_needed(const struct gather *gather)
{
    const struct report *report = gather->report;
    uint64_t estimate = report->counts->total / (gather->faults > 0 ? gather->faults : 1) + 1;
    uint64_t parts = (uint64_t)report->pages.parts * (estimate + estimate / 4 + 1);

    return parts < UINT32_MAX ? (uint32_t)parts : UINT32_MAX;
}

static bool all_passes(struct gather *gather, struct session_reader *reader, struct err *err)
{
    struct report_pages *pages = &gather->report->pages;
    bool more = true;

    gather->first_pass = true;
    while (more) {
        session_rewind(reader);
        if (!pass(gather, reader, err)) {
            return false;
        }
        gather->first_pass = false;
        bool ok = pages->full || report_pages_end_pass(pages, &more, err);
        if (pages->full) {
            report_pages_restart(pages, parts_needed(gather));
        } else if (!ok) {
            return false;
        }
    }
    return true;
}

/* --- the order in which a reader wants it --- */

static int compare_numbers(uint64_t more, uint64_t less)
{
    return more > less ? -1 : more < less;
}

static int compare_regions(const void *a, const void *b)
{
    const struct report_region *one = a, *other = b;
    int order = compare_numbers(one->share.faults, other->share.faults);

    if (order == 0) {
        order = compare_numbers(other->said.process, one->said.process);
    }
    return order != 0 ? order : compare_numbers(other->said.begin, one->said.begin);
}

static int compare_sites(const void *a, const void *b)
{
    const struct report_site *one = a, *other = b;
    int order = compare_numbers(one->share.faults, other->share.faults);

    return order != 0 ? order : compare_numbers(other->rip, one->rip);
}

static void sort(struct report *report)
{
    report_processes_sort(&report->by_process);
    if (report->region_count > 0) {
        qsort(report->regions, report->region_count, sizeof(*report->regions), compare_regions);
    }
    if (report->site_count > 0) {
        qsort(report->sites, report->site_count, sizeof(*report->sites), compare_sites);
    }
}

bool report_gather(
    struct report *report, struct session_reader *reader, uint64_t page_limit, struct err *err)
{
    struct gather gather = {.report = report};

    *report = (struct report){.info = session_info(reader)};
    report->counts = calloc(1, sizeof(*report->counts));
    bool ok = (report->counts != NULL && report_set_create(&gather.region_index) &&
               report_set_create(&gather.site_index)) ||
              no_memory(err);
    ok = ok &&
         report_pages_create(&report->pages, report->info->duration_ns, page_limit, err) &&
         begin_phase(&gather, 0, "(start)", err) && all_passes(&gather, reader, err);
    if (ok) {
        end_phase(&gather, report->info->duration_ns);
        sort(report);
    }
    report_set_destroy(gather.region_index);
    report_set_destroy(gather.site_index);
    if (!ok) {
        report_destroy(report);
    }
    return ok;
}

void report_destroy(struct report *report)
{
    free(report->counts);
    report_processes_destroy(&report->by_process);
    free(report->regions);
    free(report->phases);
    free(report->results);
    free(report->sites);
    report_pages_destroy(&report->pages);
    *report = (struct report){0};
}
