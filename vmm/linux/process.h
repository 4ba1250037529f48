/*
 * The Linux personality: a process as its requests see it.  It turns system calls (and the
 * laboratory's own, from LAB_FIRST on) into operations on an address space, on descriptors and
 * on other processes.  It knows neither KVM nor who runs it: what it needs from outside is
 * struct process_hooks.  Read table.h for all processes together.
 *
 * A request handler returns what rax shall be: a result, or -errno.  Semantics are those of the
 * manual page of the call, section 2, restricted as the comment on each handler says.  A handler
 * never waits: it says what for (request_wait) and is called again from its beginning when that
 * may have come, with process->progress as it left it.
 */
#ifndef LINUX_PROCESS_H
#define LINUX_PROCESS_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "fault/access.h"
#include "linux/descriptors.h"
#include "linux/signal_state.h"
#include "space/space.h"

enum process_state {
    PROCESS_READY,   /* runs, or may */
    PROCESS_BLOCKED, /* see struct wait */
    PROCESS_ZOMBIE,  /* ended; kept for its parent */
};

enum wait_kind {
    WAIT_EVENT,  /* a host descriptor, the deadline, or only a signal */
    WAIT_CHILD,  /* a child that ended */
    WAIT_VFORK,  /* the child that runs in this address space; no signal but SIGKILL ends it */
    WAIT_FUTEX,  /* a wake at the address wait.key */
    WAIT_SIGNAL, /* one of wait.key (rt_sigtimedwait) */
};

#define WAIT_FOR_EVER UINT64_MAX

struct wait {
    enum wait_kind kind;
    struct pollfd *fd; /* owns */
    unsigned fds, capacity;
    uint64_t deadline_ns; /* CLOCK_MONOTONIC, or WAIT_FOR_EVER */
    uint64_t key;
    int64_t interrupted; /* the request's result when a signal ends the wait */
};

/* How a process goes on when it is its turn. */
enum process_resume {
    RESUME_PROGRAM, /* ring 3 */
    RESUME_REQUEST, /* call the handler again */
    RESUME_RESULT,  /* the request has ended with process->result */
};

/* What a request keeps from call to call while it waits; zero when it begins. */
struct progress {
    bool started;
    uint64_t done;        /* bytes */
    uint64_t deadline_ns; /* CLOCK_MONOTONIC */
    uint64_t left_at;     /* of the program: where a sleep tells the time left; 0: nowhere */
};

struct process_table;
struct machine_context;

#define PROCESS_REASON_BYTES 320

struct process {
    struct access access; /* access.space is the process's; a vfork child has its parent's */
    struct process_table *table;    /* borrows */
    struct machine_context *cpu;    /* owns, by hooks; valid while another process runs */
    struct process *parent;         /* borrows; NULL: the laboratory */
    struct process *vfork_parent;   /* borrows: waits for this one */
    struct descriptors descriptors; /* owns */
    struct signals signals;
    enum process_state state;
    bool has_run; /* the CPU was given to it at least once by the scheduler */
    bool stopped; /* by SIGSTOP and the like, until SIGCONT */
    struct wait wait;
    enum process_resume resume;
    int64_t result;
    bool restart; /* a signal ended the request, which asks to be made again */
    struct {
        uint64_t number, argument[6];
    } request; /* the one in service */
    struct progress progress;
    int pid, group, session;
    int exit_signal; /* to the parent; 0: none */
    int wait_status; /* of a zombie, as wait4 gives it */
    uint64_t minor_faults, major_faults, cpu_ns;
    uint64_t children_minor_faults, children_major_faults, children_cpu_ns;
    uint64_t alarm_ns, alarm_interval_ns; /* ITIMER_REAL; 0: not set */
    uint64_t clear_child_tid;
    uint64_t robust_list;
    uint32_t umask;
    bool has_executed; /* another program than the one it was forked with */
    char *exe; /* owns: absolute path of the program's file; NULL in a test without one */
    char comm[16];
    char reason[PROCESS_REASON_BYTES]; /* of the last fault that could not be resolved */
};

/* Results that never reach a program. */
#define REQUEST_BLOCKED INT64_MIN
/* As the kernel's: -EINTR where a handler without SA_RESTART ran, else the request is made
 * again. */
#define REQUEST_RESTART (-512)

typedef int64_t request_fn(struct process *process, const uint64_t argument[6]);

struct request {
    const char *name;
    request_fn *handler;
};

/* Serve one request: its result, or REQUEST_BLOCKED.  Where it ends the process
 * (PROCESS_ZOMBIE, or the run's outcome) the result is meaningless. */
int64_t process_request(struct process *process, uint64_t number, const uint64_t argument[6]);

/* Name of a Linux system call that is known by number, else NULL. */
const char *request_name(uint64_t number);

/* Wait for nothing but the deadline or a signal; request_wait_fd: also for a host descriptor
 * (may be called several times).  interrupted: what the request returns when a signal comes. */
int64_t request_wait(
    struct process *process, enum wait_kind kind, uint64_t deadline_ns, int64_t interrupted);
/* False: no memory. */
bool request_wait_fd(struct process *process, int fd, short events);

/* A blocked process goes on: it calls its handler again, or the request has this result. */
void process_wake(struct process *process);
void process_finish_wait(struct process *process, int64_t result);

/* The host's descriptor behind one of the process, or -1. */
int files_host_fd(const struct process *process, int fd);

#endif
