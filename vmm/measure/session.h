/*
 * One run of `vmm measure`: the laboratory, the chosen experiments and their results, and what the
 * host is.  It refuses to print (the print_*, json, csv, html files read it).
 */
#ifndef MEASURE_SESSION_H
#define MEASURE_SESSION_H

#include "kvm/probe.h"
#include "measure/catalogue.h"
#include "measure/counters.h"
#include "measure/progress.h"

struct session_config {
    const char *kvm_path;           /* borrows */
    const char *const *experiments; /* borrows; known names */
    size_t experiment_count;        /* 0: all */
    bool native, guest, quick;
    uint64_t seed;
    FILE *progress;                        /* borrows; NULL: silent */
    const struct counter_source *counters; /* borrows; NULL: perf's */
};

struct session {
    struct lab lab;
    const struct experiment **chosen; /* owns the array */
    struct result *results;           /* owns; one for each chosen */
    size_t count;
    struct progress progress;
    struct kvm_facts facts;
    struct counters_probe counters;
    int cpu;             /* that this thread was pinned to; -1: not */
    unsigned processors; /* that it may use */
    double steal_share;  /* of the time of the run, as /proc/stat has it; negative: unknown */
    double drift;        /* greatest over least ticks a cycle, of first and last calibration */
    double elapsed_seconds;
    char start[32]; /* local time, ISO 8601 */
};

/*
 * Run them.  An experiment that fails is noted in its result and the rest goes on.
 * ERR_ENVIRONMENT: no usable KVM although the guest is wanted, no memory.
 */
MUST_CHECK bool
session_run(struct session *session, const struct session_config *config, struct err *err);
void session_destroy(struct session *session); /* accepts a zeroed struct */

/* Whether every experiment ran. */
bool session_all_ran(const struct session *session);

#endif
