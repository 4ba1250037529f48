/*
 * Breaks a guest's fault into delivery and exit, the host's work, re-entry and retry, by time stamps of
 * both sides.  It refuses to say anything where the two counters cannot be compared.
 */
#ifndef MEASURE_FAULT_PARTS_H
#define MEASURE_FAULT_PARTS_H

#include "measure/lab.h"

/* Of each fault in turn, in ticks of the host: when KVM_RUN came back, when the work was done. */
struct fault_times {
    const uint64_t *exit, *entry; /* borrow; count each */
    size_t count;
};

/* Add three figures and a bar.  stamps: before and after each fault, in ticks of the guest. */
void fault_parts_report(
    const struct lab *lab,
    const struct fault_times *times,
    const uint64_t *stamps,
    struct result *result);

#endif
