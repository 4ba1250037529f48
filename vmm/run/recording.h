/*
 * --record=accesses: every memory access of the program to the chosen regions, as a record beside
 * the faults that it would have without.  It owns the instruction in flight:
 * which pages are open for it, and the trap flag that ends it.  What is exact and what is not:
 * docs/reference-traces.md.
 *
 * Pages are mapped closed.  A touch faults; the page is opened, the trap flag set, and the access
 * tried again; the debug exception behind the instruction closes its pages.  Then it is recorded,
 * so an instruction that did not come to its end is not.
 */
#ifndef RUN_RECORDING_H
#define RUN_RECORDING_H

#include <stdbool.h>

#include "base/err.h"
#include "run/watch.h"

/* In *watch: one that owns what it needs, and sees what the program touches from its start on.
 * regions: as select_parse has it; borrowed.  Fails with ERR_USAGE or ERR_ENVIRONMENT. */
MUST_CHECK bool recording_create(struct watch *watch, const char *regions, struct err *err);

#endif
