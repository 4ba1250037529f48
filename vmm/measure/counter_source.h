/*
 * Where counts come from: the kernel's perf events, with codes by libpfm4 where that library is
 * installed.  A few functions, so that a test can stand in for a processor that is not there.  Read
 * counters.h for what is made of them.
 */
#ifndef MEASURE_COUNTER_SOURCE_H
#define MEASURE_COUNTER_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/side.h"

#define COUNTER_LIBRARY_BYTES 64

/* As in struct perf_event_attr. */
struct counter_code {
    uint32_t type;
    uint64_t config, config1, config2;
};

struct counter_source {
    /* "libpfm4 (skl)", or "": there is no such library, so that encode knows no name. */
    char library[COUNTER_LIBRARY_BYTES];
    /* The code of an event on this processor; false: it has none of that name. */
    bool (*encode)(void *context, const char *event, struct counter_code *code);
    /*
     * A counter of this thread's ring-3 code, in a guest only or outside any only, stopped when it is
     * a leader (-1 as leader) and run with its leader when it is not.  A descriptor, or -1 and errno.
     */
    int (*open)(void *context, const struct counter_code *code, enum side side, int leader);
    void (*run)(void *context, int leader, bool on);
    /* Number of members, time enabled, time running, a count for each member in order of opening;
     * words: room in `values`.  Returns the bytes read, or -1. */
    long (*read)(void *context, int leader, uint64_t *values, size_t words);
    void (*close)(void *context, int fd);
    /* Native code that walks page tables some thousand times; NULL: counters are taken at their word. */
    void (*exercise)(void *context);
    void *context; /* owned by whoever made the source */
};

/* Perf, and libpfm4 if it is installed.  Cannot fail: without the library it knows no names. */
void counter_source_begin(struct counter_source *source);
/* Free what the library holds; counters that are open stay so.  Accepts a zeroed struct. */
void counter_source_end(struct counter_source *source);

#endif
