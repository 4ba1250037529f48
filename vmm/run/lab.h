/*
 * A laboratory: one machine with one program in it, and everything that watches.  It owns the
 * parts and their wiring (which hook calls what); run.c drives it, start.c puts the program
 * into it, and the command line reads its counts afterwards.
 */
#ifndef RUN_LAB_H
#define RUN_LAB_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "kvm/machine.h"
#include "linux/process.h"
#include "run/outcome.h"
#include "space/space.h"
#include "trace/counts.h"
#include "trace/trace.h"

struct lab_config {
    const char *kvm_path;
    char *const *program;           /* path and arguments, NULL-terminated; borrows */
    const char *const *environment; /* NULL-terminated; borrows */
    uint64_t mem_bytes;             /* a multiple of LARGE_BYTES */
    uint64_t stack_bytes;           /* limit of the stack, a multiple of PAGE_BYTES */
    uint64_t timeout_ns;            /* 0: none */
    bool verbose;                   /* name requests that are not implemented, on stderr */
    struct trace *trace;            /* borrows; a zeroed one takes every event */
};

struct lab {
    const struct lab_config *config; /* borrows */
    struct machine *machine;         /* owns */
    struct memory *memory;           /* owns */
    struct pager *pager;             /* owns */
    struct space *space;             /* owns */
    struct process process;
    struct outcome outcome;
    struct counts *counts; /* owns */
    char *exe;             /* owns: absolute path of the program */
    uint64_t start_ns;     /* CLOCK_MONOTONIC at the first entry; UINT64_MAX before */
    struct clock *clock;   /* borrows: the machine's */
    uint64_t elapsed_ns;
    uint64_t requests;
    /* The fault before this one, to see a program that makes no progress. */
    uint64_t last_address, last_rip, repeats;
    sigset_t outer_mask; /* the caller's signal mask, restored at the end */
};

/* Build the machine and put the program in it.  On failure nothing is left behind. */
MUST_CHECK bool lab_create(struct lab **lab, const struct lab_config *config, struct err *err);
void lab_destroy(struct lab *lab); /* accepts NULL */

/* start.c: load the ELF file into regions, build its stack, and point the vCPU at its entry. */
MUST_CHECK bool lab_load(struct lab *lab, struct err *err);

/*
 * run.c: run until there is an outcome.  Blocks SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGALRM in
 * the calling thread meanwhile; the first four end the run (OUTCOME_INTERRUPTED).  Fails only
 * if the host refuses timers or signal masks.
 */
MUST_CHECK bool lab_run(struct lab *lab, struct err *err);

#endif
