/*
 * vmm doctor: what this host offers, what is missing, and what mends it.  It refuses to ask the
 * host itself (kvm/probe.h and cli/host.h do) or to mend anything.
 */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/checklist.h"
#include "cli/host.h"
#include "kvm/probe.h"

struct doctor_facts {
    struct kvm_facts kvm;
    struct host_facts host;
};

/* Judge the facts; the list is filled from empty.  It has the same sections and keys whatever
 * the facts are. */
void doctor_examine(const struct doctor_facts *facts, struct checklist *list);

/* Gather, judge and print.  Returns the exit status: 0 when vmm can run here, 1 when it cannot. */
int doctor_run(FILE *out, bool json);

#endif
