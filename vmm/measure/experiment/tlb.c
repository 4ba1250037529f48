/*
 * tlb: capacity of each data-TLB level for pages of 4 KiB, and what a hit in the second level and a
 * walk cost.  The routine is guest/exp/tlb.c; the capacity is read off the staircase (sharp), or a
 * band is given (soft), which `ways` then narrows by sets x ways.  The first level for pages of 2 MiB
 * too, where `pagesize` found that they act as such.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure/analyse/ladder.h"
#include "measure/catalogue.h"
#include "measure/levels.h"

/* Each with memory of its own: beyond every known first level, and far below the second. */
#define LARGE_PAGES 192

static bool measure_small(struct lab *lab, struct result *result, struct err *err)
{
    struct levels_plan plan = {
        .routine = EXP_ROUTINE_tlb,
        .pages = lab->quick ? 12288 : 16384,
        .noun = "data TLB",
        .claims = {&lab->claims.data[1][1], &lab->claims.data[2][1]},
    };
    struct levels levels;
    uint64_t *address = lab_addresses(plan.pages, PAGE_BYTES);
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

/* --- pages of 2 MiB --- */

static void
refuse_large(const struct lab *lab, struct result *result, enum side side, const char *why)
{
    static const char name[] = "data TLB 2M, level 1";
    struct result_figure *figure = NULL;

    for (size_t i = 0; i < result->figure_count; i++) {
        figure = strcmp(result->figures[i].name, name) == 0 ? &result->figures[i] : figure;
    }
    if (figure == NULL) {
        figure = result_add_figure(result, "entries", "%s", name);
        figure_claim(figure, lab->claims.data[1][2].entries);
    }
    figure_refuse(figure, side, "%s", why);
}

/* The backing that acts as large pages on most of the wanted sides: both must have the same. */
static enum layout_backing choose_backing(const struct lab *lab, bool on[SIDE_COUNT])
{
    enum layout_backing best = LAYOUT_PLAIN;
    unsigned most = 0;

    for (enum layout_backing backing = 0; backing < LAYOUT_BACKINGS; backing++) {
        unsigned count = 0;
        for (enum side side = 0; side < SIDE_COUNT; side++) {
            count += lab->wanted[side] && lab->found.large[side][backing];
        }
        if (count > most) {
            most = count;
            best = backing;
        }
    }
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        on[side] = lab->wanted[side] && lab->found.large[side][best];
    }
    return best;
}

static bool memory_suffices(const bool on[SIDE_COUNT])
{
    uint64_t wanted = (uint64_t)(on[SIDE_NATIVE] + on[SIDE_GUEST]) * LARGE_PAGES * LARGE_BYTES;

    return (uint64_t)sysconf(_SC_AVPHYS_PAGES) * PAGE_BYTES > wanted + wanted / 2;
}

static bool make_large_field(
    struct lab *lab,
    const bool on[SIDE_COUNT],
    struct field *field,
    const struct layout *layout,
    struct err *err)
{
    if (on[SIDE_NATIVE] && on[SIDE_GUEST]) {
        return lab_make_field(lab, field, layout, err);
    }
    return lab_make_field_on(
        lab, on[SIDE_NATIVE] ? SIDE_NATIVE : SIDE_GUEST, field, layout, err);
}

/* What stands in the way of these pages is no failure of the experiment: it is told in *why. */
static bool measure_large(
    struct lab *lab,
    const bool on[SIDE_COUNT],
    enum layout_backing backing,
    struct result *result,
    struct err *why)
{
    struct levels_plan plan = {
        .routine = EXP_ROUTINE_tlb,
        .pages = LARGE_PAGES,
        .noun = "data TLB 2M",
        .claims = {&lab->claims.data[1][2], NULL},
        .first_only = true};
    struct levels levels = {0};
    struct layout layout;
    struct field field;

    if (!memory_suffices(on)) {
        return err_set(
            why, ERR_ENVIRONMENT, "too little memory is free for %d pages of 2 MiB a side",
            LARGE_PAGES);
    }
    if (!layout_make_leaves(&layout, 2, EXP_PAGES, LARGE_PAGES, backing, why)) {
        return false;
    }
    bool ok = make_large_field(lab, on, &field, &layout, why);
    if (ok) {
        ok = levels_measure(&levels, lab, &field, &plan, result, why);
        levels_destroy(&levels);
        lab_end_field(lab, &field);
    }
    layout_destroy(&layout);
    return ok;
}

bool experiment_tlb(struct lab *lab, struct result *result, struct err *err)
{
    bool on[SIDE_COUNT];
    struct err why = {0};

    if (!measure_small(lab, result, err)) {
        return false;
    }
    enum layout_backing backing = choose_backing(lab, on);
    bool tried = on[SIDE_NATIVE] || on[SIDE_GUEST];
    bool ok = tried && measure_large(lab, on, backing, result, &why);
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        if (lab->wanted[side] && !on[side]) {
            refuse_large(
                lab, result, side, "a page of 2 MiB does not act as one here (see pagesize)");
        } else if (lab->wanted[side] && !ok) {
            refuse_large(lab, result, side, why.text);
        }
    }
    return true;
}
