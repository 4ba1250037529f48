/*
 * Futexes: a wait at a word, known by its address or by the place in guest memory that it lies
 * in, so that processes that share the page meet.  Requeueing, priority inheritance and bit sets are
 * not offered.  See futexes.h.
 */
#include <errno.h>
#include <linux/futex.h>
#include <time.h>

#include "base/clock.h"
#include "linux/futexes.h"
#include "linux/requests.h"
#include "linux/table.h"

/* 0: there is no such page. */
static uint64_t key_of(const struct process *process, uint64_t address)
{
    struct ptab_walk walk;

    ptab_walk(&process->access.space->ptab, gva_of(address), &walk);
    return walk.present ? walk.gpa.value : 0;
}

static bool
waits_there(const struct process *waiter, const struct process *waker, uint64_t address)
{
    uint64_t key = key_of(waker, address);

    return (waiter->access.space == waker->access.space && waiter->wait.key == address) ||
           (key != 0 && key_of(waiter, waiter->wait.key) == key);
}

unsigned futex_wake(struct process *process, uint64_t address, unsigned most)
{
    const struct process_table *table = process->table;
    unsigned woken = 0;

    for (unsigned i = 0; i < table->max && woken < most; i++) {
        struct process *other = table->slot[i];
        if (other != NULL && other->state == PROCESS_BLOCKED &&
            other->wait.kind == WAIT_FUTEX && waits_there(other, process, address)) {
            process_finish_wait(other, 0);
            woken++;
        }
    }
    return woken;
}

static int64_t wait_at(struct process *process, const uint64_t argument[6])
{
    struct timespec wait;
    uint32_t word;

    if (process->progress.started) {
        return -ETIMEDOUT; /* only the deadline calls a waiting request again */
    }
    if ((argument[0] & 3) != 0) {
        return -EINVAL;
    }
    if (access_read(&process->access, &word, gva_of(argument[0]), sizeof(word)) != 0) {
        return -EFAULT;
    }
    if (word != (uint32_t)argument[2]) {
        return -EAGAIN;
    }
    process->progress.deadline_ns = WAIT_FOR_EVER;
    if (argument[3] != 0) {
        if (access_read(&process->access, &wait, gva_of(argument[3]), sizeof(wait)) != 0) {
            return -EFAULT;
        }
        if (!request_deadline(&wait, clock_now_ns(), &process->progress.deadline_ns)) {
            return -EINVAL;
        }
    }
    process->progress.started = true;
    process->wait.key = argument[0];
    return request_wait(
        process, WAIT_FUTEX, process->progress.deadline_ns,
        argument[3] != 0 ? -EINTR : REQUEST_RESTART);
}

int64_t request_futex(struct process *process, const uint64_t argument[6])
{
    switch ((uint32_t)argument[1] & (uint32_t)FUTEX_CMD_MASK) {
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
        return futex_wake(process, argument[0], (unsigned)argument[2]);
    case FUTEX_WAIT:
        return wait_at(process, argument);
    default:
        return -ENOSYS;
    }
}
