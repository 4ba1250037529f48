/*
 * flush: what `invlpg`, CR3, CR4.PGE and PCIDs cost, and what the translations cost that it destroyed.  The routine is
 * guest/exp/flush.c; the guest kernel's edit list carries the operations out, with entries stored as
 * they were.  Ring 0 is the guest's alone, so there is no native side.
 */
#include <stdio.h>
#include <stdlib.h>

#include "measure/catalogue.h"

#define PAGES   1536
#define WINDOWS 24
#define MANY    33
#define RELOAD  64

/* What the kernel is to do at each request: invalidate the first `count` pages of the layout, and then
 * flush `times` times. */
struct order {
    struct field *field;
    size_t count;
    enum machine_flush flush;
    unsigned times;
    bool warm; /* there is to be no request at all */
};

static void carry_out(void *context, struct virtual *guest, const struct machine_trap *trap)
{
    const struct order *order = context;
    struct edits *edits = machine_edits(guest->machine);

    (void)trap;
    if (order->times > 0 && !machine_flush(guest->machine, order->flush, order->times)) {
        return; /* the machine is stopped: its next run says so */
    }
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

static size_t count_windows(const struct lab *lab)
{
    return lab->quick ? WINDOWS / 3 : WINDOWS;
}

/* Median time of a window in ns: of the request (pages 0), or of reloading `pages` pages; and the
 * exits of all windows that the request did not ask for, if wanted. */
static bool take(
    struct lab *lab,
    struct order order,
    size_t pages,
    struct estimate *out,
    uint64_t *exits,
    struct err *err)
{
    struct field *field = order.field;
    uint64_t ticks[WINDOWS];
    double ns[WINDOWS];
    uint64_t unexpected;
    size_t chain = pages == 0 ? EXP_UNROLL : pages;
    size_t loads = (chain + EXP_UNROLL - 1) / EXP_UNROLL * EXP_UNROLL;
    struct exp_args args = {
        .start = {field_link(field, LAYOUT_TEST, NULL, chain)},
        .warm = 2 * loads,
        .loads = loads,
        .windows = count_windows(lab),
        .parameter = {
            order.warm   ? EXP_FLUSH_WARM
            : pages == 0 ? EXP_FLUSH_REQUEST
                         : EXP_FLUSH_RELOAD}};

    field->guest.hooks = (struct virtual_hooks){.request = carry_out, .context = &order};
    if (!field_run(
            field, SIDE_GUEST, EXP_ROUTINE_flush, &args, ticks, args.windows, &unexpected,
            err)) {
        return false;
    }
    for (size_t i = 0; i < args.windows; i++) {
        ns[i] = ((double)ticks[i] - (double)args.floor_ticks) / lab->found.ticks_per_ns;
    }
    if (exits != NULL) {
        *exits = unexpected;
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

    if (!take(lab, (struct order){.field = field}, 0, &none, NULL, err)) {
        return false;
    }
    figure_decide(result_add_figure(result, "ns", "request without invlpg"), SIDE_GUEST, none);
    for (size_t i = 0; i < points; i++) {
        if (!take(
                lab, (struct order){.field = field, .count = counts[i]}, 0, &some, NULL, err)) {
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
        if (!take(lab, (struct order){.field = field}, counts[i], &without, NULL, err) ||
            !take(
                lab, (struct order){.field = field, .count = counts[i]}, counts[i], &with, NULL,
                err)) {
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

/* --- what flushes more than a page --- */

struct flush_kind {
    enum machine_flush what;
    const char *name;
    bool needs_pcid;
};

static void refuse_kind(struct result *result, const char *name)
{
    figure_refuse(
        result_add_figure(result, "ns", "%s", name), SIDE_GUEST, "the guest's CPU has no PCID");
}

/* What a request destroys by itself: the way to the kernel and to the host may empty the TLB, and a
 * flush on that way then finds nothing left.  *lost: a page, of RELOAD. */
static bool report_request(
    struct lab *lab,
    struct field *field,
    struct estimate *without,
    struct estimate *lost,
    struct result *result,
    struct err *err)
{
    struct result_figure *figure =
        result_add_figure(result, "ns", "request alone: reload, a page");
    struct estimate warm;

    if (!take(lab, (struct order){.field = field}, RELOAD, without, NULL, err) ||
        !take(lab, (struct order){.field = field, .warm = true}, RELOAD, &warm, NULL, err)) {
        return false;
    }
    subtract(figure, *without, warm, RELOAD);
    *lost = figure->side[SIDE_GUEST].value;
    figure_read(
        figure, "what the way to the host and back destroys, against the same loads warm");
    return true;
}

/* A reload that costs nothing more has two causes: nothing was destroyed, or nothing was left. */
static void read_reload(struct result_figure *figure, const struct estimate *lost)
{
    const struct estimate *more = &figure->side[SIDE_GUEST].value;

    if (more->low > 0) {
        figure_read(figure, "beyond what the request destroys by itself");
    } else if (lost->low > 0) {
        figure_read(
            figure,
            "no more than the request's own %.1f: what it would destroy is gone by then",
            lost->value);
    } else {
        figure_read(figure, "nothing is reloaded here, after the request either");
    }
}

/* The operation by many against one, its exits, and what it costs afterwards beyond `without`. */
static bool report_kind(
    struct lab *lab,
    struct field *field,
    const struct flush_kind *kind,
    const struct estimate *without,
    const struct estimate *lost,
    struct result *result,
    struct err *err)
{
    struct order one = {.field = field, .flush = kind->what, .times = 1};
    struct order many = {.field = field, .flush = kind->what, .times = MANY};
    const double loads = 2 * (MANY - 1);
    struct estimate once, often, with;
    uint64_t exits_once, exits_often;

    if (kind->needs_pcid && !machine_cpu(field->guest.machine)->pcid) {
        refuse_kind(result, kind->name);
        return true;
    }
    if (!take(lab, one, 0, &once, &exits_once, err) ||
        !take(lab, many, 0, &often, &exits_often, err) ||
        !take(lab, one, RELOAD, &with, NULL, err)) {
        return false;
    }
    subtract(result_add_figure(result, "ns", "%s", kind->name), often, once, loads);
    struct estimate exits =
        windows_count_interval(exits_often, exits_once, loads * (double)count_windows(lab));
    struct result_figure *figure = result_add_figure(result, "exits", "%s: exits", kind->name);
    if (kvm_stats_exits(&field->guest.stats) == KVM_STATS_NONE) {
        figure_refuse(figure, SIDE_GUEST, "KVM does not count exits here");
    } else {
        figure_decide(figure, SIDE_GUEST, exits);
        figure_read(
            figure, "%s",
            exits.value > 0.5 ? "trapped: a hypervisor's cost, not a core's" : "");
    }
    figure = result_add_figure(result, "ns", "%s: reload, a page", kind->name);
    subtract(figure, with, *without, RELOAD);
    read_reload(figure, lost);
    return true;
}

static bool
report_flushes(struct lab *lab, struct field *field, struct result *result, struct err *err)
{
    static const struct flush_kind kinds[] = {
        {MACHINE_FLUSH_CR3, "CR3 reload", false},
        {MACHINE_FLUSH_PGE, "CR4.PGE flip", false},
        {MACHINE_FLUSH_PCID, "PCID switch", true},
        {MACHINE_FLUSH_PCID_KEEP, "PCID switch, no flush", true},
    };

    struct estimate without;
    struct estimate lost;

    if (!report_request(lab, field, &without, &lost, result, err)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!report_kind(lab, field, &kinds[i], &without, &lost, result, err)) {
            return false;
        }
    }
    return true;
}

bool experiment_flush(struct lab *lab, struct result *result, struct err *err)
{
    uint64_t *address = lab_addresses(PAGES, PAGE_BYTES, err);
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
         report_operation(lab, &field, result, err) &&
         report_reloads(lab, &field, result, err) && report_flushes(lab, &field, result, err);
    lab_end_field(lab, &field);
    layout_destroy(&layout);
    result_note(
        result,
        "of each, by %d loads against 2; a page of %d that were in the TLB is loaded again",
        2 * MANY, RELOAD);
    return ok;
}
