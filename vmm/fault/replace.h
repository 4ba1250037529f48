/*
 * A policy's view of memory, and memory's view of a policy: it answers what vmm_policy.h lets a
 * policy ask, tells it of pages that come and go, and checks what it answers.  Without a policy,
 * or where one is wrong, it picks a page itself.  It evicts nothing (evict.h).
 */
#ifndef FAULT_REPLACE_H
#define FAULT_REPLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/policy.h"
#include "space/memory.h"
#include "space/region.h"
#include "trace/record.h"
#include "vmm_policy.h"

#define REPLACE_HISTORY 64 /* a power of two */

struct replace {
    struct vmm_policy_host host; /* first: the policy's pointer to it leads back here */
    struct memory *memory;       /* borrows */
    struct policy *policy;       /* borrows; NULL: none, or it was given up */
    struct vmm_fault history[REPLACE_HISTORY];
    uint64_t faults;      /* decided so far that bring a page in */
    uint32_t hand;        /* where the pager's own search goes on */
    uint32_t sample_hand; /* where sampling goes on */
    uint32_t refused;     /* answers of the policy that were wrong */
    char trouble[320];
};

MUST_CHECK bool replace_create(
    struct replace *replace, struct memory *memory, struct policy *policy, struct err *err);
void replace_destroy(struct replace *replace);

/* Record a fault that brings a page in, let the policy sample, and have its decision: checked, and
 * cut to what may be done.  *decision: the default, as passed in.  region: the one concerned. */
void replace_fault(
    struct replace *replace,
    const struct fault_record *record,
    const struct region *region,
    struct vmm_decision *decision);

/*
 * A page to evict: resident, not pinned.  attempt 0 asks the policy; further ones (it was wrong,
 * or the page cannot go) take the next page in the order of frames.  FRAMES_NONE when a whole round
 * found none.
 */
uint32_t replace_choose(struct replace *replace, unsigned attempt);

#endif
