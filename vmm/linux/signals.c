/*
 * Requests on signals, as far as start-up code and abort() need them: actions and masks are
 * kept and given back, and a signal that the process sends to itself has its default action.
 * Handlers are not called.
 */
#include <errno.h>
#include <signal.h>

#include "linux/requests.h"

#define SIGSET_BYTES   8
#define HANDLER_IGNORE UINT64_C(1)

static uint64_t bit_of(int signal)
{
    return UINT64_C(1) << (signal - 1);
}

#define NEVER_BLOCKED (bit_of(SIGKILL) | bit_of(SIGSTOP))

int64_t request_rt_sigaction(struct process *process, const uint64_t argument[6])
{
    uint64_t signal = argument[0];
    uint64_t action[4];

    if (argument[3] != SIGSET_BYTES || signal == 0 || signal > PROCESS_SIGNALS ||
        (argument[1] != 0 && (signal == SIGKILL || signal == SIGSTOP))) {
        return -EINVAL;
    }
    if (argument[1] != 0 &&
        access_read(&process->access, action, gva_of(argument[1]), sizeof(action)) != 0) {
        return -EFAULT;
    }
    /* struct kernel_sigaction: handler, flags, restorer, mask; the same four words as ours. */
    if (argument[2] != 0 && access_write(
                                &process->access, gva_of(argument[2]), &process->action[signal],
                                sizeof(process->action[signal])) != 0) {
        return -EFAULT;
    }
    if (argument[1] != 0) {
        process->action[signal].handler = action[0];
        process->action[signal].flags = action[1];
        process->action[signal].restorer = action[2];
        process->action[signal].mask = action[3];
    }
    return 0;
}

/* Signals that waited for the mask to let them through. */
static void deliver_pending(struct process *process)
{
    for (int signal = 1; signal <= PROCESS_SIGNALS; signal++) {
        if ((process->signals_pending & ~process->signal_mask & bit_of(signal)) != 0) {
            process->signals_pending &= ~bit_of(signal);
            process_signal_self(process, signal);
        }
    }
}

int64_t request_rt_sigprocmask(struct process *process, const uint64_t argument[6])
{
    uint64_t old = process->signal_mask;
    uint64_t set;

    if (argument[3] != SIGSET_BYTES) {
        return -EINVAL;
    }
    if (argument[1] != 0) {
        if (access_read(&process->access, &set, gva_of(argument[1]), sizeof(set)) != 0) {
            return -EFAULT;
        }
        set &= ~NEVER_BLOCKED;
        switch ((int)argument[0]) {
        case SIG_BLOCK:
            process->signal_mask |= set;
            break;
        case SIG_UNBLOCK:
            process->signal_mask &= ~set;
            break;
        case SIG_SETMASK:
            process->signal_mask = set;
            break;
        default:
            return -EINVAL;
        }
        deliver_pending(process);
    }
    if (argument[2] != 0) {
        return -access_write(&process->access, gva_of(argument[2]), &old, sizeof(old));
    }
    return 0;
}

int64_t request_sigaltstack(struct process *process, const uint64_t argument[6])
{
    const stack_t none = {.ss_flags = SS_DISABLE};

    /* Accepted and not used, as no handler is called. */
    return argument[1] == 0
               ? 0
               : -access_write(&process->access, gva_of(argument[1]), &none, sizeof(none));
}

static bool is_ignored_by_default(int signal)
{
    return signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT;
}

void process_signal_self(struct process *process, int signal)
{
    uint64_t handler = process->action[signal].handler;

    if ((process->signal_mask & bit_of(signal)) != 0) {
        process->signals_pending |= bit_of(signal);
        return;
    }
    if (handler == HANDLER_IGNORE || (handler == 0 && is_ignored_by_default(signal))) {
        return;
    }
    outcome_set(
        process->outcome, OUTCOME_SIGNALLED, signal, "ended by %s, which it sent to itself%s",
        outcome_signal_name(signal),
        handler > HANDLER_IGNORE ? " (signal handlers are not called)" : "");
}

static int64_t send(struct process *process, uint64_t to, uint64_t signal)
{
    if (signal > PROCESS_SIGNALS) {
        return -EINVAL;
    }
    if ((int64_t)(int)to != 1 && (int)to != 0) {
        return -ESRCH;
    }
    if (signal != 0) {
        process_signal_self(process, (int)signal);
    }
    return 0;
}

int64_t request_kill(struct process *process, const uint64_t argument[6])
{
    return send(process, argument[0], argument[1]);
}

int64_t request_tkill(struct process *process, const uint64_t argument[6])
{
    return send(process, argument[0], argument[1]);
}

int64_t request_tgkill(struct process *process, const uint64_t argument[6])
{
    return (int)argument[0] == 1 ? send(process, argument[1], argument[2]) : -ESRCH;
}
