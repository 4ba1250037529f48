/*
 * Requests on files.  A guest has the three standard streams of vmm and can open nothing else,
 * so a descriptor is 0, 1 or 2.  Guest memory is handed to the host's readv and writev page by
 * page, and every wait lets the signals through that end a run.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#include "linux/requests.h"

static bool is_open(const struct process *process, uint64_t fd)
{
    return (uint32_t)fd <= 2 && !process->closed[(uint32_t)fd];
}

/* --- reading and writing --- */

#define BATCH_PAGES 64
/* Linux's MAX_RW_COUNT. */
#define COUNT_MAX UINT64_C(0x7ffff000)

/* Wait until fd is ready; a signal for vmm ends the wait and, soon, the run. */
static int wait_for(struct process *process, int fd, short events)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};

    int ready = request_wait(process, &poll_fd, 1, NULL);
    return ready < 0 ? -ready : 0;
}

int files_host_fd(const struct process *process, int fd)
{
    return fd >= 0 && fd <= 2 && !process->closed[fd] ? fd : -1;
}

/* After POLLOUT a pipe takes PIPE_BUF bytes without blocking; a file never blocks. */
static size_t batch_bytes(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? (size_t)BATCH_PAGES * PAGE_BYTES
                                                              : PIPE_BUF;
}

static int gather(
    struct process *process, struct gva address, size_t bytes, bool write, struct iovec *vector)
{
    int count = 0;

    while (bytes > 0 && count < BATCH_PAGES) {
        size_t here;
        void *page = access_page(&process->access, address, write, &here);
        if (page == NULL) {
            break;
        }
        here = here < bytes ? here : bytes;
        vector[count++] = (struct iovec){.iov_base = page, .iov_len = here};
        address = gva_add(address, here);
        bytes -= here;
    }
    return count;
}

/* One host call for a stretch of guest memory.  write: the guest's memory is written. */
static int64_t
transfer_once(struct process *process, int fd, struct gva address, size_t bytes, bool write)
{
    struct iovec vector[BATCH_PAGES];
    int error = wait_for(process, fd, write ? POLLIN : POLLOUT);

    if (error != 0) {
        return -error;
    }
    int count = gather(process, address, bytes, write, vector);
    if (count == 0) {
        return -EFAULT;
    }
    ssize_t n = write ? readv(fd, vector, count) : writev(fd, vector, count);
    return n < 0 ? -errno : n;
}

static int64_t
write_stretch(struct process *process, int fd, struct gva address, uint64_t bytes)
{
    size_t most = batch_bytes(fd);
    uint64_t done = 0;

    while (done < bytes) {
        size_t want = bytes - done < most ? bytes - done : most;
        int64_t n = transfer_once(process, fd, gva_add(address, done), want, false);
        if (n < 0) {
            if (n == -EPIPE) {
                process_signal_self(process, SIGPIPE);
            }
            return done != 0 ? (int64_t)done : n;
        }
        done += (uint64_t)n;
        if ((size_t)n < want && n == 0) {
            break;
        }
    }
    return (int64_t)done;
}

static int64_t read_stretch(struct process *process, int fd, struct gva address, uint64_t bytes)
{
    const uint64_t most = (uint64_t)BATCH_PAGES * PAGE_BYTES;

    return bytes == 0 ? 0
                      : transfer_once(process, fd, address, bytes < most ? bytes : most, true);
}

static int64_t
transfer(struct process *process, uint64_t fd, struct gva address, uint64_t bytes, bool write)
{
    bytes = bytes < COUNT_MAX ? bytes : COUNT_MAX;
    return write ? read_stretch(process, (int)fd, address, bytes)
                 : write_stretch(process, (int)fd, address, bytes);
}

int64_t request_read(struct process *process, const uint64_t argument[6])
{
    return is_open(process, argument[0])
               ? transfer(process, argument[0], gva_of(argument[1]), argument[2], true)
               : -EBADF;
}

int64_t request_write(struct process *process, const uint64_t argument[6])
{
    return is_open(process, argument[0])
               ? transfer(process, argument[0], gva_of(argument[1]), argument[2], false)
               : -EBADF;
}

/* As Linux: the vector is copied in whole and checked before any byte moves. */
static int64_t transfer_vector(struct process *process, const uint64_t argument[6], bool write)
{
    struct iovec vector[IOV_MAX];
    int64_t total = 0;

    if (!is_open(process, argument[0])) {
        return -EBADF;
    }
    if (argument[2] > IOV_MAX) {
        return -EINVAL;
    }
    size_t count = argument[2];
    if (access_read(&process->access, vector, gva_of(argument[1]), count * sizeof(vector[0])) !=
        0) {
        return -EFAULT;
    }
    for (size_t i = 0; i < count; i++) {
        if (vector[i].iov_len > (size_t)SSIZE_MAX) {
            return -EINVAL;
        }
    }
    for (size_t i = 0; i < count; i++) {
        int64_t n = transfer(
            process, argument[0], gva_of((uint64_t)vector[i].iov_base), vector[i].iov_len,
            write);
        if (n < 0) {
            return total != 0 ? total : n;
        }
        total += n;
        if ((size_t)n < vector[i].iov_len) {
            break;
        }
    }
    return total;
}

int64_t request_readv(struct process *process, const uint64_t argument[6])
{
    return transfer_vector(process, argument, true);
}

int64_t request_writev(struct process *process, const uint64_t argument[6])
{
    return transfer_vector(process, argument, false);
}

/* --- descriptors --- */

/* The host's stream stays open: vmm itself writes to stderr. */
int64_t request_close(struct process *process, const uint64_t argument[6])
{
    if (!is_open(process, argument[0])) {
        return -EBADF;
    }
    process->closed[(uint32_t)argument[0]] = true;
    return 0;
}

int64_t request_fstat(struct process *process, const uint64_t argument[6])
{
    struct stat status; /* on x86-64 glibc's layout is the kernel's */

    if (!is_open(process, argument[0])) {
        return -EBADF;
    }
    if (fstat((int)argument[0], &status) != 0) {
        return -errno;
    }
    return -access_write(&process->access, gva_of(argument[1]), &status, sizeof(status));
}

/* Only AT_EMPTY_PATH on a standard stream: that is how C libraries ask for fstat. */
int64_t request_newfstatat(struct process *process, const uint64_t argument[6])
{
    char path[PATH_MAX];
    int error = access_read_string(&process->access, path, gva_of(argument[1]), sizeof(path));

    if (error != 0) {
        return -error;
    }
    if (path[0] != '\0' || (argument[3] & AT_EMPTY_PATH) == 0) {
        return -ENOENT;
    }
    const uint64_t fstat_argument[6] = {argument[0], argument[2]};
    return request_fstat(process, fstat_argument);
}

int64_t request_lseek(struct process *process, const uint64_t argument[6])
{
    if (!is_open(process, argument[0])) {
        return -EBADF;
    }
    off_t at = lseek((int)argument[0], (off_t)argument[1], (int)argument[2]);
    return at < 0 ? -errno : at;
}

/* What a program asks of a terminal to see whether it is one, and its size. */
int64_t request_ioctl(struct process *process, const uint64_t argument[6])
{
    /* The kernel's struct termios, shorter than glibc's; struct winsize is the same. */
    uint8_t answer[64];
    size_t bytes;

    if (!is_open(process, argument[0])) {
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
    if (syscall(SYS_ioctl, (int)argument[0], (unsigned long)argument[1], answer) != 0) {
        return -errno;
    }
    return -access_write(&process->access, gva_of(argument[2]), answer, bytes);
}

int64_t request_fcntl(struct process *process, const uint64_t argument[6])
{
    if (!is_open(process, argument[0])) {
        return -EBADF;
    }
    switch ((int)argument[1]) {
    case F_GETFD:
    case F_SETFD:
        return 0;
    case F_GETFL: {
        int flags = fcntl((int)argument[0], F_GETFL);
        return flags < 0 ? -errno : flags;
    }
    default:
        return -EINVAL;
    }
}

/* /proc/self/exe is the one link there is. */
static int64_t read_link(struct process *process, uint64_t path_at, uint64_t to, uint64_t bytes)
{
    char path[PATH_MAX];
    int error = access_read_string(&process->access, path, gva_of(path_at), sizeof(path));

    if (error != 0) {
        return -error;
    }
    if ((int64_t)bytes <= 0) {
        return -EINVAL;
    }
    if (strcmp(path, "/proc/self/exe") != 0) {
        return -ENOENT;
    }
    size_t length = strlen(process->exe);
    length = length < bytes ? length : bytes;
    error = access_write(&process->access, gva_of(to), process->exe, length);
    return error != 0 ? -error : (int64_t)length;
}

int64_t request_readlink(struct process *process, const uint64_t argument[6])
{
    return read_link(process, argument[0], argument[1], argument[2]);
}

int64_t request_readlinkat(struct process *process, const uint64_t argument[6])
{
    return read_link(process, argument[1], argument[2], argument[3]);
}

int64_t request_getcwd(struct process *process, const uint64_t argument[6])
{
    char path[PATH_MAX];

    if (getcwd(path, sizeof(path)) == NULL) {
        return -errno;
    }
    size_t bytes = strlen(path) + 1;
    if (argument[1] < bytes) {
        return -ERANGE;
    }
    int error = access_write(&process->access, gva_of(argument[0]), path, bytes);
    return error != 0 ? -error : (int64_t)bytes;
}

/* On the standard streams only: other descriptors answer POLLNVAL. */
int64_t request_poll(struct process *process, const uint64_t argument[6])
{
    struct pollfd fds[REQUEST_WAIT_MAX];
    struct timespec timeout = {
        .tv_sec = (int)argument[2] / 1000, .tv_nsec = (int)argument[2] % 1000 * 1000000L};

    if (argument[1] > sizeof(fds) / sizeof(fds[0])) {
        return -EINVAL;
    }
    size_t count = argument[1];
    if (access_read(&process->access, fds, gva_of(argument[0]), count * sizeof(fds[0])) != 0) {
        return -EFAULT;
    }
    for (size_t i = 0; i < count; i++) {
        if (fds[i].fd >= 0 && !is_open(process, (uint64_t)fds[i].fd)) {
            fds[i].fd = INT_MAX; /* no such descriptor in vmm either: POLLNVAL */
        }
    }
    int ready = request_wait(process, fds, count, (int)argument[2] < 0 ? NULL : &timeout);
    if (ready < 0) {
        return ready;
    }
    for (size_t i = 0; i < count; i++) {
        struct gva at =
            gva_of(argument[0] + i * sizeof(fds[0]) + offsetof(struct pollfd, revents));
        if (access_write(&process->access, at, &fds[i].revents, sizeof(fds[i].revents)) != 0) {
            return -EFAULT;
        }
    }
    return ready;
}
