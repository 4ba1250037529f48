/*
 * A made-up processor with counters: which events it has, how many fit into a group, what a run
 * counts, and what the kernel refuses.  Behind struct counter_source, so that everything above it is
 * the real code.
 */
#ifndef FAKE_COUNTERS_H
#define FAKE_COUNTERS_H

#include "measure/counter_events.h"
#include "measure/counter_source.h"

#define FAKE_COUNTERS_MAX 64

struct fake_counters {
    struct counter_source source;           /* to be handed to counters_open */
    bool unknown[COUNTER_EVENTS];           /* the library has no name for it */
    int refuse[SIDE_COUNT][COUNTER_EVENTS]; /* errno of opening it by name; 0: it opens */
    int refuse_generic;                     /* errno of opening it by the kernel's name */
    unsigned group_max;                     /* more members in a group: EINVAL; 0: no limit */
    unsigned scheduled_max;   /* a larger group opens, but never runs; 0: no limit */
    unsigned running_percent; /* of the time enabled */
    uint64_t step[SIDE_COUNT][COUNTER_EVENTS]; /* what a run counts */
    unsigned used, open, exercised;
    struct {
        bool open, on;
        enum side side;
        enum counter_event event;
        int leader; /* own descriptor: it is one */
        uint64_t count, enabled, running;
    } at[FAKE_COUNTERS_MAX];
};

/* All events by name, on both sides, each run counting nothing yet. */
void fake_counters_begin(struct fake_counters *fake);

#endif
