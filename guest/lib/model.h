/*
 * What a replacement policy does with a string of page numbers, by the textbook: the prediction
 * beside which a program puts what happened on the real pages.  It refuses to know how the
 * laboratory does it.  Read guest/prog/belady.c for its use.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_PAGES_MAX 64

enum model_policy {
    MODEL_FIFO, /* the page goes that came first */
    MODEL_LRU,  /* the page goes that was used longest ago */
    MODEL_OPT,  /* the page goes that is used furthest in the future */
};

/* A memory, all of its frames empty at first. */
struct model {
    enum model_policy policy;
    uint64_t frames;          /* > 0 */
    const uint8_t *reference; /* borrows; for MODEL_OPT alone: the whole string */
    uint64_t count;           /* of that */
    /* Zero at first: */
    uint64_t now;    /* references so far */
    uint64_t faults; /* of them */
    bool resident[MODEL_PAGES_MAX];
    uint64_t came[MODEL_PAGES_MAX], used[MODEL_PAGES_MAX]; /* at which reference */
};

/* One more reference, to a page below MODEL_PAGES_MAX. */
void model_refer(struct model *model, uint64_t page);

/* Page faults of a whole string. */
uint64_t model_faults(
    enum model_policy policy, const uint8_t *reference, uint64_t count, uint64_t frames);

#endif
