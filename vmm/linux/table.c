/* Processes: made, found, ended, forgotten; see table.h.  fork.c and wait.c have the requests. */
#include "linux/table.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "linux/futexes.h"
#include "linux/signals.h"

/* As Linux: numbers start again at a low one, far from those of the first programs. */
#define PID_MAX   32768
#define PID_AGAIN 300

bool process_table_create(struct process_table *table, unsigned max, struct err *err)
{
    *table = (struct process_table){.max = max};
    table->slot = calloc(max, sizeof(struct process *));
    return table->slot != NULL || err_set_errno(err, ERR_ENVIRONMENT, "table of processes");
}

static void free_process(struct process *process)
{
    const struct process_hooks *hooks = &process->table->hooks;

    descriptors_destroy(&process->descriptors);
    if (process->cpu != NULL) {
        hooks->free_cpu(hooks->context, process);
    }
    free(process->wait.fd);
    free(process->exe);
    free(process);
}

void process_table_destroy(struct process_table *table)
{
    for (unsigned i = 0; table->slot != NULL && i < table->max; i++) {
        if (table->slot[i] != NULL) {
            free_process(table->slot[i]);
        }
    }
    if (table->doomed != NULL) {
        free_process(table->doomed);
    }
    free(table->slot);
    *table = (struct process_table){0};
}

/* --- making --- */

static int choose_pid(struct process_table *table)
{
    int pid = table->last_pid;

    do {
        pid = pid + 1 >= PID_MAX ? PID_AGAIN : pid + 1;
    } while (process_find(table, pid) != NULL);
    table->last_pid = pid;
    return pid;
}

static struct process *create(struct process_table *table)
{
    unsigned i = 0;

    while (i < table->max && table->slot[i] != NULL) {
        i++;
    }
    struct process *process = i < table->max ? calloc(1, sizeof(*process)) : NULL;
    if (process == NULL) {
        return NULL;
    }
    process->table = table;
    process->pid = choose_pid(table);
    table->slot[i] = process;
    table->count++;
    return process;
}

static void take_from_table(struct process *process)
{
    struct process_table *table = process->table;

    for (unsigned i = 0; i < table->max; i++) {
        if (table->slot[i] == process) {
            table->slot[i] = NULL;
            table->count--;
        }
    }
}

void process_discard(struct process *process)
{
    take_from_table(process);
    free_process(process);
}

struct process *process_create_first(struct process_table *table)
{
    struct process *process = create(table);

    if (process == NULL) {
        return NULL;
    }
    if (descriptors_create(&process->descriptors) != 0) {
        process_discard(process);
        return NULL;
    }
    mode_t mask = umask(0);
    umask(mask);
    process->umask = mask;
    process->group = process->session = process->pid;
    process->signals.stack.flags = SS_DISABLE;
    table->first = process;
    return process;
}

struct process *process_create_child(struct process_table *table, struct process *parent)
{
    struct process *child = create(table);

    if (child == NULL) {
        return NULL;
    }
    child->exe = parent->exe != NULL ? strdup(parent->exe) : NULL;
    if ((parent->exe != NULL && child->exe == NULL) ||
        descriptors_copy(&child->descriptors, &parent->descriptors) != 0) {
        process_discard(child);
        return NULL;
    }
    child->access = parent->access;
    child->parent = parent;
    child->group = parent->group;
    child->session = parent->session;
    child->signals = parent->signals;
    child->signals.pending = 0;
    child->signals.restore_blocked = false;
    child->umask = parent->umask;
    table->attention = true;
    memcpy(child->comm, parent->comm, sizeof(child->comm));
    return child;
}

uint64_t process_cpu_ns(const struct process *process)
{
    const struct process_table *table = process->table;

    return process->cpu_ns +
           (process == table->current ? clock_now_ns() - table->current_since_ns : 0);
}

/* --- finding --- */

struct process *process_find(const struct process_table *table, int pid)
{
    for (unsigned i = 0; i < table->max; i++) {
        if (table->slot[i] != NULL && table->slot[i]->pid == pid) {
            return table->slot[i];
        }
    }
    return NULL;
}

static bool may_run(const struct process *process)
{
    return process != NULL && process->state == PROCESS_READY && !process->stopped;
}

struct process *process_next_ready(const struct process_table *table, struct process *after)
{
    unsigned begin = 0;

    for (unsigned i = 0; i < table->max; i++) {
        if (table->slot[i] == after) {
            begin = i + 1;
        }
    }
    for (unsigned i = 0; i < table->max; i++) {
        struct process *process = table->slot[(begin + i) % table->max];
        if (may_run(process)) {
            return process;
        }
    }
    return NULL;
}

unsigned process_count_ready(const struct process_table *table)
{
    unsigned count = 0;

    for (unsigned i = 0; i < table->max; i++) {
        count += may_run(table->slot[i]) ? 1 : 0;
    }
    return count;
}

/* --- waiting --- */

int64_t request_wait(
    struct process *process, enum wait_kind kind, uint64_t deadline_ns, int64_t interrupted)
{
    process->wait.kind = kind;
    process->wait.deadline_ns = deadline_ns;
    process->wait.interrupted = interrupted;
    return REQUEST_BLOCKED;
}

bool request_wait_fd(struct process *process, int fd, short events)
{
    struct wait *wait = &process->wait;

    if (wait->fds == wait->capacity) {
        unsigned capacity = wait->capacity != 0 ? 2 * wait->capacity : 4;
        struct pollfd *grown = realloc(wait->fd, capacity * sizeof(*grown));
        if (grown == NULL) {
            return false;
        }
        wait->fd = grown;
        wait->capacity = capacity;
    }
    wait->fd[wait->fds++] = (struct pollfd){.fd = fd, .events = events};
    return true;
}

void process_wake(struct process *process)
{
    process->state = PROCESS_READY;
    process->resume = RESUME_REQUEST;
    process->table->attention = true;
    process->wait.fds = 0;
}

void process_finish_wait(struct process *process, int64_t result)
{
    process->state = PROCESS_READY;
    process->resume = RESUME_RESULT;
    process->result = result;
    process->table->attention = true;
    process->wait.fds = 0;
}

/* --- ending --- */

static void release_vfork_parent(struct process *process)
{
    struct process *parent = process->vfork_parent;

    process->vfork_parent = NULL;
    if (parent != NULL && parent->state == PROCESS_BLOCKED && parent->wait.kind == WAIT_VFORK) {
        process_finish_wait(parent, process->pid);
    }
}

/* Somebody stays who was not the first in it. */
static void rename_space(const struct process_table *table, struct process *left)
{
    struct space *space = left->access.space;

    for (unsigned i = 0; i < table->max && space->process == (uint16_t)left->pid; i++) {
        const struct process *other = table->slot[i];
        if (other != NULL && other != left && other->access.space == space) {
            space_rename(space, (uint16_t)other->pid);
        }
    }
}

/* Who shares the memory may wait for it. */
static void clear_child_tid(struct process *process)
{
    const struct gva at = gva_of(process->clear_child_tid);
    const uint32_t zero = 0;

    if (at.value != 0 && access_write(&process->access, at, &zero, sizeof(zero)) == 0) {
        futex_wake(process, at.value, 1);
    }
}

void process_leave_space(struct process *process)
{
    const struct process_hooks *hooks = &process->table->hooks;
    struct space *space = process->access.space;

    if (--space->users == 0) {
        hooks->release_space(hooks->context, space);
    } else {
        rename_space(process->table, process);
        clear_child_tid(process);
    }
    process->access.space = NULL;
    process->clear_child_tid = 0;
    release_vfork_parent(process);
}

/* Orphans belong to the laboratory, which forgets them as soon as they end. */
static void give_children_away(struct process *process)
{
    const struct process_table *table = process->table;

    for (unsigned i = 0; i < table->max; i++) {
        struct process *child = table->slot[i];
        if (child == NULL || child->parent != process) {
            continue;
        }
        child->parent = NULL;
        if (child->state == PROCESS_ZOMBIE) {
            process_reap(child);
        }
    }
}

static struct signal_info death_info(const struct process *process)
{
    bool exited = WIFEXITED(process->wait_status);

    return (struct signal_info){
        .number = process->exit_signal,
        .code = exited                                 ? CLD_EXITED
                : WCOREDUMP(process->wait_status) != 0 ? CLD_DUMPED
                                                       : CLD_KILLED,
        .pid = process->pid,
        .uid = getuid(),
        .status = exited ? WEXITSTATUS(process->wait_status) : WTERMSIG(process->wait_status)};
}

static void tell_parent(struct process *process)
{
    struct process *parent = process->parent;

    if (parent == NULL) {
        process_reap(process);
        return;
    }
    const struct signal_action *action = &parent->signals.action[SIGCHLD];
    bool nobody_waits =
        process->exit_signal == SIGCHLD &&
        (action->handler == SIGNAL_IGNORE || (action->flags & SA_NOCLDWAIT) != 0);
    const struct signal_info info = death_info(process);

    /* The wait comes first: a handler then sees its request as made. */
    if (parent->state == PROCESS_BLOCKED && parent->wait.kind == WAIT_CHILD) {
        process_wake(parent);
    }
    if (nobody_waits) {
        process_reap(process);
    }
    if (info.number != 0) {
        signal_send(parent, &info);
    }
}

void process_end(struct process *process, int wait_status)
{
    struct process_table *table = process->table;

    process->state = PROCESS_ZOMBIE;
    process->wait_status = wait_status;
    process->wait.fds = 0;
    if (process == table->first) {
        return; /* the run is over; what it leaves is looked at, then goes as a whole */
    }
    if (table->hooks.ended != NULL) {
        table->hooks.ended(table->hooks.context, process, wait_status);
    }
    descriptors_destroy(&process->descriptors);
    process_leave_space(process);
    give_children_away(process);
    for (unsigned i = 0; i < table->max; i++) {
        if (table->slot[i] != NULL && table->slot[i]->vfork_parent == process) {
            table->slot[i]->vfork_parent = NULL;
        }
    }
    tell_parent(process);
}

void process_reap(struct process *zombie)
{
    struct process_table *table = zombie->table;

    take_from_table(zombie);
    if (zombie == table->current) {
        table->doomed = zombie;
    } else {
        free_process(zombie);
    }
}

void process_free_doomed(struct process_table *table)
{
    free_process(table->doomed);
    table->doomed = NULL;
}
