/*
 * nested: what virtualisation adds, from every cost that the experiments before it found on both
 * sides, and how many references a walk makes by formula.  It measures nothing itself.
 */
#include "measure/catalogue.h"
#include "measure/toll.h"

#define GUEST_LEVELS 4
#define HOST_LEVELS  4

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
    size_t count = 0;

    (void)err;
    for (size_t i = 0; i < lab->earlier_count; i++) {
        count += toll_add(&lab->earlier[i], result);
    }
    report_references(lab, result);
    if (count == 0) {
        result_note(result, "no cost was measured on both sides: nothing to compare");
    } else {
        result_note(
            result, "%zu costs of the experiments of this run, guest over native; 1: none",
            count);
    }
    if (lab->claims.in_guest) {
        result_note(
            result, "this host is itself in a virtual machine: its native walks may be nested");
    }
    return true;
}
