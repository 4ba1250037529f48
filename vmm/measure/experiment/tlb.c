/*
 * tlb: capacity of each data-TLB level for pages of 4 KiB, and what a hit in the second level and a
 * walk cost.  The routine is guest/exp/tlb.c; the capacity is read off the staircase (sharp), or a
 * band is given (soft), which `ways` then narrows by sets x ways.  The same for pages of 2 MiB, where
 * `pagesize` found that they act as such (large_levels.c).
 */
#include <stdlib.h>

#include "measure/catalogue.h"
#include "measure/large_levels.h"
#include "measure/levels.h"

static bool measure_small(struct lab *lab, struct result *result, struct err *err)
{
    struct levels_plan plan = {
        .routine = EXP_ROUTINE_tlb,
        .pages = lab->quick ? 12288 : 16384,
        .noun = "data TLB",
        .claims = {&lab->claims.data[1][1], &lab->claims.data[2][1]},
    };
    struct levels levels = {0};
    uint64_t *address = lab_addresses(plan.pages, PAGE_BYTES, err);
    struct layout layout;
    struct field field;
    bool ok = address != NULL && layout_make_uniq(&layout, address, plan.pages, lab->seed, err);

    free(address);
    if (!ok) {
        return false;
    }
    ok = lab_make_field(lab, &field, &layout, err);
    ok = ok && levels_measure(&levels, lab, &field, &plan, result, err);
    if (ok) {
        levels_remember(&levels, lab);
    }
    levels_destroy(&levels);
    lab_end_field(lab, &field);
    layout_destroy(&layout);
    return ok;
}

bool experiment_tlb(struct lab *lab, struct result *result, struct err *err)
{
    if (!measure_small(lab, result, err)) {
        return false;
    }
    large_levels_measure(lab, result);
    return true;
}
