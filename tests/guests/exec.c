/*
 * A self-check of exec: what the new program finds, and what it does not find any more.  It refuses to know
 * whether it runs in the laboratory or under Linux: both must pass.  Which files can be executed is in
 * execfile.c.
 *
 * expect: exec arguments | exit=0 | stdout=arguments: ok
 * expect: exec empty | exit=0 | stdout=empty: ok
 * expect: exec vfork | exit=0 | stdout=vfork: ok
 * expect: exec spawn | exit=0 | stdout=spawn: ok
 * expect: exec apart | exit=0 | stdout=apart: ok
 * expect: exec replace | exit=7
 * expect: exec signals | exit=0 | stdout=signals: ok
 * expect: exec memory | options=--frames=300 | exit=0 | linux=7
 * expect: exec cpu | exit=0 | stdout=cpu: ok
 * expect: exec shared | exit=0 | stdout=shared: ok
 * expect: exec shared | options=--frames=64 --swap=16M | exit=0 | stdout=shared: ok
 * expect: exec mapped | exit=0 | stdout=mapped: ok
 * expect: exec mapped | options=--frames=64 --swap=16M | exit=0 | stdout=mapped: ok
 * expect: exec links | exit=0 | stdout=links: ok
 * expect: exec links | options=--frames=64 --swap=16M | exit=0 | stdout=links: ok
 * expect: exec links | options=--page-size=auto --fault-around=auto | exit=0 | stdout=links: ok
 * expect: exec chain | emulated=no | options=--frames=64 --swap=16M | exit=0 | stdout=chain: ok
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "exec_parts.h"

/* --- arguments --- */

static char big_string[100000];

static void check_arguments(void)
{
    char pid[16], parent[16];

    memset(big_string, 'b', sizeof(big_string) - 1);
    snprintf(parent, sizeof(parent), "%d", (int)getpid());
    pid_t child = start();
    if (child == 0) {
        snprintf(pid, sizeof(pid), "%d", (int)getpid());
        char *argv[] = {"a name", "part-arguments", pid,        parent,
                        "",       "two words",      big_string, NULL};
        char *environment[] = {"A=1", "EMPTY=", "A=2", NULL};
        umask(031);
        CHECK(chdir("/") == 0);
        execve(SELF, argv, environment);
        CHECK(!"execve came back");
    }
    CHECK(status_of(child) == 0);
}

static int part_arguments(int argc, char **argv)
{
    static int zero, data = 5;
    char name[16], cwd[8];

    memset(big_string, 'b', sizeof(big_string) - 1);
    CHECK(argc == 7 && argv[7] == NULL && strcmp(argv[0], "a name") == 0);
    CHECK(atoi(argv[2]) == (int)getpid() && atoi(argv[3]) == (int)getppid());
    CHECK(argv[4][0] == '\0' && strcmp(argv[5], "two words") == 0);
    CHECK(strcmp(argv[6], big_string) == 0);
    CHECK(strcmp(environ[0], "A=1") == 0 && strcmp(environ[1], "EMPTY=") == 0);
    CHECK(strcmp(environ[2], "A=2") == 0 && environ[3] == NULL);
    CHECK(strcmp((const char *)getauxval(AT_EXECFN), SELF) == 0);
    CHECK(getauxval(AT_PAGESZ) == PAGE && getauxval(AT_RANDOM) != 0);
    CHECK(prctl(PR_GET_NAME, name) == 0 && strcmp(name, "exe") == 0);
    CHECK(getcwd(cwd, sizeof(cwd)) != NULL && strcmp(cwd, "/") == 0 && umask(0) == 031);
    CHECK(zero++ == 0 && data++ == 5);
    return 0;
}

/* Without any argument Linux gives an empty one. */
static void check_empty(void)
{
    pid_t child = start();

    if (child == 0) {
        setenv("EXEC_PART", "empty", 1);
        syscall(SYS_execve, SELF, NULL, environ);
        CHECK(!"execve came back");
    }
    CHECK(status_of(child) == 0);
}

static int part_empty(int argc, char **argv)
{
    CHECK(argc <= 1 && (argc == 0 || argv[0][0] == '\0'));
    return 0;
}

/* --- the process goes on --- */

static int gate[2];

/* The parent goes on while the child, which has executed, waits for it. */
static void check_vfork(void)
{
    static volatile int seen;
    char number[16];
    char *argv[] = {"exec", "part-wait", number, NULL};

    CHECK(pipe(gate) == 0);
    snprintf(number, sizeof(number), "%d", gate[0]);
    pid_t child = vfork();
    if (child == 0) {
        seen = 42;
        execve(SELF, argv, environ);
        _exit(9);
    }
    CHECK(child > 0 && seen == 42);
    CHECK(waitpid(child, NULL, WNOHANG) == 0);
    CHECK(write(gate[1], "g", 1) == 1);
    CHECK(WEXITSTATUS(status_of(child)) == 33);

    /* And where it fails, the child is whole. */
    child = vfork();
    if (child == 0) {
        execve("/nowhere", argv, environ);
        _exit(errno == ENOENT ? 11 : 12);
    }
    CHECK(WEXITSTATUS(status_of(child)) == 11);
}

static int part_wait(int argc, char **argv)
{
    char byte;

    CHECK(argc == 3 && read(atoi(argv[2]), &byte, 1) == 1 && byte == 'g');
    return 33;
}

static void check_spawn(void)
{
    char *argv[] = {"exec", "part-closed", NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;

    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    CHECK(posix_spawn_file_actions_addclose(&actions, 1) == 0);
    CHECK(posix_spawn(&child, SELF, &actions, NULL, argv, environ) == 0);
    CHECK(status_of(child) == 0);
    CHECK(posix_spawn(&child, "/nowhere", &actions, NULL, argv, environ) == ENOENT);
    CHECK(posix_spawn_file_actions_destroy(&actions) == 0);
}

static int part_closed(int argc, char **argv)
{
    (void)argv;
    CHECK(argc == 2 && fcntl(0, F_GETFD) == 0 && fcntl(1, F_GETFD) == -1 && errno == EBADF);
    return 0;
}

static uint8_t *shared_pages;

static int run_apart(void *unused)
{
    char byte;

    (void)unused;
    CHECK(read(gate[0], &byte, 1) == 1);
    check_filled(shared_pages, 17);
    fill(shared_pages, 18);
    check_filled(shared_pages, 18);
    _exit(5);
}

/* Two processes in one address space, and the one that made it executes: the other one keeps it. */
static void check_apart(void)
{
    static uint8_t stack[16384] __attribute__((aligned(16)));
    char number[16], pid[16];
    char *argv[] = {"exec", "part-apart", number, pid, NULL};

    CHECK(pipe(gate) == 0);
    pid_t child = start();
    if (child == 0) {
        shared_pages = map_pages();
        fill(shared_pages, 17);
        pid_t other = clone(run_apart, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
        CHECK(other > 0);
        snprintf(number, sizeof(number), "%d", gate[1]);
        snprintf(pid, sizeof(pid), "%d", (int)other);
        execve(SELF, argv, environ);
        CHECK(!"execve came back");
    }
    CHECK(status_of(child) == 0);
}

static int part_apart(int argc, char **argv)
{
    uint8_t *pages = map_pages();

    CHECK(argc == 4);
    fill(pages, 30);
    CHECK(write(atoi(argv[2]), "g", 1) == 1);
    CHECK(WEXITSTATUS(status_of(atoi(argv[3]))) == 5);
    check_filled(pages, 30);
    return 0;
}

/* The new stack does not fit beside the caller, who is as before then. */
static void check_memory(void)
{
    char *argv[16] = {"exec", "part-seven"};
    uint8_t *pages = map_pages();

    memset(big_string, 'b', sizeof(big_string) - 1);
    for (int i = 2; i < 15; i++) {
        argv[i] = big_string;
    }
    fill(pages, 5);
    CHECK(execve(SELF, argv, environ) == -1 && errno == ENOMEM);
    check_filled(pages, 5);
    argv[2] = NULL;
    pid_t child = start();
    if (child == 0) {
        execve(SELF, argv, environ);
        CHECK(!"execve came back");
    }
    CHECK(WEXITSTATUS(status_of(child)) == 7);
}

static void check_replace(void)
{
    char *argv[] = {"exec", "part-seven", NULL};

    execve(SELF, argv, environ);
    CHECK(!"execve came back");
}

/* --- signals --- */

static void check_signals(void)
{
    const struct sigaction caught = {
        .sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_RESTART};
    const struct itimerval timer = {.it_value.tv_sec = 1000};
    char *argv[] = {"exec", "part-signals", NULL};
    stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
    sigset_t set;

    pid_t child = start();
    if (child == 0) {
        CHECK(sigaction(SIGUSR1, &caught, NULL) == 0 && sigaction(SIGCHLD, &caught, NULL) == 0);
        CHECK(signal(SIGUSR2, SIG_IGN) != SIG_ERR && sigaltstack(&stack, NULL) == 0);
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0 && raise(SIGTERM) == 0);
        CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
        execve(SELF, argv, environ);
        CHECK(!"execve came back");
    }
    int status = status_of(child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static int part_signals(int argc, char **argv)
{
    struct sigaction action;
    struct itimerval timer;
    stack_t stack;
    sigset_t set;

    (void)argc;
    (void)argv;
    CHECK(sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
    CHECK((action.sa_flags & (SA_ONSTACK | SA_RESTART)) == 0);
    CHECK(sigaction(SIGCHLD, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
    CHECK(sigaction(SIGUSR2, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    CHECK(sigaltstack(NULL, &stack) == 0 && (stack.ss_flags & SS_DISABLE) != 0);
    CHECK(sigprocmask(SIG_BLOCK, NULL, &set) == 0);
    CHECK(sigismember(&set, SIGTERM) == 1 && sigismember(&set, SIGUSR1) == 0);
    CHECK(sigpending(&set) == 0 && sigismember(&set, SIGTERM) == 1);
    CHECK(getitimer(ITIMER_REAL, &timer) == 0 && timer.it_value.tv_sec > 900);
    CHECK(raise(SIGUSR2) == 0);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0); /* which ends it */
    return 1;
}

/* --- the CPU --- */

static void check_cpu(void)
{
    char *argv[] = {"exec", "part-cpu", NULL};
    const uint16_t control = 0x27f;
    const uint32_t mxcsr = 0x9fc0;

    pid_t child = start();
    if (child == 0) {
        __asm__ volatile(
            "fldcw %0\n\tfldpi\n\tldmxcsr %1\n\tstd\n\tcld" ::"m"(control), "m"(mxcsr));
        execve(SELF, argv, environ);
        CHECK(!"execve came back");
    }
    CHECK(status_of(child) == 0);
}

static int part_cpu(int argc, char **argv)
{
    static __thread int own = 3; /* by way of FS */
    uint16_t control;
    uint32_t mxcsr;
    struct {
        uint16_t word[14];
    } state;

    (void)argc;
    (void)argv;
    __asm__ volatile("fnstcw %0\n\tstmxcsr %1\n\tfnstenv %2"
                     : "=m"(control), "=m"(mxcsr), "=m"(state));
    CHECK(control == 0x37f && (mxcsr & 0xffc0) == 0x1f80);
    CHECK(state.word[4] == 0xffff); /* tags: the x87 stack is empty */
    CHECK(own++ == 3);
    return 0;
}

/* --- memory --- */

/* Children share the pages, one after the other leaves them by exec, and the others still have them. */
static void check_shared(void)
{
    uint8_t *pages = map_pages();
    char number[16];
    char *argv[] = {"exec", "part-pages", number, NULL};
    pid_t child[4];

    fill(pages, 9);
    CHECK(pipe(gate) == 0);
    for (int i = 0; i < 4; i++) {
        child[i] = start();
        if (child[i] == 0) {
            char byte;
            CHECK(read(gate[0], &byte, 1) == 1);
            check_filled(pages, 9);
            memset(pages + (size_t)i * PAGE, 0xee, PAGE);
            snprintf(number, sizeof(number), "%d", i);
            execve(SELF, argv, environ);
            CHECK(!"execve came back");
        }
    }
    for (int i = 0; i < 4; i++) {
        CHECK(write(gate[1], "g", 1) == 1);
        check_filled(pages, 9);
    }
    for (int i = 0; i < 4; i++) {
        CHECK(WEXITSTATUS(status_of(child[i])) == i);
        check_filled(pages, 9);
    }
}

static int part_pages(int argc, char **argv)
{
    CHECK(argc == 3);
    unsigned seed = (unsigned)atoi(argv[2]);
    uint8_t *pages = map_pages();

    for (size_t i = 0; i < PAGES; i++) {
        CHECK(pages[i * PAGE] == 0);
    }
    fill(pages, seed);
    check_filled(pages, seed);
    return (int)seed;
}

/* What was written to a mapped file is in it, although nobody has unmapped it. */
static void check_mapped(void)
{
    char name[] = "/tmp/exec-mapped-XXXXXX";
    char *argv[] = {"exec", "part-mapped", name, NULL};
    int fd = mkstemp(name);

    CHECK(fd >= 0 && ftruncate(fd, (off_t)(PAGES * PAGE)) == 0);
    pid_t child = start();
    if (child == 0) {
        uint8_t *pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        CHECK(pages != MAP_FAILED);
        fill(pages, 77);
        execve(SELF, argv, environ);
        CHECK(!"execve came back");
    }
    CHECK(status_of(child) == 0 && unlink(name) == 0);
}

static int part_mapped(int argc, char **argv)
{
    static uint8_t bytes[PAGES * PAGE];

    CHECK(argc == 3);
    int fd = open(argv[2], O_RDONLY);
    CHECK(fd >= 0 && read(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes));
    check_filled(bytes, 77);
    return 0;
}

static int part_chain(int argc, char **argv)
{
    CHECK(argc == 3);
    unsigned left = (unsigned)atoi(argv[2]);
    uint8_t *pages = map_pages();
    char number[16];
    char *next[] = {"exec", "part-chain", number, NULL};

    fill(pages, left);
    check_filled(pages, left);
    if (left == 0) {
        return 0;
    }
    snprintf(number, sizeof(number), "%u", left - 1);
    execve(SELF, next, environ);
    CHECK(!"execve came back");
    return 1;
}

/* One program after the other, while the parent keeps its own pages. */
static void run_chain(const char *links)
{
    char *argv[] = {"exec", "part-chain", (char *)links, NULL};
    uint8_t *pages = map_pages();

    fill(pages, 1);
    expect_part(argv, environ);
    check_filled(pages, 1);
}

static void check_links(void)
{
    run_chain("10");
}

static void check_chain(void)
{
    run_chain("200");
}

int main(int argc, char **argv)
{
    static const struct exec_part parts[] = {
        {"part-arguments", part_arguments},
        {"part-wait", part_wait},
        {"part-closed", part_closed},
        {"part-apart", part_apart},
        {"part-signals", part_signals},
        {"part-cpu", part_cpu},
        {"part-pages", part_pages},
        {"part-mapped", part_mapped},
        {"part-chain", part_chain},
        {"part-seven", part_seven},
        {NULL, NULL}};
    static const struct check_mode modes[] = {
        {"arguments", check_arguments},
        {"empty", check_empty},
        {"vfork", check_vfork},
        {"spawn", check_spawn},
        {"apart", check_apart},
        {"memory", check_memory},
        {"replace", check_replace},
        {"signals", check_signals},
        {"cpu", check_cpu},
        {"shared", check_shared},
        {"mapped", check_mapped},
        {"links", check_links},
        {"chain", check_chain},
        {NULL, NULL}};

    if (getenv("EXEC_PART") != NULL) {
        return part_empty(argc, argv);
    }
    int status = run_part(argc, argv, parts);
    return status >= 0 ? status : check_run(argc, argv, modes);
}
