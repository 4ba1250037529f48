/*
 * Counts faults as counts.h defines it.  What an action means for the counts is one row of a
 * table; nothing here prints (see report/summary.c).
 */
#include "trace/counts.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

static const struct {
    enum counts_class class; /* major: the contents came from a file or from swap */
    bool writes_leaf;        /* record.level says of which size */
} action_traits[RECORD_ACTIONS] = {
    [ACTION_MAP_ZERO] = {COUNTS_MINOR, .writes_leaf = true},
    [ACTION_MAP_FILE] = {COUNTS_MAJOR, .writes_leaf = true},
    [ACTION_COPY] = {COUNTS_MINOR, .writes_leaf = true},
    [ACTION_UPGRADE] = {COUNTS_MINOR, .writes_leaf = true},
    [ACTION_RETRY] = {COUNTS_MINOR},
    /* The access will not succeed. */
    [ACTION_SIGNAL] = {COUNTS_NEITHER},
    [ACTION_KILL] = {COUNTS_NEITHER},
    [ACTION_SHARE] = {COUNTS_MINOR, .writes_leaf = true},
    [ACTION_SWAP_IN] = {COUNTS_MAJOR, .writes_leaf = true},
};

enum counts_class counts_classify(const struct fault_record *record)
{
    return action_traits[record->action].class;
}

static inline uint32_t pages_written(const struct fault_record *record)
{
    return action_traits[record->action].writes_leaf
               ? record_level_pages(record->level) + record->around
               : 0;
}

uint32_t counts_pages_written(const struct fault_record *record)
{
    return pages_written(record);
}

enum counts_class counts_add(struct counts *counts, const struct fault_record *record)
{
    assert(record->kind < FAULT_KINDS);
    assert(record->action < RECORD_ACTIONS);
    struct counts_kind *kind = &counts->kind[record->kind];
    enum counts_class class = action_traits[record->action].class;

    counts->total++;
    if (record->access & RECORD_HOST) {
        counts->host++;
    }
    if (class == COUNTS_MINOR) {
        counts->minor++;
    } else if (class == COUNTS_MAJOR) {
        counts->major++;
    }
    kind->faults++;
    kind->pages += pages_written(record);
    histogram_add(&kind->service_ns, record->service_ns);
    return class;
}

uint64_t counts_pages(const struct counts *counts)
{
    uint64_t pages = 0;

    for (unsigned i = 0; i < FAULT_KINDS; i++) {
        pages += counts->kind[i].pages;
    }
    return pages;
}

void counts_fill_lab(const struct counts *counts, struct lab_counts *lab)
{
    memset(lab, 0, sizeof(*lab));
    lab->total = counts->total;
    lab->minor = counts->minor;
    lab->major = counts->major;
    lab->host = counts->host;
    for (unsigned i = 0; i < FAULT_KINDS; i++) {
        lab->by_kind[i] = counts->kind[i].faults;
    }
}
