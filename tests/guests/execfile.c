/*
 * A self-check of exec's files: what is refused and leaves the caller as it was, descriptors as programs,
 * scripts, and files that only look like programs.  It refuses to know whether it runs in the
 * laboratory or under Linux: both must pass.
 *
 * expect: execfile errors | exit=0 | stdout=errors: ok
 * expect: execfile descriptors | exit=0 | stdout=descriptors: ok
 * expect: execfile at | exit=0 | stdout=at: ok
 * expect: execfile scripts | exit=0 | stdout=scripts: ok
 * expect: execfile hostile | exit=0 | stdout=hostile: ok
 */
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "exec_parts.h"

/* --- files --- */

static char folder[] = "/tmp/exec-XXXXXX";
static char path[PATH_MAX];

static const char *in_folder(const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void make_file(const char *name, int mode, const void *bytes, size_t size)
{
    int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC, mode);

    CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size && close(fd) == 0);
}

static void make_text(const char *name, int mode, const char *text)
{
    make_file(name, mode, text, strlen(text));
}

static void remove_folder(const char *const *names)
{
    for (; *names != NULL; names++) {
        CHECK(unlink(in_folder(*names)) == 0);
    }
    CHECK(rmdir(folder) == 0);
}

/* --- failures --- */

static void refuse(const char *file, char *const *argv, char *const *environment, int wanted)
{
    int got = execve(file, argv, environment);

    if (got != -1 || errno != wanted) {
        fprintf(stderr, "%.40s: wanted %s, got ", file, strerror(wanted));
        CHECK(!"the errno");
    }
}

static void check_files_refused(char *const *argv)
{
    static const char *const names[] = {"plain", "text", "empty", "loop",
                                        "lost",  "line", "bare",  NULL};
    static char long_name[PATH_MAX + 8];

    memset(long_name, 'n', sizeof(long_name) - 1);
    make_text("plain", 0644, "#!/proc/self/exe\n");
    make_text("text", 0755, "no program\n");
    make_text("empty", 0755, "");
    make_text("lost", 0755, "#! /nowhere/at/all\n");
    make_text("line", 0755, "#!  \n");
    make_text("bare", 0755, "#!");
    CHECK(snprintf(long_name, sizeof(long_name), "#!%s/loop\n", folder) > 0);
    make_text("loop", 0755, long_name);
    memset(long_name, 'n', sizeof(long_name) - 1);
    refuse("/nowhere", argv, environ, ENOENT);
    refuse("", argv, environ, ENOENT);
    refuse("/dev/null/x", argv, environ, ENOTDIR);
    refuse(long_name, argv, environ, ENAMETOOLONG);
    refuse(folder, argv, environ, EACCES);
    refuse("/dev/null", argv, environ, EACCES);
    refuse(in_folder("plain"), argv, environ, EACCES);
    refuse(in_folder("text"), argv, environ, ENOEXEC);
    refuse(in_folder("empty"), argv, environ, ENOEXEC);
    refuse(in_folder("line"), argv, environ, ENOEXEC);
    refuse(in_folder("bare"), argv, environ, EACCES);
    refuse(in_folder("lost"), argv, environ, ENOENT);
    refuse(in_folder("loop"), argv, environ, ELOOP);
    remove_folder(names);
}

static void check_arguments_refused(char *const *argv)
{
    static char too_long[200000];
    static char *many[61];
    char *bad[] = {"exec", (char *)8, NULL};

    memset(too_long, 'x', sizeof(too_long) - 1);
    char *one[] = {"exec", too_long, NULL};
    for (int i = 0; i < 60; i++) {
        many[i] = too_long + 100000; /* 60 times 100,000 bytes: beyond 2 MiB */
    }
    refuse((const char *)8, argv, environ, EFAULT);
    refuse(SELF, (char *const *)8, environ, EFAULT);
    refuse(SELF, bad, environ, EFAULT);
    refuse(SELF, argv, bad, EFAULT);
    refuse(SELF, one, environ, E2BIG);
    refuse(SELF, argv, one, E2BIG);
    refuse(SELF, many, environ, E2BIG);
}

static void check_errors(void)
{
    const struct sigaction action = {.sa_handler = on_signal};
    char *argv[] = {"exec", "part-seven", NULL};
    struct sigaction now;
    uint8_t *pages = map_pages();

    CHECK(mkdtemp(folder) != NULL);
    fill(pages, 3);
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    check_files_refused(argv);
    check_arguments_refused(argv);
    check_filled(pages, 3);
    CHECK(sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_handler == on_signal);
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
}

/* --- descriptors --- */

static void check_descriptors(void)
{
    char list[16][16];
    char *argv[20] = {"exec", "part-descriptors"};
    int kept[2], closed[2], fd[16], count = 0;

    CHECK(pipe(kept) == 0 && pipe2(closed, O_CLOEXEC) == 0);
    fd[count++] = kept[0];
    fd[count++] = -closed[0];
    fd[count++] = -closed[1];
    fd[count++] = -open("/dev/null", O_RDONLY | O_CLOEXEC);
    fd[count++] = dup(closed[0]);
    fd[count++] = -fcntl(kept[0], F_DUPFD_CLOEXEC, 20);
    fd[count++] = fcntl(closed[0], F_DUPFD, 30);
    CHECK(dup3(kept[0], 40, O_CLOEXEC) == 40 && dup2(closed[0], 41) == 41);
    fd[count++] = -40;
    fd[count++] = 41;
    CHECK(fcntl(kept[1], F_SETFD, FD_CLOEXEC) == 0);
    fd[count++] = -kept[1];
    CHECK(dup(41) >= 0 && fcntl(41, F_SETFD, FD_CLOEXEC) == 0 && fcntl(41, F_SETFD, 0) == 0);
    for (int i = 0; i < count; i++) {
        CHECK(fd[i] != 1 && fd[i] != -1);
        snprintf(list[i], sizeof(list[i]), "%d", fd[i]);
        argv[2 + i] = list[i];
    }
    expect_part(argv, environ);
    CHECK(fcntl(closed[0], F_GETFD) == FD_CLOEXEC);
}

/* A number for each descriptor; negative: it must be closed. */
static int part_descriptors(int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        int fd = atoi(argv[i]);
        int flags = fcntl(fd < 0 ? -fd : fd, F_GETFD);
        CHECK(fd < 0 ? flags == -1 && errno == EBADF : flags == 0);
    }
    return 0;
}

/* --- execveat --- */

static void execute_at(int at, const char *name, int flags)
{
    char *argv[] = {"exec", "part-seven", NULL};

    pid_t child = start();
    if (child == 0) {
        syscall(SYS_execveat, at, name, argv, environ, flags);
        _exit(errno);
    }
    int status = status_of(child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void check_at(void)
{
    int self = open(SELF, O_RDONLY);
    char target[PATH_MAX];
    char *argv[] = {"exec", NULL};

    CHECK(self >= 0);
    execute_at(self, "", AT_EMPTY_PATH);
    ssize_t length = readlink(SELF, target, sizeof(target) - 1);
    CHECK(length > 0);
    target[length] = '\0';
    char *slash = strrchr(target, '/');
    *slash = '\0';
    int at = open(target[0] != '\0' ? target : "/", O_PATH | O_DIRECTORY);
    CHECK(at >= 0);
    execute_at(at, slash + 1, 0);
    execute_at(at, slash + 1, AT_SYMLINK_NOFOLLOW);
    CHECK(syscall(SYS_execveat, at, "", argv, environ, AT_EMPTY_PATH) == -1 && errno == EACCES);
    CHECK(syscall(SYS_execveat, 99, "x", argv, environ, 0) == -1 && errno == EBADF);
    CHECK(syscall(SYS_execveat, at, "", argv, environ, 0) == -1 && errno == ENOENT);
    CHECK(syscall(SYS_execveat, at, "x", argv, environ, 0x40000000) == -1 && errno == EINVAL);
}

/* --- scripts --- */

static void run_script(const char *name, const char *wanted)
{
    char *argv[] = {"lost", "first", "second", NULL};
    char *environment[] = {(char *)wanted, NULL};

    pid_t child = start();
    if (child == 0) {
        execve(in_folder(name), argv, environment);
        CHECK(!"execve came back");
    }
    CHECK(status_of(child) == 0);
}

/* Linux looks at 256 bytes: a name that may go on behind them is not taken.  One that is goes to this program with
 * the script's name as first argument, which is no part. */
static void check_length(size_t bytes, int wanted)
{
    char text[300];
    char *argv[] = {"lost", NULL};

    memset(text, '/', sizeof(text));
    memcpy(text, "#!", 2);
    memcpy(text + bytes - strlen("proc/self/exe"), "proc/self/exe", strlen("proc/self/exe"));
    make_file("length", 0755, text, bytes);
    pid_t child = start();
    if (child == 0) {
        CHECK(dup2(open("/dev/null", O_WRONLY), 2) == 2);
        execve(in_folder("length"), argv, environ);
        _exit(errno);
    }
    CHECK(WEXITSTATUS(status_of(child)) == wanted);
}

/* The first argument is the script's own, and names the part; the scripts follow, outermost last. */
static void check_scripts(void)
{
    static const char *const names[] = {"one", "bare", "two", "three", "length", NULL};
    char text[PATH_MAX];

    CHECK(mkdtemp(folder) != NULL);
    make_text("one", 0755, "#! \t" SELF "   part-script  \nrest\n");
    make_text("bare", 0755, "#!" SELF " part-script");
    snprintf(text, sizeof(text), "#!%s/one an argument\n", folder);
    make_text("two", 0755, text);
    snprintf(text, sizeof(text), "#!%s/two\n", folder);
    make_text("three", 0755, text);
    for (size_t bytes = 250; bytes <= 260; bytes++) {
        check_length(bytes, bytes <= 255 ? 2 : ENOEXEC);
    }
    run_script("one", "WANTED=one|first|second");
    run_script("bare", "WANTED=bare|first|second");
    run_script("two", "WANTED=one|an argument|two|first|second");
    run_script("three", "WANTED=one|an argument|two|three|first|second");
    remove_folder(names);
}

static int part_script(int argc, char **argv)
{
    char got[1024] = "";

    CHECK(strcmp(argv[0], SELF) == 0);
    for (int i = 2; i < argc; i++) {
        const char *slash = strrchr(argv[i], '/');
        snprintf(
            got + strlen(got), sizeof(got) - strlen(got), "%s%s", i > 2 ? "|" : "",
            slash != NULL ? slash + 1 : argv[i]);
    }
    CHECK(strcmp(got, getenv("WANTED")) == 0);
    CHECK(strncmp((const char *)getauxval(AT_EXECFN), "/tmp/exec-", 10) == 0);
    return 0;
}

/* --- files that are no programs --- */

/* Linux may see it only when there is no way back; so it is a child that tries. */
static void try_bytes(const uint8_t *bytes, size_t size)
{
    char *argv[] = {"exec", "part-seven", NULL};

    make_file("bad", 0755, bytes, size);
    pid_t child = start();
    if (child == 0) {
        execve(in_folder("bad"), argv, environ);
        _exit(77);
    }
    int status = status_of(child);
    CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 77);
}

static void check_hostile(void)
{
    static const char *const names[] = {"bad", NULL};
    uint8_t whole[PAGE], bytes[PAGE];
    Elf64_Ehdr *header = (Elf64_Ehdr *)(void *)bytes;
    int self = open(SELF, O_RDONLY);

    CHECK(mkdtemp(folder) != NULL);
    CHECK(self >= 0 && read(self, whole, sizeof(whole)) == (ssize_t)sizeof(whole));
    memcpy(bytes, whole, sizeof(bytes));
    try_bytes(bytes, 4);
    try_bytes(bytes, 63);
    try_bytes(bytes, 64);
    try_bytes(bytes, sizeof(bytes)); /* its segments are missing */
    header->e_machine = EM_AARCH64;
    try_bytes(bytes, sizeof(bytes));
    memcpy(bytes, whole, sizeof(bytes));
    header->e_phnum = 0xffff;
    try_bytes(bytes, sizeof(bytes));
    memcpy(bytes, whole, sizeof(bytes));
    header->e_phoff = UINT64_MAX - 8;
    try_bytes(bytes, sizeof(bytes));
    memcpy(bytes, whole, sizeof(bytes));
    memset(bytes + sizeof(*header), 0xff, sizeof(bytes) - sizeof(*header));
    try_bytes(bytes, sizeof(bytes));
    memcpy(bytes, whole, sizeof(bytes));
    header->e_ident[EI_CLASS] = ELFCLASS32;
    try_bytes(bytes, sizeof(bytes));
    remove_folder(names);
}

int main(int argc, char **argv)
{
    static const struct exec_part parts[] = {
        {"part-script", part_script},
        {"part-descriptors", part_descriptors},
        {"part-seven", part_seven},
        {NULL, NULL}};
    static const struct check_mode modes[] = {
        {"errors", check_errors},   {"descriptors", check_descriptors}, {"at", check_at},
        {"scripts", check_scripts}, {"hostile", check_hostile},         {NULL, NULL}};
    int status = run_part(argc, argv, parts);

    return status >= 0 ? status : check_run(argc, argv, modes);
}
