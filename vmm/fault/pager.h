/*
 * The pager: what a page fault of an address space turns out to be, and what is done about it.
 * It classifies (region, permissions, page tables), makes the frame, writes the entry, and
 * fills in the record.  It knows neither KVM nor Linux requests; for the way a fault gets here
 * read vmm/run/run.c, and DESIGN's life of a page fault in docs/architecture.md.
 */
#ifndef FAULT_PAGER_H
#define FAULT_PAGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "space/space.h"
#include "trace/record.h"

/* Why a fault cannot be resolved, as Linux tells the program. */
struct pager_signal {
    int number; /* SIGSEGV, SIGBUS, SIGKILL */
    int code;   /* SEGV_MAPERR, SEGV_ACCERR, BUS_ADRERR; 0 for SIGKILL */
};

/*
 * Decide one fault.  In: record->address, rip and access.  Out: kind, action, entries, frame,
 * level, region, process; time_ns and service_ns are the caller's.  Returns true when the
 * access may be tried again; false, with *signal filled in, when the program must be told.
 * *region: the region concerned, or NULL; valid until regions change.
 *
 * Cost: O(log n) in regions, constant otherwise; no allocation on the host, and no system call
 * but where contents come from a file.
 */
bool pager_fault(
    struct space *space,
    struct fault_record *record,
    struct pager_signal *signal,
    const struct region **region);

#endif
