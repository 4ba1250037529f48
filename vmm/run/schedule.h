/*
 * Who runs: one process until it blocks, ends or has had its time slice, then the next one, round
 * robin.  It owns the clock of the slices, which ticks only while somebody would miss it, and the
 * wait when nobody can run.  It refuses to know what a process waits for beyond descriptors and
 * times of the host.  Read linux/table.h for processes, run.c for the loop.
 */
#ifndef RUN_SCHEDULE_H
#define RUN_SCHEDULE_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>

#include "base/err.h"

#define SCHEDULE_SLICE_NS 10000000

struct lab;
struct program_entry;
struct space;

struct schedule {
    timer_t timer;
    bool has_timer;
    bool ticking;
    bool tick;         /* the clock has ticked since the scheduler looked */
    int signal_fd;     /* owns: readable while a signal for vmm is pending */
    struct pollfd *fd; /* owns: of all waits together */
    unsigned capacity;
};

/* The clock's signal: blocked in this thread, let through while the guest runs. */
int schedule_signal(void);

/* Make the clock.  signals: for vmm, blocked in this thread; one that is pending ends a wait.  Fails
 * with ERR_ENVIRONMENT. */
MUST_CHECK bool
schedule_create(struct schedule *schedule, const sigset_t *signals, struct err *err);
void schedule_destroy(struct schedule *schedule); /* accepts a zeroed struct */

/*
 * After a trap of the current process was served: let others go on whose wait is over, and
 * exchange the current process where it cannot go on, or its slice is over.  Waits as long as
 * nobody can run; returns early when the run has an outcome.
 */
void schedule_next(struct lab *lab);

/* The process that runs goes on in another address space, as a program begins; the old one is not current
 * any more.  False: the machine is stopped, or there is no memory. */
MUST_CHECK bool
schedule_enter(struct lab *lab, struct space *space, const struct program_entry *entry);

/* Leave ring 3 once more soon, as vmm's clock does while it ticks. */
void schedule_look_again(struct lab *lab);

#endif
