/* The scheduler; see schedule.h.  Nothing here is on the path of a fault. */
#include "run/schedule.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "linux/signals.h"
#include "run/host_signals.h"
#include "run/lab.h"

int schedule_signal(void)
{
    return SIGRTMIN;
}

/* A signal that ppoll() lets through would be delivered, and has no handler: so the wait looks at
 * a descriptor instead. */
bool schedule_create(struct schedule *schedule, const sigset_t *signals, struct err *err)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = schedule_signal()};

    schedule->signal_fd = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (schedule->signal_fd < 0) {
        return err_set_errno(err, ERR_ENVIRONMENT, "making a signal descriptor");
    }
    if (timer_create(CLOCK_MONOTONIC, &event, &schedule->timer) != 0) {
        return err_set_errno(err, ERR_ENVIRONMENT, "making a timer");
    }
    schedule->has_timer = true;
    return true;
}

void schedule_destroy(struct schedule *schedule)
{
    if (schedule->has_timer) {
        timer_delete(schedule->timer);
    }
    if (schedule->signal_fd > 0) {
        close(schedule->signal_fd);
    }
    free(schedule->fd);
    *schedule = (struct schedule){0};
}

/* --- the clock --- */

/* Whether somebody but the one that runs would miss the clock: another one that may run, a wait
 * that only the host can end, a timer. */
static bool clock_is_wanted(const struct process_table *table)
{
    for (unsigned i = 0; i < table->max; i++) {
        const struct process *process = table->slot[i];
        if (process == NULL || process->state == PROCESS_ZOMBIE) {
            continue;
        }
        if (process->alarm_ns != 0 ||
            (process->state == PROCESS_BLOCKED &&
             (process->wait.fds != 0 || process->wait.deadline_ns != WAIT_FOR_EVER))) {
            return true;
        }
    }
    return process_count_ready(table) > 1;
}

static void set_clock(struct lab *lab)
{
    struct schedule *schedule = &lab->schedule;
    bool wanted = clock_is_wanted(&lab->processes);
    const struct itimerspec period = {
        .it_value.tv_nsec = wanted ? SCHEDULE_SLICE_NS : 0,
        .it_interval.tv_nsec = wanted ? SCHEDULE_SLICE_NS : 0};

    if (wanted != schedule->ticking && timer_settime(schedule->timer, 0, &period, NULL) == 0) {
        schedule->ticking = wanted;
    }
}

void schedule_look_again(struct lab *lab)
{
    const struct itimerspec once = {.it_value.tv_nsec = SCHEDULE_SLICE_NS / 10};

    if (!lab->schedule.ticking && timer_settime(lab->schedule.timer, 0, &once, NULL) != 0) {
        lab->schedule.tick = true; /* at the next trap, then */
    }
}

/* --- the end of waits --- */

static void expire_alarm(struct process *process, uint64_t now_ns)
{
    const struct signal_info info = {.number = SIGALRM, .code = SI_KERNEL};

    if (process->alarm_ns == 0 || now_ns < process->alarm_ns) {
        return;
    }
    if (process->alarm_interval_ns != 0) {
        uint64_t missed = (now_ns - process->alarm_ns) / process->alarm_interval_ns;
        process->alarm_ns += (missed + 1) * process->alarm_interval_ns;
    } else {
        process->alarm_ns = 0;
    }
    signal_send(process, &info);
}

static bool has_event(const struct pollfd *fd, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (fd[i].revents != 0) {
            return true;
        }
    }
    return false;
}

static bool make_room(struct schedule *schedule, unsigned fds)
{
    unsigned capacity = 2 * fds;

    if (fds <= schedule->capacity) {
        return true;
    }
    struct pollfd *grown = realloc(schedule->fd, capacity * sizeof(*grown));
    if (grown == NULL) {
        return false;
    }
    schedule->fd = grown;
    schedule->capacity = capacity;
    return true;
}

/* All descriptors that are waited for, one process after the other, then vmm's signals; how many.
 * 0: no memory for them; then the processes are called again at the next tick. */
static unsigned gather(struct lab *lab)
{
    struct schedule *schedule = &lab->schedule;
    unsigned count = 0;

    for (unsigned i = 0; i < lab->processes.max; i++) {
        const struct process *process = lab->processes.slot[i];
        if (process == NULL || process->state != PROCESS_BLOCKED) {
            continue;
        }
        if (!make_room(schedule, count + process->wait.fds + 1)) {
            return 0;
        }
        for (unsigned j = 0; j < process->wait.fds; j++) {
            schedule->fd[count++] = process->wait.fd[j];
        }
    }
    if (!make_room(schedule, count + 1)) {
        return 0;
    }
    schedule->fd[count++] = (struct pollfd){.fd = schedule->signal_fd, .events = POLLIN};
    return count;
}

/* count: entries of schedule->fd, as gather() left them and poll() has answered. */
static void end_waits(struct lab *lab, unsigned count)
{
    const struct pollfd *fd = lab->schedule.fd;
    uint64_t now_ns = clock_now_ns();

    for (unsigned i = 0; i < lab->processes.max; i++) {
        struct process *process = lab->processes.slot[i];
        if (process == NULL || process->state == PROCESS_ZOMBIE) {
            continue;
        }
        bool blocked = process->state == PROCESS_BLOCKED;
        unsigned fds = blocked && process->wait.fds <= count ? process->wait.fds : 0;
        if (blocked && (has_event(fd, fds) || now_ns >= process->wait.deadline_ns)) {
            process_wake(process);
        }
        fd = fds != 0 ? fd + fds : fd;
        count -= fds;
    }
    for (unsigned i = 0; i < lab->processes.max; i++) { /* an alarm may end a process */
        struct process *process = lab->processes.slot[i];
        if (process != NULL && process->state != PROCESS_ZOMBIE) {
            expire_alarm(process, now_ns);
        }
    }
}

static uint64_t earliest_ns(const struct process_table *table)
{
    uint64_t earliest = WAIT_FOR_EVER;

    for (unsigned i = 0; i < table->max; i++) {
        const struct process *process = table->slot[i];
        if (process == NULL || process->state == PROCESS_ZOMBIE) {
            continue;
        }
        if (process->state == PROCESS_BLOCKED && process->wait.deadline_ns < earliest) {
            earliest = process->wait.deadline_ns;
        }
        if (process->alarm_ns != 0 && process->alarm_ns < earliest) {
            earliest = process->alarm_ns;
        }
    }
    return earliest;
}

/* Look at what is waited for, without waiting. */
static void look(struct lab *lab)
{
    unsigned count = gather(lab);

    if (poll(lab->schedule.fd, count, 0) >= 0) {
        end_waits(lab, count);
    }
}

/* Nobody can run: wait for the host, for a time, or for a signal to vmm. */
static void wait_for_host(struct lab *lab)
{
    unsigned count = gather(lab);
    uint64_t deadline_ns = earliest_ns(&lab->processes);
    uint64_t now_ns = clock_now_ns();

    if (count == 0 && deadline_ns > now_ns + SCHEDULE_SLICE_NS) {
        deadline_ns = now_ns + SCHEDULE_SLICE_NS;
    }
    uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    const struct timespec left = {
        .tv_sec = (time_t)(left_ns / NS_PER_SECOND),
        .tv_nsec = (long)(left_ns % NS_PER_SECOND)};
    int ready =
        ppoll(lab->schedule.fd, count, deadline_ns == WAIT_FOR_EVER ? NULL : &left, NULL);

    if (ready < 0) {
        return;
    }
    end_waits(lab, count);
    if (count == 0 || lab->schedule.fd[count - 1].revents != 0) {
        host_signals_take(lab);
    }
}

/* --- the exchange --- */

static void bury_doomed(struct lab *lab)
{
    struct process_table *table = &lab->processes;

    if (lab->doomed_space != NULL) {
        space_destroy(lab->doomed_space);
        lab->doomed_space = NULL;
    }
    if (table->doomed != NULL) {
        process_free_doomed(table);
    }
}

/*
 * What waits in the edit list is carried out first, under the tag of the space that it is mostly
 * about: then nothing is stale there.  A tag is used again for another space, so the first turn of
 * each process starts anew.
 */
static bool
load(struct lab *lab, struct space *space, const struct machine_context *cpu, bool first)
{
    space_settle(lab->loaded_space);
    lab->loaded_space->stale = false;
    const struct machine_tables tables = {
        .root = space->ptab.root,
        .tag = (unsigned)space->slot + 1,
        .stale = space->stale || first};
    if (!machine_load(lab->machine, cpu, &tables)) {
        return false;
    }
    space->stale = false;
    lab->loaded_space = space;
    return true;
}

bool schedule_enter(struct lab *lab, struct space *space, const struct program_entry *entry)
{
    struct machine_context *cpu = machine_context_create();

    if (cpu == NULL) {
        return false;
    }
    machine_context_begin(cpu, entry->rip, entry->rsp);
    bool ok = load(lab, space, cpu, true);
    machine_context_destroy(cpu);
    return ok;
}

/* A machine that fails here is stopped, and says so at its next run. */
static void change_to(struct lab *lab, struct process *next)
{
    struct process_table *table = &lab->processes;
    struct process *current = table->current;
    uint64_t now_ns = clock_now_ns();

    if (next == current) {
        return;
    }
    if (current->state != PROCESS_ZOMBIE) {
        if (current->cpu == NULL) {
            current->cpu = machine_context_create();
        }
        if (current->cpu == NULL || !machine_save(lab->machine, current->cpu)) {
            outcome_set(
                &lab->outcome, OUTCOME_STOPPED, 0, "no way to keep the state of process %d",
                current->pid);
            return;
        }
    }
    if (!load(lab, next->access.space, next->cpu, !next->has_run)) {
        return;
    }
    next->has_run = true;
    current->cpu_ns += now_ns - table->current_since_ns;
    table->current = next;
    table->current_since_ns = now_ns;
    bury_doomed(lab);
}

void schedule_next(struct lab *lab)
{
    struct process_table *table = &lab->processes;
    struct process *current = table->current;
    bool may_run = current->state == PROCESS_READY && !current->stopped;
    bool turn_is_over = lab->schedule.tick || table->yield || !may_run;

    lab->schedule.tick = table->yield = false;
    if (turn_is_over) {
        if (lab->schedule.ticking || !may_run) {
            look(lab);
        }
        struct process *next = process_next_ready(table, current);
        while (next == NULL && lab->outcome.kind == OUTCOME_RUNNING) {
            wait_for_host(lab);
            next = process_next_ready(table, current);
        }
        if (lab->outcome.kind == OUTCOME_RUNNING) {
            change_to(lab, next);
        }
    }
    table->attention = false;
    set_clock(lab);
}
