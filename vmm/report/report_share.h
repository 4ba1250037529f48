/*
 * Faults of one group, whatever it is of: a region, a process, a phase, an instruction.  It
 * refuses to know which.  Read report_session.h for the groups.
 */
#ifndef REPORT_REPORT_SHARE_H
#define REPORT_REPORT_SHARE_H

#include <stdint.h>

#include "trace/counts.h"

/* Minor and major as trace/counts.h defines them. */
struct report_share {
    uint64_t faults, minor, major;
    uint64_t service_ns; /* all of them together */
};

/* Add one fault to a share. */
static inline void
report_share_add(struct report_share *share, const struct fault_record *fault)
{
    enum counts_class class = counts_classify(fault);

    share->faults++;
    share->minor += class == COUNTS_MINOR ? 1 : 0;
    share->major += class == COUNTS_MAJOR ? 1 : 0;
    share->service_ns += fault->service_ns;
}

#endif
