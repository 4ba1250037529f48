/*
 * coalesce: does one first-level entry take several neighbouring pages when their frames are
 * neighbours?  Two staircases over pages with frames of their own: in order, and shuffled.  The
 * routine is guest/exp/coalesce.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "measure/catalogue.h"
#include "measure/counter_check.h"
#include "measure/staircase.h"

#define PAGES 448 /* lines of as many pages stay in a first-level data cache of 32 KiB */

static bool take(struct lab *lab, bool shuffled, struct staircase *staircase, struct err *err)
{
    const struct staircase_plan plan = {
        .routine = EXP_ROUTINE_coalesce,
        .first = 8,
        .last = PAGES,
        .points_an_octave = lab->quick ? 5 : 8,
        .refinements = lab->quick ? 16 : 40};
    uint64_t *address = lab_addresses(PAGES, PAGE_BYTES, err);
    struct layout layout;
    struct field field;
    bool ok =
        address != NULL && layout_make_own(&layout, address, PAGES, shuffled, lab->seed, err);

    free(address);
    if (!ok) {
        return false;
    }
    ok = lab_make_field(lab, &field, &layout, err) &&
         staircase_measure(staircase, lab, &field, &plan, err);
    lab_end_field(lab, &field);
    layout_destroy(&layout);
    return ok;
}

static const struct knee *first_knee(const struct staircase *staircase, enum side side)
{
    const struct knee_report *report = &staircase->first[side];

    return report->verdict.decided && report->count > 0 && report->knee[0].verdict.decided
               ? &report->knee[0]
               : NULL;
}

static void
report_reach(const struct staircase *staircase, enum side side, struct result_figure *figure)
{
    const struct knee *knee = first_knee(staircase, side);

    if (knee != NULL) {
        figure_decide(figure, side, knee_capacity(knee));
    } else if (!staircase->first[side].verdict.decided) {
        figure_refuse(figure, side, "%s", staircase->first[side].verdict.reason);
    } else {
        figure_refuse(figure, side, "no step up to %d pages", PAGES);
    }
}

static void report_factor(
    const struct staircase staircases[2], enum side side, struct result_figure *figure)
{
    const struct knee *shuffled = first_knee(&staircases[1], side);
    const struct knee *in_order = first_knee(&staircases[0], side);

    if (shuffled == NULL || in_order == NULL) {
        figure_refuse(figure, side, "one of the two staircases has no decided step");
        return;
    }
    struct estimate a = knee_capacity(in_order);
    struct estimate b = knee_capacity(shuffled);
    figure_decide(
        figure, side, (struct estimate){a.value / b.value, a.low / b.high, a.high / b.low});
}

bool experiment_coalesce(struct lab *lab, struct result *result, struct err *err)
{
    static const char *const names[2] = {"frames in order", "frames shuffled"};
    struct staircase *staircases = calloc(2, sizeof(*staircases));
    bool ok = staircases != NULL;

    if (!ok) {
        err_set(err, ERR_ENVIRONMENT, "no memory for staircases");
    }
    ok = ok && take(lab, false, &staircases[0], err) && take(lab, true, &staircases[1], err);
    for (unsigned i = 0; ok && i < 2; i++) {
        struct result_figure *figure =
            result_add_figure(result, "pages", "first-level reach, %s", names[i]);
        for (enum side side = 0; side < SIDE_COUNT; side++) {
            if (staircases[i].has[side]) {
                report_reach(&staircases[i], side, figure);
                counter_check_capacity(result, figure, side, &staircases[i].counted[side], 1);
            }
        }
        (void)staircase_report(&staircases[i], result, names[i], "pages");
    }
    if (ok) {
        struct result_figure *figure = result_add_figure(result, "times", "pages an entry");
        for (enum side side = 0; side < SIDE_COUNT; side++) {
            if (staircases[0].has[side]) {
                report_factor(staircases, side, figure);
            }
        }
        figure_read(figure, "1: nothing is coalesced in the first level");
        result_note(
            result, "in order means neighbours in what this process sees; whether the host's "
                    "memory behind it is contiguous is not known");
    }
    free(staircases);
    return ok;
}
