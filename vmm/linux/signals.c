/*
 * Signals: making them pending, and the requests on actions, masks and stacks.  What becomes of
 * a pending one is in deliver.c.  Of several signals of one number one is kept, as for Linux's
 * classic signals; those from SIGRTMIN on are not queued either.
 */
#include "linux/signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "linux/deliver.h"
#include "linux/requests.h"
#include "linux/table.h"

#define SIGSET_BYTES 8

#define NEVER_BLOCKED (signal_bit(SIGKILL) | signal_bit(SIGSTOP))
#define STOPS                                                                                  \
    (signal_bit(SIGSTOP) | signal_bit(SIGTSTP) | signal_bit(SIGTTIN) | signal_bit(SIGTTOU))

/* --- sending --- */

/* What comes of these two even where they are blocked or ignored. */
static void stop_or_continue(struct process *to, int number)
{
    if (number == SIGCONT || number == SIGKILL) {
        to->stopped = false;
        to->signals.pending &= ~STOPS;
    }
    if ((signal_bit(number) & STOPS) != 0) {
        to->signals.pending &= ~signal_bit(SIGCONT);
    }
}

/* Linux lets nothing but a kill through to the one that waits for its vfork child. */
static bool may_be_interrupted(const struct process *process)
{
    return process->state == PROCESS_BLOCKED && process->wait.kind != WAIT_VFORK;
}

void signal_send(struct process *to, const struct signal_info *info)
{
    struct signals *signals = &to->signals;
    int number = info->number;
    uint64_t bit = signal_bit(number);

    if (to->state == PROCESS_ZOMBIE) {
        return;
    }
    stop_or_continue(to, number);
    if ((signals->blocked & bit) == 0 && signal_is_ignored(to, number)) {
        return;
    }
    if ((signals->pending & bit) == 0) {
        signals->pending |= bit;
        signals->info[number] = *info;
    }
    if (to->state == PROCESS_BLOCKED && to->wait.kind == WAIT_SIGNAL &&
        (to->wait.key & bit) != 0) {
        process_wake(to);
        return;
    }
    bool runs = to == to->table->current && to->state == PROCESS_READY;
    if ((signals->blocked & bit) != 0 || runs) {
        return; /* the one that runs will look by itself */
    }
    if (signal_acts_by_default(to, number)) {
        signals->pending &= ~bit;
        signal_do_default(to, info);
    } else if (may_be_interrupted(to)) {
        process_finish_wait(to, to->wait.interrupted);
    }
}

void signal_send_from(struct process *from, struct process *to, int number, int code)
{
    const struct signal_info info = {
        .number = number, .code = code, .pid = from->pid, .uid = getuid()};

    signal_send(to, &info);
}

void signal_force(struct process *process, const struct signal_info *info, const char *reason)
{
    struct signals *signals = &process->signals;
    struct signal_action *action = &signals->action[info->number];
    uint64_t bit = signal_bit(info->number);

    if (action->handler == SIGNAL_IGNORE || (signals->blocked & bit) != 0) {
        action->handler = SIGNAL_DEFAULT;
        signals->blocked &= ~bit;
    }
    signals->pending |= bit;
    signals->info[info->number] = *info;
    strncpy(process->reason, reason, sizeof(process->reason) - 1);
}

/* --- kill --- */

static int64_t send_to_group(struct process *process, int group, int number)
{
    const struct process_table *table = process->table;
    int found = 0;

    for (unsigned i = 0; i < table->max; i++) {
        struct process *to = table->slot[i];
        bool wanted = to != NULL &&
                      (group == -1 ? to != process && to != table->first : to->group == group);
        if (!wanted) {
            continue;
        }
        found++;
        if (number != 0) {
            signal_send_from(process, to, number, SI_USER);
        }
    }
    return found != 0 ? 0 : -ESRCH;
}

static int64_t send_to_one(struct process *process, int pid, int number, int code)
{
    struct process *to = process_find(process->table, pid);

    if (to == NULL) {
        return -ESRCH;
    }
    if (number != 0) {
        signal_send_from(process, to, number, code);
    }
    return 0;
}

int64_t request_kill(struct process *process, const uint64_t argument[6])
{
    int pid = (int)argument[0];

    if ((uint32_t)argument[1] > SIGNALS_COUNT) {
        return -EINVAL;
    }
    if (pid > 0) {
        return send_to_one(process, pid, (int)argument[1], SI_USER);
    }
    if (pid == INT32_MIN) {
        return -ESRCH;
    }
    return send_to_group(
        process,
        pid == 0    ? process->group
        : pid == -1 ? -1
                    : -pid,
        (int)argument[1]);
}

static int64_t send_to_thread(struct process *process, int pid, uint64_t number)
{
    if (pid <= 0 || (uint32_t)number > SIGNALS_COUNT) {
        return -EINVAL;
    }
    return send_to_one(process, pid, (int)number, SI_TKILL);
}

int64_t request_tkill(struct process *process, const uint64_t argument[6])
{
    return send_to_thread(process, (int)argument[0], argument[1]);
}

int64_t request_tgkill(struct process *process, const uint64_t argument[6])
{
    if ((int)argument[0] <= 0) {
        return -EINVAL;
    }
    if ((int)argument[0] != (int)argument[1] && (int)argument[1] > 0) {
        return -ESRCH;
    }
    return send_to_thread(process, (int)argument[1], argument[2]);
}

/* --- actions and masks --- */

int64_t request_rt_sigaction(struct process *process, const uint64_t argument[6])
{
    uint64_t number = (uint32_t)argument[0];
    struct signal_action action;

    if (argument[3] != SIGSET_BYTES || number == 0 || number > SIGNALS_COUNT ||
        (argument[1] != 0 && (number == SIGKILL || number == SIGSTOP))) {
        return -EINVAL;
    }
    if (argument[1] != 0 &&
        access_read(&process->access, &action, gva_of(argument[1]), sizeof(action)) != 0) {
        return -EFAULT;
    }
    struct signal_action old = process->signals.action[number];
    if (argument[1] != 0) {
        action.mask &= ~NEVER_BLOCKED;
        process->signals.action[number] = action;
        if (signal_is_ignored(process, (int)number)) {
            process->signals.pending &= ~signal_bit((int)number);
        }
    }
    return argument[2] == 0
               ? 0
               : -access_write(&process->access, gva_of(argument[2]), &old, sizeof(old));
}

int64_t request_rt_sigprocmask(struct process *process, const uint64_t argument[6])
{
    uint64_t old = process->signals.blocked;
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
            process->signals.blocked |= set;
            break;
        case SIG_UNBLOCK:
            process->signals.blocked &= ~set;
            break;
        case SIG_SETMASK:
            process->signals.blocked = set;
            break;
        default:
            return -EINVAL;
        }
    }
    if (argument[2] != 0) {
        return -access_write(&process->access, gva_of(argument[2]), &old, sizeof(old));
    }
    return 0;
}

int64_t request_rt_sigpending(struct process *process, const uint64_t argument[6])
{
    uint64_t pending = process->signals.pending & process->signals.blocked;

    if (argument[1] > SIGSET_BYTES) {
        return -EINVAL;
    }
    return -access_write(&process->access, gva_of(argument[0]), &pending, argument[1]);
}

/* --- waiting for one --- */

int64_t
request_pause(struct process *process, const uint64_t argument[6] __attribute__((unused)))
{
    return request_wait(process, WAIT_EVENT, WAIT_FOR_EVER, -EINTR);
}

int64_t request_rt_sigsuspend(struct process *process, const uint64_t argument[6])
{
    uint64_t set;

    if (argument[1] != SIGSET_BYTES) {
        return -EINVAL;
    }
    if (access_read(&process->access, &set, gva_of(argument[0]), sizeof(set)) != 0) {
        return -EFAULT;
    }
    process->signals.saved_blocked = process->signals.blocked;
    process->signals.restore_blocked = true;
    process->signals.blocked = set & ~NEVER_BLOCKED;
    if ((process->signals.pending & ~process->signals.blocked) != 0) {
        return -EINTR;
    }
    return request_wait(process, WAIT_EVENT, WAIT_FOR_EVER, -EINTR);
}

bool signal_take(struct process *process, uint64_t set, struct signal_info *info)
{
    uint64_t found = process->signals.pending & set;

    if (found == 0) {
        return false;
    }
    int number = __builtin_ctzll(found) + 1;
    process->signals.pending &= ~signal_bit(number);
    *info = process->signals.info[number];
    return true;
}

int64_t request_rt_sigtimedwait(struct process *process, const uint64_t argument[6])
{
    uint8_t text[SIGNAL_INFO_BYTES];
    struct progress *progress = &process->progress;
    struct signal_info info;
    struct timespec wait;
    uint64_t set;

    if (argument[3] != SIGSET_BYTES) {
        return -EINVAL;
    }
    if (access_read(&process->access, &set, gva_of(argument[0]), sizeof(set)) != 0 ||
        (argument[2] != 0 &&
         access_read(&process->access, &wait, gva_of(argument[2]), sizeof(wait)) != 0)) {
        return -EFAULT;
    }
    set &= ~NEVER_BLOCKED;
    if (signal_take(process, set, &info)) {
        signal_fill_info(&info, text);
        return argument[1] != 0 &&
                       access_write(
                           &process->access, gva_of(argument[1]), text, sizeof(text)) != 0
                   ? -EFAULT
                   : info.number;
    }
    if (!progress->started) {
        progress->deadline_ns = WAIT_FOR_EVER;
        if (argument[2] != 0 &&
            !request_deadline(&wait, clock_now_ns(), &progress->deadline_ns)) {
            return -EINVAL;
        }
        progress->started = true;
    }
    if (clock_now_ns() >= progress->deadline_ns) {
        return -EAGAIN;
    }
    process->wait.key = set;
    return request_wait(process, WAIT_SIGNAL, progress->deadline_ns, -EINTR);
}
