/*
 * One line on a terminal that says which experiment runs and how much time is left, redrawn in
 * place; silent elsewhere.
 */
#ifndef MEASURE_PROGRESS_H
#define MEASURE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
    FILE *out;         /* borrows; NULL: silent */
    const char *name;  /* of the experiment that runs */
    double done;       /* expected seconds of those that have ended */
    double weight;     /* of the one that runs */
    double total;      /* of all */
    uint64_t begin_ns; /* CLOCK_MONOTONIC */
    uint64_t shown_ns;
};

/* total: expected seconds of everything. */
void progress_begin(struct progress *progress, FILE *out, double total);
void progress_enter(struct progress *progress, const char *name, double weight);
void progress_show(struct progress *progress, double share);
void progress_leave(struct progress *progress);
/* Wipe the line. */
void progress_end(struct progress *progress);

/* Seconds that are left, judged by the pace so far; share: of the one that runs, 0 to 1. */
double progress_left(const struct progress *progress, double share, double elapsed_seconds);

#endif
