/*
 * Chooses memory for pages of 2 MiB and takes their staircase; see large_levels.h.  Read levels.c for what
 * is made of a staircase, and experiment/tlb.c for small pages.
 */
#include "measure/large_levels.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "measure/levels.h"
#include "measure/native_shared.h"

#define NOUN            "data TLB 2M"
#define SHARED_EMULATED 512 /* where the way is tried, and no figure follows */

static const char splintered[] = "a page of 2 MiB does not act as one here (see pagesize)";

/* --- which memory --- */

static unsigned count_sides(const struct lab *lab, enum layout_backing backing)
{
    unsigned count = 0;

    for (enum side side = 0; side < SIDE_COUNT; side++) {
        count += lab->wanted[side] && lab->found.large[side][backing];
    }
    return count;
}

size_t large_levels_backings(const struct lab *lab, enum layout_backing order[LAYOUT_BACKINGS])
{
    static const enum layout_backing preferred[] = {LAYOUT_HUGETLB, LAYOUT_THP, LAYOUT_PLAIN};
    size_t count = 0;

    for (unsigned sides = SIDE_COUNT; sides > 0; sides--) {
        for (size_t i = 0; i < LAYOUT_BACKINGS; i++) {
            if (count_sides(lab, preferred[i]) == sides) {
                order[count++] = preferred[i];
            }
        }
    }
    return count;
}

static bool
check_memory(const bool on[SIDE_COUNT], const struct layout *layout, struct err *err)
{
    uint64_t each = layout->frame_count * LARGE_BYTES;
    uint64_t wanted = (uint64_t)(on[SIDE_NATIVE] + on[SIDE_GUEST]) * each;

    return (uint64_t)sysconf(_SC_AVPHYS_PAGES) * PAGE_BYTES > wanted + wanted / 2 ||
           err_set(
               err, ERR_ENVIRONMENT, "too little memory is free for %zu frames of 2 MiB a side",
               layout->frame_count);
}

/* --- staircases --- */

static bool make_field(
    struct lab *lab,
    const bool on[SIDE_COUNT],
    struct field *field,
    const struct layout *layout,
    struct err *err)
{
    if (!check_memory(on, layout, err)) {
        return false;
    }
    if (on[SIDE_NATIVE] && on[SIDE_GUEST]) {
        return lab_make_field(lab, field, layout, err);
    }
    return lab_make_field_on(
        lab, on[SIDE_NATIVE] ? SIDE_NATIVE : SIDE_GUEST, field, layout, err);
}

static bool take(
    struct lab *lab,
    const bool on[SIDE_COUNT],
    const struct levels_plan *plan,
    const struct layout *layout,
    struct result *result,
    struct err *err)
{
    struct levels levels = {0};
    struct field field;

    if (!make_field(lab, on, &field, layout, err)) {
        return false;
    }
    bool ok = !layout->shared || !field.has[SIDE_NATIVE] ||
              native_shared_is_large(&field.native, err);
    ok = ok && levels_measure(&levels, lab, &field, plan, result, err);
    levels_destroy(&levels);
    lab_end_field(lab, &field);
    return ok;
}

static struct levels_plan plan_for(const struct lab *lab, size_t pages)
{
    return (struct levels_plan){
        .routine = EXP_ROUTINE_tlb,
        .pages = pages,
        .noun = NOUN,
        .claims = {&lab->claims.data[1][2], &lab->claims.data[2][2]},
        .last_word = true};
}

/* Both levels, or (second_only) the second one alone. */
static bool take_shared(
    struct lab *lab,
    const bool on[SIDE_COUNT],
    enum layout_backing backing,
    bool second_only,
    struct result *result,
    struct err *err)
{
    struct levels_plan plan =
        plan_for(lab, lab->found.emulated ? SHARED_EMULATED : LARGE_LEVELS_SHARED);
    struct layout layout;

    if (!layout_make_shared(&layout, EXP_PAGES, plan.pages, backing, err)) {
        return false;
    }
    plan.second_only = second_only;
    plan.series = second_only ? "data TLB 2M, level 2" : NULL;
    bool ok = take(lab, on, &plan, &layout, result, err);
    layout_destroy(&layout);
    return ok;
}

/* The first level alone, by memory that has one name. */
static bool take_own(
    struct lab *lab,
    const bool on[SIDE_COUNT],
    enum layout_backing backing,
    struct result *result,
    struct err *err)
{
    struct levels_plan plan = plan_for(lab, LARGE_LEVELS_OWN);
    struct layout layout;

    if (!layout_make_leaves(&layout, 2, EXP_PAGES, plan.pages, backing, err)) {
        return false;
    }
    plan.first_only = true;
    plan.claims[1] = NULL;
    bool ok = take(lab, on, &plan, &layout, result, err);
    layout_destroy(&layout);
    return ok;
}

/* --- what is left open --- */

/* Unless something is said of this side already. */
static void refuse_level(
    const struct lab *lab,
    struct result *result,
    enum side side,
    unsigned level,
    const char *why)
{
    struct result_figure *figure = NULL;
    char name[RESULT_NAME_BYTES];

    snprintf(name, sizeof(name), NOUN ", level %u", level);
    for (size_t i = 0; i < result->figure_count; i++) {
        figure = strcmp(result->figures[i].name, name) == 0 ? &result->figures[i] : figure;
    }
    if (figure == NULL) {
        figure = result_add_figure(result, "entries", "%s", name);
        figure_claim(figure, lab->claims.data[level][2].entries);
    }
    if (!figure->side[side].measured) {
        figure_refuse(figure, side, "%s", why);
    }
}

static void
refuse_rest(const struct lab *lab, struct result *result, enum side side, const char *why)
{
    for (unsigned level = 1; lab->wanted[side] && level <= 2; level++) {
        refuse_level(lab, result, side, level, why);
    }
}

/*
 * With memory of one backing: both levels if it can be shared; else the first one by memory of its own, and
 * the second one in the guest, whose tables give any frame any number of names.
 */
static bool measure_with(
    struct lab *lab, enum layout_backing backing, struct result *result, struct err *why)
{
    bool on[SIDE_COUNT];
    const bool guest[SIDE_COUNT] = {false, true};
    struct err unshared = {0};

    for (enum side side = 0; side < SIDE_COUNT; side++) {
        on[side] = lab->wanted[side] && lab->found.large[side][backing];
    }
    if (take_shared(lab, on, backing, false, result, &unshared)) {
        return true;
    }
    if (!take_own(lab, on, backing, result, why)) {
        return false;
    }
    struct err alone = unshared;
    bool second = on[SIDE_NATIVE] && on[SIDE_GUEST] &&
                  take_shared(lab, guest, backing, true, result, &alone);
    if (on[SIDE_NATIVE]) {
        refuse_level(lab, result, SIDE_NATIVE, 2, unshared.text);
    }
    if (on[SIDE_GUEST] && !second) {
        refuse_level(lab, result, SIDE_GUEST, 2, alone.text);
    }
    return true;
}

void large_levels_measure(struct lab *lab, struct result *result)
{
    enum layout_backing order[LAYOUT_BACKINGS];
    size_t count = large_levels_backings(lab, order);
    struct err why = {0};
    bool done = false;
    size_t i;

    for (i = 0; !done && i < count; i++) {
        done = measure_with(lab, order[i], result, &why);
    }
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        bool tried = !done && count > 0;
        refuse_rest(lab, result, side, tried ? why.text : splintered);
    }
}
