/*
 * The pager: what a page fault of an address space turns out to be, and what is done about it.
 * It classifies (region, permissions, page tables), asks the policy, makes the frame, writes the
 * entry, and fills in the record.  It knows neither KVM nor Linux requests; for the way a fault
 * gets here read vmm/run/run.c, and the life of a page fault in docs/architecture.md.
 */
#ifndef FAULT_PAGER_H
#define FAULT_PAGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "fault/replace.h"
#include "space/space.h"
#include "trace/record.h"

/* Why a fault cannot be resolved, as Linux tells the program. */
struct pager_signal {
    int number; /* SIGSEGV, SIGBUS, SIGKILL */
    int code;   /* SEGV_MAPERR, SEGV_ACCERR, BUS_ADRERR; 0 for SIGKILL */
};

struct pager_config {
    struct memory *memory; /* borrows */
    struct policy *policy; /* borrows; loaded, not started; NULL: the default decisions */
    uint32_t around_pages; /* fault-around window in pages, 1 to VMM_MAP_MAX_PAGES */
    bool around_adaptive;  /* let it grow to that from 1 while a program goes on in sequence */
    /* Who runs ring 3 lets it try a copied page's write again at once, and calls pager_end_retry(). */
    bool retries;
};

#define PAGER_HELD 64

/*
 * A page was copied for a write that ring 3 tries again at once.  Such a write looks at the tables
 * anew, on every back end (tests/kvm/test_rewrite.c), so the entry was changed without the guest's
 * help.  That is enough only if the write is what comes next.
 */
struct pager_retry {
    struct space *space; /* borrows; NULL: nothing is awaited */
    struct gva address;
    struct ptab_slot slot;
};

struct pager {
    struct pager_config config;
    struct pager_retry retry;
    struct replace replace; /* the policy, as the memory sees it */
    bool
        plain; /* no limit, no policy, no window, 4 KiB pages: nothing to be asked at a first touch */
    /* Frames that must stay while one instruction is tried again and again: else the pages that it
     * needs could drive each other out for ever. */
    uint32_t held[PAGER_HELD];
    unsigned held_count, held_next, held_capacity;
    uint64_t evictions;   /* pages that had to go */
    uint64_t write_backs; /* of them written, to swap or to a file */
};

/* Starts the policy.  Fails with ERR_INPUT when it refuses its options. */
MUST_CHECK bool
pager_create(struct pager **pager, const struct pager_config *config, struct err *err);
void pager_destroy(struct pager *pager); /* before its memory; accepts NULL */

/* Why memory ran out or a policy was left alone, in one sentence: swap full, a disk error, a
 * policy's crash; NULL if nothing of the kind happened. */
const char *pager_trouble(const struct pager *pager);

/* made: the write that is awaited was made.  Else its entry becomes an edit, as the guest must know.
 * To be called at the next trap, and before anything but ring 3 runs; nothing awaited is fine. */
void pager_end_retry(struct pager *pager, bool made);

/* The program has got on since the last fault: what was held for that may go. */
void pager_let_go(struct pager *pager);
/* Keep the page in this frame until then, or until PAGER_HELD further ones are held. */
void pager_hold(struct pager *pager, uint32_t frame);

/* Set how many frames programs may have beyond the locked ones, and evict what is more.  frames > 0.
 * False: not so much can go; the limit holds for what comes. */
bool pager_limit(struct pager *pager, uint64_t frames);

/*
 * Decide one fault.  In: record->address, rip and access.  Out: kind, action, entries, frame,
 * level, around, region, process; time_ns and service_ns are the caller's.  Returns true when the
 * access may be tried again; false, with *signal filled in, when the program must be told.
 * *region: the region concerned, or NULL; valid until regions change.
 *
 * Cost: O(log n) in regions, constant otherwise; no allocation on the host, and no system call
 * but where contents come from a file or from swap.
 */
bool pager_fault(
    struct space *space,
    struct fault_record *record,
    struct pager_signal *signal,
    struct region **region);

#endif
