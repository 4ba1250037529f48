/*
 * fork, vfork, and clone as C libraries use it for fork and posix_spawn.  A child shares nothing
 * but open files, or (CLONE_VM) its parent's whole address space.  Threads are not offered.
 */
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>

#include "linux/requests.h"
#include "linux/table.h"

#define KNOWN_FLAGS                                                                            \
    (CSIGNAL | CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID |             \
     CLONE_CHILD_CLEARTID)

struct birth {
    uint64_t flags, stack, parent_tid, child_tid;
};

/* 0 or an errno. */
static int give_space(struct process *parent, struct process *child, uint64_t flags)
{
    struct err err;

    if ((flags & CLONE_VM) != 0) {
        child->signals.stack = (struct signal_stack){.flags = SS_DISABLE};
        child->access.space->users++; /* it has its parent's already */
        return 0;
    }
    child->access.space = NULL;
    if (!space_fork(parent->access.space, &child->access.space, &err)) {
        return ENOMEM;
    }
    child->access.space->process = (uint16_t)child->pid;
    return 0;
}

static bool give_cpu(struct process *child, const struct birth *birth)
{
    const struct process_hooks *hooks = &child->table->hooks;
    struct registers registers;

    hooks->get_registers(hooks->context, &registers);
    registers.rax = 0;
    if (birth->stack != 0) {
        registers.rsp = birth->stack;
    }
    return hooks->copy_cpu(hooks->context, child, &registers);
}

static void drop(struct process *child)
{
    const struct process_hooks *hooks = &child->table->hooks;
    struct space *space = child->access.space;

    if (space != NULL && --space->users == 0) {
        hooks->release_space(hooks->context, space);
    }
    process_discard(child);
}

/* Failures to write are the program's: Linux tells nobody either. */
static void write_tids(struct process *parent, struct process *child, const struct birth *birth)
{
    const int32_t tid = child->pid;

    if ((birth->flags & CLONE_CHILD_SETTID) != 0) {
        (void)!access_write(&child->access, gva_of(birth->child_tid), &tid, sizeof(tid));
    }
    if ((birth->flags & CLONE_PARENT_SETTID) != 0) {
        (void)!access_write(&parent->access, gva_of(birth->parent_tid), &tid, sizeof(tid));
    }
    if ((birth->flags & CLONE_CHILD_CLEARTID) != 0) {
        child->clear_child_tid = birth->child_tid;
    }
}

static int64_t give_birth(struct process *parent, const struct birth *birth)
{
    struct process *child = process_create_child(parent->table, parent);

    if (child == NULL) {
        return -EAGAIN; /* --max-processes */
    }
    int error = give_space(parent, child, birth->flags);
    if (error != 0) {
        drop(child);
        return -error;
    }
    if (!give_cpu(child, birth)) {
        drop(child);
        return -ENOMEM;
    }
    child->exit_signal = (int)(birth->flags & CSIGNAL);
    write_tids(parent, child, birth);
    if ((birth->flags & CLONE_VFORK) == 0) {
        return child->pid;
    }
    child->vfork_parent = parent;
    return request_wait(parent, WAIT_VFORK, WAIT_FOR_EVER, child->pid);
}

int64_t
request_fork(struct process *process, const uint64_t argument[6] __attribute__((unused)))
{
    const struct birth birth = {.flags = SIGCHLD};

    return give_birth(process, &birth);
}

int64_t
request_vfork(struct process *process, const uint64_t argument[6] __attribute__((unused)))
{
    const struct birth birth = {.flags = CLONE_VM | CLONE_VFORK | SIGCHLD};

    return give_birth(process, &birth);
}

/* EINVAL where flags contradict each other, ENOSYS where they ask for a thread or a namespace. */
int64_t request_clone(struct process *process, const uint64_t argument[6])
{
    const struct birth birth = {
        .flags = argument[0],
        .stack = argument[1],
        .parent_tid = argument[2],
        .child_tid = argument[3]};

    if ((birth.flags & CLONE_THREAD) != 0 && (birth.flags & CLONE_SIGHAND) == 0) {
        return -EINVAL;
    }
    if ((birth.flags & CLONE_SIGHAND) != 0 && (birth.flags & CLONE_VM) == 0) {
        return -EINVAL;
    }
    if ((birth.flags & CSIGNAL) > SIGNALS_COUNT) {
        return -EINVAL;
    }
    if ((birth.flags & ~(uint64_t)KNOWN_FLAGS) != 0) {
        return -ENOSYS;
    }
    return give_birth(process, &birth);
}
