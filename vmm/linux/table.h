/*
 * All processes of a run: who exists, whose child it is, how it ends.  It makes and ends them as
 * fork(2), exit(2) and wait(2) tell; it refuses to know who runs when (run/schedule.h) and what
 * a CPU is (struct process_hooks).
 */
#ifndef LINUX_TABLE_H
#define LINUX_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/registers.h"
#include "linux/process.h"
#include "load/program.h"
#include "run/outcome.h"
#include "trace/counts.h"

/* What processes need from the machine and from the run; each takes `context`.  Those on
 * registers are about the process that runs. */
struct process_hooks {
    void *context;
    bool (*set_fs_base)(void *context, struct gva base);
    bool (*get_fs_base)(void *context, struct gva *base);
    bool (*set_gs_base)(void *context, struct gva base);
    bool (*get_gs_base)(void *context, struct gva *base);
    void (*get_registers)(void *context, struct registers *registers);
    void (*set_registers)(void *context, const struct registers *registers);
    bool (*get_xstate)(void *context, void *state); /* XSTATE_BYTES */
    bool (*set_xstate)(void *context, const void *state);
    /* Give child a CPU state: a copy of the running process's, with these registers. */
    bool (*copy_cpu)(void *context, struct process *child, const struct registers *registers);
    void (*free_cpu)(void *context, struct process *process);
    /* Nobody is left in this address space: destroy it as soon as the CPU is on another one. */
    void (*release_space)(void *context, struct space *space);
    /* The process that runs goes on in this address space, with the CPU as a program finds it at its
     * start.  Its own is left by the caller afterwards. */
    void (*enter_program)(
        void *context,
        struct process *process,
        struct space *space,
        const struct program_entry *entry);
    void (*phase)(void *context, const char *name);
    void (*result)(void *context, const char *name, int64_t value);
    /* A request that is not implemented; called once for each number. */
    void (*unknown)(void *context, uint64_t number, const char *name);
    /* A process was forked, and has not run yet; one other than the first ends, and still has
     * its address space.  May be NULL. */
    void (*started)(void *context, const struct process *child, const struct process *parent);
    void (*ended)(void *context, const struct process *process, int wait_status);
    /* exec: the process is about to leave its program for the one in the file at `path`. */
    void (*executed)(void *context, const struct process *process, const char *path);
    /* exec: a file that is meant to be a program is none that can be run; in one line, why. */
    void (*refused)(void *context, const char *text);
    /* A process was ended by a signal. */
    void (*killed)(
        void *context,
        const struct process *process,
        const struct signal_info *info,
        const char *text);
};

#define PROCESS_UNKNOWN 512 /* numbers remembered as already reported */
#define REFUSALS_MAX    16

struct process_table {
    struct process_hooks hooks;
    struct outcome *outcome;        /* borrows */
    const struct counts *counts;    /* borrows: faults so far, of all processes */
    struct program_machine machine; /* xstate_bytes: 512 + 64 at least */
    uint64_t xcr0;                  /* state that XSAVE may hold; 0: the CPU has no XSAVE */
    struct process **slot;          /* owns; `max` of them, NULL where free */
    unsigned max;
    unsigned count;
    int last_pid;
    struct process *first;          /* borrows: pid 1, whose end is the run's */
    struct process *current;        /* borrows: the one that runs */
    struct process *doomed;         /* owns: ended and reaped while it was current */
    uint64_t current_since_ns;      /* when it was made the current one */
    unsigned refusals;              /* of exec that were told */
    uint64_t refused[REFUSALS_MAX]; /* sums of their texts: each is told once */
    bool yield;                     /* the current one asks for the others to come first */
    bool attention;                 /* something has changed that the scheduler wants to see */
    uint8_t unknown[PROCESS_UNKNOWN / 8];
};

/* max: processes at a time, zombies included; at least 1. */
MUST_CHECK bool
process_table_create(struct process_table *table, unsigned max, struct err *err);
/* Frees every process; their address spaces are the caller's.  Accepts a zeroed struct. */
void process_table_destroy(struct process_table *table);

/* A new process without an address space, ready to run: pid 1 with vmm's standard streams, or a
 * child with copies of all that a child inherits.  NULL: the table is full, or no memory. */
struct process *process_create_first(struct process_table *table);
struct process *process_create_child(struct process_table *table, struct process *parent);
/* Take back a process that never ran. */
void process_discard(struct process *process);

/* Processor time, that of the current turn included. */
uint64_t process_cpu_ns(const struct process *process);

struct process *process_find(const struct process_table *table, int pid);

/* The n-th process from `after` on in round-robin order that may run; NULL if there is none.  It
 * may be `after` itself, which then is the only one. */
struct process *process_next_ready(const struct process_table *table, struct process *after);
unsigned process_count_ready(const struct process_table *table);

/* End a process (wait_status as wait4 gives it): close its files, leave its space, give its
 * children away, tell its parent.  Of pid 1 the caller has set the outcome. */
void process_end(struct process *process, int wait_status);
/* Leave the address space, for another one or for good: nobody waits for the process to give it back
 * any more, and process->access.space is NULL. */
void process_leave_space(struct process *process);
/* Forget a zombie; the current process waits for process_free_doomed() once another one runs. */
void process_reap(struct process *zombie);
void process_free_doomed(struct process_table *table);

#endif
