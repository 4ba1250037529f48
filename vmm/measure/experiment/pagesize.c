/*
 * pagesize: does a large page that was asked for act as one translation?  256 lines, 8 KiB apart,
 * in one page of 2 MiB: more small translations than any first level holds, even where it joins
 * four neighbours in one entry.  The routine is guest/exp/pagesize.c.
 */
#include <stdlib.h>

#include "measure/catalogue.h"

#define UNITS      256
#define SMALL_UNIT (2 * PAGE_BYTES)           /* UNITS of them fill a page of 2 MiB */
#define LARGE_UNIT (LARGE_BYTES + PAGE_BYTES) /* UNITS of them fit a page of 1 GiB */
#define WHOLE      1.10 /* test / control below this: one entry covers all units */
#define SPLIT      1.25 /* above this: it does not */

struct request {
    const char *name;
    unsigned level;
    enum layout_backing backing;
};

static const struct request requests[] = {
    {"4K", 1, LAYOUT_PLAIN},
    {"2M, memory as it comes", 2, LAYOUT_PLAIN},
    {"2M, transparent huge page", 2, LAYOUT_THP},
    {"2M, hugetlb", 2, LAYOUT_HUGETLB},
    {"1G, memory as it comes", 3, LAYOUT_PLAIN},
    {"1G, hugetlb", 3, LAYOUT_HUGETLB},
};

/* Cost of the units over that of the control; 0 where it could not be measured (*err says why). */
static double take_ratio(
    struct lab *lab,
    enum side side,
    const struct request *request,
    uint64_t unit_bytes,
    struct err *err)
{
    struct layout layout;
    struct field field;
    struct sample_cost cost[SIDE_COUNT][LAYOUT_SETS] = {0};
    struct sample_chase chase = {
        .routine = EXP_ROUTINE_pagesize, .count = UNITS, .sets = {true, true}};
    double ratio = 0;
    bool ok;

    if (request->level == 1) {
        uint64_t *address = lab_addresses(UNITS, unit_bytes, err);
        ok = address != NULL && layout_make_uniq(&layout, address, UNITS, lab->seed, err);
        free(address);
    } else {
        ok = layout_make_large(
            &layout, request->level, EXP_PAGES, UNITS, unit_bytes, request->backing, err);
    }
    if (!ok) {
        return 0;
    }
    if (lab_make_field_on(lab, side, &field, &layout, err)) {
        if (lab_sample(lab, &field, &chase, cost, err)) {
            ratio = cost[side][LAYOUT_TEST].summary.low.value /
                    cost[side][LAYOUT_CONTROL].summary.low.value;
        }
        lab_end_field(lab, &field);
    }
    layout_destroy(&layout);
    return ratio;
}

static void decide(struct result_figure *figure, enum side side, double kilobytes)
{
    figure_decide(figure, side, (struct estimate){kilobytes, kilobytes, kilobytes});
}

/* Whether the units act as one; false also for "neither", which is then refused. */
static bool settle(
    struct result_figure *figure,
    enum side side,
    double ratio,
    double if_whole,
    double if_split)
{
    if (ratio < WHOLE) {
        decide(figure, side, if_whole);
        return true;
    }
    if (ratio < SPLIT) {
        figure_refuse(
            figure, side, "%.2f times the control: neither one entry nor many", ratio);
        return true;
    }
    if (if_split > 0) {
        decide(figure, side, if_split);
    }
    return false;
}

static void measure_request(
    struct lab *lab,
    enum side side,
    const struct request *request,
    struct result_figure *figure,
    struct result *result)
{
    struct err err = {0};
    double ratio =
        take_ratio(lab, side, request, request->level == 3 ? LARGE_UNIT : SMALL_UNIT, &err);

    if (ratio == 0) {
        figure_refuse(figure, side, "%s", err.text);
        return;
    }
    if (request->level == 1) {
        result_add_control(
            result, ratio >= SPLIT,
            "%s, %d pages of 4K cost %.2f times as many lines in few pages: the method tells "
            "them apart",
            side_name(side), UNITS, ratio);
        decide(figure, side, 4);
        return;
    }
    if (request->level == 2) {
        (void)settle(figure, side, ratio, 2048, 4);
    } else if (!settle(figure, side, ratio, 1048576, 0)) {
        ratio = take_ratio(lab, side, request, SMALL_UNIT, &err);
        (void)settle(figure, side, ratio, 2048, 4);
    }
}

/* The best that a size was found to be, over backings and sides. */
static void
remember(struct lab *lab, const struct request *request, const struct result_figure *figure)
{
    if (request->level == 1) {
        return;
    }
    unsigned *best = &lab->found.effective_bytes[request->level - 2];
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        if (figure->side[side].measured && figure->side[side].verdict.decided &&
            figure->side[side].value.value > *best) {
            *best = (unsigned)figure->side[side].value.value;
        }
        if (request->level == 2) {
            lab->found.large[side][request->backing] = figure->side[side].measured &&
                                                       figure->side[side].verdict.decided &&
                                                       figure->side[side].value.value >= 2048;
        }
    }
}

static void read_figure(const struct request *request, struct result_figure *figure)
{
    static const double wanted[4] = {0, 4, 2048, 1048576};
    const struct figure_side *guest = &figure->side[SIDE_GUEST];
    const struct figure_side *side = guest->measured ? guest : &figure->side[SIDE_NATIVE];

    if (!side->verdict.decided) {
        return;
    }
    if (side->value.value >= wanted[request->level]) {
        figure_read(figure, "as requested");
    } else {
        figure_read(figure, "splintered: the other dimension has smaller pages");
    }
}

bool experiment_pagesize(struct lab *lab, struct result *result, struct err *err)
{
    const size_t count = sizeof(requests) / sizeof(requests[0]);

    (void)err;
    for (size_t i = 0; i < count; i++) {
        struct result_figure *figure = result_add_figure(result, "KiB", "%s", requests[i].name);
        for (enum side side = 0; side < SIDE_COUNT; side++) {
            if (lab->wanted[side]) {
                measure_request(lab, side, &requests[i], figure, result);
            }
        }
        read_figure(&requests[i], figure);
        remember(lab, &requests[i], figure);
        lab_progress(lab, (double)(i + 1) / (double)count);
    }
    result_note(
        result, "huge pages for a try: sudo sysctl vm.nr_hugepages=64; echo madvise | sudo tee "
                "/sys/kernel/mm/transparent_hugepage/enabled");
    return true;
}
