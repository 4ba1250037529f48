/*
 * nested: what virtualisation adds to translation, from what `tlb` and `walk` found on both sides,
 * and how many references a walk makes by formula.  It measures nothing itself.
 */
#include "measure/catalogue.h"

#define GUEST_LEVELS 4
#define HOST_LEVELS  4

/* Guest over native, where both are decided. */
static void report_ratio(
    const struct lab *lab,
    double native,
    double guest,
    bool decided,
    struct result_figure *figure)
{
    if (!lab->wanted[SIDE_NATIVE] || !lab->wanted[SIDE_GUEST]) {
        figure_refuse(figure, SIDE_GUEST, "needs both sides");
    } else if (!decided || native <= 0) {
        figure_refuse(figure, SIDE_GUEST, "one of the two is undecided");
    } else {
        double ratio = guest / native;
        figure_decide(figure, SIDE_GUEST, (struct estimate){ratio, ratio * 0.95, ratio * 1.05});
    }
}

static void report_references(const struct lab *lab, struct result *result)
{
    struct result_figure *figure = result_add_figure(result, "loads", "references of a walk");
    double native = GUEST_LEVELS;
    double nested = (GUEST_LEVELS + 1) * (HOST_LEVELS + 1) - 1;

    if (lab->wanted[SIDE_NATIVE]) {
        figure_decide(figure, SIDE_NATIVE, (struct estimate){native, native, native});
    }
    if (!lab->wanted[SIDE_GUEST]) {
        return;
    }
    switch (lab->found.paging) {
    case LAB_PAGING_NESTED:
        figure_decide(figure, SIDE_GUEST, (struct estimate){nested, nested, nested});
        break;
    case LAB_PAGING_SHADOW:
        figure_decide(figure, SIDE_GUEST, (struct estimate){native, native, native});
        break;
    case LAB_PAGING_UNKNOWN:
        figure_refuse(
            figure, SIDE_GUEST, "which paging this is was not found (experiment paging)");
        break;
    }
    figure_read(figure, "by formula, nothing cached: n, and (n + 1)(m + 1) - 1 where nested");
}

bool experiment_nested(struct lab *lab, struct result *result, struct err *err)
{
    const struct lab_found *found = &lab->found;
    bool first = found->tlb[SIDE_NATIVE][1].decided && found->tlb[SIDE_GUEST][1].decided;
    bool second = found->tlb[SIDE_NATIVE][2].decided && found->tlb[SIDE_GUEST][2].decided;

    (void)err;
    report_ratio(
        lab, found->tlb[SIDE_NATIVE][1].hit_cycles, found->tlb[SIDE_GUEST][1].hit_cycles, first,
        result_add_figure(result, "times", "first-level hit, guest/native"));
    report_ratio(
        lab, found->tlb[SIDE_NATIVE][2].hit_cycles, found->tlb[SIDE_GUEST][2].hit_cycles, first,
        result_add_figure(result, "times", "second-level hit, guest/native"));
    report_ratio(
        lab, found->walk_cycles[SIDE_NATIVE], found->walk_cycles[SIDE_GUEST], second,
        result_add_figure(result, "times", "walk beyond level 2, guest/native"));
    report_ratio(
        lab, found->rung_cycles[SIDE_NATIVE], found->rung_cycles[SIDE_GUEST],
        found->rung_cycles[SIDE_NATIVE] > 0 && found->rung_cycles[SIDE_GUEST] > 0,
        result_add_figure(result, "times", "walk from level 2, guest/native"));
    report_references(lab, result);
    if (lab->claims.in_guest) {
        result_note(
            result, "this host is itself in a virtual machine: its native walks may be nested");
    }
    return true;
}
