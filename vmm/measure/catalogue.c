/* The experiments, one row each; see catalogue.h. */
#include "measure/catalogue.h"

#include <string.h>

const struct experiment catalogue[] = {
    {"clock",
     "TSC against core cycles, floor, noise; is the clock real?",
     NULL,
     {0.1, 0.1},
     experiment_clock},
    {"paging", "nested or shadow, by a functional test", NULL, {0.1, 0.1}, experiment_paging},
    {"pagesize",
     "requested against effective page size",
     NULL,
     {0.3, 0.2},
     experiment_pagesize},
    {"waypred",
     "which address bits the data cache's way prediction hashes",
     NULL,
     {3.5, 1},
     experiment_waypred},
    {"tlb",
     "capacity of each data-TLB level; cost of a hit and of a walk",
     "pagesize",
     {3, 1},
     experiment_tlb},
    {"itlb", "the same for instruction fetch", NULL, {4, 1}, experiment_itlb},
    {"ways",
     "sets, ways and index bits; the capacity derived from them",
     "tlb",
     {10, 3},
     experiment_ways},
    {"coalesce",
     "does an entry take neighbouring pages with neighbouring frames?",
     NULL,
     {1, 0.5},
     experiment_coalesce},
    {"flush",
     "invlpg, CR3, CR4.PGE and PCIDs, and what they destroy",
     "paging",
     {1, 0.3},
     experiment_flush},
    {"fault",
     "one fault, its distribution and its parts; other ways to serve one",
     NULL,
     {1, 0.3},
     experiment_fault},
    {"walk",
     "a walk by the first level that misses, hot and cold; walks at a time",
     "tlb",
     {6, 2.5},
     experiment_walk},
    {"pwc",
     "entries of the upper tables that the walker keeps",
     "tlb",
     {16, 3},
     experiment_pwc},
    {"nested",
     "native against guest: what virtualisation adds to translation",
     "walk",
     {0.1, 0.1},
     experiment_nested},
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
