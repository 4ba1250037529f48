/* Builds and measures conflict sets; see conflict.h.  Read experiment/ways.c next. */
#include "measure/conflict.h"

#include <math.h>
#include <stdlib.h>

/* Strides below this would meet the wash set, and start far away from it. */
#define NEAR_STRIDE  5
#define FAR_BYTES    (UINT64_C(1) << 36)
#define WASH_REPEATS 4
#define LOW_PAGES    32 /* what index bits 0 to 4 make */

/*
 * Index bits 0 to 4 of the conflicting pages are all one, and none of the wash set has that.  Not
 * all zero: some second levels hold entries of the page directory too, and those of regions that
 * begin on round addresses would be in the same set.
 */
#define CONFLICT_LOW (LOW_PAGES - 1)

size_t conflict_wash(uint64_t first_level_entries)
{
    size_t entries = first_level_entries == 0 ? 128 : (size_t)first_level_entries;
    size_t wash = entries + entries / 2 + 16;

    return wash < CONFLICT_WASH_MAX ? wash : CONFLICT_WASH_MAX;
}

static uint64_t conflict_address(unsigned stride_log2, size_t i, uint64_t mask)
{
    uint64_t base = EXP_PAGES + (stride_log2 < NEAR_STRIDE ? FAR_BYTES : 0);
    uint64_t page = CONFLICT_LOW + ((uint64_t)i << stride_log2);

    return base + ((i % 2 == 1 ? page ^ mask : page) << PAGE_SHIFT);
}

static uint64_t wash_address(size_t i)
{
    size_t page = i / (LOW_PAGES - 1) * LOW_PAGES + i % (LOW_PAGES - 1);

    return EXP_PAGES + page * PAGE_BYTES;
}

static bool take_wash(struct conflict *conflict, struct lab *lab, struct err *err);

bool conflict_create(
    struct conflict *conflict,
    struct lab *lab,
    enum side side,
    unsigned stride_log2,
    size_t pages,
    uint64_t mask,
    size_t wash,
    struct err *err)
{
    uint64_t *address = calloc(pages + wash, sizeof(*address));

    *conflict = (struct conflict){.side = side, .pages = pages, .wash = wash};
    for (size_t i = 0; address != NULL && i < pages + wash; i++) {
        address[i] =
            i < pages ? conflict_address(stride_log2, i, mask) : wash_address(i - pages);
    }
    bool ok = (address != NULL ||
               err_set(err, ERR_ENVIRONMENT, "no memory for %zu addresses", pages + wash)) &&
              layout_make_uniq(&conflict->layout, address, pages + wash, lab->seed, err);
    free(address);
    if (!ok) {
        return false;
    }
    if (!lab_make_field_on(lab, side, &conflict->field, &conflict->layout, err)) {
        layout_destroy(&conflict->layout);
        return false;
    }
    if (wash > 0 && !take_wash(conflict, lab, err)) {
        conflict_destroy(conflict, lab);
        return false;
    }
    return true;
}

void conflict_destroy(struct conflict *conflict, struct lab *lab)
{
    lab_end_field(lab, &conflict->field);
    layout_destroy(&conflict->layout);
}

static struct sample_effort effort_of(const struct lab *lab)
{
    if (lab->found.emulated) {
        return lab_effort(lab);
    }
    return (struct sample_effort){.cycles = 5, .windows = lab->quick ? 4 : 8, .loads = 4096};
}

static bool take(
    struct conflict *conflict,
    struct lab *lab,
    size_t pages,
    bool with_control,
    struct sample_cost cost[SIDE_COUNT][LAYOUT_SETS],
    struct err *err)
{
    uint32_t words[CONFLICT_PAGES_MAX + CONFLICT_WASH_MAX];
    struct sample_effort effort = effort_of(lab);
    struct sample_chase chase = {
        .routine = EXP_ROUTINE_ways,
        .words = words,
        .count = pages + conflict->wash,
        .sets = {true, with_control},
        .effort = &effort};

    for (size_t i = 0; i < chase.count; i++) {
        words[i] = (uint32_t)(i < pages ? i : conflict->pages + (i - pages));
    }
    return lab_sample(lab, &conflict->field, &chase, cost, err);
}

/* All others are held against it: so the least of several. */
static bool take_wash(struct conflict *conflict, struct lab *lab, struct err *err)
{
    enum side side = conflict->side;

    for (unsigned i = 0; i < WASH_REPEATS; i++) {
        struct sample_cost cost[SIDE_COUNT][LAYOUT_SETS] = {0};
        if (!take(conflict, lab, 0, false, cost, err)) {
            return false;
        }
        double now = cost[side][LAYOUT_TEST].summary.min;
        if (i == 0 || now < conflict->wash_cost) {
            conflict->wash_cost = now;
        }
    }
    conflict->hit = lab->found.tlb[side][1].decided ? lab->found.tlb[side][1].hit_cycles +
                                                          lab->found.tlb[side][2].hit_cycles
                                                    : conflict->wash_cost;
    return true;
}

bool conflict_take(
    struct conflict *conflict,
    struct lab *lab,
    size_t pages,
    bool with_control,
    struct conflict_cost *out,
    struct err *err)
{
    struct sample_cost cost[SIDE_COUNT][LAYOUT_SETS] = {0};
    double n = (double)pages;
    double w = (double)conflict->wash;
    double divisor = conflict->wash > 0 && pages < CONFLICT_LEAST ? CONFLICT_LEAST : n;

    if (!take(conflict, lab, pages, with_control, cost, err)) {
        return false;
    }
    const struct sample_cost *taken = &cost[conflict->side][LAYOUT_TEST];
    const struct windows_summary *summary = &taken->summary;
    double excess = summary->min * (n + w) - conflict->wash_cost * w - conflict->hit * n;
    /* No page that the first level has lost costs less than a hit in the second: what seems to is the
     * error of the wash set's own cost. */
    excess = conflict->wash > 0 ? fmax(excess, 0) : excess;
    *out = (struct conflict_cost){
        .cost = conflict->hit + excess / divisor,
        .noise = windows_error(summary) * (n + w) / divisor,
        .control = cost[conflict->side][LAYOUT_CONTROL].summary.low.value,
        .misses = taken->counts[COUNTER_DATA_MISSES] * (n + w) / n,
        .walks = taken->counts[COUNTER_DATA_WALKS] * (n + w) / n};
    return true;
}
