/* The experiments, one row each; see catalogue.h. */
#include "measure/catalogue.h"

#include <string.h>

const struct experiment catalogue[] = {
    {"clock",
     "TSC against core cycles, floor, noise; is the clock real?",
     {0.5, 0.3},
     experiment_clock},
    {"paging", "nested or shadow, by a functional test", {1, 0.5}, experiment_paging},
    {"waypred",
     "which address bits the data cache's way prediction hashes",
     {3, 1},
     experiment_waypred},
    {"tlb",
     "capacity of each data-TLB level; cost of a hit and of a walk",
     {20, 3},
     experiment_tlb},
};
const size_t catalogue_count = sizeof(catalogue) / sizeof(catalogue[0]);

const struct experiment *catalogue_find(const char *name)
{
    for (size_t i = 0; i < catalogue_count; i++) {
        if (strcmp(catalogue[i].name, name) == 0) {
            return &catalogue[i];
        }
    }
    return NULL;
}
