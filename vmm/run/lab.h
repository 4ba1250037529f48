/*
 * A laboratory: one machine with a program and its children, and everything that watches.  It owns the
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
#include "linux/table.h"
#include "run/outcome.h"
#include "run/sampling.h"
#include "run/schedule.h"
#include "run/watch.h"
#include "session/recorder.h"
#include "space/space.h"
#include "trace/counts.h"
#include "trace/trace.h"

#define LAB_MAX_PROCESSES 64

/* What is recorded beside faults. */
enum lab_record {
    LAB_RECORD_FAULTS = 0, /* nothing */
    LAB_RECORD_ACCESSES,   /* each access to the chosen regions: recording.h */
    LAB_RECORD_SAMPLED,    /* in each period the pages touched: sampling.h */
};

struct lab_config {
    const char *kvm_path;
    const char *path;               /* of the program; NULL: program[0]; borrows */
    char *const *program;           /* name and arguments, NULL-terminated; borrows */
    const char *const *environment; /* NULL-terminated; borrows */
    uint64_t mem_bytes;             /* a multiple of LARGE_BYTES */
    uint64_t stack_bytes;           /* limit of the stack, a multiple of PAGE_BYTES */
    uint64_t timeout_ns;            /* 0: none */
    unsigned max_processes;         /* at a time; 0: LAB_MAX_PROCESSES */
    uint64_t limit_frames;          /* that programs may have; 0: no limit but memory */
    const char *policy;    /* as policy_load takes it; NULL: none, or clock if needed */
    const char *swap_file; /* NULL: nameless, if swap_bytes is not 0 */
    uint64_t swap_bytes;   /* 0: none, or as large as swap_file is */
    uint32_t around_pages; /* fault-around, in pages; 0: 1 */
    bool around_adaptive;  /* from 1 to that, while a program goes on in sequence */
    enum memory_page_size page_size;
    enum lab_record record;
    const char *record_regions; /* of accesses and samples, as select_parse reads it; borrows */
    uint64_t record_period_ns;  /* of samples */
    bool verbose;               /* name requests that are not implemented, on stderr */
    struct trace *trace;        /* borrows; a zeroed one takes every event */
    struct recorder *recorder;  /* borrows; NULL: nothing is recorded */
    struct watch watch;         /* borrows; not with LAB_RECORD_ACCESSES, which is one */
};

struct lab {
    const struct lab_config *config; /* borrows */
    struct machine *machine;         /* owns */
    struct swap *swap;               /* owns; NULL: none */
    struct policy *policy;           /* owns; NULL: none */
    struct memory *memory;           /* owns */
    struct pager *pager;             /* owns */
    struct watch watch;              /* owns what has a destroy */
    struct sampling *sampling;       /* owns; NULL: pages are not sampled */
    struct space *space; /* owns: that of the first process, whatever it has executed */
    struct process_table processes;
    struct schedule schedule;
    struct space *loaded_space; /* borrows: whose tables the vCPU is on */
    struct space *doomed_space; /* owns: empty, but the vCPU is still on it */
    struct outcome outcome;
    int lost_error;        /* why a mapped file could not be written back at the end, or 0 */
    struct counts *counts; /* owns */
    uint64_t start_ns;     /* CLOCK_MONOTONIC at the first entry; UINT64_MAX before */
    struct clock *clock;   /* borrows: the machine's */
    uint64_t elapsed_ns;
    uint64_t requests;
    uint64_t accesses; /* recorded, samples included */
    /* The fault before this one, to see a program that makes no progress. */
    uint64_t last_address, last_rip, repeats;
    struct registers last_registers;  /* at the last fault, where frames are limited */
    struct registers retry_registers; /* at the fault whose write is awaited (pager.h) */
    sigset_t outer_mask;              /* the caller's signal mask, restored at the end */
};

/* Build the machine and put the program in it.  On failure nothing is left behind. */
MUST_CHECK bool lab_create(struct lab **lab, const struct lab_config *config, struct err *err);
void lab_destroy(struct lab *lab); /* accepts NULL */

/* At the end of a run: what programs have written to mapped files goes to them.  A failure is the
 * outcome's to tell: its reason gets longer, and lab->lost_error is set. */
void lab_write_files_back(struct lab *lab);

/* The path of the program. */
static inline const char *lab_program(const struct lab_config *config)
{
    return config->path != NULL ? config->path : config->program[0];
}

/* start.c: load the ELF file into regions, build its stack, and point the vCPU at its entry. */
MUST_CHECK bool lab_load(struct lab *lab, struct err *err);

/*
 * run.c: run until there is an outcome.  Blocks SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGALRM in
 * the calling thread meanwhile; the first four end the run (OUTCOME_INTERRUPTED); SIGRTMIN
 * is the clock of time slices.  Fails only if the host refuses timers or signal masks.
 */
MUST_CHECK bool lab_run(struct lab *lab, struct err *err);

#endif
