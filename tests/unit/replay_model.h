/*
 * The replacement policies once more, as slowly and plainly as their papers put them: arrays
 * that are searched and shifted, no lists, no heap, no batches.  They share nothing with
 * vmm/replay but the numbers that the papers fix, and are what the simulators are compared with.
 */
#ifndef REPLAY_MODEL_H
#define REPLAY_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Write to faults[i] whether touch i of pages[0 … count) faults with so many frames. */
typedef void (*model_policy)(
    const uint32_t *pages, size_t count, uint32_t frames, uint64_t seed, bool *faults);

/* The model of the policy of that name; NULL: there is none. */
model_policy model_find(const char *name);

/* The fewest faults of any policy at all, by trying every victim; pages below 16. */
uint64_t model_fewest_faults(const uint32_t *pages, size_t count, uint32_t frames);

/* Stack distance of touch `at`, by looking back; 0: first touch of the page. */
uint32_t model_distance(const uint32_t *pages, size_t at);

/* A fixed generator, so that a failure repeats. */
uint64_t model_random(uint64_t *state);

/*
 * A made-up string of touches of pages below `pages`, which are numbered in the order of their
 * first touch: uniform, local walks, loops and scans, by turns, as the generator has it.  Returns
 * the number of distinct pages.
 */
uint32_t model_make_string(uint64_t *state, uint32_t *string, size_t count, uint32_t pages);

#endif
