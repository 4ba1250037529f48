/*
 * What a replacement policy is to the replay: state for one number of frames, fed with the
 * pages touched, in order, that answers how many of them faulted.  It refuses to know addresses
 * and page sizes: pages come as numbers from 0 on, in the order of their first touch
 * (pagemap.h).  Read sim_fifo.c for the plainest policy, replay.c for who feeds them.
 */
#ifndef REPLAY_SIM_H
#define REPLAY_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_FRAMES_MAX (UINT32_C(1) << 30)
#define SIM_NEVER      UINT32_MAX /* as a next use: not touched again */

/* A touch of a page that is this far ahead in the batch is announced to the cache. */
#define SIM_AHEAD 12

struct sim_ops {
    const char *name;    /* as on the command line */
    const char *summary; /* one line for people */
    bool needs_future;   /* touch() gets next uses */

    /* State for frames (1 to SIM_FRAMES_MAX) empty frames; seed is for what draws lots.  NULL:
     * no memory.  The memory a policy takes grows with the pages seen, not with frames. */
    void *(*create)(uint32_t frames, uint64_t seed);

    /* Make room for pages 0 … pages - 1; never fewer than in an earlier call.  False: no
     * memory, and only destroy() may follow. */
    bool (*reserve)(void *state, uint32_t pages);

    /*
     * Touch ids[0 … count), each below what was reserved.  next: NULL, or with needs_future for
     * each touch the index, counted over all touches from 0 on, of the next touch of the same
     * page, or SIM_NEVER.  Returns how many of the touches faulted.
     */
    uint64_t (*touch)(void *state, const uint32_t *ids, const uint32_t *next, size_t count);

    void (*destroy)(void *state); /* accepts NULL */
};

/* Every policy, in the order in which they are listed to people. */
#define SIM_COUNT 8
extern const struct sim_ops *const sim_all[SIM_COUNT];

/* The policy of that name, or NULL. */
const struct sim_ops *sim_find(const char *name);

extern const struct sim_ops sim_fifo;
extern const struct sim_ops sim_clock;
extern const struct sim_ops sim_aging;
extern const struct sim_ops sim_lru;
extern const struct sim_ops sim_two_queue;
extern const struct sim_ops sim_arc;
extern const struct sim_ops sim_random;
extern const struct sim_ops sim_opt;

#endif
