/*
 * Walks by single flushed entries: the guest's own page tables are shown to its ring 3, which flushes
 * the line of one entry or of several before the walk that reads them.  Means something only where the
 * processor walks these tables; cold_walk.h is the way for all others.
 */
#ifndef MEASURE_FLUSHED_WALK_H
#define MEASURE_FLUSHED_WALK_H

#include "measure/lab.h"

/* What is done before the load that is timed.  The first two are the controls. */
enum flushed_kind {
    FLUSHED_PLAIN, /* nothing: a hit */
    FLUSHED_HIT,   /* all entries flushed, the translation left alone */
    FLUSHED_NONE,  /* from here on the translation is invalidated: nothing flushed */
    FLUSHED_1,     /* entries of levels 1 to … */
    FLUSHED_TO_2,
    FLUSHED_TO_3,
    FLUSHED_TO_4,
    FLUSHED_ALONE_2, /* the entry of one level */
    FLUSHED_ALONE_3,
    FLUSHED_ALONE_4,
    FLUSHED_KINDS
};

struct flushed_way {
    const char *name; /* of the figure; NULL: a control */
    bool invalidate;
    unsigned levels; /* bit n: the entry of level n is flushed */
};
extern const struct flushed_way flushed_ways[FLUSHED_KINDS];

/* A flush may cost the load of a hit so much more, in cycles, and the hit is still one. */
#define FLUSHED_SLACK 12.0

struct flushed_report {
    bool
        flat; /* the flush alone left the hit what it was: its interval and that of the plain load
                  are no further apart than FLUSHED_SLACK */
    struct verdict verdict[FLUSHED_KINDS]; /* of those that are invalidated */
    struct estimate walk[FLUSHED_KINDS];   /* cycles above the plain load */
};

/* cost: of each kind.  Undecided: all where the control is not flat, and a kind whose interval meets
 * that of the plain load. */
void flushed_walk_judge(
    const struct estimate cost[FLUSHED_KINDS], struct flushed_report *report);

/*
 * Show the tables that translate `target` (a small page) to ring 3, read-only, in four pages from `at` on.
 * name[n]: the address by which ring 3 reads the entry of level n; [0] unused.  The tables must be
 * linted again (machine_use_tables).  ERR_ENVIRONMENT: no such page, no memory for a table.
 */
MUST_CHECK bool flushed_walk_name_entries(
    struct virtual *guest,
    struct gva target,
    struct gva at,
    struct gva name[5],
    struct err *err);

/* Figures, controls and a series into the result, of the guest alone.  ERR_ENVIRONMENT as
 * lab_make_field_on. */
MUST_CHECK bool flushed_walk_measure(struct lab *lab, struct result *result, struct err *err);

#endif
