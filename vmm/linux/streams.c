/*
 * Bytes in and out of open files: read and write in all their forms.  They go through a buffer of
 * the host, so that no pointer into guest memory outlives the fault that made it.  A file that is
 * not ready blocks the process, not the laboratory.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "linux/mapped_file.h"
#include "linux/requests.h"
#include "linux/signals.h"

#define BUFFER_BYTES 65536
/* Linux's MAX_RW_COUNT. */
#define COUNT_MAX   UINT64_C(0x7ffff000)
#define AT_POSITION (-1)

struct transfer {
    struct process *process;
    const struct open_file *file;
    struct iovec *vector; /* of the guest's addresses */
    size_t count;
    uint64_t bytes; /* of all of them */
    int64_t offset; /* in the file, or AT_POSITION */
};

/* --- guest memory --- */

/* The stretch of guest memory that begins `done` bytes into the vector. */
static uint64_t stretch_at(const struct transfer *transfer, uint64_t done, struct gva *address)
{
    for (size_t i = 0; i < transfer->count; i++) {
        const struct iovec *part = &transfer->vector[i];
        if (done < part->iov_len) {
            *address = gva_of((uint64_t)part->iov_base + done);
            return part->iov_len - done;
        }
        done -= part->iov_len;
    }
    return 0;
}

/* Copy up to `bytes` from guest memory; what could be copied. */
static size_t
copy_in(const struct transfer *transfer, uint64_t done, uint8_t *buffer, size_t bytes)
{
    size_t copied = 0;

    while (copied < bytes) {
        struct gva address;
        size_t here;
        uint64_t left = stretch_at(transfer, done + copied, &address);
        const void *page =
            left != 0 ? access_page(&transfer->process->access, address, false, &here) : NULL;
        if (page == NULL) {
            break;
        }
        here = here < left ? here : left;
        here = here < bytes - copied ? here : bytes - copied;
        memcpy(buffer + copied, page, here);
        access_tell(&transfer->process->access, address, here, false);
        copied += here;
    }
    return copied;
}

/* How much of guest memory from there on can be written, up to `bytes`. */
static size_t room_for(const struct transfer *transfer, uint64_t done, size_t bytes)
{
    size_t room = 0;

    while (room < bytes) {
        struct gva address;
        size_t here;
        uint64_t left = stretch_at(transfer, done + room, &address);
        if (left == 0 ||
            access_page(&transfer->process->access, address, true, &here) == NULL) {
            break;
        }
        room += here < left ? here : left;
    }
    return room < bytes ? room : bytes;
}

static bool
copy_out(const struct transfer *transfer, uint64_t done, const uint8_t *buffer, size_t bytes)
{
    size_t copied = 0;

    while (copied < bytes) {
        struct gva address;
        uint64_t left = stretch_at(transfer, done + copied, &address);
        size_t here = left < bytes - copied ? left : bytes - copied;
        if (here == 0 ||
            access_write(&transfer->process->access, address, buffer + copied, here) != 0) {
            return false;
        }
        copied += here;
    }
    return true;
}

/* --- the host's file --- */

static bool is_ready(const struct open_file *file, short events)
{
    struct pollfd poll_fd = {.fd = file->fd, .events = events};

    return file->regular || poll(&poll_fd, 1, 0) != 0;
}

/* The file is not ready: `done` bytes so far. */
static int64_t
wait_or_leave(struct process *process, const struct open_file *file, short events)
{
    uint64_t done = process->progress.done;

    if (file->nonblocking) {
        return done != 0 ? (int64_t)done : -EAGAIN;
    }
    if (!request_wait_fd(process, file->fd, events)) {
        return -ENOMEM;
    }
    return request_wait(
        process, WAIT_EVENT, WAIT_FOR_EVER, done != 0 ? (int64_t)done : REQUEST_RESTART);
}

/* After POLLOUT a pipe takes PIPE_BUF bytes without blocking; our own files never block. */
static size_t most_bytes(const struct open_file *file)
{
    return file->borrowed && !file->regular ? PIPE_BUF : BUFFER_BYTES;
}

/* In the file, or AT_POSITION. */
static int64_t offset_at(const struct transfer *transfer, uint64_t done)
{
    return transfer->offset == AT_POSITION ? AT_POSITION : transfer->offset + (int64_t)done;
}

static int64_t
host_write(const struct transfer *transfer, uint64_t done, const void *from, size_t bytes)
{
    int fd = transfer->file->fd;
    int64_t at = offset_at(transfer, done);
    struct mapped_file mapped;
    int error = mapped_file_before_write(&mapped, transfer->process, transfer->file, at, bytes);

    if (error != 0) {
        return -error;
    }
    ssize_t n = at == AT_POSITION ? write(fd, from, bytes) : pwrite(fd, from, bytes, at);
    if (n < 0) {
        return -errno;
    }
    mapped_file_after_write(&mapped, transfer->process, (size_t)n);
    return n;
}

static int64_t host_read(const struct transfer *transfer, uint64_t done, void *to, size_t bytes)
{
    int fd = transfer->file->fd;
    int64_t at = offset_at(transfer, done);
    int error = mapped_file_before_read(transfer->process, transfer->file, at, bytes);

    if (error != 0) {
        return -error;
    }
    ssize_t n = at == AT_POSITION ? read(fd, to, bytes) : pread(fd, to, bytes, at);
    return n < 0 ? -errno : n;
}

static int64_t end_of_write(struct process *process, int64_t error)
{
    if (error == -EPIPE) {
        signal_send_from(process, process, SIGPIPE, SI_USER);
    }
    return process->progress.done != 0 ? (int64_t)process->progress.done : error;
}

static int64_t write_out(const struct transfer *transfer)
{
    uint8_t buffer[BUFFER_BYTES];
    struct process *process = transfer->process;
    uint64_t *done = &process->progress.done;
    size_t most = most_bytes(transfer->file);

    while (*done < transfer->bytes) {
        uint64_t left = transfer->bytes - *done;
        if (!is_ready(transfer->file, POLLOUT)) {
            return wait_or_leave(process, transfer->file, POLLOUT);
        }
        size_t want = copy_in(transfer, *done, buffer, left < most ? left : most);
        if (want == 0) {
            return end_of_write(process, -EFAULT);
        }
        int64_t n = host_write(transfer, *done, buffer, want);
        if (n == -EAGAIN) {
            return wait_or_leave(process, transfer->file, POLLOUT);
        }
        if (n <= 0) {
            return end_of_write(process, n);
        }
        *done += (uint64_t)n;
    }
    return (int64_t)*done;
}

/* A regular file is read to the end of the request, anything else once. */
static int64_t read_in(const struct transfer *transfer)
{
    uint8_t buffer[BUFFER_BYTES];
    struct process *process = transfer->process;
    uint64_t done = 0;

    if (!is_ready(transfer->file, POLLIN)) {
        return wait_or_leave(process, transfer->file, POLLIN);
    }
    while (done < transfer->bytes) {
        uint64_t left = transfer->bytes - done;
        size_t want = room_for(transfer, done, left < BUFFER_BYTES ? left : BUFFER_BYTES);
        if (want == 0) {
            return done != 0 ? (int64_t)done : -EFAULT;
        }
        int64_t n = host_read(transfer, done, buffer, want);
        if (n == -EAGAIN && done == 0) {
            return wait_or_leave(process, transfer->file, POLLIN);
        }
        if (n <= 0) {
            return done != 0 ? (int64_t)done : n;
        }
        if (!copy_out(transfer, done, buffer, (size_t)n)) {
            return done != 0 ? (int64_t)done : -EFAULT;
        }
        done += (uint64_t)n;
        if ((size_t)n < want || !transfer->file->regular) {
            break;
        }
    }
    return (int64_t)done;
}

/* --- the requests --- */

static int64_t transfer_one(
    struct process *process,
    const uint64_t argument[6],
    int64_t offset,
    int64_t (*move)(const struct transfer *transfer))
{
    struct iovec part = {
        .iov_base = (void *)argument[1], /* NOLINT(performance-no-int-to-ptr): the guest's */
        .iov_len = argument[2] < COUNT_MAX ? argument[2] : COUNT_MAX};
    const struct transfer transfer = {
        .process = process,
        .file = descriptors_get(&process->descriptors, argument[0]),
        .vector = &part,
        .count = 1,
        .bytes = part.iov_len,
        .offset = offset};

    if (transfer.file == NULL) {
        return -EBADF;
    }
    if ((int64_t)argument[2] < 0) {
        return -EINVAL;
    }
    /* Even without a byte to move the host sees whether it could be. */
    return transfer.bytes == 0 ? move == read_in ? host_read(&transfer, 0, &part, 0)
                                                 : host_write(&transfer, 0, &part, 0)
                               : move(&transfer);
}

int64_t request_read(struct process *process, const uint64_t argument[6])
{
    return transfer_one(process, argument, AT_POSITION, read_in);
}

int64_t request_write(struct process *process, const uint64_t argument[6])
{
    return transfer_one(process, argument, AT_POSITION, write_out);
}

int64_t request_pread64(struct process *process, const uint64_t argument[6])
{
    return (int64_t)argument[3] < 0
               ? -EINVAL
               : transfer_one(process, argument, (int64_t)argument[3], read_in);
}

int64_t request_pwrite64(struct process *process, const uint64_t argument[6])
{
    return (int64_t)argument[3] < 0
               ? -EINVAL
               : transfer_one(process, argument, (int64_t)argument[3], write_out);
}

/* As Linux: the vector is copied in whole and checked before any byte moves. */
static int64_t transfer_vector(
    struct process *process,
    const uint64_t argument[6],
    int64_t (*move)(const struct transfer *transfer))
{
    struct iovec vector[IOV_MAX];
    struct transfer transfer = {
        .process = process,
        .file = descriptors_get(&process->descriptors, argument[0]),
        .vector = vector,
        .count = argument[2],
        .offset = AT_POSITION};

    if (transfer.file == NULL) {
        return -EBADF;
    }
    if (argument[2] > IOV_MAX) {
        return -EINVAL;
    }
    if (access_read(
            &process->access, vector, gva_of(argument[1]), argument[2] * sizeof(vector[0])) !=
        0) {
        return -EFAULT;
    }
    for (size_t i = 0; i < transfer.count; i++) {
        if (vector[i].iov_len > (size_t)SSIZE_MAX) {
            return -EINVAL;
        }
        uint64_t left = COUNT_MAX - transfer.bytes;
        vector[i].iov_len = vector[i].iov_len < left ? vector[i].iov_len : left;
        transfer.bytes += vector[i].iov_len;
    }
    return transfer.bytes == 0 ? 0 : move(&transfer);
}

int64_t request_readv(struct process *process, const uint64_t argument[6])
{
    return transfer_vector(process, argument, read_in);
}

int64_t request_writev(struct process *process, const uint64_t argument[6])
{
    return transfer_vector(process, argument, write_out);
}

/* Entries are the host's, as it lists them. */
int64_t request_getdents64(struct process *process, const uint64_t argument[6])
{
    uint8_t buffer[BUFFER_BYTES];
    const struct open_file *file = descriptors_get(&process->descriptors, argument[0]);
    size_t want = (uint32_t)argument[2];

    if (file == NULL) {
        return -EBADF;
    }
    want = want < sizeof(buffer) ? want : sizeof(buffer);
    long n = syscall(SYS_getdents64, file->fd, buffer, want);
    if (n < 0) {
        return -errno;
    }
    return access_write(&process->access, gva_of(argument[1]), buffer, (size_t)n) != 0 ? -EFAULT
                                                                                       : n;
}
