/*
 * A self-check of files: names, descriptors, offsets, waits for several at once, and the errors of
 * each.  It refuses to know whether it runs in the laboratory or under Linux: both must pass.  It
 * works in a folder of its own below /tmp, which it removes.
 *
 * expect: files streams | exit=0 | stdout=streams: ok
 * expect: files names | exit=0 | stdout=names: ok
 * expect: files descriptors | exit=0 | stdout=descriptors: ok
 * expect: files shared | exit=0 | stdout=shared: ok
 * expect: files poll | exit=0 | stdout=poll: ok
 * expect: files errors | exit=0 | stdout=errors: ok
 * expect: files proc | exit=0 | stdout=proc: ok
 * expect: files locks | exit=0 | stdout=locks: ok
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>

#include "check.h"

static char folder[] = "/tmp/vmm-files-XXXXXX";

static void enter(void)
{
    CHECK(mkdtemp(folder) != NULL && chdir(folder) == 0);
}

static void leave(void)
{
    CHECK(chdir("/") == 0 && rmdir(folder) == 0);
}

static int create(const char *name)
{
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    CHECK(fd >= 3);
    return fd;
}

static void check_streams(void)
{
    static char block[300000], back[300000];
    char first[3], second[5];
    const struct iovec out[2] = {{"abc", 3}, {"defgh", 5}};
    const struct iovec in[2] = {{first, 3}, {second, 5}};

    enter();
    int fd = create("a");
    for (size_t i = 0; i < sizeof(block); i++) {
        block[i] = (char)(i * 7 + i / 4096);
    }
    CHECK(write(fd, block, sizeof(block)) == sizeof(block));
    CHECK(lseek(fd, 0, SEEK_CUR) == sizeof(block) && lseek(fd, 0, SEEK_SET) == 0);
    CHECK(read(fd, back, sizeof(back)) == sizeof(back));
    CHECK(memcmp(block, back, sizeof(block)) == 0);
    CHECK(read(fd, back, 1) == 0);
    CHECK(pread(fd, back, 10, 5000) == 10 && memcmp(back, block + 5000, 10) == 0);
    CHECK(pwrite(fd, "xyz", 3, 1) == 3 && pread(fd, back, 5, 0) == 5);
    CHECK(back[0] == block[0] && memcmp(back + 1, "xyz", 3) == 0 && back[4] == block[4]);
    CHECK(ftruncate(fd, 4) == 0 && lseek(fd, 0, SEEK_END) == 4);
    CHECK(writev(fd, out, 2) == 8 && lseek(fd, 4, SEEK_SET) == 4);
    CHECK(readv(fd, in, 2) == 8);
    CHECK(memcmp(first, "abc", 3) == 0 && memcmp(second, "defgh", 5) == 0);
    CHECK(fsync(fd) == 0 && close(fd) == 0);
    fd = open("a", O_WRONLY | O_APPEND);
    CHECK(fd >= 0 && write(fd, "!", 1) == 1 && lseek(fd, 0, SEEK_CUR) == 13);
    CHECK(close(fd) == 0 && unlink("a") == 0);
    int memory = memfd_create("m", 0);
    CHECK(memory >= 0 && write(memory, "in memory", 9) == 9);
    CHECK(pread(memory, back, 100, 3) == 6 && memcmp(back, "memory", 6) == 0);
    CHECK(close(memory) == 0);
    leave();
}

static int count_names(const char *name)
{
    DIR *open_folder = opendir(name);
    int count = 0;

    CHECK(open_folder != NULL);
    while (readdir(open_folder) != NULL) {
        count++;
    }
    CHECK(closedir(open_folder) == 0);
    return count;
}

static void check_names(void)
{
    struct stat status;
    char path[200], expected[220];

    enter();
    mode_t mask = umask(077);
    int fd = open("a", O_RDWR | O_CREAT, 0666);
    CHECK(fd >= 0 && write(fd, "12345", 5) == 5);
    CHECK(fstat(fd, &status) == 0 && status.st_size == 5 && (status.st_mode & 0777) == 0600);
    CHECK(umask(mask) == 077);
    CHECK(fchmod(fd, 0640) == 0 && stat("a", &status) == 0 && (status.st_mode & 0777) == 0640);
    CHECK(fchown(fd, (uid_t)-1, getgid()) == 0 && fchown(900, 0, 0) == -1 && errno == EBADF);
    CHECK(stat("a", &status) == 0 && S_ISREG(status.st_mode));
    CHECK(lstat("/proc/self/exe", &status) == 0);
    CHECK(access("a", R_OK | W_OK) == 0 && access("b", F_OK) == -1 && errno == ENOENT);
    CHECK(mkdir("d", 0755) == 0 && mkdir("d", 0755) == -1 && errno == EEXIST);
    CHECK(rename("a", "d/b") == 0 && stat("a", &status) == -1 && errno == ENOENT);
    CHECK(count_names("d") == 3 && count_names(".") == 3);
    CHECK(chdir("d") == 0 && getcwd(path, sizeof(path)) == path);
    snprintf(expected, sizeof(expected), "%s/d", folder);
    CHECK(strcmp(path, expected) == 0);
    CHECK(access("b", R_OK) == 0);
    int above = open("..", O_RDONLY | O_DIRECTORY);
    CHECK(above >= 0 && openat(above, "d/b", O_RDONLY) > above);
    CHECK(unlinkat(above, "d/b", 0) == 0 && chdir("..") == 0);
    CHECK(unlinkat(above, "d", AT_REMOVEDIR) == 0);
    CHECK(getcwd(path, 3) == NULL && errno == ERANGE);
    pid_t child = fork();
    if (child == 0) {
        _exit(chdir("/") == 0 ? 0 : 1);
    }
    int state;
    CHECK(waitpid(child, &state, 0) == child && state == 0);
    CHECK(getcwd(path, sizeof(path)) == path && strcmp(path, folder) == 0);
    leave();
}

static void check_descriptors(void)
{
    char byte;
    int ends[2];

    for (int fd = 3; fd < 256; fd++) {
        close(fd); /* whatever the shell that started it has left open */
    }
    CHECK(pipe2(ends, O_CLOEXEC) == 0 && ends[0] == 3 && ends[1] == 4);
    CHECK(fcntl(ends[0], F_GETFD) == FD_CLOEXEC && fcntl(ends[0], F_SETFD, 0) == 0);
    CHECK(fcntl(ends[0], F_GETFD) == 0);
    CHECK((fcntl(ends[0], F_GETFL) & O_ACCMODE) == O_RDONLY);
    CHECK((fcntl(ends[1], F_GETFL) & O_ACCMODE) == O_WRONLY);
    CHECK((fcntl(ends[0], F_GETFL) & O_NONBLOCK) == 0);
    CHECK(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    CHECK((fcntl(ends[0], F_GETFL) & O_NONBLOCK) != 0);
    CHECK(read(ends[0], &byte, 1) == -1 && errno == EAGAIN);
    CHECK(dup(ends[1]) == 5 && dup2(ends[1], 9) == 9 && dup2(9, 9) == 9);
    CHECK(dup3(9, 12, O_CLOEXEC) == 12 && fcntl(12, F_GETFD) == FD_CLOEXEC);
    CHECK(fcntl(9, F_DUPFD, 20) == 20 && fcntl(9, F_DUPFD_CLOEXEC, 20) == 21);
    CHECK(close(ends[1]) == 0 && close(5) == 0 && close(9) == 0 && close(12) == 0);
    CHECK(close(20) == 0 && write(21, "z", 1) == 1 && close(21) == 0);
    CHECK(read(ends[0], &byte, 1) == 1 && byte == 'z' && read(ends[0], &byte, 1) == 0);
    CHECK(close(ends[0]) == 0 && close(ends[0]) == -1 && errno == EBADF);
    CHECK(dup2(1, 30) == 30 && close(1) == 0 && write(1, "x", 1) == -1 && errno == EBADF);
    CHECK(dup(30) == 1 && close(30) == 0);
}

/* What dup and fork share is the open file with its offset. */
static void check_shared(void)
{
    char bytes[2];
    int status;

    enter();
    int fd = create("a");
    CHECK(write(fd, "0123456789", 10) == 10 && lseek(fd, 2, SEEK_SET) == 2);
    int other = dup(fd);
    CHECK(read(other, bytes, 2) == 2 && bytes[0] == '2' && lseek(fd, 0, SEEK_CUR) == 4);
    pid_t child = fork();
    if (child == 0) {
        _exit(read(fd, bytes, 2) == 2 && bytes[0] == '4' && close(fd) == 0 ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(read(fd, bytes, 1) == 1 && bytes[0] == '6');
    int apart = open("a", O_RDONLY);
    CHECK(apart >= 0 && read(apart, bytes, 1) == 1 && bytes[0] == '0');
    CHECK(unlink("a") == 0);
    leave();
}

static void check_poll(void)
{
    int ends[2];
    fd_set reads, writes;
    struct timeval soon = {.tv_usec = 1000};
    char byte;

    CHECK(pipe(ends) == 0);
    struct pollfd fds[3] = {
        {.fd = ends[0], .events = POLLIN},
        {.fd = ends[1], .events = POLLOUT},
        {.fd = 99, .events = POLLIN}};
    CHECK(poll(fds, 1, 0) == 0 && poll(fds, 1, 10) == 0);
    CHECK(poll(fds, 3, -1) == 2 && fds[1].revents == POLLOUT && fds[2].revents == POLLNVAL);
    FD_ZERO(&reads);
    FD_SET((unsigned)ends[0], &reads);
    CHECK(
        select(ends[0] + 1, &reads, NULL, NULL, &soon) == 0 &&
        !FD_ISSET((unsigned)ends[0], &reads));
    pid_t child = fork();
    if (child == 0) {
        poll(NULL, 0, 30);
        _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
    }
    CHECK(poll(fds, 1, -1) == 1 && fds[0].revents == POLLIN);
    FD_SET((unsigned)ends[0], &reads);
    FD_ZERO(&writes);
    FD_SET((unsigned)ends[1], &writes);
    CHECK(select(ends[1] + 1, &reads, &writes, NULL, NULL) == 2);
    CHECK(FD_ISSET((unsigned)ends[0], &reads) && FD_ISSET((unsigned)ends[1], &writes));
    CHECK(read(ends[0], &byte, 1) == 1 && wait(NULL) == child);
    CHECK(close(ends[1]) == 0 && poll(fds, 1, -1) == 1 && (fds[0].revents & POLLHUP) != 0);
    FD_SET(50, &reads);
    CHECK(select(51, &reads, NULL, NULL, NULL) == -1 && errno == EBADF);
    struct winsize size;
    CHECK(ioctl(ends[0], TIOCGWINSZ, &size) == -1 && errno == ENOTTY);
}

static void check_errors(void)
{
    struct stat status;
    char byte;
    char *bad = (char *)UINTPTR_MAX - 4095;

    enter();
    int fd = create("a");
    CHECK(open("a", O_RDWR | O_CREAT | O_EXCL, 0600) == -1 && errno == EEXIST);
    CHECK(open("none", O_RDONLY) == -1 && errno == ENOENT);
    CHECK(open("", O_RDONLY) == -1 && errno == ENOENT);
    CHECK(open("a/b", O_RDONLY) == -1 && errno == ENOTDIR);
    CHECK(open(".", O_WRONLY) == -1 && errno == EISDIR);
    CHECK(open(bad, O_RDONLY) == -1 && errno == EFAULT);
    CHECK(openat(77, "a", O_RDONLY) == -1 && errno == EBADF);
    CHECK(openat(fd, "a", O_RDONLY) == -1 && errno == ENOTDIR);
    CHECK(write(fd, bad, 1) == -1 && errno == EFAULT);
    CHECK(pread(fd, &byte, 1, -1) == -1 && errno == EINVAL);
    CHECK(lseek(fd, -1, SEEK_SET) == -1 && errno == EINVAL);
    CHECK(lseek(fd, 0, 77) == -1 && errno == EINVAL);
    int only = open("a", O_RDONLY);
    CHECK(only >= 0 && write(only, "x", 1) == -1 && errno == EBADF);
    CHECK(ftruncate(only, 0) == -1 && (errno == EINVAL || errno == EBADF));
    CHECK(read(-1, &byte, 1) == -1 && errno == EBADF);
    CHECK(read(1 << 30, &byte, 1) == -1 && errno == EBADF);
    CHECK(dup2(fd, -1) == -1 && errno == EBADF && dup2(500, 3) == -1 && errno == EBADF);
    CHECK(dup3(fd, fd, 0) == -1 && errno == EINVAL);
    CHECK(fcntl(fd, F_DUPFD, -1) == -1 && errno == EINVAL);
    CHECK(pipe2((int[2]){0}, 0x7) == -1 && errno == EINVAL);
    CHECK(fstat(1000, &status) == -1 && errno == EBADF);
    CHECK(chdir("a") == -1 && errno == ENOTDIR && rmdir("a") == -1 && errno == ENOTDIR);
    CHECK(unlink("none") == -1 && errno == ENOENT && unlink("a") == 0);
    int ends[2];
    CHECK(pipe(ends) == 0 && lseek(ends[0], 0, SEEK_CUR) == -1 && errno == ESPIPE);
    leave();
}

/* Every descriptor that there may be, and one more. */
static void check_limit(void)
{
    int last = 0;

    for (int fd; (fd = dup(0)) >= 0;) {
        last = fd;
    }
    CHECK(errno == EMFILE && last >= 255);
    for (int fd = 3; fd <= last; fd++) {
        CHECK(close(fd) == 0);
    }
}

/* The program's own entries in /proc. */
static void check_proc(void)
{
    char path[4096], link[64];
    int ends[2];

    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    CHECK(length > 0);
    path[length] = '\0';
    CHECK(access(path, R_OK) == 0 && strstr(path, "files") != NULL);
    CHECK(pipe(ends) == 0);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", ends[1]);
    int fd = open(link, O_WRONLY);
    CHECK(fd >= 0 && write(fd, "x", 1) == 1 && read(ends[0], path, 9) == 1);
    CHECK(open("/proc/self/fd/700", O_RDONLY) == -1 && errno == ENOENT);
    if (getpid() == 1) { /* the laboratory itself is out of reach */
        CHECK(open("/proc/self/mem", O_RDWR) == -1);
        CHECK(open("/proc/thread-self/mem", O_RDWR) == -1);
        int self = open("/proc/self", O_RDONLY | O_DIRECTORY);
        CHECK(self < 0 || openat(self, "mem", O_RDWR) == -1);
    }
    check_limit();
}

static bool lock(int fd, int command, short type, off_t start)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = 1};

    return fcntl(fd, command, &lock) == 0;
}

/* In a process and an open file of its own. */
static void check_locks_of_another(void)
{
    struct flock asked = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    int fd = open("a", O_RDWR);

    CHECK(fd >= 0 && lock(fd, F_SETLK, F_WRLCK, 5));
    CHECK(!lock(fd, F_SETLK, F_WRLCK, 0) && (errno == EAGAIN || errno == EACCES));
    CHECK(fcntl(fd, F_GETLK, &asked) == 0 && asked.l_type == F_WRLCK && asked.l_start == 0);
    CHECK(flock(fd, LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK);
    CHECK(lock(fd, F_SETLKW, F_WRLCK, 0)); /* until the parent gives it up */
    CHECK(flock(fd, LOCK_SH) == 0);
    _exit(0);
}

static void check_locks(void)
{
    char ready;
    int status, ends[2];

    enter();
    int fd = create("a");
    CHECK(lock(fd, F_SETLK, F_WRLCK, 0) && lock(fd, F_SETLK, F_WRLCK, 0));
    CHECK(flock(fd, LOCK_EX) == 0 && pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        CHECK(write(ends[1], "r", 1) == 1);
        check_locks_of_another();
    }
    CHECK(read(ends[0], &ready, 1) == 1 && usleep(20000) == 0);
    CHECK(lock(fd, F_SETLK, F_UNLCK, 0) && usleep(20000) == 0 && flock(fd, LOCK_UN) == 0);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(!lock(fd, F_SETLK, 77, 0) && errno == EINVAL);
    CHECK(fcntl(fd, F_SETLK, (struct flock *)8) == -1 && errno == EFAULT);
    CHECK(flock(900, LOCK_EX) == -1 && errno == EBADF && unlink("a") == 0);
    leave();
}

int main(int argc, char **argv)
{
    static const struct check_mode modes[] = {
        {"streams", check_streams}, {"names", check_names}, {"descriptors", check_descriptors},
        {"shared", check_shared},   {"poll", check_poll},   {"errors", check_errors},
        {"proc", check_proc},       {"locks", check_locks}, {NULL, NULL},
    };

    return check_run(argc, argv, modes);
}
