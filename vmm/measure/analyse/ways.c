/*
 * Ways from the knees of conflict sets, index functions as equivalence classes of address bits, and
 * their product.  Read ways.h for the reasoning.
 */
#include "measure/analyse/ways.h"

#include <assert.h>
#include <math.h>

#define BAND_MARGIN    0.05
#define CONFLICT_LEAST 1.08

static void read_curve(const struct ways_curve *curve, size_t i, struct ways_report *report)
{
    struct knee_options options = knee_dense_options();
    struct knee_report knees;

    knee_find(curve->points, curve->count, &options, &knees);
    report->fits_all[i] = knees.verdict.decided && knees.count == 0;
    if (knees.verdict.decided && knees.count > 0) {
        report->fits[i] = knee_capacity(&knees.knee[0]);
    }
}

static bool is_exact(const struct estimate *estimate)
{
    return estimate->value > 0 && estimate->high <= estimate->low;
}

static bool overlap(const struct estimate *a, const struct estimate *b)
{
    return a->value > 0 && b->value > 0 && a->low <= b->high && b->low <= a->high;
}

/* Decided here: whether the whole set of curves is one of a fully associative buffer. */
static bool
find_fully(const struct ways_curve *curves, size_t count, struct ways_report *report)
{
    struct estimate common = report->fits[0];

    if (curves[0].stride_log2 != 0 || curves[count - 1].stride_log2 < WAYS_FULLY_STRIDE ||
        count < 3) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!overlap(&common, &report->fits[i])) {
            return false;
        }
        common.low = fmax(common.low, report->fits[i].low);
        common.high = fmin(common.high, report->fits[i].high);
    }
    common.value = fmin(fmax(common.value, common.low), common.high);
    report->fully_associative = true;
    report->ways = common;
    report->stride_log2 = 0;
    verdict_decide(&report->verdict, "the stride makes no difference: fully associative");
    return true;
}

/* The first curve from which on all agree with the last one. */
static size_t first_agreeing(const struct ways_report *report, size_t count)
{
    size_t first = count - 1;

    while (first > 0 && is_exact(&report->fits[first - 1]) &&
           report->fits[first - 1].value == report->fits[count - 1].value) {
        first--;
    }
    return first;
}

static bool fits_fewer(const struct ways_report *report, size_t i, double ways)
{
    return report->fits[i].value > 0 && report->fits[i].high < ways;
}

void ways_find(const struct ways_curve *curves, size_t count, struct ways_report *report)
{
    assert(count >= 1 && count <= WAYS_STRIDES_MAX);
    *report = (struct ways_report){0};
    for (size_t i = 0; i < count; i++) {
        read_curve(&curves[i], i, report);
    }
    if (find_fully(curves, count, report)) {
        return;
    }
    if (!is_exact(&report->fits[count - 1])) {
        verdict_refuse(
            &report->verdict,
            "no sharp number of pages fits at the greatest stride, 2^%u pages",
            curves[count - 1].stride_log2);
        return;
    }
    double ways = report->fits[count - 1].value;
    size_t first = first_agreeing(report, count);

    for (size_t i = 0; i < first; i++) {
        if (fits_fewer(report, i, ways)) {
            verdict_refuse(
                &report->verdict,
                "fewer pages fit at stride 2^%u than at 2^%u: another structure conflicts",
                curves[i].stride_log2, curves[count - 1].stride_log2);
            return;
        }
    }
    if (first + 1 >= count || first == 0) {
        verdict_refuse(
            &report->verdict,
            first == 0
                ? "all strides agree on %.0f: no smaller stride tells it from a capacity"
                : "%.0f pages fit at one stride alone: it may not be above all index bits",
            ways);
        return;
    }
    report->ways = report->fits[count - 1];
    report->stride_log2 = curves[first].stride_log2;
    verdict_decide(&report->verdict, "%s", "");
}

/* --- index bits ------------------------------------------------------------------------------ */

double ways_ratio_of_costs(double cost_fit, double cost_plain, double cost_toggled)
{
    if (!(cost_plain > CONFLICT_LEAST * cost_fit)) {
        return 0;
    }
    return 1 + (cost_plain - cost_toggled) / (cost_plain - cost_fit);
}

enum toggle_answer {
    TOGGLE_MISSING,
    TOGGLE_UNCLEAR,
    TOGGLE_STAYS, /* the halves share a set */
    TOGGLE_PARTS, /* they go to two sets */
};

static enum toggle_answer
answer_toggle(const struct ways_toggle *toggles, size_t count, uint64_t mask)
{
    for (size_t i = 0; i < count; i++) {
        double ratio = toggles[i].fits_ratio;

        if (toggles[i].mask != mask) {
            continue;
        }
        if (!(ratio >= 0.8 && ratio <= 2.6) || fabs(ratio - 1.5) < 0.2 ||
            fabs(ratio - 1.5) < 2 * toggles[i].error) {
            return TOGGLE_UNCLEAR;
        }
        return ratio > 1.5 ? TOGGLE_PARTS : TOGGLE_STAYS;
    }
    return TOGGLE_MISSING;
}

static unsigned lowest_bit(uint64_t mask)
{
    return (unsigned)__builtin_ctzll(mask);
}

static bool
read_single_toggles(const struct ways_toggle *toggles, size_t count, struct ways_index *index)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t mask = toggles[i].mask;

        if (mask == 0 || (mask & (mask - 1)) != 0) {
            continue;
        }
        enum toggle_answer answer = answer_toggle(toggles, count, mask);

        if (answer == TOGGLE_UNCLEAR) {
            verdict_refuse(
                &index->verdict, "bit %u: neither the same set nor another one (ratio %.2f)",
                lowest_bit(mask), toggles[i].fits_ratio);
            return false;
        }
        if (answer == TOGGLE_PARTS) {
            index->index_mask |= mask;
        }
    }
    return true;
}

/* Do both bits feed the same function?  Unclear and missing pairs refuse. */
static bool are_partners(
    const struct ways_toggle *toggles,
    size_t count,
    uint64_t pair,
    struct ways_index *index,
    bool *partners)
{
    enum toggle_answer answer = answer_toggle(toggles, count, pair);

    if (answer == TOGGLE_MISSING || answer == TOGGLE_UNCLEAR) {
        verdict_refuse(
            &index->verdict, "bits %u and %u together: %s", lowest_bit(pair),
            lowest_bit(pair & (pair - 1)),
            answer == TOGGLE_MISSING ? "not measured" : "no clear answer");
        return false;
    }
    *partners = answer == TOGGLE_STAYS;
    return true;
}

/* Put a bit into the group all of whose members cancel it, or into one of its own. */
static bool place_bit(
    const struct ways_toggle *toggles, size_t count, uint64_t bit, struct ways_index *index)
{
    size_t home = index->groups;

    for (size_t g = 0; g < index->groups; g++) {
        for (uint64_t rest = index->group[g]; rest != 0; rest &= rest - 1) {
            bool first = rest == index->group[g];
            bool partners = false;

            if (!are_partners(toggles, count, bit | (rest & -rest), index, &partners)) {
                return false;
            }
            if (partners && first && home == index->groups) {
                home = g;
            } else if (partners != (home == g)) {
                verdict_refuse(
                    &index->verdict,
                    "bit %u cancels some bits of a group but not all: no plain XOR",
                    lowest_bit(bit));
                return false;
            }
        }
    }
    if (home == WAYS_BITS_MAX) {
        verdict_refuse(&index->verdict, "more than %d index functions", WAYS_BITS_MAX);
        return false;
    }
    index->groups += home == index->groups;
    index->group[home] |= bit;
    return true;
}

void ways_find_index(const struct ways_toggle *toggles, size_t count, struct ways_index *index)
{
    *index = (struct ways_index){0};
    if (count == 0) {
        verdict_refuse(&index->verdict, "no bit was toggled");
        return;
    }
    if (!read_single_toggles(toggles, count, index)) {
        return;
    }
    for (uint64_t rest = index->index_mask; rest != 0; rest &= rest - 1) {
        if (!place_bit(toggles, count, rest & -rest, index)) {
            return;
        }
    }
    for (size_t g = 0; g < index->groups; g++) {
        index->hashed |= (index->group[g] & (index->group[g] - 1)) != 0;
    }
    index->sets = UINT64_C(1) << index->groups;
    verdict_decide(&index->verdict, "%s", "");
}

/* --- capacity -------------------------------------------------------------------------------- */

void ways_derive_capacity(
    const struct ways_report *ways,
    const struct ways_index *index,
    const struct estimate *band,
    struct ways_capacity *capacity)
{
    *capacity = (struct ways_capacity){0};
    if (!ways->verdict.decided) {
        verdict_refuse(&capacity->verdict, "the ways are undecided");
        return;
    }
    if (!ways->fully_associative && (index == NULL || !index->verdict.decided)) {
        verdict_refuse(&capacity->verdict, "the index bits are undecided");
        return;
    }
    if (band == NULL || !(band->value > 0)) {
        verdict_refuse(&capacity->verdict, "no staircase to hold sets x ways against");
        return;
    }
    double sets = ways->fully_associative ? 1 : (double)index->sets;

    capacity->sets = (uint64_t)sets;
    capacity->entries = (struct estimate){
        sets * ways->ways.value, sets * ways->ways.low, sets * ways->ways.high};
    if (capacity->entries.high < band->low * (1 - BAND_MARGIN) ||
        capacity->entries.low > band->high * (1 + BAND_MARGIN)) {
        verdict_refuse(
            &capacity->verdict,
            "%.0f sets x %.0f ways = %.0f, but the staircase says %.0f to %.0f", sets,
            ways->ways.value, capacity->entries.value, band->low, band->high);
        return;
    }
    verdict_decide(&capacity->verdict, "%s", "");
}
