/*
 * Made-up strings, and what is true of a string whatever the policy; see replay_model.h.  Speed
 * is not wanted here.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "replay_model.h"

/* cost[S]: the fewest faults so far that end with exactly the pages of the bit set S resident. */
uint64_t model_fewest_faults(const uint32_t *pages, size_t count, uint32_t frames)
{
    enum { SETS = 1 << 16, NO_WAY = UINT16_MAX };
    uint16_t *cost = malloc(SETS * sizeof(*cost));
    uint16_t *next = malloc(SETS * sizeof(*next));
    uint64_t fewest = NO_WAY;

    memset(cost, 0xff, SETS * sizeof(*cost));
    cost[0] = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bit = 1U << pages[i];

        assert(pages[i] < 16);
        memset(next, 0xff, SETS * sizeof(*next));
        for (uint32_t set = 0; set < SETS; set++) {
            if (cost[set] == NO_WAY) {
                continue;
            }
            if ((set & bit) != 0) {
                next[set] = cost[set] < next[set] ? cost[set] : next[set];
                continue;
            }
            /* Victims: none while a frame is free, else each page of the set. */
            for (uint32_t victim = 0; victim < 16; victim++) {
                bool full = (uint32_t)__builtin_popcount(set) == frames;
                uint32_t left = full ? set & ~(1U << victim) : set;

                if (full == (left != set) && cost[set] + 1 < next[left | bit]) {
                    next[left | bit] = (uint16_t)(cost[set] + 1);
                }
            }
        }
        memcpy(cost, next, SETS * sizeof(*cost));
    }
    for (uint32_t set = 0; set < SETS; set++) {
        fewest = cost[set] < fewest ? cost[set] : fewest;
    }
    free(cost);
    free(next);
    return fewest;
}

uint32_t model_distance(const uint32_t *pages, size_t at)
{
    uint32_t distinct = 1;

    for (size_t i = at; i-- > 0;) {
        bool again = false;

        if (pages[i] == pages[at]) {
            return distinct;
        }
        for (size_t j = i + 1; j < at && !again; j++) {
            again = pages[j] == pages[i];
        }
        distinct += !again;
    }
    return 0;
}

uint64_t model_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static void number_by_first_touch(uint32_t *string, size_t count, uint32_t *distinct)
{
    uint32_t *number = calloc(UINT16_MAX, sizeof(*number));

    *distinct = 0;
    for (size_t i = 0; i < count; i++) {
        if (number[string[i]] == 0) {
            number[string[i]] = ++*distinct;
        }
        string[i] = number[string[i]] - 1;
    }
    free(number);
}

uint32_t model_make_string(uint64_t *state, uint32_t *string, size_t count, uint32_t pages)
{
    uint32_t distinct;
    uint32_t page = 0;
    size_t at = 0;

    assert(pages > 0 && pages < UINT16_MAX);
    while (at < count) {
        uint64_t manner = model_random(state) >> 62;
        uint64_t length = (model_random(state) >> 40) % (2 * (uint64_t)pages) + 1;
        uint32_t begin = (uint32_t)((model_random(state) >> 33) % pages);
        uint32_t width = (uint32_t)((model_random(state) >> 33) % pages) + 1;

        for (uint64_t i = 0; i < length && at < count; i++) {
            uint32_t draw = (uint32_t)(model_random(state) >> 40);

            switch (manner) {
            case 0: /* uniform */
                page = draw % pages;
                break;
            case 1: /* a walk: the same page or a neighbour */
                page = (page + pages + draw % 3 - 1) % pages;
                break;
            case 2: /* a loop over some pages */
                page = (begin + (uint32_t)(i % width)) % pages;
                break;
            default: /* few pages, often */
                page = (begin + draw % (width / 4 + 1)) % pages;
                break;
            }
            string[at++] = page;
        }
    }
    number_by_first_touch(string, count, &distinct);
    return distinct;
}
