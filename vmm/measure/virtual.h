/*
 * The guest side: a machine whose lower half shows the routines and one layout, and nothing else.
 * Page size, frame and table of each page are as the layout says; the machine lives as long as
 * the layout does.  It knows nothing of chains or of statistics.
 */
#ifndef MEASURE_VIRTUAL_H
#define MEASURE_VIRTUAL_H

#include <stdint.h>

#include "exp.h"
#include "kvm/machine.h"
#include "kvm/stats.h"
#include "measure/layout.h"

struct virtual;

/* What an experiment does at an exit of its own; both may be NULL.  fault: put the page there and
 * return true; false ends the run with an error.  Both are called with the machine stopped. */
struct virtual_hooks {
    bool (*fault)(void *context, struct virtual *guest, const struct machine_trap *trap);
    void (*request)(void *context, struct virtual *guest, const struct machine_trap *trap);
    void *context;
};

struct virtual
{
    struct machine *machine; /* owns */
    struct ptab ptab;
    const struct layout *layout; /* borrows */
    uint32_t *blocks;            /* owns; runs of 512 frames, frames of the layout in order */
    size_t block_count;
    struct exp_args *args; /* borrows: guest memory */
    uint64_t *results[EXP_RESULTS_BYTES / PAGE_BYTES];
    uint64_t *list[EXP_LIST_BYTES / PAGE_BYTES];
    struct kvm_stats stats;
    struct virtual_hooks hooks;
    uint64_t quiet_exits; /* what KVM counts for a run that does nothing, beyond its KVM_RUNs */
    uint64_t exits;       /* of all runs, by KVM's count; 0 where it keeps none */
    uint64_t unasked;     /* of these, beyond what the routines asked for */
};

/* ERR_ENVIRONMENT: no KVM, no memory, no huge pages.  On failure nothing is left behind. */
MUST_CHECK bool virtual_create(
    struct virtual *guest, const char *kvm_path, const struct layout *layout, struct err *err);
void virtual_destroy(struct virtual *guest); /* accepts a zeroed struct */

uint8_t *virtual_frame(const struct virtual *guest, uint32_t frame);
/* The guest-physical address of the same. */
struct gpa virtual_frame_gpa(const struct virtual *guest, uint32_t frame);

/* The host's pointer to word i, less than EXP_LIST_COUNT, of what is at EXP_LIST. */
uint64_t *virtual_list_word(const struct virtual *guest, size_t i);

/*
 * Run a routine to its end.  *unexpected: exits of this run that the routine did not ask for (0
 * where KVM does not say).  ERR_ENVIRONMENT: the vCPU stopped, or faulted without a hook.
 */
MUST_CHECK bool virtual_run(
    struct virtual *guest,
    enum exp_routine routine,
    struct exp_args *args,
    uint64_t *unexpected,
    struct err *err);

/* Copy the first count results out. */
void virtual_read_results(const struct virtual *guest, uint64_t *results, size_t count);

/* Leaf bits of a page of the layout, without the frame. */
uint64_t virtual_leaf_bits(const struct virtual *guest);

#endif
