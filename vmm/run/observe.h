/*
 * What is told of a run while it goes on: faults into the counts, the trace and the session,
 * marks and results of the guest, requests that are not implemented.  It changes nothing in the
 * guest.
 */
#ifndef RUN_OBSERVE_H
#define RUN_OBSERVE_H

#include "run/lab.h"

/* The program is about to be loaded; the run is over, and outcome and elapsed_ns are set. */
void observe_start(struct lab *lab);
void observe_end(struct lab *lab);

/* One decided fault; record->time_ns is already relative to the start. */
void observe_fault(struct lab *lab, const struct fault_record *record, struct region *region);

/* One access that was recorded; region: the one that holds it. */
void observe_access(struct lab *lab, const struct access_record *record, struct region *region);

/* Hooks of the process and of its memory access; context is the struct lab. */
void observe_host_fault(void *context, struct fault_record *record, struct region *region);
void observe_phase(void *context, const char *name);
void observe_result(void *context, const char *name, int64_t value);
void observe_unknown_request(void *context, uint64_t number, const char *name);

/* A process was forked; one other than the first ends: into the session. */
void observe_started(void *context, const struct process *child, const struct process *parent);
void observe_ended(void *context, const struct process *process, int wait_status);
/* exec: into the trace and the session; what is no program, to stderr. */
void observe_executed(void *context, const struct process *process, const char *path);
void observe_refused(void *context, const char *text);
/* A process was ended by a signal: into the trace; of a child also to stderr, if verbose. */
void observe_killed(
    void *context,
    const struct process *process,
    const struct signal_info *info,
    const char *text);

#endif
