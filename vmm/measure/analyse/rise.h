/*
 * One rise of a staircase that is too soft for knee.h: where it leaves the lower plateau, where it is
 * half way up, where it has arrived.  For the last level of a TLB, whose sets overflow one after the
 * other while the walks behind it grow dearer.  Read ways.h for the capacity that lies in the band.
 */
#ifndef ANALYSE_RISE_H
#define ANALYSE_RISE_H

#include "measure/analyse/knee.h"

struct rise {
    struct verdict verdict;
    double leaving, half, ninety;  /* sizes, between measured ones; ascending */
    double cost_below, cost_above; /* where the slope begins and ends */
};

/* Where a rise ends: its slope falls below this share of its greatest.  Sloping: where the upper
 * plateau slopes too, as the cost of walks does that go through ever more tables. */
#define RISE_END         0.167
#define RISE_END_SLOPING 0.333

/*
 * Find the first great rise of a series.  points: ascending in size, count of them; rise_min: its
 * least height as a share of the cost below; end: RISE_END or RISE_END_SLOPING.
 *
 * A greater size cannot cost less, so each size counts with the least cost of its own and all greater
 * ones: a disturbance only adds.  Slope: over half an octave.  The rise begins where half of
 * the greatest slope is first reached, and reaches both ways for as long as the slope is at least
 * `end` of its own greatest.  leaving: the last size without 3 % of the height (or 3 standard
 * errors, if that is more), less 2 %; half and ninety: the first sizes with 50 and 90 %, by interpolation in
 * the logarithm of the size.  Undecided: fewer than 8 sizes, no such height, no end of the slope
 * within the series.
 */
void rise_find(
    const struct knee_point *points,
    size_t count,
    double rise_min,
    double end,
    struct rise *rise);

/* The size between two measured ones that would tell most, or false: within 3 % around `half`, and 6 %
 * around the ends, all is known. */
bool rise_next_size(
    const struct rise *rise, const struct knee_point *points, size_t count, uint64_t *size);

/*
 * From leaving to ninety; the value is their geometric mean.  Not half: where replacement is random, half
 * the height is a matter of luck, and the luckiest windows are the ones that count.
 */
struct estimate rise_capacity(const struct rise *rise);

/* Height, with the standard errors of noise (relative). */
struct estimate rise_height(const struct rise *rise, double noise);

#endif
