/*
 * Differences between rungs, with their uncertainties; the knee of a paging-structure cache against
 * its control; the saturation of parallel walks.  Read ladder.h for the formulas.
 */
#include "measure/analyse/ladder.h"

#include <assert.h>
#include <math.h>

#include "measure/analyse/rise.h"

#define BEST_SHARE    1.05
#define CONTROL_SHARE 0.8
#define PWC_BELOW     3 /* sizes of the plateau below a rise */
#define PWC_RISE_MIN  0.1
#define SAME_SHARE    0.02 /* rungs this close are one: what two layouts differ by */

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

/* True: a knee between adjacent sizes, which the control does not share. */
static bool find_sharp(
    const struct knee_point *points,
    size_t count,
    const struct knee_point *control,
    size_t control_count,
    struct ladder_pwc *pwc,
    double *noise)
{
    struct knee_options options = ladder_pwc_options();
    struct knee_report knees;
    const struct knee *knee = &knees.knee[0];

    knee_find(points, count, &options, &knees);
    *noise = knees.noise;
    if (!knees.verdict.decided || knees.count == 0 || knee->kind != KNEE_SHARP) {
        return false;
    }
    knee_apply_control(&knees, control, control_count);
    *pwc = (struct ladder_pwc){
        .verdict = knee->verdict,
        .entries = knee_capacity(knee),
        .control_rise = knee->control_rise,
        .cost = ladder_cost_over(&knees, knee)};
    return true;
}

/* The control's cost at the last size up to `size`. */
static double control_at(const struct knee_point *control, size_t count, double size)
{
    size_t i = 0;

    while (i + 1 < count && (double)control[i + 1].size <= size) {
        i++;
    }
    return control[i].cost;
}

static void find_soft(
    const struct knee_point *points,
    size_t count,
    const struct knee_point *control,
    size_t control_count,
    double noise,
    struct ladder_pwc *pwc)
{
    struct rise rise;

    rise_find(points, count, PWC_RISE_MIN, RISE_END_SLOPING, &rise);
    pwc->verdict = rise.verdict;
    pwc->entries = (struct estimate){rise.half, rise.leaving, rise.ninety};
    pwc->cost = rise_height(&rise, noise);
    if (!rise.verdict.decided) {
        return;
    }
    if (points[count - 1].cost - rise.cost_above > pwc->cost.value) {
        verdict_refuse(
            &pwc->verdict,
            "the cost rises by %.1f cycles from %.0f to %.0f, and by %.1f beyond",
            pwc->cost.value, rise.leaving, rise.ninety,
            points[count - 1].cost - rise.cost_above);
        return;
    }
    if (count <= PWC_BELOW || rise.leaving < (double)points[PWC_BELOW - 1].size) {
        verdict_refuse(
            &pwc->verdict, "no plateau at the smallest sizes: the cost rises from %.0f on",
            rise.leaving);
        return;
    }
    pwc->control_rise = control_at(control, control_count, rise.ninety) -
                        control_at(control, control_count, rise.leaving);
    if (pwc->control_rise > pwc->cost.value / 4) {
        verdict_refuse(
            &pwc->verdict, "the control rises too: %.2f cycles where the step has %.2f",
            pwc->control_rise, pwc->cost.value);
    }
}

struct knee_options ladder_pwc_options(void)
{
    struct knee_options options = knee_default_options();

    options.first_points_min = 2; /* these caches are small: 2 to 64 entries */
    options.rise_min = PWC_RISE_MIN;
    return options;
}

void ladder_find_pwc(
    const struct knee_point *points,
    size_t count,
    const struct knee_point *control,
    size_t control_count,
    struct ladder_pwc *pwc)
{
    double noise = 0;

    *pwc = (struct ladder_pwc){0};
    if (count == 0 || control_count == 0) {
        verdict_refuse(&pwc->verdict, "not measured");
        return;
    }
    if (!find_sharp(points, count, control, control_count, pwc, &noise)) {
        find_soft(points, count, control, control_count, noise, pwc);
    }
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
    double walk = cost[0].value - control[0].value;
    walkers->parallel = (struct estimate){
        walk / cost[best].value,
        (cost[0].low - control[0].high) / cost[best].high,
        cost[0].high / cost[best].low,
    };
    while (cost[walkers->chains].value > BEST_SHARE * cost[best].value) {
        walkers->chains++;
    }
    walkers->chains++;
    if (control[control_best].value > CONTROL_SHARE * cost[best].value) {
        verdict_refuse(
            &walkers->verdict,
            "at least %.1f: hits take %.2f cycles a load at best, and walks %.2f: the loads "
            "may be "
            "the limit",
            walkers->parallel.low, control[control_best].value, cost[best].value);
    } else if (walkers->chains == count) {
        verdict_refuse(
            &walkers->verdict, "at least %.1f: still falling at %zu chains",
            walkers->parallel.low, count);
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
