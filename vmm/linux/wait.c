/*
 * The end of processes and the wait for it: exit, wait4, waitid.  Stops are not reported
 * (WUNTRACED, WCONTINUED never find anything).
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "linux/requests.h"
#include "linux/signals.h"
#include "linux/table.h"

int64_t request_exit(struct process *process, const uint64_t argument[6])
{
    int status = (int)(argument[0] & 0xff);

    if (process == process->table->first) {
        outcome_set(
            process->table->outcome, OUTCOME_EXITED, status, "exited with status %d", status);
    }
    process_end(process, status << 8);
    return 0;
}

/* Which children a wait means. */
struct selection {
    idtype_t type;
    int id;
};

static bool is_selected(
    const struct process *process, const struct process *child, const struct selection *which)
{
    return child != NULL && child->parent == process &&
           (which->type == P_ALL || (which->type == P_PID && child->pid == which->id) ||
            (which->type == P_PGID && child->group == which->id));
}

/* An ended child; NULL with *any telling whether there is one at all that may end. */
static struct process *
find_zombie(const struct process *process, const struct selection *which, bool *any)
{
    const struct process_table *table = process->table;

    *any = false;
    for (unsigned i = 0; i < table->max; i++) {
        struct process *child = table->slot[i];
        if (!is_selected(process, child, which)) {
            continue;
        }
        *any = true;
        if (child->state == PROCESS_ZOMBIE) {
            return child;
        }
    }
    return NULL;
}

/* 0: none yet, and the request does not wait. */
static int64_t await_child(
    struct process *process, const struct selection *which, bool wait, struct process **zombie)
{
    bool any;

    *zombie = find_zombie(process, which, &any);
    if (*zombie != NULL) {
        return 0;
    }
    if (!any) {
        return -ECHILD;
    }
    return wait ? request_wait(process, WAIT_CHILD, WAIT_FOR_EVER, REQUEST_RESTART) : 0;
}

/* A child's own use with that of the children it has waited for. */
static struct rusage usage_of(const struct process *child)
{
    uint64_t cpu_us = (child->cpu_ns + child->children_cpu_ns) / 1000;

    return (struct rusage){
        .ru_utime =
            {.tv_sec = (time_t)(cpu_us / 1000000), .tv_usec = (suseconds_t)(cpu_us % 1000000)},
        .ru_minflt = (long)(child->minor_faults + child->children_minor_faults),
        .ru_majflt = (long)(child->major_faults + child->children_major_faults)};
}

static void bury(struct process *process, struct process *zombie)
{
    process->children_minor_faults += zombie->minor_faults + zombie->children_minor_faults;
    process->children_major_faults += zombie->major_faults + zombie->children_major_faults;
    process->children_cpu_ns += zombie->cpu_ns + zombie->children_cpu_ns;
    process_reap(zombie);
}

static struct selection selection_of_pid(const struct process *process, int pid)
{
    if (pid > 0) {
        return (struct selection){.type = P_PID, .id = pid};
    }
    if (pid == -1) {
        return (struct selection){.type = P_ALL};
    }
    return (struct selection){.type = P_PGID, .id = pid == 0 ? process->group : -pid};
}

int64_t request_wait4(struct process *process, const uint64_t argument[6])
{
    const uint64_t known =
        WNOHANG | WUNTRACED | WCONTINUED | __WALL | __WCLONE | (uint32_t)__WNOTHREAD;
    uint64_t options = (uint32_t)argument[2];
    struct process *zombie;

    if ((options & ~known) != 0) {
        return -EINVAL;
    }
    if ((int)argument[0] == INT32_MIN) {
        return -ESRCH;
    }
    struct selection which = selection_of_pid(process, (int)argument[0]);
    int64_t result = await_child(process, &which, (options & WNOHANG) == 0, &zombie);
    if (zombie == NULL) {
        return result;
    }
    int pid = zombie->pid;
    int32_t status = zombie->wait_status;
    struct rusage usage = usage_of(zombie);
    bury(process, zombie);
    if (argument[1] != 0 &&
        access_write(&process->access, gva_of(argument[1]), &status, sizeof(status)) != 0) {
        return -EFAULT;
    }
    if (argument[3] != 0 &&
        access_write(&process->access, gva_of(argument[3]), &usage, sizeof(usage)) != 0) {
        return -EFAULT;
    }
    return pid;
}

/* siginfo_t of a child, or (no child) all zero as Linux fills it then. */
static int write_info(struct process *process, uint64_t at, const struct process *zombie)
{
    uint8_t text[SIGNAL_INFO_BYTES] = {0};

    if (zombie != NULL) {
        bool exited = WIFEXITED(zombie->wait_status);
        const struct signal_info info = {
            .number = SIGCHLD,
            .code = exited ? CLD_EXITED : CLD_KILLED,
            .pid = zombie->pid,
            .uid = getuid(),
            .status =
                exited ? WEXITSTATUS(zombie->wait_status) : WTERMSIG(zombie->wait_status)};
        signal_fill_info(&info, text);
    }
    return access_write(&process->access, gva_of(at), text, sizeof(text));
}

int64_t request_waitid(struct process *process, const uint64_t argument[6])
{
    const uint64_t known = WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WALL |
                           __WCLONE | (uint32_t)__WNOTHREAD;
    const struct selection which = {.type = (idtype_t)argument[0], .id = (int)argument[1]};
    uint64_t options = (uint32_t)argument[3];
    struct process *zombie;

    if ((options & ~known) != 0 || (options & (WEXITED | WSTOPPED | WCONTINUED)) == 0 ||
        (which.type != P_ALL && which.type != P_PID && which.type != P_PGID) ||
        (which.type == P_PID && which.id <= 0) || (which.type == P_PGID && which.id < 0)) {
        return -EINVAL;
    }
    if ((options & WEXITED) == 0) {
        return -ECHILD; /* stops are not told */
    }
    int64_t result = await_child(process, &which, (options & WNOHANG) == 0, &zombie);
    if (zombie == NULL && result != 0) {
        return result;
    }
    struct rusage usage = zombie != NULL ? usage_of(zombie) : (struct rusage){0};
    int error = argument[2] != 0 ? write_info(process, argument[2], zombie) : 0;
    if (zombie != NULL && (options & WNOWAIT) == 0) {
        bury(process, zombie);
    }
    if (error == 0 && argument[4] != 0) {
        error = access_write(&process->access, gva_of(argument[4]), &usage, sizeof(usage));
    }
    return -error;
}
