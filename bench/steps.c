/*
 * Counts what vmm executes between KVM_RUN's return and its next call, one instruction at a time
 * under ptrace: exact, without a PMU, on the very program that users run.  It refuses to know what
 * the instructions do; with a symbol table it says where they are.  Read bench/run for its use.
 *
 *   steps SKIP COUNT COMMAND...
 *
 * Lets SKIP calls of KVM_RUN pass, counts behind every second one until it has COUNT gaps, ends the
 * command, and prints gaps=, min=, median=, max= and, of all gaps, system_calls=.  Every second one,
 * because a gap takes milliseconds here: what vmm does at times (its clock, see vmm/base/clock.h) it
 * does in the next one.  With STEPS_RIPS in the environment it also prints "rip ADDRESS TIMES" for
 * each instruction of the gaps, ADDRESS as the program has it.  A string instruction counts once, as
 * a hardware counter has it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_AT_CALL  (SIGTRAP | 0x80)
#define SYSCALL_BYTES 0x050fu /* the instruction `syscall`, as a little-endian word */

#define RIPS 65536 /* of the table, a power of two */

struct seen {
    uint64_t rip;
    uint64_t times;
};

struct tracee {
    pid_t pid;
    struct user_regs_struct regs;
    uint64_t system_calls; /* within gaps, but KVM_RUN */
    struct seen *rips;     /* owns; NULL: not wanted */
};

_Noreturn static void fail(const char *what)
{
    fprintf(stderr, "steps: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void trace(const struct tracee *tracee, int request, void *data)
{
    if (ptrace(request, tracee->pid, NULL, data) != 0) {
        fail("ptrace");
    }
}

/* Waits for the next stop, which has to be `expected`, and reads the registers. */
static void resume(struct tracee *tracee, int request, int expected)
{
    int status;

    trace(tracee, request, NULL);
    if (waitpid(tracee->pid, &status, 0) != tracee->pid) {
        fail("waitpid");
    }
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != expected) {
        fprintf(stderr, "steps: the command ended early, wait status 0x%x\n", (unsigned)status);
        exit(1);
    }
    trace(tracee, PTRACE_GETREGS, &tracee->regs);
}

static void start(struct tracee *tracee, char **command)
{
    int status;

    tracee->pid = fork();
    if (tracee->pid < 0) {
        fail("fork");
    }
    if (tracee->pid == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        execvp(command[0], command);
        _exit(127);
    }
    if (waitpid(tracee->pid, &status, 0) != tracee->pid || !WIFSTOPPED(status)) {
        errno = ENOENT;
        fail(command[0]);
    }
    trace(tracee, PTRACE_SETOPTIONS, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
}

static bool is_kvm_run(const struct tracee *tracee)
{
    return tracee->regs.rsi == KVM_RUN;
}

/* Runs on until KVM_RUN has returned. */
static void pass_kvm_run(struct tracee *tracee)
{
    bool entering = true;

    for (;; entering = !entering) {
        resume(tracee, PTRACE_SYSCALL, STOP_AT_CALL);
        if (!entering && tracee->regs.orig_rax == SYS_ioctl && is_kvm_run(tracee)) {
            return;
        }
    }
}

static bool at_system_call(const struct tracee *tracee)
{
    errno = 0;
    long word = ptrace(PTRACE_PEEKTEXT, tracee->pid, (void *)tracee->regs.rip, NULL);
    if (errno != 0) {
        fail("reading code");
    }
    return ((unsigned long)word & 0xffff) == SYSCALL_BYTES;
}

static void note_rip(struct tracee *tracee, uint64_t rip)
{
    uint64_t at = rip * UINT64_C(0x9e3779b97f4a7c15) >> 48 & (RIPS - 1);

    while (tracee->rips[at].times != 0 && tracee->rips[at].rip != rip) {
        at = (at + 1) & (RIPS - 1);
    }
    tracee->rips[at].rip = rip;
    tracee->rips[at].times++;
}

/* Instructions from here to the next KVM_RUN, its `syscall` included; behind it on return. */
static uint64_t count_gap(struct tracee *tracee)
{
    uint64_t count = 0;

    for (;;) {
        uint64_t rip = tracee->regs.rip;
        bool calls = at_system_call(tracee);

        if (tracee->rips != NULL) {
            note_rip(tracee, rip);
        }
        if (calls && tracee->regs.rax == SYS_ioctl && is_kvm_run(tracee)) {
            resume(tracee, PTRACE_SYSCALL, STOP_AT_CALL);
            resume(tracee, PTRACE_SYSCALL, STOP_AT_CALL);
            return count + 1;
        }
        tracee->system_calls += calls;
        resume(tracee, PTRACE_SINGLESTEP, SIGTRAP);
        count += tracee->regs.rip != rip; /* a string instruction stops at each turn */
    }
}

static int compare(const void *a, const void *b)
{
    const uint64_t *left = a;
    const uint64_t *right = b;

    return (*left > *right) - (*left < *right);
}

/* Where the command's own text is loaded: what is taken off a rip to have the file's address. */
static uint64_t load_base(pid_t pid)
{
    char path[64];
    unsigned long long base = 0;

    snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    if (maps == NULL ||
        fscanf(maps, "%llx", &base) != 1) { // NOLINT: hexadecimal, by the kernel
        fail(path);
    }
    fclose(maps);
    return base;
}

static void print_rips(const struct tracee *tracee)
{
    uint64_t base = load_base(tracee->pid);

    for (unsigned i = 0; tracee->rips != NULL && i < RIPS; i++) {
        if (tracee->rips[i].times != 0) {
            printf(
                "rip 0x%llx %llu\n", (unsigned long long)(tracee->rips[i].rip - base),
                (unsigned long long)tracee->rips[i].times);
        }
    }
}

int main(int argc, char **argv)
{
    struct tracee tracee = {0};
    unsigned long skip = argc > 3 ? strtoul(argv[1], NULL, 10) : 0;
    unsigned long count = argc > 3 ? strtoul(argv[2], NULL, 10) : 0;
    uint64_t *gap = calloc(count + 1, sizeof(*gap));

    if (count == 0 || gap == NULL) {
        fprintf(stderr, "usage: steps SKIP COUNT COMMAND...\n");
        free(gap);
        return 2;
    }
    if (getenv("STEPS_RIPS") != NULL) {
        tracee.rips = calloc(RIPS, sizeof(*tracee.rips));
    }
    start(&tracee, argv + 3);
    for (unsigned long i = 0; i <= skip; i++) {
        pass_kvm_run(&tracee);
    }
    for (unsigned long i = 0; i < count; i++) {
        pass_kvm_run(&tracee);
        gap[i] = count_gap(&tracee);
    }
    qsort(gap, count, sizeof(*gap), compare);
    printf("gaps=%lu\n", count);
    printf("min=%llu\n", (unsigned long long)gap[0]);
    printf("median=%llu\n", (unsigned long long)gap[count / 2]);
    printf("max=%llu\n", (unsigned long long)gap[count - 1]);
    printf("system_calls=%llu\n", (unsigned long long)tracee.system_calls);
    print_rips(&tracee);
    free(tracee.rips);
    free(gap);
    return 0;
}
