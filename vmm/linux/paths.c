/*
 * Requests that take a path and change something: opening, making, removing, renaming, the
 * working directory.  The host's kernel resolves paths, with the rights of vmm's user; vmm's own
 * entries in /proc are kept from the program, which must not reach into the laboratory's memory.
 * Read stat.c for the requests that only look.
 */
#include "linux/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "linux/mapped_file.h"
#include "linux/requests.h"
#include "linux/table.h"

/* --- names --- */

/* The number in "/proc/self/fd/N" and its other names; -1: none of them. */
static int descriptor_in(const char *name)
{
    static const char *const folders[] = {"/proc/self/fd/", "/dev/fd/"};
    static const char *const streams[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
    char *end;

    for (int i = 0; i < 3; i++) {
        if (strcmp(name, streams[i]) == 0) {
            return i;
        }
    }
    for (size_t i = 0; i < 2; i++) {
        size_t length = strlen(folders[i]);
        if (strncmp(name, folders[i], length) == 0 && name[length] >= '0' &&
            name[length] <= '9') {
            long fd = strtol(name + length, &end, 10);
            return *end == '\0' && fd < DESCRIPTORS_MAX ? (int)fd : DESCRIPTORS_MAX;
        }
    }
    return -1;
}

static int64_t translate(struct process *process, struct path *path)
{
    if (strcmp(path->name, "/proc/self/exe") == 0) {
        snprintf(path->name, sizeof(path->name), "%s", process->exe);
        return 0;
    }
    int fd = descriptor_in(path->name);
    if (fd < 0) {
        return 0;
    }
    int host = files_host_fd(process, fd);
    if (host < 0) {
        return -ENOENT;
    }
    snprintf(path->name, sizeof(path->name), "/proc/self/fd/%d", host);
    path->own = true;
    return 0;
}

/* The name is read. */
static int64_t place(struct process *process, uint64_t folder, struct path *path)
{
    path->folder = AT_FDCWD;
    path->own = false;
    if (path->name[0] == '/') {
        return translate(process, path);
    }
    if ((int)folder == AT_FDCWD) {
        path->folder = process->descriptors.directory->fd;
        return 0;
    }
    path->folder = files_host_fd(process, (int)folder);
    return path->folder < 0 ? -EBADF : 0;
}

int64_t path_read(struct process *process, uint64_t folder, uint64_t at, struct path *path)
{
    int error =
        access_read_string(&process->access, path->name, gva_of(at), sizeof(path->name));

    return error != 0 ? -error : place(process, folder, path);
}

int64_t path_place(struct process *process, const char *name, struct path *path)
{
    size_t bytes = strlen(name) + 1;

    if (bytes > sizeof(path->name)) {
        return -ENAMETOOLONG;
    }
    memcpy(path->name, name, bytes);
    return place(process, (uint64_t)AT_FDCWD, path);
}

/* The same, where a name must be there. */
static int64_t
read_name(struct process *process, uint64_t folder, uint64_t at, struct path *path)
{
    int64_t error = path_read(process, folder, at, path);

    return error == 0 && path->name[0] == '\0' ? -ENOENT : error;
}

/* --- opening --- */

/* Whether fd is something of vmm's own process in /proc. */
static bool is_of_vmm(int fd)
{
    struct statfs system;
    char link[64], target[PATH_MAX], own[32];

    if (fstatfs(fd, &system) != 0 || system.f_type != PROC_SUPER_MAGIC) {
        return false;
    }
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t bytes = readlink(link, target, sizeof(target) - 1);
    if (bytes < 0) {
        return true;
    }
    target[bytes] = '\0';
    int length = snprintf(own, sizeof(own), "/proc/%d", (int)getpid());
    return strncmp(target, own, (size_t)length) == 0 &&
           (target[length] == '/' || target[length] == '\0');
}

/* Links of /proc to open files would be vmm's: not followed. */
static int open_on_host(const struct path *path, int flags, mode_t mode)
{
    struct open_how how = {
        .flags = (uint32_t)flags,
        .mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? mode & 07777 : 0,
        .resolve = RESOLVE_NO_MAGICLINKS};

    if (path->own) {
        return openat(path->folder, path->name, flags, mode);
    }
    long fd = syscall(SYS_openat2, path->folder, path->name, &how, sizeof(how));
    if (fd < 0 && errno == ENOSYS) {
        return openat(path->folder, path->name, flags, mode);
    }
    return (int)fd;
}

/* What the host's kernel says of a link of /proc is what it says of a ring of links, too. */
static int error_of(const struct path *path, int flags, int error)
{
    if (error != ELOOP || (flags & O_NOFOLLOW) != 0) {
        return error;
    }
    int fd = openat(path->folder, path->name, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    close(fd);
    return ENOENT;
}

int path_open(const struct process *process, const struct path *path, int flags, mode_t mode)
{
    mode_t outer = umask(process->umask);
    int fd = open_on_host(path, flags, mode);
    int error = fd < 0 ? errno : 0;

    umask(outer);
    if (fd < 0) {
        return -error_of(path, flags, error);
    }
    if (is_of_vmm(fd)) {
        close(fd);
        return -ENOENT;
    }
    return fd;
}

#define KNOWN_FLAGS                                                                            \
    (O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_SYNC | O_DIRECT | O_DIRECTORY |     \
     O_NOFOLLOW | O_NOATIME | O_PATH | O_TMPFILE)

/* A FIFO without the other end does not wait: it opens as with O_NONBLOCK. */
static int64_t
open_path(struct process *process, uint64_t folder, uint64_t at, uint64_t flags, uint64_t mode)
{
    struct path path;
    int64_t error = read_name(process, folder, at, &path);
    int host_flags = (int)(flags & KNOWN_FLAGS) | O_CLOEXEC | O_NOCTTY;

    if (error != 0) {
        return error;
    }
    if ((flags & O_PATH) == 0) {
        host_flags |= O_NONBLOCK;
    } else {
        host_flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    }
    int fd = path_open(process, &path, host_flags, (mode_t)mode);
    if (fd < 0) {
        return fd;
    }
    struct open_file *file = open_file_create(fd, false);
    if (file == NULL) {
        return -ENOMEM;
    }
    file->nonblocking = (flags & O_NONBLOCK) != 0;
    if ((host_flags & O_TRUNC) != 0) {
        mapped_file_after_cut(process, file);
    }
    return descriptors_add(&process->descriptors, file, 0, (flags & O_CLOEXEC) != 0);
}

int64_t request_open(struct process *process, const uint64_t argument[6])
{
    return open_path(process, (uint64_t)AT_FDCWD, argument[0], argument[1], argument[2]);
}

int64_t request_openat(struct process *process, const uint64_t argument[6])
{
    return open_path(process, argument[0], argument[1], argument[2], argument[3]);
}

int64_t request_creat(struct process *process, const uint64_t argument[6])
{
    return open_path(
        process, (uint64_t)AT_FDCWD, argument[0], O_CREAT | O_WRONLY | O_TRUNC, argument[1]);
}

/* --- making and removing --- */

static int64_t make_folder(struct process *process, uint64_t folder, uint64_t at, uint64_t mode)
{
    struct path path;
    int64_t error = read_name(process, folder, at, &path);

    if (error != 0) {
        return error;
    }
    mode_t outer = umask(process->umask);
    error = mkdirat(path.folder, path.name, (mode_t)mode) != 0 ? -errno : 0;
    umask(outer);
    return error;
}

int64_t request_mkdir(struct process *process, const uint64_t argument[6])
{
    return make_folder(process, (uint64_t)AT_FDCWD, argument[0], argument[1]);
}

int64_t request_mkdirat(struct process *process, const uint64_t argument[6])
{
    return make_folder(process, argument[0], argument[1], argument[2]);
}

static int64_t remove_name(struct process *process, uint64_t folder, uint64_t at, int flags)
{
    struct path path;
    int64_t error = read_name(process, folder, at, &path);

    if (error != 0) {
        return error;
    }
    return unlinkat(path.folder, path.name, flags) != 0 ? -errno : 0;
}

int64_t request_unlink(struct process *process, const uint64_t argument[6])
{
    return remove_name(process, (uint64_t)AT_FDCWD, argument[0], 0);
}

int64_t request_rmdir(struct process *process, const uint64_t argument[6])
{
    return remove_name(process, (uint64_t)AT_FDCWD, argument[0], AT_REMOVEDIR);
}

int64_t request_unlinkat(struct process *process, const uint64_t argument[6])
{
    return remove_name(process, argument[0], argument[1], (int)argument[2]);
}

static int64_t rename_name(struct process *process, const uint64_t argument[6], unsigned flags)
{
    struct path from, to;
    int64_t error = read_name(process, argument[0], argument[1], &from);

    if (error == 0) {
        error = read_name(process, argument[2], argument[3], &to);
    }
    if (error != 0) {
        return error;
    }
    return renameat2(from.folder, from.name, to.folder, to.name, flags) != 0 ? -errno : 0;
}

int64_t request_rename(struct process *process, const uint64_t argument[6])
{
    const uint64_t at[6] = {(uint64_t)AT_FDCWD, argument[0], (uint64_t)AT_FDCWD, argument[1]};

    return rename_name(process, at, 0);
}

int64_t request_renameat(struct process *process, const uint64_t argument[6])
{
    return rename_name(process, argument, 0);
}

int64_t request_renameat2(struct process *process, const uint64_t argument[6])
{
    return rename_name(process, argument, (unsigned)argument[4]);
}

/* --- the working directory and the mask: of the process, never vmm's --- */

/* Takes fd over. */
static int64_t enter_folder(struct process *process, int fd)
{
    struct open_file *file;

    if (fd < 0) {
        return -errno;
    }
    /* vmm's own folder in /proc is no place either. */
    if (is_of_vmm(fd)) {
        close(fd);
        return -ENOENT;
    }
    if (faccessat(fd, ".", X_OK, 0) != 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    file = open_file_create(fd, false);
    if (file == NULL) {
        return -ENOMEM;
    }
    open_file_put(process->descriptors.directory);
    process->descriptors.directory = file;
    return 0;
}

int64_t request_chdir(struct process *process, const uint64_t argument[6])
{
    struct path path;
    int64_t error = read_name(process, (uint64_t)AT_FDCWD, argument[0], &path);

    return error != 0 ? error
                      : enter_folder(
                            process, open_on_host(&path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0));
}

int64_t request_fchdir(struct process *process, const uint64_t argument[6])
{
    int fd = files_host_fd(process, (int)argument[0]);

    return fd < 0 ? -EBADF
                  : enter_folder(process, openat(fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

int64_t request_getcwd(struct process *process, const uint64_t argument[6])
{
    char link[64], path[PATH_MAX];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", process->descriptors.directory->fd);
    ssize_t length = readlink(link, path, sizeof(path) - 1);
    if (length < 0) {
        return -errno;
    }
    path[length] = '\0';
    if (argument[1] < (uint64_t)length + 1) {
        return -ERANGE;
    }
    int error = access_write(&process->access, gva_of(argument[0]), path, (size_t)length + 1);
    return error != 0 ? -error : length + 1;
}

int64_t request_umask(struct process *process, const uint64_t argument[6])
{
    uint32_t old = process->umask;

    process->umask = (uint32_t)argument[0] & 0777;
    return old;
}
