/*
 * Measures cold walks; see cold_walk.h.  The routine is exp_cold in guest/exp/walk.c.  The middle
 * speaks, not the least: what a trip to memory costs depends on what memory does just then.
 */
#include "measure/cold_walk.h"

#include <stdio.h>
#include <stdlib.h>

#include "measure/random.h"

#define BUFFER_PAGES 12288 /* 48 MiB: past every core's own caches, and past its TLB */
#define TARGETS      16
#define QUICK        6
#define ROUNDS       9 /* of a target; the first of them is not used */
#define SAMPLES      (TARGETS * (ROUNDS - 1))
#define NEIGHBOURS   4
#define PAGES        (BUFFER_PAGES + TARGETS * (1 + NEIGHBOURS))
#define FAR_ENTRIES  64   /* in the same table, and not in the line beside it either */
#define FAR_LINE     2048 /* in the same page, and not the line beside it */
#define CONTROL_MIN  20.0 /* cycles: a load that went past the first-level cache at least */

struct cold_walk {
    unsigned targets;
    double sample[SIDE_COUNT][COLD_WALK_LEVELS + 1][SAMPLES];
    size_t count[SIDE_COUNT][COLD_WALK_LEVELS + 1];
    struct estimate cycles[SIDE_COUNT][COLD_WALK_LEVELS + 1];
};

uint64_t cold_walk_mask(unsigned cold)
{
    /* Another page; or another line of entries at levels 1, 2 and 3. */
    return cold == 1 ? PAGE_BYTES : PAGE_BYTES * FAR_ENTRIES << 9 * (cold - 2);
}

/* The buffer first, then each target with its neighbours, in an entry of level 4 of its own. */
static uint64_t *choose_addresses(const struct lab *lab, struct err *err)
{
    uint64_t *address = lab_addresses(PAGES, PAGE_BYTES, err);
    uint64_t random = lab->seed;

    for (size_t k = 0; address != NULL && k < TARGETS; k++) {
        uint64_t *at = address + BUFFER_PAGES + k * (1 + NEIGHBOURS);
        uint64_t within = random_next(&random) % LAYOUT_CONTROL_REGION & ~(PAGE_BYTES - 1);
        at[0] = EXP_PAGES + (k + 1) * LAYOUT_CONTROL_REGION + within;
        for (unsigned cold = 1; cold <= NEIGHBOURS; cold++) {
            at[cold] = at[0] ^ cold_walk_mask(cold);
        }
    }
    return address;
}

/*
 * Frames of the buffer at random.  Those of a target and its neighbours close together, for in a virtual machine the
 * outer tables' entries are read too, and a neighbour is to bring them back; but none beside the
 * other, so that no entry of the TLB takes a target with its neighbour.
 */
static bool place_frames(struct layout *layout, uint64_t seed)
{
    static const uint32_t within[1 + NEIGHBOURS] = {4, 2, 0, 3, 1};
    uint32_t *frames = calloc(BUFFER_PAGES, sizeof(*frames));

    if (frames == NULL) {
        return false;
    }
    layout_shuffle(frames, BUFFER_PAGES, &seed);
    for (size_t i = 0; i < BUFFER_PAGES; i++) {
        layout->maps[i].frame = frames[i];
    }
    for (size_t i = BUFFER_PAGES; i < PAGES; i++) {
        size_t at = (i - BUFFER_PAGES) % (1 + NEIGHBOURS);
        layout->maps[i].frame = (uint32_t)(i - at) + within[at];
    }
    free(frames);
    return true;
}

static size_t target_word(size_t target)
{
    return BUFFER_PAGES + target * (1 + NEIGHBOURS);
}

/* A chain over all targets but one, and their neighbours. */
static uint64_t
link_others(struct field *field, size_t target, unsigned targets, uint64_t *count)
{
    uint32_t words[TARGETS * (1 + NEIGHBOURS)];
    size_t used = 0;

    for (size_t k = 0; k < targets; k++) {
        for (size_t i = 0; k != target && i <= NEIGHBOURS; i++) {
            words[used++] = (uint32_t)(target_word(k) + i);
        }
    }
    *count = used;
    return field_link(field, LAYOUT_TEST, words, used);
}

static uint64_t neighbour_of(const struct layout *layout, size_t target, unsigned cold)
{
    if (cold == 0) {
        return layout_word_address(layout, LAYOUT_TEST, target_word(target)) ^ FAR_LINE;
    }
    return cold > NEIGHBOURS
               ? 0
               : layout_word_address(layout, LAYOUT_TEST, target_word(target) + cold);
}

static bool take_window(
    struct cold_walk *walk,
    struct field *field,
    const struct exp_args *plan,
    enum side side,
    unsigned cold,
    bool keep,
    struct err *err)
{
    struct exp_args args = *plan;
    uint64_t ticks;
    uint64_t unexpected;

    if (!field_run(field, side, EXP_ROUTINE_cold, &args, &ticks, 1, &unexpected, err)) {
        return false;
    }
    if (keep) {
        walk->sample[side][cold][walk->count[side][cold]++] = sample_cycles(&args, ticks);
    }
    return true;
}

/* Every kind of window in turn, and each round beginning with another: a last-level cache learns which
 * lines come back, and must favour none of them. */
static bool
take_target(struct cold_walk *walk, struct field *field, size_t target, struct err *err)
{
    uint64_t others;
    uint64_t start = link_others(field, target, walk->targets, &others);
    const unsigned kinds = COLD_WALK_LEVELS + 1;

    for (unsigned i = 0; i < ROUNDS * kinds; i++) {
        unsigned round = i / kinds;
        unsigned cold = (i + round) % kinds;
        struct exp_args args = {
            .start =
                {start, neighbour_of(field->layout, target, cold),
                 layout_word_address(field->layout, LAYOUT_TEST, target_word(target))},
            .warm = (others + EXP_UNROLL - 1) / EXP_UNROLL * EXP_UNROLL,
            .windows = 1,
            .parameter = {EXP_PAGES, BUFFER_PAGES * PAGE_BYTES}};
        for (enum side side = 0; side < SIDE_COUNT; side++) {
            if (field->has[side] &&
                !take_window(walk, field, &args, side, cold, round > 0, err)) {
                return false;
            }
        }
    }
    return true;
}

static void summarise(struct cold_walk *walk, enum side side)
{
    for (unsigned cold = 0; cold <= COLD_WALK_LEVELS; cold++) {
        windows_sort(walk->sample[side][cold], walk->count[side][cold]);
        walk->cycles[side][cold] =
            windows_midmean_interval(walk->sample[side][cold], walk->count[side][cold]);
    }
}

static void report_side(
    const struct cold_walk *walk,
    enum side side,
    struct result_figure *figures[COLD_WALK_LEVELS + 1],
    struct result_series *series,
    struct result *result)
{
    const struct estimate *control = &walk->cycles[side][0];
    bool driven_out = control->low > CONTROL_MIN;

    result_add_control(
        result, driven_out, "%s, cold: the same load with its translation at hand: %.0f cycles",
        side_name(side), control->value);
    for (unsigned cold = 1; cold <= COLD_WALK_LEVELS; cold++) {
        const struct estimate *whole = &walk->cycles[side][cold];
        struct estimate cost = windows_subtract(whole, control);
        if (!driven_out) {
            figure_refuse(
                figures[cold], side, "the lines could not be driven out of the cache");
        } else if (cost.low <= 0) {
            figure_refuse(
                figures[cold], side,
                "not told from the load alone: %.0f (%.0f to %.0f) cycles, and %.0f (%.0f to "
                "%.0f) without the walk",
                whole->value, whole->low, whole->high, control->value, control->low,
                control->high);
        } else {
            figure_decide(figures[cold], side, cost);
        }
        if (series != NULL && figures[cold]->side[side].verdict.decided) {
            series_set(series, side, cold - 1, cost.value);
        }
    }
}

static void report(const struct cold_walk *walk, const struct lab *lab, struct result *result)
{
    static const char *const names[COLD_WALK_LEVELS + 1] = {
        "",
        "walk, the last line warm",
        "cold walk of level 1",
        "cold walk of levels 1 and 2",
        "cold walk of levels 1 to 3",
        "cold walk, nothing warm below level 4"};
    struct result_figure *figures[COLD_WALK_LEVELS + 1];
    struct result_series *series =
        result_add_series(result, SERIES_LADDER, SIDE_COUNT, COLD_WALK_LEVELS, "cold walks");

    for (unsigned cold = 1; cold <= COLD_WALK_LEVELS; cold++) {
        figures[cold] = result_add_figure(result, "cycles", "%s", names[cold]);
        if (series != NULL) {
            series->x[cold - 1] = cold - 1;
        }
    }
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        if (!lab->wanted[side]) {
            continue;
        }
        if (lab->found.emulated) {
            for (unsigned cold = 1; cold <= COLD_WALK_LEVELS; cold++) {
                figure_refuse(figures[cold], side, "emulated clock: no caches to be cold");
            }
            continue;
        }
        report_side(walk, side, figures, series, result);
    }
    if (series != NULL) {
        series_name_axes(series, "levels of tables that are cold", "core cycles");
        series_name_sides(series);
    }
    figure_read(figures[1], "of one load, above the same load with its translation at hand");
    figure_read(
        figures[COLD_WALK_LEVELS],
        "lines driven out by reading 48 MiB: to the last-level cache or to memory");
}

static bool run(struct cold_walk *walk, struct lab *lab, struct err *err)
{
    uint64_t *address = choose_addresses(lab, err);
    struct layout layout;
    struct field field;
    bool ok =
        address != NULL && layout_make_own(&layout, address, PAGES, false, lab->seed, err);

    free(address);
    if (!ok) {
        return false;
    }
    if (!place_frames(&layout, lab->seed)) {
        layout_destroy(&layout);
        return err_set(err, ERR_ENVIRONMENT, "no memory for cold walks");
    }
    ok = lab_make_field(lab, &field, &layout, err);
    for (size_t target = 0; ok && target < walk->targets; target++) {
        ok = take_target(walk, &field, target, err);
    }
    for (enum side side = 0; ok && side < SIDE_COUNT; side++) {
        if (field.has[side]) {
            summarise(walk, side);
        }
    }
    lab_end_field(lab, &field);
    layout_destroy(&layout);
    return ok;
}

bool cold_walk_measure(struct lab *lab, struct result *result, struct err *err)
{
    struct cold_walk *walk = calloc(1, sizeof(*walk));

    if (walk == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for cold walks");
    }
    walk->targets = lab->quick ? QUICK : TARGETS;
    bool ok = lab->found.emulated || run(walk, lab, err);
    if (ok) {
        report(walk, lab, result);
    }
    free(walk);
    return ok;
}
