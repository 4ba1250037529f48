/*
 * flush: what `invlpg` costs, and what the translations cost that it destroyed.  The routine is
 * guest/exp/flush.c; the guest kernel's edit list carries the operations out, with entries stored as
 * they were.  Ring 0 is the guest's alone, so there is no native side.
 */
#include <stdio.h>
#include <stdlib.h>

#include "measure/catalogue.h"

#define PAGES   1536
#define WINDOWS 24

/* What the kernel is to do at each request: invalidate the first `count` pages of the layout. */
struct order {
    struct field *field;
    size_t count;
};

static void carry_out(void *context, struct virtual *guest, const struct machine_trap *trap)
{
    const struct order *order = context;
    struct edits *edits = machine_edits(guest->machine);

    (void)trap;
    for (size_t i = 0; i < order->count; i++) {
        struct gva address = gva_of(order->field->layout->maps[i].address);
        struct ptab_slot slot;
        if (!edits_have_room(edits, 1, 0)) {
            /* One list is full: this one now, the rest at the next entry. */
            machine_drain_edits(guest->machine);
        }
        if (ptab_prepare(&guest->ptab, address, 1, &slot)) {
            edits_add(edits, slot, *slot.entry, address);
        }
    }
}

/* Median time of a window in ns: of the request (pages 0), or of reloading `pages` pages. */
static bool take(
    struct lab *lab,
    struct field *field,
    size_t invalidate,
    size_t pages,
    struct estimate *out,
    struct err *err)
{
    struct order order = {.field = field, .count = invalidate};
    uint64_t ticks[WINDOWS];
    double ns[WINDOWS];
    uint64_t unexpected;
    size_t chain = pages == 0 ? EXP_UNROLL : pages;
    size_t loads = (chain + EXP_UNROLL - 1) / EXP_UNROLL * EXP_UNROLL;
    struct exp_args args = {
        .start = {field_link(field, LAYOUT_TEST, NULL, chain)},
        .warm = 2 * loads,
        .loads = loads,
        .windows = lab->quick ? WINDOWS / 3 : WINDOWS,
        .parameter = {pages == 0}};

    field->guest.hooks = (struct virtual_hooks){.request = carry_out, .context = &order};
    if (!field_run(
            field, SIDE_GUEST, EXP_ROUTINE_flush, &args, ticks, args.windows, &unexpected,
            err)) {
        return false;
    }
    for (size_t i = 0; i < args.windows; i++) {
        ns[i] = ((double)ticks[i] - (double)args.floor_ticks) / lab->found.ticks_per_ns;
    }
    windows_sort(ns, args.windows);
    *out = windows_quantile_interval(ns, args.windows, 0.5);
    return true;
}

static void subtract(
    struct result_figure *figure, struct estimate with, struct estimate without, double divisor)
{
    figure_decide(
        figure, SIDE_GUEST,
        (struct estimate){
            (with.value - without.value) / divisor, (with.low - without.high) / divisor,
            (with.high - without.low) / divisor});
}

static bool
report_operation(struct lab *lab, struct field *field, struct result *result, struct err *err)
{
    static const size_t counts[] = {1, 16, 64, 256};
    const size_t points = sizeof(counts) / sizeof(counts[0]);
    struct result_series *series =
        result_add_series(result, SERIES_STAIRCASE, 1, points, "requests with invlpg");
    struct estimate none;
    struct estimate some = {0};

    if (!take(lab, field, 0, 0, &none, err)) {
        return false;
    }
    figure_decide(result_add_figure(result, "ns", "request without invlpg"), SIDE_GUEST, none);
    for (size_t i = 0; i < points; i++) {
        if (!take(lab, field, counts[i], 0, &some, err)) {
            return false;
        }
        if (series != NULL) {
            series->x[i] = (double)counts[i];
            series_set(series, 0, i, some.value);
        }
    }
    if (series != NULL) {
        series_name_axes(series, "entries in the list", "ns");
        snprintf(series->curve[0], RESULT_NAME_BYTES, "guest");
    }
    struct result_figure *figure = result_add_figure(result, "ns", "invlpg and its store");
    subtract(figure, some, none, (double)counts[points - 1]);
    figure_read(
        figure, "%s",
        lab->found.paging == LAB_PAGING_SHADOW
            ? "ring 0 and its tables are the hypervisor's business here: its cost, not a core's"
            : "six instructions of ring 0 an entry");
    return true;
}

static bool
report_reloads(struct lab *lab, struct field *field, struct result *result, struct err *err)
{
    static const size_t counts[] = {16, 64, PAGES};

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct estimate with;
        struct estimate without;
        if (!take(lab, field, 0, counts[i], &without, err) ||
            !take(lab, field, counts[i], counts[i], &with, err)) {
            return false;
        }
        struct result_figure *figure =
            result_add_figure(result, "ns", "reload of %zu pages, each", counts[i]);
        subtract(figure, with, without, (double)counts[i]);
        figure_read(figure, "beyond the same loads after a request that invalidates nothing");
        lab_progress(lab, 0.4 + 0.2 * (double)i);
    }
    return true;
}

bool experiment_flush(struct lab *lab, struct result *result, struct err *err)
{
    uint64_t *address = lab_addresses(PAGES, PAGE_BYTES);
    struct layout layout;
    struct field field;

    if (!lab->wanted[SIDE_GUEST]) {
        free(address);
        result_note(result, "needs the guest, which was not asked for");
        return true;
    }
    bool ok = address != NULL && layout_make_uniq(&layout, address, PAGES, lab->seed, err);
    free(address);
    if (!ok) {
        return false;
    }
    ok = lab_make_field_on(lab, SIDE_GUEST, &field, &layout, err) &&
         report_operation(lab, &field, result, err) && report_reloads(lab, &field, result, err);
    lab_end_field(lab, &field);
    layout_destroy(&layout);
    result_note(result, "CR3 reload, CR4.PGE and PCID switches: not measured by this version");
    return ok;
}
