/* What is told of a run while it goes on; see observe.h. */
#include "run/observe.h"

#include <stdio.h>

#include "base/clock.h"

static uint64_t since_start_ns(const struct lab *lab)
{
    return clock_now_ns() - lab->start_ns;
}

static void
trace_at(struct trace *trace, const struct fault_record *record, const struct region *region)
{
    if (region == NULL) {
        trace_fault(trace, record, NULL);
        return;
    }
    const struct region_spec *spec = &region->spec;
    const struct trace_region where = {
        .label = spec->label,
        .file = spec->backing != NULL ? spec->backing->name : NULL,
        .file_offset = record->address - region->begin.value + spec->file_offset,
        .permissions = spec->permissions};
    trace_fault(trace, record, &where);
}

void observe_fault(
    struct lab *lab, const struct fault_record *record, const struct region *region)
{
    if (lab->config->trace->open) {
        trace_at(lab->config->trace, record, region);
    }
    uint64_t major = lab->counts->major;
    counts_add(lab->counts, record);
    if (lab->counts->major != major) {
        lab->processes.current->major_faults++;
    } else {
        lab->processes.current->minor_faults++;
    }
}

void observe_host_fault(void *context, struct fault_record *record, const struct region *region)
{
    struct lab *lab = context;

    record->time_ns = record->time_ns > lab->start_ns ? record->time_ns - lab->start_ns : 0;
    observe_fault(lab, record, region);
}

void observe_phase(void *context, const char *name)
{
    struct lab *lab = context;

    trace_phase(lab->config->trace, since_start_ns(lab), name);
}

void observe_result(void *context, const char *name, int64_t value)
{
    struct lab *lab = context;

    trace_result(lab->config->trace, since_start_ns(lab), name, value);
}

void observe_unknown_request(void *context, uint64_t number, const char *name)
{
    const struct lab *lab = context;

    if (lab->config->verbose) {
        fprintf(
            stderr, "vmm: request %llu (%s) is not implemented: answered ENOSYS\n",
            (unsigned long long)number, name != NULL ? name : "unknown");
    }
}

void observe_killed(
    void *context,
    const struct process *process,
    const struct signal_info *info,
    const char *text)
{
    struct lab *lab = context;
    const struct trace_signal signal = {
        .number = info->number,
        .code = info->code,
        .address = gva_of(info->address),
        .rip = gva_of(info->rip),
        .text = text};

    trace_signal(lab->config->trace, since_start_ns(lab), &signal);
    if (lab->config->verbose && process != lab->processes.first) {
        fprintf(stderr, "vmm: process %d: %s\n", process->pid, text);
    }
}
