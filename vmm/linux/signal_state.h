/*
 * What a process has of signals: actions, mask, what is pending, its alternate stack.  Plain
 * data; signals.c changes it on request, deliver.c acts on it.
 */
#ifndef LINUX_SIGNAL_STATE_H
#define LINUX_SIGNAL_STATE_H

#include <stdbool.h>
#include <stdint.h>

#define SIGNALS_COUNT 64

#define SIGNAL_DEFAULT UINT64_C(0)
#define SIGNAL_IGNORE  UINT64_C(1)

/* struct sigaction as the kernel's interface has it. */
struct signal_action {
    uint64_t handler, flags, restorer, mask;
};

/* Where a signal comes from: what siginfo_t tells of it. */
struct signal_info {
    int number;
    int code;         /* SI_USER, SEGV_MAPERR, CLD_EXITED… */
    int32_t pid;      /* of the sender, or the child */
    uint32_t uid;     /* likewise */
    int32_t status;   /* CLD_*: exit status or signal */
    uint64_t address; /* faults: what was touched; exceptions: the instruction */
    /* For the context of a fault's handler. */
    uint64_t error_code, vector;
    uint64_t rip; /* of the fault, for messages */
};

#define SIGNAL_STACK_AUTODISARM UINT32_C(0x80000000) /* SS_AUTODISARM: off while in use */

struct signal_stack {
    uint64_t base, bytes;
    uint32_t flags; /* SS_DISABLE, SIGNAL_STACK_AUTODISARM */
};

struct signals {
    struct signal_action action[SIGNALS_COUNT + 1];
    uint64_t blocked;
    uint64_t pending;
    /* One for each number: a second one that comes meanwhile is the same one, as for Linux's
     * classic signals. */
    struct signal_info info[SIGNALS_COUNT + 1];
    /* rt_sigsuspend: what to go back to once a handler has been entered. */
    uint64_t saved_blocked;
    bool restore_blocked;
    struct signal_stack stack;
};

static inline uint64_t signal_bit(int number)
{
    return UINT64_C(1) << (number - 1);
}

#endif
