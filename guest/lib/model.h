/*
 * What a replacement policy does with a string of page numbers, by the textbook: the prediction
 * beside which a program puts what happened on the real pages.  It refuses to know how the
 * laboratory does it.  Read guest/prog/belady.c for its use.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdint.h>

#define MODEL_PAGES_MAX 64

enum model_policy {
    MODEL_FIFO, /* the page goes that came first */
    MODEL_LRU,  /* the page goes that was used longest ago */
    MODEL_OPT,  /* the page goes that is used furthest in the future */
};

/*
 * Page faults of `count` references to pages below MODEL_PAGES_MAX with this many frames, all empty at
 * first.  frames > 0.
 */
uint64_t model_faults(
    enum model_policy policy, const uint8_t *reference, uint64_t count, uint64_t frames);

#endif
