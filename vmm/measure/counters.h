/*
 * Hardware counters of translation for this thread, natively and in the guest, where
 * perf_event_open gives them: opened once, run during a routine only, read before and behind it.
 * Where there are none it says why; a missing count is NAN and never a zero.
 */
#ifndef MEASURE_COUNTERS_H
#define MEASURE_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "measure/counter_events.h"
#include "measure/counter_source.h"
#include "measure/side.h"

/* All zero: no counters at all. */
struct counters {
    const struct counter_source *source; /* borrows; NULL: none were opened */
    struct counter_slot {
        bool open;
        int fd;          /* own */
        int leader;      /* the descriptor that its group is run and read by; may be fd */
        unsigned member; /* its place in the group */
        bool generic;    /* by the kernel's name, not by the processor's */
        int errno_value; /* why it is not open */
    } slot[SIDE_COUNT][COUNTER_EVENTS];
    bool dead; /* they opened and counted nothing: closed again */
};

/* What there is, and one line on it for people. */
struct counters_probe {
    bool present;                        /* anything at all */
    bool has[SIDE_COUNT][COUNTER_KINDS]; /* counts that can be had */
    int errno_value;                     /* why there is none; 0 where something is present */
    char library[COUNTER_LIBRARY_BYTES]; /* as counter_source; "": none */
    char text[240];                      /* what there is, or "no PMU here (…)" */
};

/*
 * Open whatever opens.  Each event is tried by its names and then by the kernel's, the events of a
 * set as one group; an event that does not fit into the group is opened by itself, and so are all of a
 * group that the processor cannot hold at one time.  source: borrowed until counters_close.
 */
void counters_open(struct counters *counters, const struct counter_source *source);
void counters_close(struct counters *counters); /* accepts a zeroed struct */

void counters_describe(const struct counters *counters, struct counters_probe *probe);

/* counters_open, describe, close, by perf: for those who only want to know. */
void counters_find(struct counters_probe *probe);

/* Between begin and end; its inside is the counters' business. */
struct counters_run {
    uint64_t count[COUNTER_EVENTS];
    uint64_t enabled[COUNTER_EVENTS], running[COUNTER_EVENTS];
    bool read[COUNTER_EVENTS];
};

/*
 * Count the events of a set on a side from begin to end.  count: of each kind; NAN where there is no
 * counter, where the kind is of another set, and where a counter had to share its register with
 * others meanwhile.  Such counts are left out, not scaled: a run takes a millisecond, and in that
 * time sharing gives a register wholly or not at all.
 */
void counters_begin(
    const struct counters *counters,
    enum side side,
    enum counter_set set,
    struct counters_run *run);
void counters_end(
    const struct counters *counters,
    enum side side,
    enum counter_set set,
    struct counters_run *run,
    double count[COUNTER_KINDS]);

#endif
