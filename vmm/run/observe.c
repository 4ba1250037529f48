/* What is told of a run while it goes on; see observe.h. */
#include "run/observe.h"

#include <stdio.h>
#include <sys/wait.h>

#include "base/clock.h"

static uint64_t since_start_ns(const struct lab *lab)
{
    return clock_now_ns() - lab->start_ns;
}

void observe_start(struct lab *lab)
{
    const uint16_t process = lab->space->process;

    if (lab->config->recorder != NULL) {
        recorder_process_start(lab->config->recorder, 0, process, process);
    }
}

void observe_end(struct lab *lab)
{
    struct recorder *recorder = lab->config->recorder;
    int status = outcome_exit_status(&lab->outcome);

    trace_end(lab->config->trace, lab->elapsed_ns, status, lab->outcome.reason);
    if (recorder != NULL) {
        recorder_regions(recorder, lab->elapsed_ns, lab->space->process, lab->space->regions);
        recorder_process_end(recorder, lab->elapsed_ns, lab->space->process, status);
        recorder_end(recorder, lab->elapsed_ns, status, lab->outcome.reason);
    }
}

/* The region as a trace shows it, at this address. */
static struct trace_region where(const struct region *region, uint64_t address)
{
    const struct region_spec *spec = &region->spec;

    return (struct trace_region){
        .label = spec->label,
        .file = spec->backing != NULL ? spec->backing->name : NULL,
        .file_offset = address - region->begin.value + spec->file_offset,
        .permissions = spec->permissions};
}

/* Apart from the fault path, which it would slow down without a trace. */
__attribute__((noinline, cold)) static void
trace_at(struct trace *trace, const struct fault_record *record, const struct region *region)
{
    if (region == NULL) {
        trace_fault(trace, record, NULL);
        return;
    }
    const struct trace_region at = where(region, record->address);
    trace_fault(trace, record, &at);
}

void observe_fault(struct lab *lab, const struct fault_record *record, struct region *region)
{
    /* First, so that what a trace shows has been recorded. */
    if (lab->config->recorder != NULL) {
        recorder_fault(lab->config->recorder, record, region);
    }
    if (lab->config->trace->open) {
        trace_at(lab->config->trace, record, region);
    }
    struct process *process = lab->processes.current;
    enum counts_class class = counts_add(lab->counts, record);

    process->minor_faults += class == COUNTS_MINOR ? 1 : 0;
    process->major_faults += class == COUNTS_MAJOR ? 1 : 0;
}

void observe_access(struct lab *lab, const struct access_record *record, struct region *region)
{
    lab->accesses++;
    if (lab->config->recorder != NULL) {
        recorder_access(lab->config->recorder, record, region);
    }
    if (lab->config->trace->open) {
        const struct trace_region at = where(region, record->address);
        trace_access(lab->config->trace, record, &at);
    }
}

void observe_host_fault(void *context, struct fault_record *record, struct region *region)
{
    struct lab *lab = context;

    record->time_ns = record->time_ns > lab->start_ns ? record->time_ns - lab->start_ns : 0;
    observe_fault(lab, record, region);
}

void observe_phase(void *context, const char *name)
{
    struct lab *lab = context;
    uint64_t time_ns = since_start_ns(lab);

    trace_phase(lab->config->trace, time_ns, name);
    if (lab->config->recorder != NULL) {
        recorder_phase(lab->config->recorder, time_ns, name);
    }
}

void observe_result(void *context, const char *name, int64_t value)
{
    struct lab *lab = context;
    uint64_t time_ns = since_start_ns(lab);

    trace_result(lab->config->trace, time_ns, name, value);
    if (lab->config->recorder != NULL) {
        recorder_result(lab->config->recorder, time_ns, name, value);
    }
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

void observe_started(void *context, const struct process *child, const struct process *parent)
{
    const struct lab *lab = context;

    if (lab->config->recorder != NULL) {
        recorder_process_start(
            lab->config->recorder, since_start_ns(lab), (uint16_t)child->pid,
            (uint16_t)parent->pid);
    }
}

void observe_ended(void *context, const struct process *process, int wait_status)
{
    const struct lab *lab = context;
    struct recorder *recorder = lab->config->recorder;
    const struct space *space = process->access.space;
    uint64_t time_ns = since_start_ns(lab);
    int status =
        WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);

    if (recorder != NULL) {
        /* A vfork child has its parent's space, which is not over yet. */
        if (space != NULL && space->process == (uint16_t)process->pid) {
            recorder_regions(recorder, time_ns, space->process, space->regions);
        }
        recorder_process_end(recorder, time_ns, (uint16_t)process->pid, status);
    }
}

void observe_executed(void *context, const struct process *process, const char *path)
{
    struct lab *lab = context;
    struct recorder *recorder = lab->config->recorder;
    const struct watch_ops *watch = lab->watch.ops;
    const struct space *space = process->access.space;
    uint64_t time_ns = since_start_ns(lab);

    trace_exec(lab->config->trace, time_ns, (unsigned)process->pid, path);
    if (recorder != NULL) {
        if (space->process == (uint16_t)process->pid) {
            recorder_regions(recorder, time_ns, space->process, space->regions);
        }
        recorder_exec(recorder, time_ns, (uint16_t)process->pid, path);
    }
    if (watch != NULL && watch->executed != NULL) {
        watch->executed(lab, process->pid, path);
    }
}

void observe_refused(void *context __attribute__((unused)), const char *text)
{
    fprintf(stderr, "vmm: exec: %s; only static x86-64 programs are run\n", text);
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

    uint64_t time_ns = since_start_ns(lab);
    trace_signal(lab->config->trace, time_ns, &signal);
    if (lab->config->recorder != NULL) {
        const struct session_signal event = {
            .address = info->address,
            .rip = info->rip,
            .number = info->number,
            .code = info->code,
            .process = (uint16_t)process->pid};
        recorder_signal(lab->config->recorder, time_ns, &event, text);
    }
    if (lab->config->verbose && process != lab->processes.first) {
        fprintf(stderr, "vmm: process %d: %s\n", process->pid, text);
    }
}
