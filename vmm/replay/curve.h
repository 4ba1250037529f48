/*
 * The miss-ratio curve of exact least-recently-used replacement: how many touches fault with
 * 1, 2, 3… frames, all in one pass.  It refuses to know addresses: it is fed page numbers
 * (pagemap.h).  Read curve.c for the method.
 *
 * The stack distance of a touch is the number of distinct pages touched since the last touch of
 * the same page, that page included; with as many frames or more the touch hits (R. L. Mattson
 * and others, 1970, named in sim_lru.c).  It is found in O(log n) from the times of last touches
 * (F. Olken: "Efficient methods for calculating the success function of fixed-space replacement
 * policies", LBL-12370, 1981), which are numbered anew when they run out, so that memory grows
 * with the distinct pages: at most 64 bytes for each.
 */
#ifndef REPLAY_CURVE_H
#define REPLAY_CURVE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct curve; /* opaque */

/* ERR_ENVIRONMENT: no memory. */
MUST_CHECK bool curve_create(struct curve **curve, struct err *err);
void curve_destroy(struct curve *curve); /* accepts NULL */

/* Touch ids[0 … count); pages: every id so far is below it.  ERR_ENVIRONMENT: no memory; then
 * the curve can only be destroyed. */
MUST_CHECK bool curve_touch(
    struct curve *curve, const uint32_t *ids, size_t count, uint32_t pages, struct err *err);

/* All touches are there: add the distances up.  The following are for afterwards. */
void curve_finish(struct curve *curve);

uint64_t curve_touches(const struct curve *curve);
uint32_t curve_pages(const struct curve *curve); /* distinct ones: the faults of any policy */

/* Faults of exact LRU with so many frames: curve_touches() for 0, curve_pages() from
 * curve_pages() frames on. */
uint64_t curve_faults(const struct curve *curve, uint64_t frames);

/*
 * The fewest frames with which exact LRU takes at most `faults` faults; 0 where none are needed,
 * UINT64_MAX where no number suffices because more pages are touched.
 */
uint64_t curve_frames_for(const struct curve *curve, uint64_t faults);

struct curve_point {
    uint64_t frames;
    uint64_t faults;
};

/*
 * The curve in at most `room` (at least 2) points for a plot, from 1 frame to curve_pages(),
 * ascending: every number of frames if they fit, else in equal steps of the logarithm.  Each
 * point is exact.  Returns how many were written; 0 for a curve without touches.
 */
size_t curve_sample(const struct curve *curve, struct curve_point *points, size_t room);

#endif
