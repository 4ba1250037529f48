/*
 * Locks on files.  A program's record lock becomes a lock of the host on the open file ("open file
 * description lock"), so that it holds against every other process of the guest that opened the
 * file itself, and against the host's programs.  It refuses to block the vCPU: who has to wait asks again.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "base/clock.h"
#include "linux/requests.h"

/* How often a process that waits for a lock looks again. */
#define RETRY_NS UINT64_C(2000000)

static int64_t ask_again(struct process *process)
{
    return request_wait(process, WAIT_EVENT, clock_now_ns() + RETRY_NS, REQUEST_RESTART);
}

int64_t
request_lock(struct process *process, const struct open_file *file, int command, uint64_t at)
{
    struct flock lock;
    const struct gva address = gva_of(at);
    int host = command == F_GETLK || command == F_OFD_GETLK ? F_OFD_GETLK : F_OFD_SETLK;

    if (access_read(&process->access, &lock, address, sizeof(lock)) != 0) {
        return -EFAULT;
    }
    if (command == F_GETLK || command == F_SETLK || command == F_SETLKW) {
        lock.l_pid = 0;
    }
    if (fcntl(file->fd, host, &lock) != 0) {
        bool wait = command == F_SETLKW || command == F_OFD_SETLKW;
        return errno == EAGAIN && wait ? ask_again(process) : -errno;
    }
    if (host == F_OFD_GETLK &&
        access_write(&process->access, address, &lock, sizeof(lock)) != 0) {
        return -EFAULT;
    }
    return 0;
}

int64_t request_flock(struct process *process, const uint64_t argument[6])
{
    const struct open_file *file = descriptors_get(&process->descriptors, argument[0]);
    int operation = (int)argument[1];

    if (file == NULL) {
        return -EBADF;
    }
    if (flock(file->fd, operation | LOCK_NB) == 0) {
        return 0;
    }
    return errno == EWOULDBLOCK && (operation & LOCK_NB) == 0 ? ask_again(process) : -errno;
}
