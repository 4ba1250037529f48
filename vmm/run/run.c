/*
 * The run loop: enter the guest, see why it came back, serve that, until there is an outcome.
 * One function per kind of event; each hands its work to the module that owns it
 * (fault/pager.h, linux/process.h) and tells observe.h.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "run/describe.h"
#include "run/lab.h"
#include "run/observe.h"

/* A program that faults this often in a row at one place, with nothing in between, will not
 * stop. */
#define REPEATS_MAX 10000

static void end_by_signal(
    struct lab *lab, int number, int code, uint64_t address, uint64_t rip, const char *text)
{
    observe_signal(lab, number, code, address, rip, text);
    outcome_set(&lab->outcome, OUTCOME_SIGNALLED, number, "%s", text);
}

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

static bool makes_progress(struct lab *lab, const struct fault_record *record)
{
    if (record->address != lab->last_address || record->rip != lab->last_rip) {
        lab->last_address = record->address;
        lab->last_rip = record->rip;
        lab->repeats = 0;
        return true;
    }
    return ++lab->repeats < REPEATS_MAX;
}

static void serve_fault(struct lab *lab, const struct machine_trap *trap)
{
    struct fault_record record = {
        .time_ns = trap->exit.ns - lab->start_ns,
        .address = trap->address.value,
        .rip = trap->rip,
        .access = access_of_trap(trap)};
    struct pager_signal signal;
    const struct region *region;
    char text[OUTCOME_REASON_BYTES];

    /* In the kernel's half a shadow-paging host may say "reserved" of its own accord (KVM-PVM, for
     * the tables window); a program has no business there anyway. */
    if ((trap->error_code & PF_RESERVED) != 0 && record.address < LAYOUT_USER_END) {
        outcome_set(
            &lab->outcome, OUTCOME_STOPPED, 0,
            "a page-table entry on the way to 0x%llx has a reserved bit set",
            (unsigned long long)record.address);
        return;
    }
    bool resolved = pager_fault(lab->space, &record, &signal, &region);
    record.service_ns = clock_saturate_ns(clock_ns_since(lab->clock, trap->exit));
    observe_fault(lab, &record, region);
    if (!resolved) {
        describe_fault(text, sizeof(text), &record, region, lab->space->regions);
        end_by_signal(lab, signal.number, signal.code, record.address, record.rip, text);
    } else if (!makes_progress(lab, &record)) {
        snprintf(
            text, sizeof(text), "no progress: %d faults in a row at 0x%llx, rip 0x%llx",
            REPEATS_MAX, (unsigned long long)record.address, (unsigned long long)record.rip);
        end_by_signal(lab, SIGKILL, 0, record.address, record.rip, text);
    }
}

static void serve_exception(struct lab *lab, const struct machine_trap *trap)
{
    char text[OUTCOME_REASON_BYTES];
    int signal = describe_exception(text, sizeof(text), trap);

    end_by_signal(lab, signal, 0, 0, trap->rip, text);
}

static void serve_request(struct lab *lab, const struct machine_trap *trap)
{
    struct machine_request request;

    lab->requests++;
    lab->repeats = 0;
    lab->process.access.rip = gva_of(trap->rip);
    machine_read_request(lab->machine, &request);
    int64_t result = process_request(&lab->process, request.number, request.argument);
    machine_set_result(lab->machine, (uint64_t)result);
}

/* --- signals for vmm itself --- */

static void fill_ending_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGQUIT);
    sigaddset(set, SIGALRM);
}

/* Blocked in this thread: they make KVM_RUN return (its own mask lets them through) and wake_fd
 * readable, and stay pending meanwhile.  So none is lost and none needs a handler; ppoll with a
 * mask would not do, as it delivers them. */
static bool block_signals(struct lab *lab, struct err *err)
{
    sigset_t ending, waiting;

    fill_ending_signals(&ending);
    if (sigprocmask(SIG_BLOCK, &ending, &lab->outer_mask) != 0) {
        return err_set_errno(err, ERR_ENVIRONMENT, "blocking signals");
    }
    waiting = lab->outer_mask;
    sigdelset(&waiting, SIGINT);
    sigdelset(&waiting, SIGTERM);
    sigdelset(&waiting, SIGHUP);
    sigdelset(&waiting, SIGQUIT);
    sigdelset(&waiting, SIGALRM);
    lab->process.wake_fd = signalfd(-1, &ending, SFD_CLOEXEC);
    if (lab->process.wake_fd < 0) {
        return err_set_errno(err, ERR_ENVIRONMENT, "signalfd");
    }
    return machine_set_signal_mask(lab->machine, &waiting, err);
}

static void serve_pending_signal(struct lab *lab)
{
    const struct timespec at_once = {0};
    sigset_t ending;

    fill_ending_signals(&ending);
    int signal = sigtimedwait(&ending, NULL, &at_once);
    if (signal == SIGALRM) {
        outcome_set(
            &lab->outcome, OUTCOME_TIMED_OUT, 0, "timed out after %.3f s",
            (double)lab->config->timeout_ns / (double)NS_PER_SECOND);
    } else if (signal > 0) {
        outcome_set(
            &lab->outcome, OUTCOME_INTERRUPTED, signal, "interrupted by %s",
            outcome_signal_name(signal));
    }
}

static bool set_timer(uint64_t ns, struct err *err)
{
    /* Rounded up: 0 would mean "never". */
    struct itimerval timer = {
        .it_value = {
            .tv_sec = (time_t)(ns / NS_PER_SECOND),
            .tv_usec = (suseconds_t)((ns % NS_PER_SECOND + 999) / 1000)}};

    if (timer.it_value.tv_usec == 1000000) {
        timer.it_value.tv_sec++;
        timer.it_value.tv_usec = 0;
    }
    return setitimer(ITIMER_REAL, &timer, NULL) == 0 ||
           err_set_errno(err, ERR_ENVIRONMENT, "setting the time limit");
}

/* --- the loop --- */

static void serve(struct lab *lab, enum machine_event event, const struct machine_trap *trap)
{
    switch (event) {
    case MACHINE_FAULT:
        serve_fault(lab, trap);
        return;
    case MACHINE_REQUEST:
        serve_request(lab, trap);
        if (lab->process.interrupted) {
            lab->process.interrupted = false;
            serve_pending_signal(lab);
        }
        return;
    case MACHINE_EXCEPTION:
        serve_exception(lab, trap);
        return;
    case MACHINE_INTERRUPTED:
        serve_pending_signal(lab);
        return;
    case MACHINE_STOPPED:
        outcome_set(&lab->outcome, OUTCOME_STOPPED, 0, "%s", machine_stop_reason(lab->machine));
        return;
    }
}

static bool run_to_the_end(struct lab *lab, struct err *err)
{
    struct machine_trap trap;

    if (!block_signals(lab, err) || !set_timer(lab->config->timeout_ns, err)) {
        return false;
    }
    lab->clock = machine_clock(lab->machine);
    lab->start_ns = clock_now_ns();
    while (lab->outcome.kind == OUTCOME_RUNNING) {
        serve(lab, machine_run(lab->machine, &trap), &trap);
    }
    lab->elapsed_ns = clock_now_ns() - lab->start_ns;
    trace_end(
        lab->config->trace, lab->elapsed_ns, outcome_exit_status(&lab->outcome),
        lab->outcome.reason);
    if (!set_timer(0, err)) {
        return false;
    }
    /* Leave no SIGALRM behind that came in between. */
    serve_pending_signal(lab);
    return sigprocmask(SIG_SETMASK, &lab->outer_mask, NULL) == 0 ||
           err_set_errno(err, ERR_ENVIRONMENT, "restoring the signal mask");
}

bool lab_run(struct lab *lab, struct err *err)
{
    lab->process.wake_fd = -1;
    bool ok = run_to_the_end(lab, err);
    if (lab->process.wake_fd >= 0) {
        close(lab->process.wake_fd);
        lab->process.wake_fd = -1;
    }
    return ok;
}
