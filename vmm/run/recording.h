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

#include "fault/access.h"
#include "fault/pager.h"
#include "kvm/machine.h"
#include "watch/decode.h"
#include "watch/opened.h"
#include "watch/select.h"

struct lab;

#define RECORDING_FAULTS 8

struct recording {
    struct select select;
    bool steps;      /* an instruction is in flight: the trap flag is ours */
    bool program_tf; /* the program had set it too */
    uint64_t rip;
    struct space *space; /* borrows: that it runs in */
    struct opened opened;
    bool decoded;
    struct decode_instruction instruction;
    /* Its faults, to be recorded by themselves where the decoder does not explain them. */
    struct {
        uint64_t address;
        uint8_t access;
    } fault[RECORDING_FAULTS];
    unsigned faults;
};

/* regions: as select_parse has it; borrowed.  Fails with ERR_USAGE or ERR_ENVIRONMENT. */
MUST_CHECK bool
recording_create(struct recording **recording, const char *regions, struct err *err);
void recording_destroy(struct recording *recording); /* accepts NULL */

/* The program is loaded, and about to run: what it touches from now on is seen. */
void recording_start(struct lab *lab);

/* In place of pager_fault and observe_fault: opens the page, or lets the pager decide first and
 * observes that.  Arguments and result as for pager_fault. */
bool recording_fault(
    struct lab *lab,
    const struct machine_trap *trap,
    struct fault_record *record,
    struct pager_signal *signal,
    struct region **region);

/* An exception came.  True: it was the end of the instruction in flight, and nobody else's. */
bool recording_exception(struct lab *lab, const struct machine_trap *trap);

/* A request came: its `syscall` may have been in flight. */
void recording_request(struct lab *lab, const struct machine_trap *trap);

#endif
