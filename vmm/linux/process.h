/*
 * The Linux personality: one process as its requests see it.  It turns system calls (and the
 * laboratory's own, from LAB_FIRST on) into operations on an address space and on the host's
 * standard streams.  It knows neither KVM nor who runs it: what it needs from outside is struct
 * process_hooks.
 *
 * A request handler returns what rax shall be: a result, or -errno.  Semantics are those of the
 * manual page of the call, section 2, restricted as the comment on each handler says.
 */
#ifndef LINUX_PROCESS_H
#define LINUX_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "fault/access.h"
#include "run/outcome.h"
#include "space/space.h"
#include "trace/counts.h"

/* What a process needs from the machine and from the run; each takes `context`. */
struct process_hooks {
    void *context;
    bool (*set_fs_base)(void *context, struct gva base);
    bool (*get_fs_base)(void *context, struct gva *base);
    bool (*set_gs_base)(void *context, struct gva base);
    bool (*get_gs_base)(void *context, struct gva *base);
    void (*phase)(void *context, const char *name);
    void (*result)(void *context, const char *name, int64_t value);
    /* A request that is not implemented; called once for each number. */
    void (*unknown)(void *context, uint64_t number, const char *name);
};

#define PROCESS_SIGNALS 64
#define PROCESS_UNKNOWN 512 /* numbers remembered as already reported */

struct process {
    struct access access;
    struct process_hooks hooks;
    struct outcome *outcome;     /* borrows */
    const struct counts *counts; /* borrows: faults so far */
    const char *exe;             /* borrows: absolute path of the program */
    uint64_t stack_limit_bytes;
    bool closed[3];   /* standard streams that the program has closed */
    bool interrupted; /* a signal for vmm arrived while a request was waiting */
    struct {
        uint64_t handler, flags, restorer, mask; /* as rt_sigaction had them */
    } action[PROCESS_SIGNALS + 1];
    uint64_t signal_mask;
    uint64_t signals_pending; /* sent to itself while blocked; the same bits as the mask */
    uint64_t clear_child_tid;
    uint64_t robust_list;
    char comm[16];
    uint8_t unknown[PROCESS_UNKNOWN / 8];
    int wake_fd; /* borrows: readable once a signal for vmm is there; -1: none */
};

typedef int64_t request_fn(struct process *process, const uint64_t argument[6]);

struct request {
    const char *name;
    request_fn *handler;
};

/* Serve one request.  Sets the outcome when it ends the process; the result is then
 * meaningless. */
int64_t process_request(struct process *process, uint64_t number, const uint64_t argument[6]);

/* Name of a Linux system call that is known by number, else NULL. */
const char *request_name(uint64_t number);

/* The default action of a signal that the process raised itself. */
void process_signal_self(struct process *process, int signal);

#endif
