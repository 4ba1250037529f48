/*
 * Requests that only look at a file: status in its four forms, access rights, links.  Structures
 * are handed through as the host's kernel fills them: on x86-64 the C library's are the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux/paths.h"
#include "linux/requests.h"
#include "linux/table.h"

static int64_t give_status(struct process *process, uint64_t to, const struct stat *status)
{
    return -access_write(&process->access, gva_of(to), status, sizeof(*status));
}

int64_t request_fstat(struct process *process, const uint64_t argument[6])
{
    struct stat status;
    int fd = files_host_fd(process, (int)argument[0]);

    if (fd < 0) {
        return -EBADF;
    }
    return fstat(fd, &status) != 0 ? -errno : give_status(process, argument[1], &status);
}

/* Whether a path with these flags stands for its folder argument itself; its host descriptor, or
 * an error. */
static int64_t find_file(
    struct process *process, uint64_t folder, uint64_t at, uint64_t flags, struct path *path)
{
    int64_t error = path_read(process, folder, at, path);

    if (error != 0) {
        return error;
    }
    return path->name[0] == '\0' && (flags & AT_EMPTY_PATH) == 0 ? -ENOENT : 0;
}

static int64_t
status_at(struct process *process, uint64_t folder, uint64_t at, uint64_t to, uint64_t flags)
{
    struct stat status;
    struct path path;
    int64_t error = find_file(process, folder, at, flags, &path);

    if (error != 0) {
        return error;
    }
    if (path.own) {
        flags &= ~(uint64_t)AT_SYMLINK_NOFOLLOW;
    }
    return fstatat(path.folder, path.name, &status, (int)flags) != 0
               ? -errno
               : give_status(process, to, &status);
}

int64_t request_stat(struct process *process, const uint64_t argument[6])
{
    return status_at(process, (uint64_t)AT_FDCWD, argument[0], argument[1], 0);
}

int64_t request_lstat(struct process *process, const uint64_t argument[6])
{
    return status_at(
        process, (uint64_t)AT_FDCWD, argument[0], argument[1], AT_SYMLINK_NOFOLLOW);
}

int64_t request_newfstatat(struct process *process, const uint64_t argument[6])
{
    return status_at(process, argument[0], argument[1], argument[2], argument[3]);
}

int64_t request_statx(struct process *process, const uint64_t argument[6])
{
    struct statx status;
    struct path path;
    int64_t error = find_file(process, argument[0], argument[1], argument[2], &path);

    if (error != 0) {
        return error;
    }
    if (statx(path.folder, path.name, (int)argument[2], (unsigned)argument[3], &status) != 0) {
        return -errno;
    }
    return -access_write(&process->access, gva_of(argument[4]), &status, sizeof(status));
}

static int64_t
access_at(struct process *process, uint64_t folder, uint64_t at, uint64_t mode, uint64_t flags)
{
    struct path path;
    int64_t error = find_file(process, folder, at, flags, &path);

    if (error != 0) {
        return error;
    }
    return faccessat(path.folder, path.name, (int)mode, (int)flags) != 0 ? -errno : 0;
}

int64_t request_access(struct process *process, const uint64_t argument[6])
{
    return access_at(process, (uint64_t)AT_FDCWD, argument[0], argument[1], 0);
}

int64_t request_faccessat(struct process *process, const uint64_t argument[6])
{
    return access_at(process, argument[0], argument[1], argument[2], 0);
}

int64_t request_faccessat2(struct process *process, const uint64_t argument[6])
{
    return access_at(process, argument[0], argument[1], argument[2], argument[3]);
}

/* /proc/self/exe is the program, not vmm. */
static int64_t
read_link(struct process *process, uint64_t folder, uint64_t at, uint64_t to, uint64_t bytes)
{
    char target[PATH_MAX];
    char name[PATH_MAX];
    struct path path;

    if ((int)bytes <= 0) {
        return -EINVAL;
    }
    int error = access_read_string(&process->access, name, gva_of(at), sizeof(name));
    if (error != 0) {
        return -error;
    }
    ssize_t length;
    if (strcmp(name, "/proc/self/exe") == 0) {
        length = (ssize_t)strlen(process->exe);
        memcpy(target, process->exe, (size_t)length);
    } else {
        int64_t refused = path_read(process, folder, at, &path);
        if (refused != 0) {
            return refused;
        }
        length = readlinkat(path.folder, path.name, target, sizeof(target));
        if (length < 0) {
            return -errno;
        }
    }
    length = (uint64_t)length < bytes ? length : (ssize_t)bytes;
    error = access_write(&process->access, gva_of(to), target, (size_t)length);
    return error != 0 ? -error : (int64_t)length;
}

int64_t request_readlink(struct process *process, const uint64_t argument[6])
{
    return read_link(process, (uint64_t)AT_FDCWD, argument[0], argument[1], argument[2]);
}

int64_t request_readlinkat(struct process *process, const uint64_t argument[6])
{
    return read_link(process, argument[0], argument[1], argument[2], argument[3]);
}
