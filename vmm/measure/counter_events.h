/*
 * Which hardware events speak of translation, and what is counted from them: a table of events with
 * their names for the cores that have them, and the kinds of count that are sums over it.  It
 * refuses to know how a counter is opened; counter_source.h does.
 */
#ifndef MEASURE_COUNTER_EVENTS_H
#define MEASURE_COUNTER_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

/* Disjoint events: the kinds below are made of them, so that no register is spent twice. */
enum counter_event {
    COUNTER_EVENT_DATA_HITS,   /* loads that miss the first level and hit the second */
    COUNTER_EVENT_DATA_WALKS,  /* loads that miss every level */
    COUNTER_EVENT_DATA_CYCLES, /* core cycles with a walk for a load under way */
    COUNTER_EVENT_CODE_HITS,   /* the same for instruction fetches */
    COUNTER_EVENT_CODE_WALKS,
    COUNTER_EVENTS
};

/* What a chain of loads needs, and what a chain of jumps needs.  They are never counted together:
 * a core with four counters a thread has no room for all. */
enum counter_set { COUNTER_SET_DATA, COUNTER_SET_CODE, COUNTER_SETS };

enum counter_kind {
    COUNTER_DATA_MISSES, /* of the first level */
    COUNTER_DATA_WALKS,
    COUNTER_DATA_WALK_CYCLES,
    COUNTER_CODE_MISSES,
    COUNTER_CODE_WALKS,
    COUNTER_KINDS
};

#define COUNTER_NAMES_MAX 4

struct counter_event_row {
    enum counter_set set;
    const char
        *names[COUNTER_NAMES_MAX]; /* of libpfm4, the first that encodes and opens counts */
    bool has_generic;              /* the kernel's own name for it */
    uint64_t generic;              /* config of PERF_TYPE_HW_CACHE */
};

struct counter_kind_row {
    const char *name;
    enum counter_set set;
    bool sums[COUNTER_EVENTS]; /* the count is the sum of these events */
};

extern const struct counter_event_row counter_events[COUNTER_EVENTS];
extern const struct counter_kind_row counter_kinds[COUNTER_KINDS];

#endif
