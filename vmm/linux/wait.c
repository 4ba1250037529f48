/*
 * Waiting for the outside on behalf of a request, so that what ends a run ends the wait too.  It
 * refuses to know what is waited for.  Read requests.h for the contract, run/run.c for who makes
 * the descriptor.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "linux/requests.h"

int request_wait(
    struct process *process, struct pollfd *fds, size_t count, const struct timespec *timeout)
{
    struct pollfd all[REQUEST_WAIT_MAX + 1];

    assert(count <= REQUEST_WAIT_MAX);
    memcpy(all, fds, count * sizeof(fds[0]));
    all[count] = (struct pollfd){.fd = process->wake_fd, .events = POLLIN};
    int ready = ppoll(all, count + 1, timeout, NULL);
    if (ready < 0) {
        return -errno;
    }
    if (all[count].revents != 0) {
        process->interrupted = true;
        return -EINTR;
    }
    memcpy(fds, all, count * sizeof(fds[0]));
    return ready;
}
