/*
 * Many sequences, one after the other: each from its own seed, and one that fails is made as short
 * as it goes and shown.  PROPERTY_SEED=N in the environment runs that one alone, PROPERTY_SEQUENCES=N
 * so many instead of the number given here.
 */
#ifndef PROPERTY_BATCH_H
#define PROPERTY_BATCH_H

#include "world.h"

struct batch {
    const char *policy; /* one of batch_policies */
    uint64_t first_seed;
    unsigned sequences;
    unsigned steps; /* of each */
    struct property_cpu *(*make_cpu)(uint64_t mem_bytes, uint64_t seed);
    uint64_t faults, accesses; /* out */
    uint64_t kinds[FAULT_KINDS];
    unsigned done; /* out: sequences */
};

/* False: one failed, and was printed.  *batch: what was done. */
bool batch_run(struct batch *batch);
/* One line of what was done, on standard output. */
void batch_print(const struct batch *batch);

/* No policy, each built-in one, and the adversary with and without nonsense. */
extern const char *const batch_policies[];
#define BATCH_POLICIES 9

#endif
