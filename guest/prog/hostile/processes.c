/*
 * Attacks by processes and signals: frames for rt_sigreturn that no kernel has written, and the
 * requests on processes and descriptors with absurd arguments.  It refuses to care how a child
 * ends, as long as it ends and its parent hears of it.  Read vmm's linux/sigframe.c next.
 */
#include <stddef.h>

#include "abi.h"

#include "check.h"
#include "hostile.h"
#include "mem.h"
#include "print.h"
#include "sys.h"

#define SIGCHLD   17
#define SIGALRM   14
#define ROUNDS    400
#define REGISTERS 23 /* r8 to cr2, then the pointer to the state */

struct frame { /* struct rt_sigframe without the restorer, which `ret` has taken */
    uint64_t flags, link, stack[3];
    uint64_t registers[REGISTERS];
    uint64_t reserved[8];
    uint64_t mask;
    uint8_t info[128];
};

#define AT_RSP    15
#define AT_RIP    16
#define AT_RFLAGS 17
#define AT_CS     18
#define AT_STATE  22

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static const uint64_t odd_values[] = {
    0,
    1,
    X86_U64(0x7ffffffff000),
    X86_U64(0x7fffffffffff),
    X86_U64(0x800000000000),
    X86_U64(0xffff7fffffffffff),
    X86_U64(0xffff800000000000),
    LAYOUT_KERNEL_BASE,
    LAYOUT_STACK,
    X86_U64(0xffffffffffffffff),
};
#define ODD_VALUES (sizeof(odd_values) / sizeof(odd_values[0]))

_Noreturn static void end_well(void)
{
    sys_exit(0);
}

static void fill(void *at, size_t bytes, uint64_t *random)
{
    uint8_t *byte = at;

    for (size_t i = 0; i < bytes; i++) {
        byte[i] = (uint8_t)next_random(random);
    }
}

/* A state with the two marks, so that all of its header is looked at. */
static void fill_state(uint8_t *state, size_t bytes, uint64_t *random)
{
    const uint32_t begin = 0x46505853, end = 0x46505845;
    const uint32_t sizes[] = {512, 576, 832, 2440, 2688, 4096};

    fill(state, bytes, random);
    memcpy(state + 464, &begin, sizeof(begin));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        memcpy(state + sizes[i], &end, sizeof(end));
    }
    uint32_t size = sizes[next_random(random) % 6];
    memcpy(state + 480, &size, sizeof(size));
}

/* In the child: one frame, mostly sensible, with something wrong.  Does not return. */
_Noreturn static void return_by_frame(uint64_t seed)
{
    static uint8_t state[8192] __attribute__((aligned(64)));
    static uint64_t stack[512];
    static struct frame frame;
    uint64_t random = seed * X86_U64(0x9e3779b97f4a7c15) + 1;

    sys_call(__NR_alarm, 1, 0, 0, 0, 0, 0); /* a frame may well lead to an endless loop */
    fill(&frame, sizeof(frame), &random);
    fill_state(state, sizeof(state), &random);
    frame.mask = seed % 5 == 4 ? frame.mask & ~(X86_U64(1) << (SIGALRM - 1)) : 0;
    if (seed % 4 != 0) { /* three of four are nearly right */
        frame.registers[AT_RIP] = (uintptr_t)end_well;
        frame.registers[AT_RSP] = (uintptr_t)(stack + 500);
        frame.registers[AT_CS] = X86_U64(0x002b000000000033);
        frame.registers[AT_STATE] = seed % 3 == 0 ? 0 : (uintptr_t)state;
        frame.registers[AT_RFLAGS] = 0x202;
        uint64_t odd = odd_values[next_random(&random) % ODD_VALUES];
        frame.registers[AT_RSP + next_random(&random) % 8] = odd;
    }
    __asm__ volatile("mov %0, %%rsp\n\tmov %1, %%eax\n\tsyscall\n\tud2"
                     :
                     : "r"(&frame), "i"(__NR_rt_sigreturn)
                     : "memory", "rax", "rcx", "r11");
    __builtin_unreachable();
}

static int bad_frames(uint64_t argument)
{
    int32_t status;

    (void)argument;
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        int64_t child = sys_call(__NR_fork, 0, 0, 0, 0, 0, 0);
        if (child == 0) {
            return_by_frame(seed);
        }
        CHECK(!sys_failed(child));
        CHECK_EQ(sys_call(__NR_wait4, (uint64_t)child, (uintptr_t)&status, 0, 0, 0, 0), child);
    }
    print_to(1, "bad-frames: ok\n");
    return 0;
}

struct absurd {
    const char *name;
    uint64_t number;
    uint64_t argument[6];
};

#define FD      X86_U64(0xfdfdfdfdfdfd) /* stands for a descriptor that is none */
#define SOMEDIR ((uint64_t)-100)

static const struct absurd absurds[] = {
    {"clone thread", __NR_clone, {0x10000, 0, 0, 0, 0}},
    {"clone sighand", __NR_clone, {0x800, 0, 0, 0, 0}},
    {"wait4 options", __NR_wait4, {(uint64_t)-1, 0, 0x1234, 0}},
    {"wait4 nobody", __NR_wait4, {(uint64_t)-1, 0, 0, 0}},
    {"wait4 least", __NR_wait4, {X86_U64(0x80000000), 0, 0, 0}},
    {"waitid type", __NR_waitid, {77, 0, 0, 4, 0}},
    {"waitid nothing", __NR_waitid, {0, 0, 0, 0, 0}},
    {"kill signal", __NR_kill, {1, 65}},
    {"kill negative", __NR_kill, {1, (uint64_t)-1}},
    {"kill least", __NR_kill, {X86_U64(0x80000000), 9}},
    {"kill nobody", __NR_kill, {12345678, 9}},
    {"tgkill zero", __NR_tgkill, {0, 0, 9}},
    {"sigaction zero", __NR_rt_sigaction, {0, 0, 0, 8}},
    {"sigaction size", __NR_rt_sigaction, {10, 0, 0, 128}},
    {"sigsuspend size", __NR_rt_sigsuspend, {0, 4}},
    {"setitimer", __NR_setitimer, {3, 0, 0}},
    {"nanosleep", __NR_nanosleep, {1, 0}},
    {"setpgid", __NR_setpgid, {12345678, 0}},
    {"read", __NR_read, {FD, 0, 0}},
    {"write", __NR_write, {FD, 0, 0}},
    {"readv", __NR_readv, {FD, 0, 0}},
    {"writev", __NR_writev, {FD, 0, 0}},
    {"pread64", __NR_pread64, {FD, 0, 0, 0}},
    {"pwrite64", __NR_pwrite64, {FD, 0, 0, 0}},
    {"close", __NR_close, {FD}},
    {"fstat", __NR_fstat, {FD, 0}},
    {"lseek", __NR_lseek, {FD, 0, 0}},
    {"ioctl", __NR_ioctl, {FD, 0x5401, 0}},
    {"fcntl", __NR_fcntl, {FD, 1, 0}},
    {"dup", __NR_dup, {FD}},
    {"dup2", __NR_dup2, {1, FD}},
    {"dup3", __NR_dup3, {1, FD, 0}},
    {"dup3 flags", __NR_dup3, {1, 5, X86_U64(0xffffffff)}},
    {"fcntl dup", __NR_fcntl, {1, 0, FD}},
    {"ftruncate", __NR_ftruncate, {FD, 0}},
    {"fsync", __NR_fsync, {FD}},
    {"getdents64", __NR_getdents64, {FD, 0, 0}},
    {"fchdir", __NR_fchdir, {FD}},
    {"openat path", __NR_openat, {SOMEDIR, 1, 0, 0}},
    {"pipe2 flags", __NR_pipe2, {0, X86_U64(0xffffffff)}},
    {"pipe address", __NR_pipe, {1}},
    {"poll count", __NR_poll, {1, X86_U64(0xffffffff), 0}},
    {"select count", __NR_select, {X86_U64(0xffffffff), 0, 0, 0, 0}},
    {"memfd flags", __NR_memfd_create, {(uintptr_t) "m", X86_U64(0xffff)}},
};

/* Numbers that are no descriptor, whatever is open. */
static const uint64_t bad_descriptors[] = {
    X86_U64(0xffffffff), X86_U64(0x80000000), X86_U64(0x7fffffff), X86_U64(0xffffffffffffffff)};
#define BAD_DESCRIPTORS (sizeof(bad_descriptors) / sizeof(bad_descriptors[0]))

static int absurd_arguments(uint64_t argument)
{
    (void)argument;
    for (size_t i = 0; i < sizeof(absurds) / sizeof(absurds[0]); i++) {
        const struct absurd *absurd = &absurds[i];
        for (size_t j = 0; j < BAD_DESCRIPTORS; j++) {
            uint64_t a[6];
            for (size_t k = 0; k < 6; k++) {
                a[k] = absurd->argument[k] == FD ? bad_descriptors[j] : absurd->argument[k];
            }
            int64_t result = sys_call(absurd->number, a[0], a[1], a[2], a[3], a[4], a[5]);
            if (!sys_failed(result)) {
                print_to(1, "absurd: %s gave %ld\n", absurd->name, result);
                return 1;
            }
        }
    }
    print_to(1, "absurd: ok\n");
    return 0;
}

/* Children that start children: the limit holds, and the kill of all of them reaches all. */
static int fork_bomb(uint64_t argument)
{
    (void)argument;
    if (sys_call(__NR_getpid, 0, 0, 0, 0, 0, 0) != 1) {
        print_to(1, "bomb: ok\n"); /* Linux is spared */
        return 0;
    }
    int64_t first = sys_call(__NR_fork, 0, 0, 0, 0, 0, 0);
    if (first == 0) {
        for (;;) {
            sys_call(__NR_fork, 0, 0, 0, 0, 0, 0);
        }
    }
    while (sys_call(__NR_fork, 0, 0, 0, 0, 0, 0) > 0) {
    }
    if (sys_call(__NR_getpid, 0, 0, 0, 0, 0, 0) != 1) {
        for (;;) {
        }
    }
    CHECK_EQ(sys_call(__NR_kill, (uint64_t)-1, 9, 0, 0, 0, 0), 0);
    while (sys_call(__NR_wait4, (uint64_t)-1, 0, 0, 0, 0, 0) > 0) {
    }
    int64_t again = sys_call(__NR_fork, 0, 0, 0, 0, 0, 0);
    if (again == 0) {
        sys_exit(0);
    }
    CHECK(again > 0);
    print_to(1, "bomb: ok\n");
    return 0;
}

const struct hostile_mode hostile_processes[] = {
    {"bad-frames", bad_frames},
    {"absurd", absurd_arguments},
    {"bomb", fork_bomb},
    {NULL, NULL},
};
