/*
 * ways: sets, ways and index bits of both data-TLB levels, and the capacity of the second by their
 * product.  The routine is guest/exp/ways.c, the conflict sets conflict.c, the inference
 * measure/analyse/ways.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/catalogue.h"
#include "measure/counter_check.h"
#include "measure/curves.h"
#include "measure/index_bits.h"

#define SECOND_PAGES 48 /* conflicting pages: past 24 ways, with margin */

static void
report_ways(const struct curves *curves, const struct lab *lab, struct result *result)
{
    struct result_figure *ways =
        result_add_figure(result, "ways", "level %u, ways", curves->level);
    const struct claim_tlb *claim = &lab->claims.data[curves->level][1];
    bool fully = false;

    for (enum side side = 0; side < SIDE_COUNT; side++) {
        const struct ways_report *report = &curves->report[side];
        if (!lab->wanted[side]) {
            continue;
        }
        if (report->verdict.decided) {
            figure_decide(ways, side, report->ways);
            fully = fully || report->fully_associative;
        } else {
            figure_refuse(ways, side, "%s", report->verdict.reason);
        }
        result_add_control(
            result, curves->control_rise[side] < 1,
            "%s, level %u: the same lines through few pages rise by %.2f cycles at most",
            side_name(side), curves->level, curves->control_rise[side]);
        counter_check_ways(
            result, ways, side, curves->counted[side][curves->stride_count - 1], curves->last);
    }
    figure_claim(ways, claim->ways == CLAIM_FULLY ? claim->entries : claim->ways);
    figure_read(ways, "%s", fully ? "fully associative: the stride makes no difference" : "");
    curves_report(curves, lab, result);
}

/*
 * It is one and the same TLB on both sides, and whoever shares a set only makes its ways look fewer:
 * entries of another address space stay in it under some replacement policies, and a guest always
 * runs beside its host.  So the native side speaks, and the guest must agree or be refused.
 */
static void reconcile(struct curves *curves, const struct lab *lab)
{
    const struct ways_report *native = &curves->report[SIDE_NATIVE];
    struct ways_report *guest = &curves->report[SIDE_GUEST];

    if (!guest->verdict.decided && lab->wanted[SIDE_NATIVE] && native->verdict.decided) {
        char reason[VERDICT_REASON_BYTES];
        memcpy(reason, guest->verdict.reason, sizeof(reason));
        verdict_refuse(
            &guest->verdict, "entries of the host share the set; %.0f fit natively (%.80s)",
            native->ways.value, reason);
    }
    if (!guest->verdict.decided || guest->fully_associative) {
        return;
    }
    if (!lab->wanted[SIDE_NATIVE]) {
        verdict_refuse(
            &guest->verdict,
            "%.0f fit, but the host's entries may share the set: run natively too",
            guest->ways.value);
    } else if (!native->verdict.decided) {
        verdict_refuse(
            &guest->verdict,
            "%.0f fit, but the host's entries may share the set, and natively the number is "
            "not "
            "decided",
            guest->ways.value);
    } else if (native->ways.value > guest->ways.value) {
        verdict_refuse(
            &guest->verdict,
            "%.0f fit where %.0f fit natively: entries of the host share the set, so this is "
            "what "
            "it leaves, not the ways",
            guest->ways.value, native->ways.value);
    }
}

static void report_index(
    const struct index_bits *bits,
    const struct curves *curves,
    const struct lab *lab,
    struct result *result)
{
    struct result_figure *sets = result_add_figure(result, "sets", "level 2, sets");
    struct result_figure *entries =
        result_add_figure(result, "entries", "level 2, sets x ways");
    const struct ways_report *report = &curves->report[SIDE_NATIVE];
    struct ways_index index = {0};
    struct ways_capacity capacity = {0};
    char text[RESULT_TEXT_BYTES - 32];
    const struct estimate *band =
        lab->found.tlb[SIDE_NATIVE][2].decided ? &lab->found.tlb[SIDE_NATIVE][2].band : NULL;

    ways_find_index(bits->list, bits->count, &index);
    if (bits->count == 0) {
        figure_refuse(sets, SIDE_NATIVE, "the ways are not decided natively");
    } else if (!index.verdict.decided) {
        figure_refuse(sets, SIDE_NATIVE, "%s", index.verdict.reason);
    } else {
        double n = (double)index.sets;
        figure_decide(sets, SIDE_NATIVE, (struct estimate){n, n, n});
        index_bits_name(&index, text, sizeof(text));
        figure_read(sets, "address bits of the index: %s", text);
        index_bits_report(bits, result);
    }
    ways_derive_capacity(report, &index, band, &capacity);
    if (capacity.verdict.decided) {
        figure_decide(entries, SIDE_NATIVE, capacity.entries);
        figure_read(entries, "within the band of the staircase");
    } else {
        figure_refuse(entries, SIDE_NATIVE, "%s", capacity.verdict.reason);
    }
    figure_claim(entries, lab->claims.data[2][1].entries);
}

/* --- the experiment --- */

static uint64_t first_entries(const struct lab *lab)
{
    uint64_t most = 0;

    for (enum side side = 0; side < SIDE_COUNT; side++) {
        uint64_t entries =
            lab->found.tlb[side][1].decided ? lab->found.tlb[side][1].entries : 0;
        most = entries > most ? entries : most;
    }
    return most;
}

static bool run_levels(
    struct curves *curves,
    struct index_bits *bits,
    struct lab *lab,
    struct result *result,
    struct err *err)
{
    uint64_t first = first_entries(lab);
    size_t wash = conflict_wash(first);
    size_t last = (size_t)first * 5 / 4 + 8;

    curves_begin(curves, lab, 1, last);
    if (first == 0) {
        result_note(result, "the first level's size is not decided: only the second is tried");
    } else if (!curves_take(curves, lab, 0, err)) {
        return false;
    } else {
        report_ways(curves, lab, result);
    }
    curves_begin(curves, lab, 2, SECOND_PAGES);
    if (!curves_take(curves, lab, wash, err)) {
        return false;
    }
    reconcile(curves, lab);
    report_ways(curves, lab, result);
    const struct ways_report *native = &curves->report[SIDE_NATIVE];
    if (lab->wanted[SIDE_NATIVE] && native->verdict.decided && !native->fully_associative &&
        !index_bits_take(
            bits, lab, native->stride_log2, (unsigned)native->ways.value, wash, err)) {
        return false;
    }
    if (lab->wanted[SIDE_NATIVE]) {
        report_index(bits, curves, lab, result);
    }
    return true;
}

bool experiment_ways(struct lab *lab, struct result *result, struct err *err)
{
    struct curves *curves = calloc(1, sizeof(*curves));
    struct index_bits *bits = calloc(1, sizeof(*bits));
    bool ok = curves != NULL && bits != NULL;

    if (!ok) {
        err_set(err, ERR_ENVIRONMENT, "no memory for the curves of conflict sets");
    }
    ok = ok && run_levels(curves, bits, lab, result, err);
    free(curves);
    free(bits);
    return ok;
}
