/*
 * itlb: capacity of each instruction-TLB level, by jumps, one to a page: the first level with
 * jumps that stay the same, the second with jumps at random.  The routines are guest/exp/itlb.c, which says why; the
 * code and the lists that they follow are written by jumps.c.
 */
#include <stdlib.h>

#include "measure/catalogue.h"
#include "measure/jumps.h"
#include "measure/levels.h"

/* Fewer pages show limits of the branch predictor's smallest table. */
#define FIRST_LEAST  24
#define FIRST_MOST   1024
#define FIRST_RISE   0.2 /* a jump may cost a tenth more or less by where it lies: no step */
#define SECOND_LEAST 96  /* where the first level is not decided */

/* Beyond the first level, so that it does not pose as the second. */
static size_t second_least(const struct levels *first)
{
    double entries = 0;

    for (enum side side = 0; side < SIDE_COUNT; side++) {
        const struct level *level = &first->level[side][0];
        if (level->verdict.decided && level->entries.high > entries) {
            entries = level->entries.high;
        }
    }
    return entries > 0 ? (size_t)(entries + entries / 4) : SECOND_LEAST;
}

static bool measure_first(
    struct lab *lab,
    struct field *field,
    struct levels *levels,
    struct result *result,
    struct err *err)
{
    const struct levels_plan plan = {
        .routine = EXP_ROUTINE_itlb,
        .pages = FIRST_MOST,
        .noun = "instruction TLB",
        .steps = STEPS_JUMPS,
        .first = FIRST_LEAST,
        .rise_min = FIRST_RISE,
        .first_only = true,
        .claims = {&lab->claims.instruction[1][1], &lab->claims.instruction[2][1]},
    };

    return levels_measure(levels, lab, field, &plan, result, err);
}

static bool measure_second(
    struct lab *lab,
    struct field *field,
    size_t least,
    size_t most,
    struct result *result,
    struct err *err)
{
    const struct levels_plan plan = {
        .routine = EXP_ROUTINE_itlb_random,
        .pages = most,
        .noun = "instruction TLB",
        .series = "instruction TLB, jumps at random",
        .steps = STEPS_RANDOM_JUMPS,
        .first = least,
        .second_only = true,
        .last_word = true,
        .claims = {&lab->claims.instruction[1][1], &lab->claims.instruction[2][1]},
    };
    struct levels levels = {0};

    jumps_write_code(field);
    bool ok = levels_measure(&levels, lab, field, &plan, result, err);
    levels_destroy(&levels);
    return ok;
}

bool experiment_itlb(struct lab *lab, struct result *result, struct err *err)
{
    size_t pages = lab->quick ? 4096 : 8192;
    struct levels first = {0};
    struct layout layout;
    struct field field;
    uint64_t *address = lab_addresses(pages, PAGE_BYTES, err);
    bool ok = address != NULL && layout_make_uniq(&layout, address, pages, lab->seed, err);

    free(address);
    if (!ok) {
        return false;
    }
    layout.executable = true;
    layout_scatter(&layout, lab->seed);
    ok = lab_make_field(lab, &field, &layout, err);
    ok = ok && measure_first(lab, &field, &first, result, err) &&
         measure_second(lab, &field, second_least(&first), pages, result, err);
    levels_destroy(&first);
    lab_end_field(lab, &field);
    layout_destroy(&layout);
    return ok;
}
