/*
 * Counts faults as counts.h defines it.  What an action means for the counts is one row of a
 * table; nothing here prints (see report/summary.c).
 */
#include "trace/counts.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

static const struct {
    bool resolves;    /* the access will succeed: minor or major */
    bool writes_leaf; /* record.level says of which size */
    bool by_io;       /* major: the contents came from a file or from swap */
} action_traits[RECORD_ACTIONS] = {
    [ACTION_MAP_ZERO] = {.resolves = true, .writes_leaf = true},
    [ACTION_MAP_FILE] = {.resolves = true, .writes_leaf = true, .by_io = true},
    [ACTION_COPY] = {.resolves = true, .writes_leaf = true},
    [ACTION_UPGRADE] = {.resolves = true, .writes_leaf = true},
    [ACTION_RETRY] = {.resolves = true},
    [ACTION_SIGNAL] = {.resolves = false},
    [ACTION_KILL] = {.resolves = false},
    [ACTION_SHARE] = {.resolves = true, .writes_leaf = true},
    [ACTION_SWAP_IN] = {.resolves = true, .writes_leaf = true, .by_io = true},
};

void counts_add(struct counts *counts, const struct fault_record *record)
{
    assert(record->kind < FAULT_KINDS);
    assert(record->action < RECORD_ACTIONS);
    struct counts_kind *kind = &counts->kind[record->kind];

    counts->total++;
    if (record->access & RECORD_HOST) {
        counts->host++;
    }
    if (action_traits[record->action].resolves) {
        uint64_t *which = action_traits[record->action].by_io ? &counts->major : &counts->minor;
        (*which)++;
    }
    kind->faults++;
    if (action_traits[record->action].writes_leaf) {
        kind->pages += record_level_pages(record->level) + record->around;
    }
    histogram_add(&kind->service_ns, record->service_ns);
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
