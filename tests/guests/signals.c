/*
 * A self-check of signals: handlers that are really called, what they are told, what they may
 * change, and the way back.  It refuses to know whether it runs in the laboratory or under Linux:
 * both must pass.
 *
 * expect: signals fault | exit=0 | stdout=fault: ok
 * expect: signals exceptions | exit=0 | stdout=exceptions: ok
 * expect: signals context | exit=0 | stdout=context: ok
 * expect: signals registers | exit=0 | stdout=registers: ok
 * expect: signals jump | exit=0 | stdout=jump: ok
 * expect: signals nested | exit=0 | stdout=nested: ok
 * expect: signals overflow | exit=0 | stdout=overflow: ok
 * expect: signals flags | exit=0 | stdout=flags: ok
 * expect: signals masks | exit=0 | stdout=masks: ok
 * expect: signals timers | exit=0 | stdout=timers: ok
 * expect: signals restart | exit=0 | stdout=restart: ok
 * expect: signals children | exit=0 | stdout=children: ok
 * expect: signals stop | exit=0 | stdout=stop: ok
 * expect: signals in-handler | exit=139
 * expect: signals no-stack | exit=139
 * expect: signals terminate | exit=143
 */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

#include "check.h"

static volatile sig_atomic_t count;
static volatile sig_atomic_t last;
static siginfo_t info_seen;
static unsigned char *page;
static volatile int *volatile null; /* stays so */

static void note(int number, siginfo_t *info, void *context)
{
    (void)context;
    count++;
    last = number;
    info_seen = *info;
}

static void handle(int number, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};

    CHECK(sigaction(number, &action, NULL) == 0);
}

/* --- faults --- */

static void open_page(int number, siginfo_t *info, void *context)
{
    note(number, info, context);
    CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
}

static void map_page(int number, siginfo_t *info, void *context)
{
    note(number, info, context);
    CHECK(
        mmap(
            page, 4096, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1,
            0) == page);
}

static void check_fault(void)
{
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    handle(SIGSEGV, open_page, 0);
    for (int i = 0; i < 3; i++) {
        CHECK(mprotect(page, 4096, i == 1 ? PROT_READ : PROT_NONE) == 0);
        *(volatile unsigned char *)(page + 8) = (unsigned char)(5 + i);
        CHECK(count == i + 1 && last == SIGSEGV && page[8] == 5 + i);
        CHECK(info_seen.si_code == SEGV_ACCERR && info_seen.si_addr == page + 8);
    }
    handle(SIGSEGV, map_page, 0);
    CHECK(munmap(page, 4096) == 0);
    CHECK(*(volatile unsigned char *)(page + 16) == 0);
    CHECK(count == 4 && info_seen.si_code == SEGV_MAPERR && info_seen.si_addr == page + 16);
}

/* --- exceptions --- */

/* Each of the instructions below has two bytes, but the breakpoint, which is behind its own. */
static void skip(int number, siginfo_t *info, void *context)
{
    ucontext_t *state = context;

    note(number, info, context);
    if (number != SIGTRAP) {
        CHECK((greg_t)info->si_addr == state->uc_mcontext.gregs[REG_RIP]);
        state->uc_mcontext.gregs[REG_RIP] += 2;
    }
}

static void check_exceptions(void)
{
    int dividend = 1, rest = 0, divisor = 0;

    handle(SIGFPE, skip, 0);
    handle(SIGILL, skip, 0);
    handle(SIGTRAP, skip, 0);
    __asm__ volatile("idivl %%ecx" : "+a"(dividend), "+d"(rest) : "c"(divisor));
    CHECK(count == 1 && last == SIGFPE && info_seen.si_code == FPE_INTDIV);
    __asm__ volatile("ud2");
    CHECK(count == 2 && last == SIGILL && info_seen.si_code == ILL_ILLOPN);
    __asm__ volatile("int3");
    CHECK(count == 3 && last == SIGTRAP && info_seen.si_code == 0x80);
}

/* --- the context --- */

static void change_registers(int number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;

    note(number, info, context);
    CHECK(registers[REG_RBX] == 0x1111 && registers[REG_R15] == 0x2222);
    registers[REG_RBX] = 0x3333;
    registers[REG_R15] = 0x4444;
    registers[REG_RIP] += 2;
}

static void check_context(void)
{
    uint64_t rbx = 0x1111, r15;

    handle(SIGILL, change_registers, 0);
    __asm__ volatile("mov $0x2222, %%r15d\n\tud2\n\tmov %%r15, %1"
                     : "+b"(rbx), "=r"(r15)
                     :
                     : "r15", "memory");
    CHECK(count == 1 && rbx == 0x3333 && r15 == 0x4444);
}

__attribute__((target("avx"))) static void spoil_avx(void)
{
    __asm__ volatile("vpxor %%xmm9, %%xmm9, %%xmm9\n\tvzeroall" ::
                         : "xmm0", "xmm1", "xmm9", "xmm15");
}

static void spoil(int number, siginfo_t *info, void *context)
{
    note(number, info, context);
    __asm__ volatile("pcmpeqd %%xmm5, %%xmm5\n\tpcmpeqd %%xmm15, %%xmm15\n\tfninit" ::
                         : "xmm5", "xmm15");
    if (__builtin_cpu_supports("avx")) {
        spoil_avx();
    }
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
}

__attribute__((target("avx"))) static void check_avx(void)
{
    uint64_t in[4] = {1, 2, 3, 4}, out[4];

    __asm__ volatile("vmovdqu (%0), %%ymm9\n\tud2\n\tvmovdqu %%ymm9, (%1)\n\tvzeroupper"
                     :
                     : "r"(in), "r"(out)
                     : "xmm9", "memory");
    CHECK(memcmp(in, out, sizeof(in)) == 0);
}

static void check_registers(void)
{
    uint64_t in[2] = {0x123456789abcdef0, 42}, out[4];

    handle(SIGILL, spoil, 0);
    __asm__ volatile("movdqu (%0), %%xmm5\n\tmovdqa %%xmm5, %%xmm15\n\tud2\n\t"
                     "movdqu %%xmm5, (%1)\n\tmovdqu %%xmm15, 16(%1)"
                     :
                     : "r"(in), "r"(out)
                     : "xmm5", "xmm15", "memory");
    CHECK(count == 1 && memcmp(in, out, 16) == 0 && memcmp(in, out + 2, 16) == 0);
    if (__builtin_cpu_supports("avx")) {
        check_avx();
    }
}

/* --- ways out, ways in --- */

static sigjmp_buf place;

static void jump(int number)
{
    siglongjmp(place, number);
}

static void check_jump(void)
{
    sigset_t mask;

    CHECK(signal(SIGSEGV, jump) != SIG_ERR);
    for (volatile int round = 0; round < 3; round++) {
        int number = sigsetjmp(place, 1);
        if (number == 0) {
            *null = 1;
            CHECK(0);
        }
        CHECK(number == SIGSEGV);
        CHECK(sigprocmask(SIG_SETMASK, NULL, &mask) == 0 && !sigismember(&mask, SIGSEGV));
    }
}

static volatile int depth;

static void nest(int number, siginfo_t *info, void *context)
{
    note(number, info, context);
    depth++;
    if (depth < 5) {
        CHECK(raise(number == SIGUSR1 ? SIGUSR2 : SIGUSR1) == 0);
    }
    depth--;
}

static void repeat(int number, siginfo_t *info, void *context)
{
    note(number, info, context);
    CHECK(++depth == 1);
    if (count < 3) {
        CHECK(raise(number) == 0);
    }
    depth--;
}

static void check_nested(void)
{
    handle(SIGUSR1, nest, SA_NODEFER);
    handle(SIGUSR2, nest, SA_NODEFER);
    CHECK(raise(SIGUSR1) == 0);
    CHECK(count == 5 && depth == 0);
    count = 0;
    handle(SIGUSR1, repeat, 0); /* blocked in its own handler: comes once that is left */
    CHECK(raise(SIGUSR1) == 0);
    CHECK(count == 3 && depth == 0);
}

static char stack[65536];

static __attribute__((noinline)) int sink(int level)
{
    volatile char room[4096];

    room[level & 4095] = (char)level;
    return level > 1 << 24 ? 0 : sink(level + 1) + room[level & 4095];
}

static void check_overflow(void)
{
    const stack_t wanted = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction action = {.sa_handler = jump, .sa_flags = SA_ONSTACK};
    stack_t seen;

    CHECK(sigaltstack(&wanted, NULL) == 0);
    CHECK(sigaltstack(NULL, &seen) == 0);
    CHECK(seen.ss_sp == stack && seen.ss_size == sizeof(stack) && seen.ss_flags == 0);
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    for (volatile int round = 0; round < 2; round++) {
        int number = sigsetjmp(place, 1);
        if (number == 0) {
            sink(0);
            CHECK(0);
        }
        CHECK(number == SIGSEGV);
    }
}

static void check_flags(void)
{
    struct sigaction action;

    handle(SIGUSR1, note, (int)SA_RESETHAND);
    CHECK(kill(getpid(), SIGUSR1) == 0);
    CHECK(count == 1 && info_seen.si_code == SI_USER && info_seen.si_pid == getpid());
    CHECK(sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
    CHECK(sigaction(SIGKILL, &action, NULL) == -1 && errno == EINVAL);
    CHECK(signal(SIGUSR1, SIG_IGN) == SIG_DFL);
    CHECK(raise(SIGUSR1) == 0 && count == 1);
    CHECK(kill(getpid(), 65) == -1 && errno == EINVAL);
    CHECK(kill(99999, SIGUSR1) == -1 && errno == ESRCH);
}

static void check_masks(void)
{
    const struct timespec soon = {.tv_nsec = 10000000};
    sigset_t set, seen;
    siginfo_t info;

    handle(SIGUSR1, note, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    CHECK(raise(SIGUSR1) == 0 && raise(SIGUSR1) == 0 && count == 0);
    CHECK(sigpending(&seen) == 0 && sigismember(&seen, SIGUSR1));
    sigemptyset(&seen);
    CHECK(sigsuspend(&seen) == -1 && errno == EINTR && count == 1);
    CHECK(sigprocmask(SIG_SETMASK, NULL, &seen) == 0 && sigismember(&seen, SIGUSR1));
    CHECK(raise(SIGUSR1) == 0);
    CHECK(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_signo == SIGUSR1 && count == 1);
    CHECK(sigtimedwait(&set, &info, &soon) == -1 && errno == EAGAIN);
    CHECK(raise(SIGUSR1) == 0);
    CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0 && count == 2);
}

/* --- time --- */

static void check_timers(void)
{
    const struct itimerval often = {{.tv_usec = 20000}, {.tv_usec = 20000}};
    const struct itimerval never = {{0}, {0}};
    const struct timespec wait = {.tv_sec = 30};
    struct timespec left;

    handle(SIGALRM, note, 0);
    CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
    while (count < 3) { /* a program without any request is interrupted too */
    }
    CHECK(nanosleep(&wait, &left) == -1 && errno == EINTR);
    CHECK(left.tv_sec >= 20 && left.tv_sec <= 30);
    CHECK(pause() == -1 && errno == EINTR && count >= 5);
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
    CHECK(alarm(100) == 0);
    CHECK(alarm(0) == 100);
}

static void write_late(int to)
{
    const struct timespec wait = {.tv_nsec = 100000000};

    if (fork() == 0) {
        nanosleep(&wait, NULL);
        _exit(write(to, "x", 1) == 1 ? 0 : 1);
    }
}

static void check_restart(void)
{
    const struct itimerval once = {{0}, {.tv_usec = 20000}};
    int up[2];
    char byte;

    CHECK(pipe(up) == 0);
    handle(SIGALRM, note, SA_RESTART);
    write_late(up[1]);
    CHECK(setitimer(ITIMER_REAL, &once, NULL) == 0);
    CHECK(read(up[0], &byte, 1) == 1 && count == 1);
    handle(SIGALRM, note, 0);
    CHECK(setitimer(ITIMER_REAL, &once, NULL) == 0);
    CHECK(read(up[0], &byte, 1) == -1 && errno == EINTR && count == 2);
    CHECK(wait(NULL) > 0);
}

/* --- other processes --- */

static int end_of(void (*act)(void))
{
    int status;
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0) {
        act();
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void touch_null(void)
{
    *null = 1;
}

static void do_nothing(void)
{
}

static void write_to_nobody(void)
{
    int ends[2];

    CHECK(pipe(ends) == 0 && close(ends[0]) == 0);
    CHECK(write(ends[1], "x", 1) == 1);
}

static void check_children(void)
{
    handle(SIGCHLD, note, SA_RESTART);
    CHECK(end_of(touch_null) == SIGSEGV);
    CHECK(count == 1 && info_seen.si_status == SIGSEGV && info_seen.si_uid == getuid());
    CHECK(info_seen.si_code == CLD_KILLED || info_seen.si_code == CLD_DUMPED);
    CHECK(end_of(write_to_nobody) == SIGPIPE);
    CHECK(end_of(abort) == SIGABRT);
    CHECK(end_of(do_nothing) == 0 && info_seen.si_code == CLD_EXITED);
    CHECK(count == 4);
    CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR); /* nobody waits: no zombies */
    if (fork() == 0) {
        _exit(0);
    }
    CHECK(wait(NULL) == -1 && errno == ECHILD);
    CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    int ends[2];
    CHECK(pipe(ends) == 0 && close(ends[0]) == 0);
    CHECK(write(ends[1], "x", 1) == -1 && errno == EPIPE);
}

static void check_stop(void)
{
    const struct timespec wait = {.tv_nsec = 50000000};
    int up[2];
    char byte;
    int status;

    CHECK(pipe(up) == 0);
    pid_t child = fork();
    if (child == 0) {
        CHECK(raise(SIGSTOP) == 0);
        CHECK(write(up[1], "x", 1) == 1);
        _exit(0);
    }
    CHECK(nanosleep(&wait, NULL) == 0);
    CHECK(waitpid(child, &status, WNOHANG) == 0);
    CHECK(kill(child, SIGCONT) == 0);
    CHECK(read(up[0], &byte, 1) == 1);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    child = fork();
    if (child == 0) {
        raise(SIGSTOP);
    }
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(waitpid(child, &status, 0) == child && WTERMSIG(status) == SIGKILL);
}

/* --- ends --- */

static void fault_again(int number)
{
    null[number] = 1;
}

static void check_in_handler(void)
{
    CHECK(signal(SIGSEGV, fault_again) != SIG_ERR);
    touch_null();
}

static void check_no_stack(void)
{
    CHECK(signal(SIGSEGV, jump) != SIG_ERR);
    __asm__ volatile("xor %%esp, %%esp\n\tmov %%eax, 0" ::: "memory");
}

static void check_terminate(void)
{
    kill(getpid(), SIGTERM);
}

int main(int argc, char **argv)
{
    static const struct check_mode modes[] = {
        {"fault", check_fault},
        {"exceptions", check_exceptions},
        {"context", check_context},
        {"registers", check_registers},
        {"jump", check_jump},
        {"nested", check_nested},
        {"overflow", check_overflow},
        {"flags", check_flags},
        {"masks", check_masks},
        {"timers", check_timers},
        {"restart", check_restart},
        {"children", check_children},
        {"stop", check_stop},
        {"in-handler", check_in_handler},
        {"no-stack", check_no_stack},
        {"terminate", check_terminate},
        {NULL, NULL},
    };

    return check_run(argc, argv, modes);
}
