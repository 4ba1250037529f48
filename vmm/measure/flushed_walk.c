/*
 * Measures walks by flushed entries; see flushed_walk.h.  The routine is guest/exp/flushed.c.  It takes
 * the middle, as cold_walk.c does, and refuses to guess where the walked tables are not the guest's.
 */
#include "measure/flushed_walk.h"

#include <stdio.h>
#include <stdlib.h>

#include "measure/random.h"

#define TARGETS       16
#define ROUNDS        9 /* of a target; the first of them is not used */
#define SAMPLES       (TARGETS * (ROUNDS - 1))
#define TARGETS_QUICK 6
#define TARGETS_LEAST 2 /* on an emulated processor, where only the mechanism is tried */
#define TABLE_LEVELS  4

#define LEVEL(n) (1U << (n))
#define UP_TO(n) ((2U << (n)) - 2)

const struct flushed_way flushed_ways[FLUSHED_KINDS] = {
    [FLUSHED_PLAIN] = {NULL, false, 0},
    [FLUSHED_HIT] = {NULL, false, UP_TO(4)},
    [FLUSHED_NONE] = {"walk, no entry flushed", true, 0},
    [FLUSHED_1] = {"walk, entry 1 flushed", true, LEVEL(1)},
    [FLUSHED_TO_2] = {"walk, entries 1 and 2 flushed", true, UP_TO(2)},
    [FLUSHED_TO_3] = {"walk, entries 1 to 3 flushed", true, UP_TO(3)},
    [FLUSHED_TO_4] = {"walk, entries 1 to 4 flushed", true, UP_TO(4)},
    [FLUSHED_ALONE_2] = {"walk, entry 2 alone flushed", true, LEVEL(2)},
    [FLUSHED_ALONE_3] = {"walk, entry 3 alone flushed", true, LEVEL(3)},
    [FLUSHED_ALONE_4] = {"walk, entry 4 alone flushed", true, LEVEL(4)},
};

/* One window, and how often the guest left in its run beyond what the routine asked for. */
struct sample {
    double cycles;
    uint64_t exits;
};

struct flushed_walk {
    struct field field;
    unsigned targets;
    struct gva name[TARGETS][TABLE_LEVELS + 1]; /* of the entries */
    unsigned wrong;                             /* entries that ring 3 read as something else */
    unsigned read;
    struct sample sample[FLUSHED_KINDS][SAMPLES];
    size_t count[FLUSHED_KINDS];
    struct estimate cost[FLUSHED_KINDS];
};

/* --- what follows from the costs --- */

void flushed_walk_judge(
    const struct estimate cost[FLUSHED_KINDS], struct flushed_report *report)
{
    const struct estimate *plain = &cost[FLUSHED_PLAIN];

    *report =
        (struct flushed_report){.flat = cost[FLUSHED_HIT].low <= plain->high + FLUSHED_SLACK};
    for (unsigned kind = FLUSHED_NONE; kind < FLUSHED_KINDS; kind++) {
        const struct estimate *whole = &cost[kind];
        report->walk[kind] = windows_subtract(whole, plain);
        if (!report->flat) {
            verdict_refuse(
                &report->verdict[kind], "the flush alone made a hit cost %.0f cycles, not %.0f",
                cost[FLUSHED_HIT].value, plain->value);
        } else if (report->walk[kind].low <= 0) {
            verdict_refuse(
                &report->verdict[kind],
                "not told from a hit: %.0f (%.0f to %.0f) cycles, and %.0f (%.0f to %.0f)",
                whole->value, whole->low, whole->high, plain->value, plain->low, plain->high);
        } else {
            verdict_decide(&report->verdict[kind], "%s", "");
        }
    }
}

/* --- the tables under a second name --- */

bool flushed_walk_name_entries(
    struct virtual *guest,
    struct gva target,
    struct gva at,
    struct gva name[5],
    struct err *err)
{
    uint64_t no_execute = machine_cpu(guest->machine)->no_execute ? PTE_NO_EXECUTE : 0;
    struct ptab_walk walk;

    ptab_walk(&guest->ptab, target, &walk);
    if (!walk.present || walk.level != 1) {
        return err_set(
            err, ERR_ENVIRONMENT, "0x%llx is no small page of the guest",
            (unsigned long long)target.value);
    }
    for (unsigned level = 1; level <= TABLE_LEVELS; level++) {
        struct gva page = gva_add(at, (level - 1) * PAGE_BYTES);
        uint64_t table = round_down(walk.entry_gpa[level].value, PAGE_BYTES);
        struct ptab_slot slot;
        if (!ptab_prepare(&guest->ptab, page, 1, &slot)) {
            return err_set(err, ERR_ENVIRONMENT, "guest memory is too small for page tables");
        }
        frames_record(machine_frames(guest->machine), frames_index(gpa_of(table)))->flags |=
            FRAME_SHOWN;
        ptab_commit(
            &guest->ptab, slot, table | PTE_PRESENT | PTE_USER | PTE_ACCESSED | no_execute);
        name[level] = gva_add(page, walk.entry_gpa[level].value - table);
    }
    return true;
}

/* --- windows --- */

static void invalidate(void *context, struct virtual *guest, const struct machine_trap *trap)
{
    const struct gva *target = context;
    struct ptab_slot slot;

    (void)trap;
    if (ptab_prepare(&guest->ptab, gva_page(*target), 1, &slot)) {
        edits_add(machine_edits(guest->machine), slot, *slot.entry, gva_page(*target));
    }
}

/* Compare what ring 3 read by the second names with the walk that the host makes. */
static void
check_entries(struct flushed_walk *walk, struct gva target, const struct exp_args *args)
{
    struct ptab_walk truth;

    ptab_walk(&walk->field.guest.ptab, target, &truth);
    for (unsigned level = 1; level <= TABLE_LEVELS; level++) {
        walk->read++;
        walk->wrong += args->value[level - 1] != truth.entry[level];
    }
}

static bool take_window(
    struct flushed_walk *walk,
    size_t target,
    enum flushed_kind kind,
    bool keep,
    struct err *err)
{
    struct field *field = &walk->field;
    const struct gva *name = walk->name[target];
    struct gva address = gva_of(layout_word_address(field->layout, LAYOUT_TEST, target));
    uint64_t other = layout_word_address(field->layout, LAYOUT_CONTROL, target);
    struct exp_args args = {
        .start =
            {address.value, other, name[1].value, name[2].value, name[3].value, name[4].value},
        .windows = 1,
        .parameter = {flushed_ways[kind].levels, flushed_ways[kind].invalidate}};
    uint64_t ticks;
    uint64_t exits;

    field->guest.hooks = (struct virtual_hooks){.request = invalidate, .context = &address};
    if (!field_run(field, SIDE_GUEST, EXP_ROUTINE_flushed, &args, &ticks, 1, &exits, err)) {
        return false;
    }
    check_entries(walk, address, &args);
    if (keep) {
        walk->sample[kind][walk->count[kind]++] =
            (struct sample){sample_cycles(&args, ticks), exits};
    }
    return true;
}

/* Every kind in turn, and each round beginning with another. */
static bool take_target(struct flushed_walk *walk, size_t target, struct err *err)
{
    for (unsigned i = 0; i < ROUNDS * FLUSHED_KINDS; i++) {
        unsigned round = i / FLUSHED_KINDS;
        enum flushed_kind kind = (enum flushed_kind)((i + round) % FLUSHED_KINDS);
        if (!take_window(walk, target, kind, round > 0, err)) {
            return false;
        }
    }
    return true;
}

/* A run with more exits than the quietest of its kind may have had them in the window. */
static void summarise(struct flushed_walk *walk, struct result *result)
{
    for (unsigned kind = 0; kind < FLUSHED_KINDS; kind++) {
        const struct sample *sample = walk->sample[kind];
        double cycles[SAMPLES];
        uint64_t least = UINT64_MAX;
        size_t kept = 0;
        for (size_t i = 0; i < walk->count[kind]; i++) {
            least = sample[i].exits < least ? sample[i].exits : least;
        }
        for (size_t i = 0; i < walk->count[kind]; i++) {
            if (sample[i].exits == least) {
                cycles[kept++] = sample[i].cycles;
            }
        }
        windows_sort(cycles, kept);
        walk->cost[kind] = windows_midmean_interval(cycles, kept);
        result->windows += kept;
        result->spoilt += walk->count[kind] - kept;
    }
}

/* --- the field --- */

/* Each in an entry of level 4 of its own, so that nothing else brings its upper entries back. */
static void choose_addresses(const struct lab *lab, uint64_t *address, unsigned targets)
{
    uint64_t random = lab->seed;

    for (size_t k = 0; k < targets; k++) {
        uint64_t within = random_next(&random) % PML4_ENTRY_BYTES & ~(PAGE_BYTES - 1);
        address[k] = EXP_PAGES + k * PML4_ENTRY_BYTES + within;
    }
}

/* The tables change under a machine that has run already; ring 3 gets them linted. */
static bool show_tables(struct flushed_walk *walk, struct err *err)
{
    struct virtual *guest = &walk->field.guest;

    for (size_t k = 0; k < walk->targets; k++) {
        struct gva at = gva_of(EXP_TABLES + k * TABLE_LEVELS * PAGE_BYTES);
        struct gva target = gva_of(walk->field.layout->maps[k].address);
        if (!flushed_walk_name_entries(guest, target, at, walk->name[k], err)) {
            return false;
        }
    }
    return machine_use_tables(guest->machine, &guest->ptab, err);
}

static bool
run(struct flushed_walk *walk, struct lab *lab, struct result *result, struct err *err)
{
    uint64_t address[TARGETS];
    struct layout layout;

    choose_addresses(lab, address, walk->targets);
    if (!layout_make_uniq(&layout, address, walk->targets, lab->seed, err)) {
        return false;
    }
    bool ok = lab_make_field_on(lab, SIDE_GUEST, &walk->field, &layout, err);
    ok = ok && show_tables(walk, err);
    for (size_t target = 0; ok && target < walk->targets; target++) {
        ok = take_target(walk, target, err);
    }
    if (ok) {
        summarise(walk, result);
    }
    lab_end_field(lab, &walk->field);
    layout_destroy(&layout);
    return ok;
}

/* --- the report --- */

static void report_series(const struct flushed_report *report, struct result *result)
{
    static const enum flushed_kind bars[2][TABLE_LEVELS + 1] = {
        {FLUSHED_NONE, FLUSHED_1, FLUSHED_TO_2, FLUSHED_TO_3, FLUSHED_TO_4},
        {FLUSHED_NONE, FLUSHED_1, FLUSHED_ALONE_2, FLUSHED_ALONE_3, FLUSHED_ALONE_4}};
    static const char *const curves[2] = {"levels 1 to it", "that level alone"};
    struct result_series *series =
        result_add_series(result, SERIES_LADDER, 2, TABLE_LEVELS + 1, "flushed entries");

    if (series == NULL) {
        return;
    }
    series_name_axes(series, "level of the flushed entry (0: none)", "core cycles above a hit");
    for (size_t curve = 0; curve < 2; curve++) {
        snprintf(series->curve[curve], RESULT_NAME_BYTES, "guest, %s", curves[curve]);
        for (size_t level = 0; level <= TABLE_LEVELS; level++) {
            enum flushed_kind kind = bars[curve][level];
            series->x[level] = (double)level;
            if (report->verdict[kind].decided) {
                series_set(series, curve, level, report->walk[kind].value);
            }
        }
    }
}

static void read_figure(
    struct result_figure *figure, enum flushed_kind kind, const struct flushed_report *found)
{
    if (kind == FLUSHED_NONE) {
        figure_read(figure, "after invlpg, entries in the cache; of one load, above a hit");
    } else if (
        kind >= FLUSHED_ALONE_2 && figure->side[SIDE_GUEST].verdict.decided &&
        found->walk[kind].low <= found->walk[FLUSHED_NONE].high) {
        figure_read(figure, "no more than without the flush: it was not read again");
    }
}

static void
report(const struct flushed_walk *walk, const struct lab *lab, struct result *result)
{
    struct flushed_report found;

    result_add_control(
        result, walk->wrong == 0,
        "guest, flushed: ring 3 read %u of %u entries as the tables have them",
        walk->read - walk->wrong, walk->read);
    flushed_walk_judge(walk->cost, &found);
    if (!lab->found.emulated) {
        result_add_control(
            result, found.flat,
            "guest, flushed: all entries flushed, the translation left: %.0f cycles, a hit "
            "%.0f",
            walk->cost[FLUSHED_HIT].value, walk->cost[FLUSHED_PLAIN].value);
        report_series(&found, result);
    }
    for (unsigned kind = FLUSHED_NONE; kind < FLUSHED_KINDS; kind++) {
        struct result_figure *figure =
            result_add_figure(result, "cycles", "%s", flushed_ways[kind].name);
        if (lab->found.emulated) {
            figure_refuse(figure, SIDE_GUEST, "emulated clock: no caches to flush");
        } else if (walk->wrong != 0) {
            figure_refuse(figure, SIDE_GUEST, "the second names show other entries");
        } else if (!found.verdict[kind].decided) {
            figure_refuse(figure, SIDE_GUEST, "%s", found.verdict[kind].reason);
        } else {
            figure_decide(figure, SIDE_GUEST, found.walk[kind]);
        }
        read_figure(figure, (enum flushed_kind)kind, &found);
    }
}

/* Why single entries are not flushed here. */
static void refuse(const struct lab *lab, struct result *result)
{
    figure_refuse(
        result_add_figure(result, "cycles", "%s", flushed_ways[FLUSHED_1].name), SIDE_GUEST,
        "%s",
        lab->found.paging == LAB_PAGING_SHADOW
            ? "shadow paging: the tables that are walked are not the guest's"
            : "which tables are walked here is not decided (see paging)");
}

bool flushed_walk_measure(struct lab *lab, struct result *result, struct err *err)
{
    if (!lab->wanted[SIDE_GUEST]) {
        return true;
    }
    if (lab->found.paging != LAB_PAGING_NESTED) {
        refuse(lab, result);
        return true;
    }
    struct flushed_walk *walk = calloc(1, sizeof(*walk));
    if (walk == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for walks of flushed entries");
    }
    walk->targets = lab->found.emulated ? TARGETS_LEAST : lab->quick ? TARGETS_QUICK : TARGETS;
    bool ok = run(walk, lab, result, err);
    if (ok) {
        report(walk, lab, result);
    }
    free(walk);
    return ok;
}
