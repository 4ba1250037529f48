/*
 * Counts faults as counts.h defines it.  What an action means for the counts is one row of a
 * table; nothing here prints (see report/summary.c).
 */
#include "trace/counts.h"

#include <string.h>

const struct counts_trait counts_traits[RECORD_ACTIONS] = {
    [ACTION_MAP_ZERO] = {.class = COUNTS_MINOR, .writes_leaf = true},
    [ACTION_MAP_FILE] = {.class = COUNTS_MAJOR, .writes_leaf = true},
    [ACTION_COPY] = {.class = COUNTS_MINOR, .writes_leaf = true},
    [ACTION_UPGRADE] = {.class = COUNTS_MINOR, .writes_leaf = true},
    [ACTION_RETRY] = {.class = COUNTS_MINOR},
    [ACTION_SIGNAL] = {.class = COUNTS_NEITHER},
    [ACTION_KILL] = {.class = COUNTS_NEITHER},
    [ACTION_SHARE] = {.class = COUNTS_MINOR, .writes_leaf = true},
    [ACTION_SWAP_IN] = {.class = COUNTS_MAJOR, .writes_leaf = true},
};

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
