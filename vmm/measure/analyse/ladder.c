/*
 * Differences between rungs, with their uncertainties; the knee of a paging-structure cache against
 * its control; the saturation of parallel walks.  Read ladder.h for the formulas.
 */
#include "measure/analyse/ladder.h"

#include <assert.h>
#include <math.h>

#define BEST_SHARE     1.05
#define CONTROL_MARGIN 1.2
#define SAME_SHARE     0.02 /* rungs this close are one: what two layouts differ by */

static struct estimate subtract(const struct estimate *a, const struct estimate *b)
{
    return (struct estimate){a->value - b->value, a->low - b->high, a->high - b->low};
}

/* The rung below n that was measured; 0 when there is none. */
static unsigned rung_below(const struct ladder_input *input, unsigned n)
{
    while (--n > 0) {
        if (input->measured[n]) {
            return n;
        }
    }
    return 0;
}

static bool
find_step(const struct ladder_input *input, unsigned n, struct ladder_report *report)
{
    unsigned below = rung_below(input, n);

    report->walk[n] = subtract(&input->cost[n], &input->hit);
    report->step[n] = subtract(&input->cost[n], below > 0 ? &input->cost[below] : &input->hit);
    report->visible[n] = report->step[n].low > 0;
    if (report->step[n].high < -SAME_SHARE * input->cost[n].value) {
        verdict_refuse(
            &report->verdict,
            "a walk from level %u costs less than one from level %u (%.2f against %.2f)", n,
            below, input->cost[n].value,
            below > 0 ? input->cost[below].value : input->hit.value);
        return false;
    }
    return true;
}

void ladder_find_steps(const struct ladder_input *input, struct ladder_report *report)
{
    *report = (struct ladder_report){0};
    if (!input->measured[1]) {
        verdict_refuse(&report->verdict, "the shortest walk was not measured");
        return;
    }
    for (unsigned n = 1; n < LADDER_LEVELS; n++) {
        if (input->measured[n] && !find_step(input, n, report)) {
            return;
        }
    }
    if (!report->visible[1]) {
        verdict_refuse(
            &report->verdict,
            "a walk does not stand out from a hit (%.2f against %.2f): did the TLB miss?",
            input->cost[1].value, input->hit.value);
        return;
    }
    verdict_decide(&report->verdict, "%s", "");
}

void ladder_find_pwc(
    const struct knee_point *points,
    size_t count,
    const struct knee_point *control,
    size_t control_count,
    struct ladder_pwc *pwc)
{
    struct knee_options options = knee_default_options();
    struct knee_report knees;

    *pwc = (struct ladder_pwc){0};
    options.first_points_min = 2; /* these caches are small: 2 to 32 entries */
    knee_find(points, count, &options, &knees);
    if (!knees.verdict.decided) {
        pwc->verdict = knees.verdict;
        return;
    }
    if (knees.count == 0) {
        verdict_refuse(
            &pwc->verdict, "no step from %llu to %llu entries: fewer, more, or no such cache",
            (unsigned long long)points[0].size, (unsigned long long)points[count - 1].size);
        return;
    }
    knee_apply_control(&knees, control, control_count);
    pwc->verdict = knees.knee[0].verdict;
    pwc->cost_hit = knees.knee[0].cost_below;
    pwc->cost_miss = knees.knee[0].cost_above;
    pwc->entries = knee_capacity(&knees.knee[0]);
}

static size_t find_best(const struct estimate *cost, size_t count)
{
    size_t best = 0;

    for (size_t k = 1; k < count; k++) {
        if (cost[k].value < cost[best].value) {
            best = k;
        }
    }
    return best;
}

void ladder_find_walkers(
    const struct estimate *cost,
    const struct estimate *control,
    size_t count,
    struct ladder_walkers *walkers)
{
    assert(count >= 2 && count <= LADDER_CHAINS_MAX);
    size_t best = find_best(cost, count);
    size_t control_best = find_best(control, count);

    *walkers = (struct ladder_walkers){0};
    for (size_t k = 0; k < count; k++) {
        if (!(cost[k].low > 0) || !(control[k].low > 0)) {
            verdict_refuse(&walkers->verdict, "%zu chains: no cost", k + 1);
            return;
        }
    }
    walkers->parallel = (struct estimate){
        cost[0].value / cost[best].value,
        cost[0].low / cost[best].high,
        cost[0].high / cost[best].low,
    };
    while (cost[walkers->chains].value > BEST_SHARE * cost[best].value) {
        walkers->chains++;
    }
    walkers->chains++;
    if (control[0].value / control[control_best].value <
        CONTROL_MARGIN * walkers->parallel.value) {
        verdict_refuse(
            &walkers->verdict,
            "at least %.1f: hits do not overlap further than walks, so walkers are not the "
            "limit",
            walkers->parallel.value);
    } else if (walkers->chains == count) {
        verdict_refuse(
            &walkers->verdict, "at least %.1f: still falling at %zu chains",
            walkers->parallel.value, count);
    } else {
        verdict_decide(&walkers->verdict, "%s", "");
    }
}

struct estimate ladder_cost_over(const struct knee_report *report, const struct knee *knee)
{
    double value = knee->cost_above - knee->cost_below;
    double reach = 1.96 * report->noise * hypot(knee->cost_above, knee->cost_below);

    return (struct estimate){value, value - reach, value + reach};
}
