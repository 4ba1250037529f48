/*
 * A small generator of random numbers with a seed, so that a run can be repeated: SplitMix64
 * (Steele, Lea and Flood, OOPSLA 2014), one state word.
 */
#ifndef MEASURE_RANDOM_H
#define MEASURE_RANDOM_H

#include <stdint.h>

static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Less than limit, which is positive and far below 2^32: the bias does not matter. */
static inline uint32_t random_below(uint64_t *state, uint32_t limit)
{
    return (uint32_t)((random_next(state) >> 32) * limit >> 32);
}

#endif
