/*
 * Waiting for several descriptors: poll, ppoll, select, pselect6.  They look once; if nothing is
 * ready, the process waits and they look again.  The signal mask of ppoll and pselect6 counts
 * while they wait, as for rt_sigsuspend.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

#include "base/clock.h"
#include "linux/requests.h"

#define POLL_MAX DESCRIPTORS_MAX

/* Times are taken in once, when the request begins: 0 or an errno.  at 0: for ever. */
static int begin(struct process *process, const struct timespec *timeout)
{
    struct progress *progress = &process->progress;

    if (progress->started) {
        return 0;
    }
    progress->deadline_ns = WAIT_FOR_EVER;
    if (timeout != NULL && !request_deadline(timeout, clock_now_ns(), &progress->deadline_ns)) {
        return EINVAL;
    }
    progress->started = true;
    return 0;
}

/* The mask for the time of the wait: 0 or an errno. */
static int take_mask(struct process *process, uint64_t at, uint64_t bytes)
{
    struct signals *signals = &process->signals;
    uint64_t set;

    if (at == 0 || process->progress.started) {
        return 0;
    }
    if (bytes != sizeof(set)) {
        return EINVAL;
    }
    if (access_read(&process->access, &set, gva_of(at), sizeof(set)) != 0) {
        return EFAULT;
    }
    signals->saved_blocked = signals->blocked;
    signals->restore_blocked = true;
    signals->blocked = set & ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
    return 0;
}

/* Host descriptors in place of the program's; what is not open answers POLLNVAL. */
static void translate(const struct process *process, struct pollfd *host, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (host[i].fd >= 0) {
            int fd = files_host_fd(process, host[i].fd);
            host[i].fd = fd >= 0 ? fd : INT32_MAX;
        }
    }
}

/* Ready descriptors, or an error, or REQUEST_BLOCKED. */
static int64_t poll_or_wait(struct process *process, struct pollfd *host, size_t count)
{
    uint64_t deadline_ns = process->progress.deadline_ns;
    int ready = poll(host, count, 0);

    if (ready != 0) {
        return ready < 0 ? -errno : ready;
    }
    if (clock_now_ns() >= deadline_ns) {
        return 0;
    }
    if ((process->signals.pending & ~process->signals.blocked) != 0) {
        return -EINTR;
    }
    for (size_t i = 0; i < count; i++) {
        if (host[i].fd >= 0 && !request_wait_fd(process, host[i].fd, host[i].events)) {
            return -ENOMEM;
        }
    }
    return request_wait(process, WAIT_EVENT, deadline_ns, -EINTR);
}

static int64_t
poll_descriptors(struct process *process, uint64_t at, uint64_t count, struct pollfd *host)
{
    if (access_read(&process->access, host, gva_of(at), count * sizeof(*host)) != 0) {
        return -EFAULT;
    }
    translate(process, host, count);
    int64_t ready = poll_or_wait(process, host, count);
    for (size_t i = 0; ready >= 0 && i < count; i++) {
        struct gva to = gva_of(at + i * sizeof(*host) + offsetof(struct pollfd, revents));
        if (access_write(&process->access, to, &host[i].revents, sizeof(host[i].revents)) !=
            0) {
            return -EFAULT;
        }
    }
    return ready;
}

static int64_t poll_vector(struct process *process, uint64_t at, uint64_t count)
{
    if (count > POLL_MAX) {
        return -EINVAL;
    }
    struct pollfd *host = calloc(count + 1, sizeof(*host));
    if (host == NULL) {
        return -ENOMEM;
    }
    int64_t ready = poll_descriptors(process, at, count, host);
    free(host);
    return ready;
}

int64_t request_poll(struct process *process, const uint64_t argument[6])
{
    int timeout_ms = (int)argument[2];
    const struct timespec timeout = {
        .tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L};
    int error = begin(process, timeout_ms < 0 ? NULL : &timeout);

    return error != 0 ? -error : poll_vector(process, argument[0], (uint32_t)argument[1]);
}

int64_t request_ppoll(struct process *process, const uint64_t argument[6])
{
    struct timespec timeout;

    if (argument[2] != 0 &&
        access_read(&process->access, &timeout, gva_of(argument[2]), sizeof(timeout)) != 0) {
        return -EFAULT;
    }
    int error = take_mask(process, argument[3], argument[4]);
    if (error == 0) {
        error = begin(process, argument[2] != 0 ? &timeout : NULL);
    }
    return error != 0 ? -error : poll_vector(process, argument[0], (uint32_t)argument[1]);
}

/* --- select: three sets of bits --- */

struct sets {
    uint64_t at[3]; /* of the program: read, write, except; 0: none */
    fd_set set[3];
    int count; /* of descriptors */
};

static const short set_events[3] = {
    POLLIN | POLLRDNORM | POLLRDBAND, POLLOUT | POLLWRNORM | POLLWRBAND, POLLPRI};
/* What makes a descriptor of each set ready: Linux's fs/select.c. */
static const short set_answers[3] = {
    POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR,
    POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR, POLLPRI};

static size_t set_bytes(const struct sets *sets)
{
    return ((size_t)sets->count + 63) / 64 * 8;
}

/* As many entries as sets->count, unused ones with fd -1; or an error. */
static int64_t read_sets(struct process *process, struct sets *sets, struct pollfd *host)
{
    for (int i = 0; i < 3; i++) {
        FD_ZERO(&sets->set[i]);
        if (sets->at[i] != 0 &&
            access_read(
                &process->access, &sets->set[i], gva_of(sets->at[i]), set_bytes(sets)) != 0) {
            return -EFAULT;
        }
    }
    for (int fd = 0; fd < sets->count; fd++) {
        host[fd] = (struct pollfd){.fd = -1};
        for (int i = 0; i < 3; i++) {
            if (FD_ISSET(fd, &sets->set[i])) {
                host[fd].fd = fd;
                host[fd].events |= set_events[i];
            }
        }
        if (host[fd].fd >= 0 && files_host_fd(process, fd) < 0) {
            return -EBADF;
        }
    }
    translate(process, host, (size_t)sets->count);
    return 0;
}

static int64_t write_sets(struct process *process, struct sets *sets, const struct pollfd *host)
{
    int64_t ready = 0;

    for (int i = 0; i < 3; i++) {
        for (int fd = 0; fd < sets->count; fd++) {
            if (!FD_ISSET(fd, &sets->set[i])) {
                continue;
            }
            if ((host[fd].revents & set_answers[i]) != 0) {
                ready++;
            } else {
                FD_CLR(fd, &sets->set[i]);
            }
        }
        if (sets->at[i] != 0 &&
            access_write(
                &process->access, gva_of(sets->at[i]), &sets->set[i], set_bytes(sets)) != 0) {
            return -EFAULT;
        }
    }
    return ready;
}

static int64_t select_sets(struct process *process, const uint64_t argument[6])
{
    struct sets sets = {
        .at = {argument[1], argument[2], argument[3]}, .count = (int)argument[0]};
    struct pollfd host[FD_SETSIZE];

    if (sets.count < 0) {
        return -EINVAL;
    }
    sets.count = sets.count < FD_SETSIZE ? sets.count : FD_SETSIZE;
    int64_t result = read_sets(process, &sets, host);
    if (result == 0) {
        result = poll_or_wait(process, host, (size_t)sets.count);
    }
    return result >= 0 ? write_sets(process, &sets, host) : result;
}

/* The time left is not written back, as POSIX allows. */
int64_t request_select(struct process *process, const uint64_t argument[6])
{
    int64_t timeval[2] = {0}; /* struct timeval: s, us */

    if (argument[4] != 0 &&
        access_read(&process->access, timeval, gva_of(argument[4]), sizeof(timeval)) != 0) {
        return -EFAULT;
    }
    if (timeval[1] < 0 || timeval[1] >= 1000000) {
        return -EINVAL;
    }
    const struct timespec timeout = {.tv_sec = timeval[0], .tv_nsec = timeval[1] * 1000};
    int error = begin(process, argument[4] != 0 ? &timeout : NULL);
    return error != 0 ? -error : select_sets(process, argument);
}

int64_t request_pselect6(struct process *process, const uint64_t argument[6])
{
    struct timespec timeout;
    uint64_t mask[2] = {0}; /* address, bytes */
    int error = 0;

    if ((argument[4] != 0 &&
         access_read(&process->access, &timeout, gva_of(argument[4]), sizeof(timeout)) != 0) ||
        (argument[5] != 0 &&
         access_read(&process->access, mask, gva_of(argument[5]), sizeof(mask)) != 0)) {
        return -EFAULT;
    }
    error = take_mask(process, mask[0], mask[1]);
    if (error == 0) {
        error = begin(process, argument[4] != 0 ? &timeout : NULL);
    }
    return error != 0 ? -error : select_sets(process, argument);
}
