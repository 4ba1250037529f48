/* The one visible list of policies.  Read sim.h for what a policy is. */
#include "replay/sim.h"

#include <string.h>

const struct sim_ops *const sim_all[SIM_COUNT] = {
    &sim_fifo,      &sim_clock, &sim_aging,  &sim_lru,
    &sim_two_queue, &sim_arc,   &sim_random, &sim_opt,
};

const struct sim_ops *sim_find(const char *name)
{
    for (size_t i = 0; i < SIM_COUNT; i++) {
        if (strcmp(sim_all[i]->name, name) == 0) {
            return sim_all[i];
        }
    }
    return NULL;
}
