/*
 * Slow models of the policies, written from the papers and from nothing else: queues are arrays
 * that are shifted, sets are searched.  They refuse to be fast.  Read test_policy_order.c for
 * how policies are compared with them.
 */
#ifndef POLICY_MODELS_H
#define POLICY_MODELS_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_KEYS 128 /* pages are 1 to MODEL_KEYS - 1 */

struct model_queue {
    uint64_t key[MODEL_KEYS]; /* the oldest first */
    unsigned count;
};

struct model {
    unsigned frames;
    unsigned kin, kout; /* of 2Q */
    /* Uses are noticed when a page is considered, as by a policy that has accessed bits only;
     * otherwise at once, as in the papers. */
    bool late;
    struct model_queue queue[4];
    bool used[MODEL_KEYS]; /* the accessed bit */
    uint64_t last_fault;   /* the page of the fault before; 0: none */
    double p;              /* of ARC */
    unsigned age[MODEL_KEYS];
    uint64_t since[MODEL_KEYS], time; /* when a page got its age */
};

/* Use a page; returns whether it faults, and in *victim the page that goes, or 0. */
bool model_fifo(struct model *model, uint64_t key, uint64_t *victim);
bool model_clock(struct model *model, uint64_t key, uint64_t *victim);
bool model_two_q(struct model *model, uint64_t key, uint64_t *victim);
bool model_arc(struct model *model, uint64_t key, uint64_t *victim);
/* Ages change by model_aging_sample, between two uses. */
bool model_aging(struct model *model, uint64_t key, uint64_t *victim);
void model_aging_sample(struct model *model, uint64_t key, bool accessed);

#endif
