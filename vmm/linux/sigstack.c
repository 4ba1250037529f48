/*
 * The alternate stack of signal handlers: what sigaltstack sets and tells, and what rt_sigreturn
 * brings back.  Where a handler's frame goes on it is sigframe.c's.
 */
#include <errno.h>
#include <signal.h>

#include "linux/deliver.h"
#include "linux/requests.h"
#include "linux/table.h"

#define MINIMUM_BYTES 2048 /* MINSIGSTKSZ */

bool signal_is_on_stack(const struct process *process, uint64_t rsp)
{
    const struct signal_stack *stack = &process->signals.stack;

    return (stack->flags & (SS_DISABLE | SIGNAL_STACK_AUTODISARM)) == 0 && rsp > stack->base &&
           rsp - stack->base <= stack->bytes;
}

struct signal_stack_told signal_tell_stack(const struct process *process, uint64_t rsp)
{
    const struct signal_stack *stack = &process->signals.stack;
    uint32_t used = signal_is_on_stack(process, rsp) ? SS_ONSTACK : 0;

    return (struct signal_stack_told){
        .base = stack->base, .flags = stack->flags | used, .bytes = stack->bytes};
}

/* 0 or an errno. */
static int set_stack(struct signals *signals, const struct signal_stack_told *told)
{
    uint32_t mode = told->flags & ~SIGNAL_STACK_AUTODISARM;

    if (mode == SS_DISABLE) {
        signals->stack = (struct signal_stack){.flags = SS_DISABLE};
        return 0;
    }
    if (mode != 0 && mode != SS_ONSTACK) {
        return EINVAL;
    }
    if (told->bytes < MINIMUM_BYTES) {
        return ENOMEM;
    }
    signals->stack = (struct signal_stack){
        .base = told->base,
        .bytes = told->bytes,
        .flags = told->flags & SIGNAL_STACK_AUTODISARM};
    return 0;
}

void signal_take_stack(struct process *process, const struct signal_stack_told *told)
{
    (void)!set_stack(&process->signals, told);
}

int64_t request_sigaltstack(struct process *process, const uint64_t argument[6])
{
    const struct process_hooks *hooks = &process->table->hooks;
    struct signal_stack_told told;
    struct registers registers;

    hooks->get_registers(hooks->context, &registers);
    const struct signal_stack_told old = signal_tell_stack(process, registers.rsp);
    if (argument[0] != 0) {
        if (access_read(&process->access, &told, gva_of(argument[0]), sizeof(told)) != 0) {
            return -EFAULT;
        }
        if ((old.flags & SS_ONSTACK) != 0) {
            return -EPERM;
        }
        int error = set_stack(&process->signals, &told);
        if (error != 0) {
            return -error;
        }
    }
    return argument[1] == 0
               ? 0
               : -access_write(&process->access, gva_of(argument[1]), &old, sizeof(old));
}
