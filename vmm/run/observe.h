/*
 * What is told of a run while it goes on: faults into the counts and the trace, marks and
 * results of the guest, requests that are not implemented.  It changes nothing in the guest.
 */
#ifndef RUN_OBSERVE_H
#define RUN_OBSERVE_H

#include "run/lab.h"

/* One decided fault; record->time_ns is already relative to the start. */
void observe_fault(
    struct lab *lab, const struct fault_record *record, const struct region *region);

/* Hooks of the process and of its memory access; context is the struct lab. */
void observe_host_fault(
    void *context, struct fault_record *record, const struct region *region);
void observe_phase(void *context, const char *name);
void observe_result(void *context, const char *name, int64_t value);
void observe_unknown_request(void *context, uint64_t number, const char *name);

/* A process was ended by a signal: into the trace; of a child also to stderr, if verbose. */
void observe_killed(
    void *context,
    const struct process *process,
    const struct signal_info *info,
    const char *text);

#endif
