/* Maps fans and samples them; see fan_field.h.  The routine is guest/exp/pwc.c. */
#include "measure/fan_field.h"

#include <stdlib.h>

#define PAGES_LEAST 2048
#define PAGES_USUAL 4096 /* the second level's size is not known */
#define PAGES_MOST  6144
#define ENOUGH      1.25 /* times the entries: hardly any page is still there when it comes again */

/* Entries of the second level on a side, 0: nobody knows. */
static uint64_t find_entries(const struct lab *lab, enum side side)
{
    return lab->found.tlb[side][2].decided ? lab->found.tlb[side][2].entries
                                           : lab->claims.data[2][1].entries;
}

size_t fan_field_pages(const struct lab *lab)
{
    uint64_t entries = 0;

    for (enum side side = 0; side < SIDE_COUNT; side++) {
        uint64_t of_side = lab->wanted[side] ? find_entries(lab, side) : 0;
        entries = of_side > entries ? of_side : entries;
    }
    if (entries > PAGES_MOST) {
        return PAGES_MOST;
    }
    size_t pages = entries == 0 ? PAGES_USUAL : (size_t)(entries + entries / 2) / 64 * 64;
    return pages < PAGES_LEAST ? PAGES_LEAST : pages > PAGES_MOST ? PAGES_MOST : pages;
}

static bool is_enough(const struct lab *lab, enum side side)
{
    return (double)find_entries(lab, side) * ENOUGH <= (double)fan_field_pages(lab);
}

bool fan_field_check(const struct lab *lab, enum side side, struct result_figure *figure)
{
    if (is_enough(lab, side)) {
        return true;
    }
    figure_refuse(
        figure, side, "the TLB has %llu entries: %zu pages need not always walk",
        (unsigned long long)find_entries(lab, side), fan_field_pages(lab));
    return false;
}

const char *fan_field_describe(const struct lab *lab)
{
    bool known = true;
    bool enough = true;

    for (enum side side = 0; side < SIDE_COUNT; side++) {
        known = known && (!lab->wanted[side] || find_entries(lab, side) > 0);
        enough = enough && (!lab->wanted[side] || is_enough(lab, side));
    }
    return !known    ? "more than the TLB holds if that is a usual one: its size is not known"
           : !enough ? "not more than the TLB holds"
                     : "more than the TLB holds";
}

void fan_field_end(struct fan_field *fan_field, struct lab *lab)
{
    lab_end_field(lab, &fan_field->field);
    layout_destroy(&fan_field->layout);
    free(fan_field->words);
    free(fan_field->scratch);
    *fan_field = (struct fan_field){0};
}

bool fan_field_begin(
    struct fan_field *fan_field,
    struct lab *lab,
    const struct fan *fan,
    uint64_t seed,
    struct err *err)
{
    size_t pages = fan_words(fan);
    uint64_t *address = calloc(pages, sizeof(*address));

    *fan_field = (struct fan_field){.fan = *fan, .seed = seed};
    fan_field->words = calloc(fan->pages, sizeof(*fan_field->words));
    fan_field->scratch = calloc(fan_scratch(fan), sizeof(*fan_field->scratch));
    bool ok = address != NULL && fan_field->words != NULL && fan_field->scratch != NULL;
    if (ok) {
        fan_place(fan, EXP_PAGES, seed, address);
        ok = layout_make_uniq(&fan_field->layout, address, pages, seed, err) &&
             lab_make_field(lab, &fan_field->field, &fan_field->layout, err);
    } else {
        err_set(err, ERR_ENVIRONMENT, "no memory for a fan of %zu pages", pages);
    }
    free(address);
    if (!ok) {
        fan_field_end(fan_field, lab);
    }
    return ok;
}

bool fan_field_take(
    struct fan_field *fan_field,
    struct lab *lab,
    size_t k,
    bool with_control,
    const struct sample_effort *effort,
    struct sample_cost cost[SIDE_COUNT][LAYOUT_SETS],
    struct err *err)
{
    struct sample_chase chase = {
        .routine = EXP_ROUTINE_pwc,
        .words = fan_field->words,
        .count = fan_field->fan.pages,
        .sets = {true, with_control},
        .in_order = true,
        .effort = effort};

    fan_visit(&fan_field->fan, k, fan_field->seed + k, fan_field->words, fan_field->scratch);
    return lab_sample(lab, &fan_field->field, &chase, cost, err);
}
