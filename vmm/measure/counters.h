/*
 * Hardware counters of translation, where perf_event_open gives them: loads that miss the data
 * TLB, of this thread, in the guest or outside it.  Where there are none it says so; a missing
 * counter is never a zero.
 */
#ifndef MEASURE_COUNTERS_H
#define MEASURE_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "measure/side.h"

struct counters_probe {
    bool present;
    int errno_value; /* why not */
    char text[120];  /* one line for the header: what there is, or "no PMU here (…)" */
};

struct counters {
    int fd[SIDE_COUNT]; /* own; -1: none */
};

void counters_find(struct counters_probe *probe);

/* The same by another way to open a counter: a file descriptor, closed here, or -1 and errno. */
void counters_find_by(int (*open_one)(enum side side), struct counters_probe *probe);

/* Count data-TLB misses of this thread: in the guest only, and outside it only. */
void counters_open(struct counters *counters);
void counters_close(struct counters *counters);

/* Misses so far; false where there is no counter. */
bool counters_read(const struct counters *counters, enum side side, uint64_t *misses);

/* Whether misses a load say what the timing said: next to none where all pages fit, and one for
 * nearly every load where none does.  The first is less than a tenth, the second at least half. */
bool counters_agree(double misses_fit, double misses_beyond);

#endif
