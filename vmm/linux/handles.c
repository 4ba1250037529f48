/*
 * Requests on descriptors themselves: closing, duplicating, flags, pipes, memory files, and what
 * an open file is asked about (position, size, terminal).  Reading and writing is in streams.c,
 * opening by a name in paths.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "linux/mapped_file.h"
#include "linux/requests.h"

static struct open_file *file_of(const struct process *process, uint64_t fd)
{
    return descriptors_get(&process->descriptors, fd);
}

int files_host_fd(const struct process *process, int fd)
{
    const struct open_file *file = file_of(process, (uint64_t)fd);

    return file != NULL ? file->fd : -1;
}

int64_t request_close(struct process *process, const uint64_t argument[6])
{
    return descriptors_close(&process->descriptors, argument[0]);
}

/* --- duplicates --- */

static int64_t
duplicate(struct process *process, struct open_file *file, uint64_t lowest, bool close_on_exec)
{
    file->references++;
    return descriptors_add(&process->descriptors, file, lowest, close_on_exec);
}

int64_t request_dup(struct process *process, const uint64_t argument[6])
{
    struct open_file *file = file_of(process, argument[0]);

    return file != NULL ? duplicate(process, file, 0, false) : -EBADF;
}

static int64_t
duplicate_at(struct process *process, struct open_file *file, uint64_t fd, bool close_on_exec)
{
    file->references++;
    return descriptors_put_at(&process->descriptors, file, fd, close_on_exec);
}

int64_t request_dup2(struct process *process, const uint64_t argument[6])
{
    struct open_file *file = file_of(process, argument[0]);

    if (file == NULL) {
        return -EBADF;
    }
    return (uint32_t)argument[0] == (uint32_t)argument[1]
               ? (int64_t)(uint32_t)argument[1]
               : duplicate_at(process, file, argument[1], false);
}

int64_t request_dup3(struct process *process, const uint64_t argument[6])
{
    struct open_file *file = file_of(process, argument[0]);

    if ((argument[2] & ~(uint64_t)O_CLOEXEC) != 0 ||
        (uint32_t)argument[0] == (uint32_t)argument[1]) {
        return -EINVAL;
    }
    return file != NULL ? duplicate_at(process, file, argument[1], argument[2] != 0) : -EBADF;
}

/* --- flags --- */

#define CHANGEABLE (O_APPEND | O_DIRECT | O_NOATIME | O_ASYNC)

/* The host's file keeps its own O_NONBLOCK (descriptors.h); a stream of vmm keeps all it has. */
static int64_t set_flags(struct open_file *file, uint64_t flags)
{
    int now = fcntl(file->fd, F_GETFL);

    if (now < 0) {
        return -errno;
    }
    if (!file->borrowed &&
        fcntl(file->fd, F_SETFL, (now & ~CHANGEABLE) | ((int)flags & CHANGEABLE)) < 0) {
        return -errno;
    }
    file->nonblocking = (flags & O_NONBLOCK) != 0;
    return 0;
}

int64_t request_fcntl(struct process *process, const uint64_t argument[6])
{
    struct descriptor *slot = descriptors_slot(&process->descriptors, argument[0]);

    if (slot == NULL) {
        return -EBADF;
    }
    switch ((int)argument[1]) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return duplicate(process, slot->file, argument[2], (int)argument[1] == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return slot->close_on_exec ? FD_CLOEXEC : 0;
    case F_SETFD:
        slot->close_on_exec = (argument[2] & FD_CLOEXEC) != 0;
        return 0;
    case F_GETFL: {
        int flags = fcntl(slot->file->fd, F_GETFL);
        return flags < 0 ? -errno
                         : (flags & ~O_NONBLOCK) | (slot->file->nonblocking ? O_NONBLOCK : 0);
    }
    case F_SETFL:
        return set_flags(slot->file, argument[2]);
    case F_GETPIPE_SZ: {
        int bytes = fcntl(slot->file->fd, F_GETPIPE_SZ);
        return bytes < 0 ? -errno : bytes;
    }
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return request_lock(process, slot->file, (int)argument[1], argument[2]);
    default:
        return -EINVAL;
    }
}

/* --- new ones without a name --- */

/* Takes the host's fd over. */
static int64_t add(struct process *process, int fd, bool nonblocking, bool close_on_exec)
{
    struct open_file *file = open_file_create(fd, false);

    if (file == NULL) {
        return -ENOMEM;
    }
    file->nonblocking = nonblocking;
    return descriptors_add(&process->descriptors, file, 0, close_on_exec);
}

static int64_t make_pipe(struct process *process, uint64_t at, uint64_t flags)
{
    int host[2];
    int32_t fd[2];

    if ((flags & ~(uint64_t)(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) != 0) {
        return -EINVAL;
    }
    if (pipe2(host, O_CLOEXEC | O_NONBLOCK | ((int)flags & O_DIRECT)) != 0) {
        return -errno;
    }
    for (unsigned i = 0; i < 2; i++) {
        int64_t added =
            add(process, host[i], (flags & O_NONBLOCK) != 0, (flags & O_CLOEXEC) != 0);
        if (added < 0) {
            if (i == 0) {
                close(host[1]);
            } else {
                descriptors_close(&process->descriptors, (uint64_t)fd[0]);
            }
            return added;
        }
        fd[i] = (int32_t)added;
    }
    if (access_write(&process->access, gva_of(at), fd, sizeof(fd)) != 0) {
        descriptors_close(&process->descriptors, (uint64_t)fd[0]);
        descriptors_close(&process->descriptors, (uint64_t)fd[1]);
        return -EFAULT;
    }
    return 0;
}

int64_t request_pipe(struct process *process, const uint64_t argument[6])
{
    return make_pipe(process, argument[0], 0);
}

int64_t request_pipe2(struct process *process, const uint64_t argument[6])
{
    return make_pipe(process, argument[0], (uint32_t)argument[1]);
}

#define MEMFD_NAME_BYTES 250 /* Linux's limit, with the NUL */

int64_t request_memfd_create(struct process *process, const uint64_t argument[6])
{
    char name[MEMFD_NAME_BYTES];
    unsigned flags = (unsigned)argument[1];
    int error = access_read_string(&process->access, name, gva_of(argument[0]), sizeof(name));

    if (error != 0) {
        return error == ENAMETOOLONG ? -EINVAL : -error;
    }
    int fd = memfd_create(name, flags | MFD_CLOEXEC);
    return fd < 0 ? -errno : add(process, fd, false, (flags & MFD_CLOEXEC) != 0);
}

/* --- what an open file is asked --- */

int64_t request_lseek(struct process *process, const uint64_t argument[6])
{
    const struct open_file *file = file_of(process, argument[0]);

    if (file == NULL) {
        return -EBADF;
    }
    off_t at = lseek(file->fd, (off_t)argument[1], (int)argument[2]);
    return at < 0 ? -errno : at;
}

int64_t request_ftruncate(struct process *process, const uint64_t argument[6])
{
    const struct open_file *file = file_of(process, argument[0]);

    if (file == NULL) {
        return -EBADF;
    }
    if (ftruncate(file->fd, (off_t)argument[1]) != 0) {
        return -errno;
    }
    mapped_file_after_cut(process, file);
    return 0;
}

int64_t request_fchmod(struct process *process, const uint64_t argument[6])
{
    const struct open_file *file = file_of(process, argument[0]);

    if (file == NULL) {
        return -EBADF;
    }
    return fchmod(file->fd, (mode_t)argument[1]) != 0 ? -errno : 0;
}

int64_t request_fchown(struct process *process, const uint64_t argument[6])
{
    const struct open_file *file = file_of(process, argument[0]);

    if (file == NULL) {
        return -EBADF;
    }
    return fchown(file->fd, (uid_t)argument[1], (gid_t)argument[2]) != 0 ? -errno : 0;
}

int64_t request_fsync(struct process *process, const uint64_t argument[6])
{
    const struct open_file *file = file_of(process, argument[0]);

    if (file == NULL) {
        return -EBADF;
    }
    int error = mapped_file_before_sync(process, file);
    return error != 0 ? -error : (fsync(file->fd) != 0 ? -errno : 0);
}

int64_t request_fadvise64(struct process *process, const uint64_t argument[6])
{
    const struct open_file *file = file_of(process, argument[0]);

    if (file == NULL) {
        return -EBADF;
    }
    return -posix_fadvise(file->fd, (off_t)argument[1], (off_t)argument[2], (int)argument[3]);
}

/* What a program asks of a terminal to see whether it is one, and its size. */
int64_t request_ioctl(struct process *process, const uint64_t argument[6])
{
    const struct open_file *file = file_of(process, argument[0]);
    /* The kernel's struct termios, shorter than glibc's; struct winsize is the same. */
    uint8_t answer[64];
    size_t bytes;

    if (file == NULL) {
        return -EBADF;
    }
    switch ((uint32_t)argument[1]) {
    case TCGETS:
        bytes = 36;
        break;
    case TIOCGWINSZ:
        bytes = sizeof(struct winsize);
        break;
    case FIONREAD:
        bytes = sizeof(int);
        break;
    default:
        return -ENOTTY;
    }
    if (syscall(SYS_ioctl, file->fd, (unsigned long)argument[1], answer) != 0) {
        return -errno;
    }
    return -access_write(&process->access, gva_of(argument[2]), answer, bytes);
}
