/*
 * The run loop: enter the guest, see why it came back, serve that, until there is an outcome.
 * One function per kind of event; each hands its work to the module that owns it
 * (fault/pager.h, linux/process.h, run/schedule.h) and tells observe.h.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "linux/requests.h"
#include "linux/signals.h"
#include "run/describe.h"
#include "run/exception.h"
#include "run/host_signals.h"
#include "run/lab.h"
#include "run/observe.h"
#include "run/progress.h"
#include "run/setup.h"

/* By a table, as it is on the path of every fault: three of the bits, then the fourth. */
static uint8_t access_of(uint64_t error_code)
{
    static const uint8_t access[8] = {
        [PF_PRESENT] = RECORD_PROT,
        [PF_WRITE] = RECORD_WRITE,
        [PF_WRITE | PF_PRESENT] = RECORD_WRITE | RECORD_PROT,
        [PF_USER] = RECORD_USER,
        [PF_USER | PF_PRESENT] = RECORD_USER | RECORD_PROT,
        [PF_USER | PF_WRITE] = RECORD_USER | RECORD_WRITE,
        [PF_USER | PF_WRITE | PF_PRESENT] = RECORD_USER | RECORD_WRITE | RECORD_PROT};

    uint8_t fetch = (error_code & PF_FETCH) != 0 ? RECORD_FETCH : 0;

    return access[error_code & 7] | fetch;
}

/* Without EFER.NXE the error code does not tell a fetch: the address being rip does. */
static uint8_t access_of_trap(const struct machine_trap *trap)
{
    uint8_t access = access_of(trap->error_code);

    return (access & RECORD_WRITE) == 0 && trap->address.value == trap->rip
               ? (uint8_t)(access | RECORD_FETCH)
               : access;
}

/* The fault is the program's to hear of; it may have a handler for it. */
static void force_fault(
    struct lab *lab,
    const struct machine_trap *trap,
    const struct fault_record *record,
    const struct pager_signal *signal,
    const char *text)
{
    const struct signal_info info = {
        .number = signal->number,
        /* A code of the kernel's own, as nobody sent it. */
        .code = signal->code != 0 ? signal->code : SI_KERNEL,
        .address = record->address,
        .error_code = trap->error_code,
        .vector = VECTOR_PF,
        .rip = record->rip};

    signal_force(lab->processes.current, &info, text);
}

/* What pager_fault does, and observed. */
static bool decide_fault(
    struct lab *lab,
    const struct machine_trap *trap,
    struct fault_record *record,
    struct pager_signal *signal,
    struct region **region)
{
    if (lab->watch.ops != NULL) {
        return lab->watch.ops->fault(lab, trap, record, signal, region);
    }
    bool resolved = pager_fault(lab->processes.current->access.space, record, signal, region);
    record->service_ns = clock_saturate_ns(clock_ns_since(lab->clock, trap->exit));
    observe_fault(lab, record, *region);
    if (lab->pager->retry.space != NULL) {
        progress_await_retry(lab);
    }
    return resolved;
}

/* True when the program must be told of something. */
static bool serve_fault(struct lab *lab, const struct machine_trap *trap)
{
    const struct space *space = lab->processes.current->access.space;
    struct fault_record record = {
        .time_ns = trap->exit.ns - lab->start_ns,
        .address = trap->address.value,
        .rip = trap->rip,
        .access = access_of_trap(trap)};
    struct pager_signal signal;
    struct region *region;
    char text[OUTCOME_REASON_BYTES];

    /* In the kernel's half a shadow-paging host may say "reserved" of its own accord (KVM-PVM, for
     * the tables window); a program has no business there anyway. */
    if ((trap->error_code & PF_RESERVED) != 0 && record.address < LAYOUT_USER_END) {
        outcome_set(
            &lab->outcome, OUTCOME_STOPPED, 0,
            "a page-table entry on the way to 0x%llx has a reserved bit set",
            (unsigned long long)record.address);
        return true;
    }
    progress_let_go(lab);
    if (!decide_fault(lab, trap, &record, &signal, &region)) {
        describe_fault(text, sizeof(text), &record, region, space->regions);
        if (lab->watch.ops != NULL && lab->watch.ops->describe != NULL) {
            lab->watch.ops->describe(lab, text, sizeof(text));
        }
        if (record.kind == FAULT_OUT_OF_MEMORY) {
            setup_describe_shortage(lab, text, sizeof(text));
        }
        force_fault(lab, trap, &record, &signal, text);
    } else if (!progress_is_made(lab, &record)) {
        signal = (struct pager_signal){.number = SIGKILL};
        snprintf(
            text, sizeof(text), "no progress: %d faults in a row at 0x%llx, rip 0x%llx",
            PROGRESS_REPEATS_MAX, (unsigned long long)record.address,
            (unsigned long long)record.rip);
        force_fault(lab, trap, &record, &signal, text);
    } else {
        return false;
    }
    return true;
}

static void serve_exception(struct lab *lab, const struct machine_trap *trap)
{
    char text[OUTCOME_REASON_BYTES];
    struct signal_info info = {
        .number = describe_exception(text, sizeof(text), trap),
        .error_code = trap->error_code,
        .vector = trap->vector,
        .rip = trap->rip};

    exception_info(lab->machine, trap, &info);
    signal_force(lab->processes.current, &info, text);
}

/* --- requests --- */

/* The result goes to the program, unless there is none yet, or nobody to have it. */
static void finish_request(struct lab *lab, struct process *process, int64_t result)
{
    if (lab->outcome.kind != OUTCOME_RUNNING || process->state == PROCESS_ZOMBIE) {
        return;
    }
    if (result == REQUEST_BLOCKED) {
        process->state = PROCESS_BLOCKED;
        return;
    }
    process->progress = (struct progress){0};
    process->resume = RESUME_PROGRAM;
    process->wait.fds = 0;
    if (result == REQUEST_RESTART) {
        process->restart = true;
        result = -EINTR;
    }
    machine_set_result(lab->machine, (uint64_t)result);
}

static void make_request(struct lab *lab, struct process *process)
{
    finish_request(
        lab, process,
        process_request(process, process->request.number, process->request.argument));
}

static void serve_request(struct lab *lab, const struct machine_trap *trap)
{
    struct process *process = lab->processes.current;
    const struct watch_ops *watch = lab->watch.ops;
    struct machine_request request;

    if (watch != NULL && watch->request != NULL) {
        watch->request(lab, trap);
    }
    lab->requests++;
    lab->repeats = 0;
    process->access.rip = gva_of(trap->rip);
    machine_read_request(lab->machine, &request);
    process->request.number = request.number;
    memcpy(process->request.argument, request.argument, sizeof(request.argument));
    make_request(lab, process);
}

/* A wait is over: the request is called again, or a signal has ended it. */
static void resume_request(struct lab *lab)
{
    struct process *process = lab->processes.current;

    if (process->resume == RESUME_REQUEST) {
        make_request(lab, process);
        return;
    }
    if (process->result == -EINTR) {
        request_tell_time_left(process);
    }
    finish_request(lab, process, process->result);
}

/* --- the loop --- */

static bool is_between_instructions(const struct lab *lab)
{
    const struct watch_ops *watch = lab->watch.ops;

    return watch == NULL || watch->in_flight == NULL || !watch->in_flight(lab);
}

/* The slice is over, or a sample is due. */
static bool wants_attention(const struct lab *lab)
{
    return (lab->schedule.tick && is_between_instructions(lab)) ||
           (lab->sampling != NULL && lab->sampling->due);
}

static bool is_watchers(struct lab *lab, const struct machine_trap *trap)
{
    const struct watch_ops *watch = lab->watch.ops;

    return watch != NULL && watch->exception != NULL && watch->exception(lab, trap);
}

/* For vmm itself.  True as for serve. */
static bool serve_signal(struct lab *lab)
{
    const struct watch_ops *watch = lab->watch.ops;

    if (watch != NULL && watch->interrupted != NULL) {
        return watch->interrupted(lab) && lab->schedule.tick;
    }
    host_signals_take(lab);
    return wants_attention(lab) && machine_take_over(lab->machine);
}

/* True when the current process is where a trap leaves it: it may be changed or exchanged. */
static bool serve(struct lab *lab, enum machine_event event, const struct machine_trap *trap)
{
    switch (event) {
    case MACHINE_FAULT:
        return serve_fault(lab, trap) || wants_attention(lab);
    case MACHINE_REQUEST:
        serve_request(lab, trap);
        return true;
    case MACHINE_EXCEPTION:
        if (is_watchers(lab, trap)) {
            return wants_attention(lab);
        }
        serve_exception(lab, trap);
        return true;
    case MACHINE_INTERRUPTED:
        return serve_signal(lab);
    case MACHINE_STOPPED:
        outcome_set(&lab->outcome, OUTCOME_STOPPED, 0, "%s", machine_stop_reason(lab->machine));
        return true;
    }
    return false;
}

static bool can_go_on(const struct process *process)
{
    return process->state == PROCESS_READY && !process->stopped;
}

/* Between a trap and the next entry.  A program with nothing else about costs these few tests. */
static void attend(struct lab *lab)
{
    const struct process_table *table = &lab->processes;
    struct process *process = table->current;

    if (lab->outcome.kind != OUTCOME_RUNNING) {
        return;
    }
    if (lab->sampling != NULL && lab->sampling->due) {
        sampling_take(lab);
    }
    if (table->attention || lab->schedule.tick || !can_go_on(process)) {
        schedule_next(lab);
        process = table->current;
    }
    if (lab->outcome.kind == OUTCOME_RUNNING && can_go_on(process) &&
        process->resume == RESUME_PROGRAM && signals_are_due(process)) {
        signals_deliver(process);
        if (!can_go_on(process)) {
            attend(lab);
        }
    }
}

static void run_guest(struct lab *lab)
{
    const struct watch_ops *watch = lab->watch.ops;
    struct machine_trap trap;

    while (lab->outcome.kind == OUTCOME_RUNNING) {
        if (lab->processes.current->resume != RESUME_PROGRAM) {
            resume_request(lab);
            attend(lab);
            continue;
        }
        if (watch != NULL && watch->enter != NULL) {
            watch->enter(lab);
            if (lab->outcome.kind != OUTCOME_RUNNING) {
                return;
            }
        }
        enum machine_event event = machine_run(lab->machine, &trap);
        progress_see_retry(lab, event);
        if (serve(lab, event, &trap)) {
            pager_end_retry(lab->pager, false);
            attend(lab);
        }
    }
}

/* What was still there when the first process ended has ended with it. */
static void tell_of_others(struct lab *lab)
{
    const struct process_table *table = &lab->processes;
    unsigned others = 0;
    size_t used = strlen(lab->outcome.reason);

    for (unsigned i = 0; i < table->max; i++) {
        const struct process *process = table->slot[i];
        others += process != NULL && process != table->first && process->state != PROCESS_ZOMBIE
                      ? 1
                      : 0;
    }
    if (others != 0 && lab->config->verbose) {
        snprintf(
            lab->outcome.reason + used, sizeof(lab->outcome.reason) - used,
            "; %u other process%s ended by SIGKILL with it", others, others == 1 ? "" : "es");
    }
}

bool lab_run(struct lab *lab, struct err *err)
{
    const struct watch_ops *watch = lab->watch.ops;

    if (!host_signals_begin(lab, err)) {
        return false;
    }
    lab->clock = machine_clock(lab->machine);
    lab->start_ns = clock_now_ns();
    lab->processes.current_since_ns = lab->start_ns;
    if (lab->sampling != NULL && !sampling_start(lab->sampling, err)) {
        return false;
    }
    if (watch != NULL && watch->start != NULL) {
        watch->start(lab);
    }
    run_guest(lab);
    if (lab->sampling != NULL) {
        sampling_take(lab);
        sampling_stop(lab->sampling);
    }
    lab->elapsed_ns = clock_now_ns() - lab->start_ns;
    tell_of_others(lab);
    if (watch != NULL && watch->end != NULL) {
        watch->end(lab);
    }
    lab_write_files_back(lab);
    observe_end(lab);
    return host_signals_end(lab, err);
}
