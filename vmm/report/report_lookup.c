/* Small questions that the forms of a report have in common; see report_text.h. */
#include <stdlib.h>
#include <string.h>

#include "report/report_text.h"
#include "space/region.h"
#include "trace/line.h"

const char *report_number(uint64_t value, char buffer[REPORT_NUMBER_BYTES])
{
    struct line line;

    line_start(&line, buffer, REPORT_NUMBER_BYTES - 1);
    line_grouped(&line, value);
    buffer[line_bytes(&line)] = '\0';
    return buffer;
}

const char *report_region_name(const struct session_region *region)
{
    if (region->label[0] != '\0') {
        return region->label;
    }
    return region->file[0] != '\0' ? region->file
                                   : region_kind_name((enum region_kind)region->kind);
}

bool report_has_processes(const struct report *report)
{
    return report->by_process.count > 1;
}

const char *
report_parent(const struct report_process *process, char buffer[REPORT_ENDING_BYTES])
{
    if (process->started && process->parent != process->process) {
        snprintf(buffer, REPORT_ENDING_BYTES, "%u", process->parent);
    } else {
        snprintf(buffer, REPORT_ENDING_BYTES, "-");
    }
    return buffer;
}

const char *
report_ending(const struct report_process *process, char buffer[REPORT_ENDING_BYTES])
{
    if (process->ended) {
        snprintf(buffer, REPORT_ENDING_BYTES, "status %d", process->status);
    } else {
        snprintf(buffer, REPORT_ENDING_BYTES, "-");
    }
    return buffer;
}

uint64_t report_lifetime_ns(const struct report *report, const struct report_process *process)
{
    uint64_t end_ns = process->ended ? process->end_ns : report->info->duration_ns;

    return end_ns - process->begin_ns;
}

const struct report_region *
report_find_region(const struct report *report, uint16_t process, uint64_t address)
{
    for (size_t i = 0; i < report->region_count; i++) {
        const struct session_region *said = &report->regions[i].said;
        if (said->process == process && address >= said->begin && address < said->end) {
            return &report->regions[i];
        }
    }
    return NULL;
}

/* Buckets that begin in the range: their edges are powers of two and 32nds of them, and so are
 * the ranges that are asked for. */
uint64_t report_count_service(const struct report *report, uint64_t from_ns, uint64_t to_ns)
{
    uint64_t count = 0;

    if (from_ns > UINT32_MAX) {
        return 0;
    }
    unsigned first = histogram_bucket((uint32_t)from_ns);
    unsigned last = to_ns > UINT32_MAX ? HISTOGRAM_BUCKETS : histogram_bucket((uint32_t)to_ns);
    for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
        for (unsigned i = first; i < last; i++) {
            count += report->counts->kind[kind].service_ns.count[i];
        }
    }
    return count;
}

uint32_t report_service_quantile(const struct report *report, unsigned per_mille)
{
    struct histogram *all = calloc(1, sizeof(*all));
    uint32_t quantile = 0;

    if (all != NULL) {
        for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
            for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
                all->count[i] += report->counts->kind[kind].service_ns.count[i];
            }
        }
        quantile = histogram_quantile(all, per_mille);
        free(all);
    }
    return quantile;
}
