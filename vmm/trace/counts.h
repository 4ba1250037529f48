/*
 * The counts of a run's faults: by kind, with the pages they mapped and a histogram of their
 * service times, and minor and major as Linux has them.  It refuses to know where records come
 * from, so the live run and a recorded session are counted by the same code.  Read record.h
 * first.
 *
 * Minor and major follow Linux's mm_account_fault() (mm/memory.c): only a fault that was
 * resolved counts, so one that ends in a signal or in the program's end is neither; one that
 * the kernel takes on behalf of a system call counts like any other.  Major: the contents came
 * by I/O, here ACTION_MAP_FILE and ACTION_SWAP_IN; a page of a shared mapping or of swap that is
 * in a frame already is minor.  (Linux calls a page of a private file mapping that is in its page
 * cache minor as well; here no cache lies between such a file and the guest's frames.)
 */
#ifndef TRACE_COUNTS_H
#define TRACE_COUNTS_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

#include "trace/histogram.h"
#include "trace/record.h"

struct counts_kind {
    uint64_t faults;
    uint64_t pages; /* of 4 KiB, whose leaf the faults wrote: 512 for a leaf of 2 MiB; and those
                       mapped beside it */
    struct histogram service_ns;
};

/* Zero it to start.  About 106 KiB: not for the stack of a small thread. */
struct counts {
    uint64_t total;
    uint64_t minor;
    uint64_t major;
    uint64_t host; /* of the total: found by the host on behalf of a request */
    struct counts_kind kind[FAULT_KINDS];
};

/* What Linux would call it. */
enum counts_class { COUNTS_NEITHER, COUNTS_MINOR, COUNTS_MAJOR };

/* What an action means for the counts. */
struct counts_trait {
    uint8_t class;    /* enum counts_class */
    bool writes_leaf; /* record.level says of which size */
};
extern const struct counts_trait counts_traits[RECORD_ACTIONS];

/* The action of the record is in range. */
static inline enum counts_class counts_classify(const struct fault_record *record)
{
    return (enum counts_class)counts_traits[record->action].class;
}

/* Pages of 4 KiB that the fault mapped, those beside its own included; likewise in range. */
static inline uint32_t counts_pages_written(const struct fault_record *record)
{
    return counts_traits[record->action].writes_leaf
               ? record_level_pages(record->level) + record->around
               : 0;
}

/* Count one fault, and say what it was.  kind, action and level of the record are in range: a
 * reader of sessions checks what it reads. */
static inline enum counts_class
counts_add(struct counts *counts, const struct fault_record *record)
{
    assert(record->kind < FAULT_KINDS);
    assert(record->action < RECORD_ACTIONS);
    struct counts_kind *kind = &counts->kind[record->kind];
    enum counts_class class = counts_classify(record);

    counts->total++;
    counts->host += (record->access & RECORD_HOST) != 0 ? 1 : 0;
    counts->minor += class == COUNTS_MINOR ? 1 : 0;
    counts->major += class == COUNTS_MAJOR ? 1 : 0;
    kind->faults++;
    kind->pages += counts_pages_written(record);
    histogram_add(&kind->service_ns, record->service_ns);
    return class;
}

/* Pages of all kinds. */
uint64_t counts_pages(const struct counts *counts);

/* What LAB_COUNTS hands to the guest; all of *lab is written. */
void counts_fill_lab(const struct counts *counts, struct lab_counts *lab);

#endif
