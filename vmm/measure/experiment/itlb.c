/*
 * itlb: capacity of each instruction-TLB level, by a chain of jumps, one to a page.  The routine is
 * guest/exp/itlb.c, the code that it follows is written by jumps.c.
 */
#include <stdlib.h>

#include "measure/catalogue.h"
#include "measure/levels.h"

bool experiment_itlb(struct lab *lab, struct result *result, struct err *err)
{
    struct levels_plan plan = {
        .routine = EXP_ROUTINE_itlb,
        .pages = lab->quick ? 4096 : 8192,
        .noun = "instruction TLB",
        .jumps = true,
        .claims = {&lab->claims.instruction[1][1], &lab->claims.instruction[2][1]},
    };
    struct levels levels = {0};
    struct layout layout;
    struct field field;
    uint64_t *address = lab_addresses(plan.pages, PAGE_BYTES);
    bool ok = address != NULL && layout_make_uniq(&layout, address, plan.pages, lab->seed, err);

    free(address);
    if (!ok) {
        return false;
    }
    layout.executable = true;
    layout_scatter(&layout, lab->seed);
    ok = lab_make_field(lab, &field, &layout, err);
    ok = ok && levels_measure(&levels, lab, &field, &plan, result, err);
    levels_destroy(&levels);
    lab_end_field(lab, &field);
    layout_destroy(&layout);
    return ok;
}
