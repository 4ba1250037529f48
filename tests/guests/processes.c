/*
 * A self-check of processes: fork, vfork, pipes, waits, time slices, ends.  It refuses to know
 * whether it runs in the laboratory or under Linux: both must pass.
 *
 * expect: processes fork | exit=0 | stdout=fork: ok
 * expect: processes pipe | exit=0 | stdout=pipe: ok
 * expect: processes vfork | exit=0 | stdout=vfork: ok
 * expect: processes chain | exit=0 | stdout=chain: ok
 * expect: processes wait | exit=0 | stdout=wait: ok
 * expect: processes orphan | exit=0 | stdout=orphan: ok
 * expect: processes slices | exit=0 | stdout=slices: ok
 * expect: processes registers | exit=0 | stdout=registers: ok
 * expect: processes sleep | exit=0 | stdout=sleep: ok
 * expect: processes many | exit=0 | stdout=many: ok
 * expect: processes bomb | options=--max-processes=64 | exit=0 | stdout=bomb: ok
 * expect: processes leave | exit=5
 * expect: processes deadlock | options=--timeout=1 | exit=124
 */
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

static pid_t start(void)
{
    pid_t child = fork();

    CHECK(child >= 0);
    return child;
}

static int status_of(pid_t child)
{
    int status;

    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

static void check_fork(void)
{
    static int counter = 1;
    volatile int local = 10;
    pid_t self = getpid();
    pid_t child = start();

    if (child == 0) {
        CHECK(getppid() == self && getpid() != self);
        counter += 5;
        local += 5;
        CHECK(counter == 6 && local == 15);
        _exit(counter);
    }
    counter += 100;
    int status = status_of(child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 6);
    CHECK(counter == 101 && local == 10);
    CHECK(waitpid(-1, &status, 0) == -1 && errno == ECHILD);
    CHECK(waitpid(child, &status, WNOHANG) == -1 && errno == ECHILD);
}

/* A message back and forth, a stream larger than the pipe, an end of file. */
static void check_pipe(void)
{
    static char block[1 << 20];
    int to[2], from[2];
    char byte = 0;

    CHECK(pipe(to) == 0 && pipe(from) == 0);
    pid_t child = start();
    if (child == 0) {
        CHECK(close(to[1]) == 0 && close(from[0]) == 0);
        for (int i = 0; i < 300; i++) {
            CHECK(read(to[0], &byte, 1) == 1 && byte == (char)i);
            CHECK(write(from[1], &byte, 1) == 1);
        }
        memset(block, 'x', sizeof(block));
        CHECK(write(from[1], block, sizeof(block)) == sizeof(block));
        CHECK(read(to[0], &byte, 1) == 0);
        _exit(0);
    }
    CHECK(close(to[0]) == 0 && close(from[1]) == 0);
    for (int i = 0; i < 300; i++) {
        byte = (char)i;
        CHECK(write(to[1], &byte, 1) == 1);
        CHECK(read(from[0], &byte, 1) == 1 && byte == (char)i);
    }
    size_t total = 0;
    for (ssize_t n; total < sizeof(block); total += (size_t)n) {
        n = read(from[0], block + total, sizeof(block) - total);
        CHECK(n > 0);
    }
    for (size_t i = 0; i < sizeof(block); i++) {
        CHECK(block[i] == 'x');
    }
    CHECK(close(to[1]) == 0);
    CHECK(read(from[0], &byte, 1) == 0);
    CHECK(status_of(child) == 0);
}

static void check_vfork(void)
{
    static volatile int seen;
    pid_t child = vfork();

    if (child == 0) {
        seen = 42;
        _exit(9);
    }
    CHECK(child > 0 && seen == 42);
    CHECK(WEXITSTATUS(status_of(child)) == 9);
}

/* Each link starts the next one and adds to what comes back. */
static void check_chain(void)
{
    int links = 0;

    while (links < 50) {
        pid_t child = start();
        if (child != 0) {
            int status = status_of(child);
            CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 50 - links);
            if (links == 0) {
                return;
            }
            _exit(50 - links + 1);
        }
        links++;
    }
    _exit(1);
}

static void check_wait(void)
{
    struct rusage usage;
    siginfo_t info;
    int status;
    int hold[2];
    char byte;

    CHECK(pipe(hold) == 0);
    pid_t first = start();
    if (first == 0) {
        close(hold[1]);
        CHECK(read(hold[0], &byte, 1) == 0);
        _exit(3);
    }
    pid_t second = start();
    if (second == 0) {
        raise(SIGKILL);
    }
    CHECK(waitpid(first, &status, WNOHANG) == 0);
    CHECK(waitpid(second, &status, 0) == second);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK(close(hold[1]) == 0);
    CHECK(waitid(P_PID, (id_t)first, &info, WEXITED | WNOWAIT) == 0);
    CHECK(info.si_signo == SIGCHLD && info.si_code == CLD_EXITED && info.si_status == 3);
    CHECK(info.si_pid == first);
    CHECK(wait4(-1, &status, 0, &usage) == first && WEXITSTATUS(status) == 3);
    CHECK(usage.ru_minflt + usage.ru_majflt > 0);
    CHECK(wait(&status) == -1 && errno == ECHILD);
    CHECK(waitpid(-1, &status, 0x40) == -1 && errno == EINVAL);
    CHECK(kill(first, 0) == -1 && errno == ESRCH);
}

static void check_orphan(void)
{
    int up[2], go[2];
    pid_t parent;
    char byte;

    CHECK(pipe(up) == 0 && pipe(go) == 0);
    pid_t child = start();
    if (child == 0) {
        if (start() == 0) {
            close(go[1]);
            CHECK(read(go[0], &byte, 1) == 0);
            parent = getppid();
            CHECK(write(up[1], &parent, sizeof(parent)) == sizeof(parent));
            _exit(0);
        }
        _exit(0);
    }
    CHECK(status_of(child) == 0);
    close(go[1]);
    CHECK(read(up[0], &parent, sizeof(parent)) == sizeof(parent));
    CHECK(parent != child && parent > 0);
    int status;
    CHECK(wait(&status) == -1 && errno == ECHILD);
}

static uint64_t now_ns(void)
{
    struct timespec now;

    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t read_tsc(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* In time-stamp ticks, by the clock. */
static uint64_t ticks_of_ms(uint64_t ms)
{
    uint64_t begin = read_tsc();
    uint64_t end_ns = now_ns() + 20000000;

    while (now_ns() < end_ns) {
    }
    return (read_tsc() - begin) / 20 * ms;
}

struct span {
    uint64_t begin, end;
};

/* Two that spin without any request: neither may wait for the other to end. */
static void check_slices(void)
{
    uint64_t ticks = ticks_of_ms(200);
    struct span span[2];
    int up[2];

    CHECK(pipe(up) == 0);
    for (int i = 0; i < 2; i++) {
        if (start() == 0) {
            struct span own = {.begin = read_tsc()};
            while (read_tsc() - own.begin < ticks) {
            }
            own.end = read_tsc();
            CHECK(write(up[1], &own, sizeof(own)) == sizeof(own));
            _exit(0);
        }
    }
    for (int i = 0; i < 2; i++) {
        CHECK(read(up[0], &span[i], sizeof(span[i])) == sizeof(span[i]));
    }
    CHECK(span[0].begin < span[1].end && span[1].begin < span[0].end);
    while (wait(NULL) > 0) {
    }
}

/* Fill all vector registers with a pattern, spin, and look at them; 1: they have changed. */
static int spin_sse(uint64_t value, uint64_t ticks)
{
    uint64_t in[2] = {value, ~value};
    uint64_t out[6];
    uint64_t begin = read_tsc();

    while (read_tsc() - begin < ticks) {
        __asm__ volatile(
            "movdqu (%0), %%xmm0\n\tmovdqa %%xmm0, %%xmm5\n\tmovdqa %%xmm0, %%xmm15\n\t"
            "mov $200000, %%ecx\n"
            "1:\tdec %%ecx\n\tjnz 1b\n\t"
            "movdqu %%xmm0, (%1)\n\tmovdqu %%xmm5, 16(%1)\n\tmovdqu %%xmm15, 32(%1)"
            :
            : "r"(in), "r"(out)
            : "rcx", "xmm0", "xmm5", "xmm15", "memory");
        for (int i = 0; i < 3; i++) {
            if (out[2 * i] != value || out[2 * i + 1] != ~value) {
                return 1;
            }
        }
    }
    return 0;
}

__attribute__((target("avx"))) static int spin_avx(uint64_t value, uint64_t ticks)
{
    uint64_t in[4] = {value, ~value, value * 3, value * 7};
    uint64_t out[4];
    uint64_t begin = read_tsc();

    while (read_tsc() - begin < ticks) {
        __asm__ volatile("vmovdqu (%0), %%ymm9\n\tmov $200000, %%ecx\n"
                         "1:\tdec %%ecx\n\tjnz 1b\n\t"
                         "vmovdqu %%ymm9, (%1)\n\tvzeroupper"
                         :
                         : "r"(in), "r"(out)
                         : "rcx", "xmm9", "memory");
        if (memcmp(in, out, sizeof(in)) != 0) {
            return 1;
        }
    }
    return 0;
}

/* Three with different patterns take turns. */
static void check_registers(void)
{
    uint64_t ticks = ticks_of_ms(60);

    for (int i = 0; i < 3; i++) {
        if (start() == 0) {
            uint64_t value = UINT64_C(0x1111111111111111) * (uint64_t)(i + 1);
            int changed = spin_sse(value, ticks);
            if (__builtin_cpu_supports("avx")) {
                changed |= spin_avx(value, ticks);
            }
            _exit(changed);
        }
    }
    for (int i = 0; i < 3; i++) {
        int status;
        CHECK(wait(&status) > 0 && status == 0);
    }
}

/* Sleepers wake while one computes, and not too early. */
static void check_sleep(void)
{
    uint64_t ticks = ticks_of_ms(400);
    int up[2];
    char order[4];

    CHECK(pipe(up) == 0);
    pid_t busy = start();
    if (busy == 0) {
        uint64_t begin = read_tsc();
        while (read_tsc() - begin < ticks) {
        }
        _exit(write(up[1], "z", 1) == 1 ? 0 : 1);
    }
    for (int i = 1; i <= 3; i++) {
        if (start() == 0) {
            const struct timespec wait = {.tv_nsec = i * 10000000L};
            uint64_t begin_ns = now_ns();
            CHECK(nanosleep(&wait, NULL) == 0);
            CHECK(now_ns() - begin_ns >= (uint64_t)wait.tv_nsec);
            _exit(write(up[1], "s", 1) == 1 ? 0 : 1);
        }
    }
    for (int i = 0; i < 4; i++) {
        CHECK(read(up[0], &order[i], 1) == 1);
    }
    CHECK(memcmp(order, "sssz", 4) == 0);
    while (wait(NULL) > 0) {
    }
}

/* One after the other, more than there may be at a time, and a reaped one gives its place back. */
static void check_many(void)
{
    for (int i = 0; i < 200; i++) {
        pid_t child = start();
        if (child == 0) {
            _exit(i & 0x7f);
        }
        CHECK(WEXITSTATUS(status_of(child)) == (i & 0x7f));
    }
}

/* The laboratory is told to allow 64 at a time; Linux is asked for no more than 100. */
static void check_bomb(void)
{
    pid_t child[100];
    int count = 0;

    while (count < 100 && (child[count] = fork()) > 0) {
        count++;
    }
    if (count < 100 && child[count] == 0) {
        for (;;) {
            pause();
        }
    }
    if (getpid() == 1) {
        CHECK(count == 63 && errno == EAGAIN);
    }
    for (int i = 0; i < count; i++) {
        CHECK(kill(child[i], SIGTERM) == 0);
        int status = status_of(child[i]);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    }
    child[0] = start(); /* there is room again */
    if (child[0] == 0) {
        _exit(0);
    }
    CHECK(status_of(child[0]) == 0);
}

static void check_leave(void)
{
    if (start() == 0) {
        close(1);
        close(2);
        alarm(2); /* Linux does not end it with its parent */
        for (;;) {
        }
    }
    _exit(5);
}

static void check_deadlock(void)
{
    int up[2];
    char byte;

    CHECK(pipe(up) == 0);
    start();
    CHECK(read(up[0], &byte, 1) == 1); /* both wait for the other to write */
}

int main(int argc, char **argv)
{
    static const struct check_mode modes[] = {
        {"fork", check_fork},           {"pipe", check_pipe},   {"vfork", check_vfork},
        {"chain", check_chain},         {"wait", check_wait},   {"orphan", check_orphan},
        {"slices", check_slices},       {"sleep", check_sleep}, {"many", check_many},
        {"registers", check_registers}, {"bomb", check_bomb},   {"leave", check_leave},
        {"deadlock", check_deadlock},   {NULL, NULL},
    };

    return check_run(argc, argv, modes);
}
