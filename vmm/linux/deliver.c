/*
 * Delivery: what becomes of each pending signal before the program goes on, in Linux's order.
 * The frame of a handler is in sigframe.c.
 */
#include "linux/deliver.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "linux/table.h"

/* Made by what the program itself just did: they come first. */
#define SYNCHRONOUS                                                                            \
    (signal_bit(SIGSEGV) | signal_bit(SIGBUS) | signal_bit(SIGILL) | signal_bit(SIGTRAP) |     \
     signal_bit(SIGFPE) | signal_bit(SIGSYS))
#define IGNORED_BY_DEFAULT                                                                     \
    (signal_bit(SIGCHLD) | signal_bit(SIGURG) | signal_bit(SIGWINCH) | signal_bit(SIGCONT))
#define STOPS_BY_DEFAULT                                                                       \
    (signal_bit(SIGSTOP) | signal_bit(SIGTSTP) | signal_bit(SIGTTIN) | signal_bit(SIGTTOU))

/* A `syscall` instruction has two bytes. */
#define SYSCALL_BYTES 2

bool signal_is_ignored(const struct process *process, int number)
{
    uint64_t handler = process->signals.action[number].handler;

    return handler == SIGNAL_IGNORE ||
           (handler == SIGNAL_DEFAULT && (signal_bit(number) & IGNORED_BY_DEFAULT) != 0);
}

bool signal_acts_by_default(const struct process *process, int number)
{
    return process->signals.action[number].handler == SIGNAL_DEFAULT &&
           (signal_bit(number) & IGNORED_BY_DEFAULT) == 0;
}

static void describe(
    const struct process *process, const struct signal_info *info, char *text, size_t bytes)
{
    const char *name = outcome_signal_name(info->number);

    /* Positive codes are the kernel's own. */
    if (info->code > 0 && process->reason[0] != '\0') {
        snprintf(text, bytes, "%s", process->reason);
    } else if (info->code > 0) {
        snprintf(text, bytes, "ended by %s (%d)", name, info->number);
    } else if (info->number == SIGPIPE && info->pid == process->pid) {
        /* Linux sends it in the writer's own name (SI_USER). */
        snprintf(text, bytes, "ended by %s: nobody reads what it wrote to", name);
    } else if (info->pid == process->pid) {
        snprintf(text, bytes, "ended by %s, which it sent to itself", name);
    } else {
        snprintf(text, bytes, "ended by %s from process %d", name, info->pid);
    }
}

void signal_do_default(struct process *process, const struct signal_info *info)
{
    const struct process_table *table = process->table;
    char text[PROCESS_REASON_BYTES];

    if ((signal_bit(info->number) & STOPS_BY_DEFAULT) != 0) {
        process->stopped = true;
        return;
    }
    describe(process, info, text, sizeof(text));
    table->hooks.killed(table->hooks.context, process, info, text);
    if (process == table->first) {
        outcome_set(table->outcome, OUTCOME_SIGNALLED, info->number, "%s", text);
    }
    process_end(process, info->number);
}

/* Make the interrupted request again: the same number, at the same instruction. */
static void rewind_request(struct process *process, struct registers *registers)
{
    registers->rax = process->request.number;
    registers->rip -= SYSCALL_BYTES;
    process->restart = false;
}

static void settle_restart(
    struct process *process, struct registers *registers, const struct signal_action *action)
{
    if (!process->restart) {
        return;
    }
    if ((action->flags & SA_RESTART) != 0) {
        rewind_request(process, registers);
    }
    process->restart = false; /* the result is -EINTR already */
}

/* False: it could not be entered, and SIGSEGV is pending now. */
static bool enter_handler(
    struct process *process, struct registers *registers, const struct signal_info *info)
{
    struct signals *signals = &process->signals;
    struct signal_action *action = &signals->action[info->number];
    uint64_t blocked = signals->restore_blocked ? signals->saved_blocked : signals->blocked;

    settle_restart(process, registers, action);
    if (!sigframe_push(process, registers, info, blocked)) {
        const struct signal_info fault = {.number = SIGSEGV, .code = SI_KERNEL};
        char text[PROCESS_REASON_BYTES];
        if (info->number == SIGSEGV) {
            action->handler = SIGNAL_DEFAULT;
        }
        snprintf(
            text, sizeof(text),
            "%s could not be delivered: no stack for its handler, rsp 0x%llx%s%s",
            outcome_signal_name(info->number), (unsigned long long)registers->rsp,
            process->reason[0] != '\0' ? "; " : "", process->reason);
        signal_force(process, &fault, text);
        return false;
    }
    signals->restore_blocked = false;
    signals->blocked |=
        action->mask | ((action->flags & SA_NODEFER) != 0 ? 0 : signal_bit(info->number));
    if ((action->flags & SA_RESETHAND) != 0) {
        action->handler = SIGNAL_DEFAULT;
    }
    process->reason[0] = '\0';
    return true;
}

static bool take_next(struct process *process, struct signal_info *info)
{
    return signal_take(process, SYNCHRONOUS & ~process->signals.blocked, info) ||
           signal_take(process, ~process->signals.blocked, info);
}

void signals_deliver(struct process *process)
{
    const struct process_hooks *hooks = &process->table->hooks;
    struct registers registers;
    struct signal_info info;
    bool changed = false;

    hooks->get_registers(hooks->context, &registers);
    while (take_next(process, &info)) {
        if (signal_is_ignored(process, info.number)) {
            continue;
        }
        if (signal_acts_by_default(process, info.number)) {
            signal_do_default(process, &info);
            if (process->state == PROCESS_ZOMBIE) {
                return;
            }
            continue;
        }
        changed = enter_handler(process, &registers, &info) || changed;
    }
    if (process->restart) { /* nothing came of what interrupted it */
        rewind_request(process, &registers);
        changed = true;
    }
    if (process->signals.restore_blocked) {
        process->signals.restore_blocked = false;
        process->signals.blocked = process->signals.saved_blocked;
    }
    if (changed) {
        hooks->set_registers(hooks->context, &registers);
    }
}
