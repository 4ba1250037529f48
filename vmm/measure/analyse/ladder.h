/*
 * What a walk costs by the first level that misses, how many entries the paging-structure caches
 * hold, and how many walks run at a time.  Takes costs that were measured with the TLB always
 * missing; knows nothing of tables.  Read knee.h first.
 */
#ifndef ANALYSE_LADDER_H
#define ANALYSE_LADDER_H

#include <stddef.h>

#include "measure/analyse/knee.h"
#include "measure/analyse/verdict.h"

#define LADDER_LEVELS     5 /* index 1 to 4; 0 is not used */
#define LADDER_CHAINS_MAX 16

/* cost[n]: of a load whose walk starts by reading the entry of level n (all caches of levels n
 * and up, to level 4, miss; for 1: only the last entry is read).  hit: TLB hit of the same load. */
struct ladder_input {
    struct estimate hit;
    struct estimate cost[LADDER_LEVELS];
    bool measured[LADDER_LEVELS];
};

struct ladder_report {
    struct verdict verdict;
    struct estimate walk[LADDER_LEVELS]; /* cost[n] - hit: what the walk adds */
    struct estimate
        step[LADDER_LEVELS];     /* cost[n] - cost[n - 1], from 2 on; step[1] = walk[1] */
    bool visible[LADDER_LEVELS]; /* the step is beyond its uncertainty */
};

/*
 * Differences of costs; the half widths of the intervals add (they need not be independent).
 * Undecided: level 1 or the hit not measured, walk[1] not beyond its uncertainty, or a step that is
 * negative beyond its uncertainty and 2 % of the cost (a longer walk cannot cost less: the layout did something
 * else).  A step that is not visible is no error: the level is cached, or has no cache.
 */
void ladder_find_steps(const struct ladder_input *input, struct ladder_report *report);

struct ladder_pwc {
    struct verdict verdict;
    struct estimate entries;
    struct estimate cost; /* of a walk that finds none of them, beyond one that does */
    double control_rise;  /* over the step */
};

/* For knee_next_size() on such a series. */
struct knee_options ladder_pwc_options(void);

/*
 * Capacity of one level's paging-structure cache, from the cost against the number of entries of
 * that level in use: the first knee (knee.h), or where that is not sharp enough, the first
 * rise (rise.h): half its height, from where it leaves to where it has arrived.  control: as many
 * table lines, in fewer tables; it is obligatory, and a step over which it rises by a quarter of
 * the step's height is the data cache's, not the walker's.  Undecided, too: a rise with fewer than three
 * sizes below it, or with a greater one behind it, which makes it a landing.
 * Source: the control of van Schaik et al. (RevAnC, 2017), inverted.
 */
void ladder_find_pwc(
    const struct knee_point *points,
    size_t count,
    const struct knee_point *control,
    size_t control_count,
    struct ladder_pwc *pwc);

struct ladder_walkers {
    struct verdict verdict;
    struct estimate parallel; /* walks in flight, on average, at the best number of chains */
    size_t chains;            /* the least number of chains within 5 % of the best */
};

/*
 * Walks at a time: cost[k] is the time per load with k + 1 independent chains, all loads walking;
 * control[k] the same with TLB hits.  count: 2 to LADDER_CHAINS_MAX.
 * Formula (Little's law): parallel = latency of a walk / time per load at the best number.  A
 * walk's latency is the one chain's beyond the control's; at most, for what comes before a walk may hold a
 * walker too, all of the one chain's: that is the interval's end.
 * Undecided, "at least": more chains would still help, or the loads themselves may be what
 * limits (the control's best time is not below 0.8 of the walks').
 */
void ladder_find_walkers(
    const struct estimate *cost,
    const struct estimate *control,
    size_t count,
    struct ladder_walkers *walkers);

/* Cost of a second-level hit or a walk over the first-level hit: upper plateau - lower plateau of
 * a decided knee, the interval from the relative noise of the report (95 %). */
struct estimate ladder_cost_over(const struct knee_report *report, const struct knee *knee);

#endif
