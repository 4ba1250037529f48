/*
 * waypred: which virtual address bits the first-level data cache's way prediction hashes, by two
 * names of one line that differ in one bit, then in two.  The routine is guest/exp/waypred.c.  The
 * answer is the mask that other layouts keep constant among the names of a line.
 */
#include <stdio.h>
#include <stdlib.h>

#include "measure/catalogue.h"

#define FIRST_BIT 12
#define LAST_BIT  38
#define MASKS_MAX 160
#define DISTURBED 1.5
#define QUIET     1.15

struct ratio {
    double test[SIDE_COUNT], control[SIDE_COUNT];
};

static bool take_masks(
    struct lab *lab, const uint64_t *masks, size_t count, struct ratio *out, struct err *err)
{
    struct layout layout;
    struct field field;

    if (!layout_make_names(&layout, EXP_PAGES, masks, count, err)) {
        return false;
    }
    bool ok = lab_make_field(lab, &field, &layout, err);
    for (size_t m = 0; ok && m < count; m++) {
        uint32_t words[2] = {(uint32_t)(2 * m), (uint32_t)(2 * m + 1)};
        struct sample_chase chase = {
            .routine = EXP_ROUTINE_waypred, .words = words, .count = 2, .sets = {true, true}};
        struct sample_cost cost[SIDE_COUNT][LAYOUT_SETS] = {0};
        ok = lab_sample(lab, &field, &chase, cost, err);
        for (enum side side = 0; ok && side < SIDE_COUNT; side++) {
            out[m].test[side] = cost[side][LAYOUT_TEST].summary.low.value;
            out[m].control[side] = cost[side][LAYOUT_CONTROL].summary.low.value;
        }
    }
    lab_end_field(lab, &field);
    layout_destroy(&layout);
    return ok;
}

enum answer {
    ANSWER_QUIET,
    ANSWER_DISTURBED,
    ANSWER_OPEN,
};

static enum answer judge(const struct ratio *ratio, enum side side)
{
    double value = ratio->test[side] / ratio->control[side];

    return value < QUIET ? ANSWER_QUIET : value > DISTURBED ? ANSWER_DISTURBED : ANSWER_OPEN;
}

/* Single bits: how many are hashed, and what a misprediction costs. */
static void report_bits(
    const struct ratio *ratios,
    enum side side,
    struct result *result,
    struct result_figure *figure,
    struct result_figure *price,
    uint64_t *hashed)
{
    unsigned open = 0;
    unsigned bits = 0;
    double worst = 0;

    *hashed = 0;
    for (unsigned bit = FIRST_BIT; bit <= LAST_BIT; bit++) {
        const struct ratio *ratio = &ratios[bit - FIRST_BIT];
        enum answer answer = judge(ratio, side);
        double over = ratio->test[side] - ratio->control[side];
        open += answer == ANSWER_OPEN;
        if (answer == ANSWER_DISTURBED) {
            *hashed |= UINT64_C(1) << bit;
            bits++;
            worst = over > worst ? over : worst;
        }
    }
    double least = ratios[0].control[side];
    double most = least;
    for (unsigned i = 0; i <= LAST_BIT - FIRST_BIT; i++) {
        least = ratios[i].control[side] < least ? ratios[i].control[side] : least;
        most = ratios[i].control[side] > most ? ratios[i].control[side] : most;
    }
    result_add_control(
        result, most < least * QUIET,
        "%s, the same names over two lines: %.2f to %.2f cycles, whatever the bit",
        side_name(side), least, most);
    if (most >= least * QUIET) {
        figure_refuse(
            figure, side, "the control is not flat: %.2f to %.2f cycles", least, most);
        figure_refuse(price, side, "the control is not flat: %.2f to %.2f cycles", least, most);
        *hashed = 0;
        return;
    }
    if (open > 0) {
        figure_refuse(figure, side, "%u bits cost neither a hit nor clearly more", open);
        figure_refuse(price, side, "%u bits cost neither a hit nor clearly more", open);
        return;
    }
    figure_decide(figure, side, (struct estimate){bits, bits, bits});
    figure_decide(price, side, (struct estimate){worst, worst * 0.95, worst * 1.05});
}

static void
report_series(const struct ratio *ratios, const struct lab *lab, struct result *result)
{
    struct result_series *series = result_add_series(
        result, SERIES_LADDER, (size_t)SIDE_COUNT * 2, LAST_BIT - FIRST_BIT + 1,
        "way prediction");

    if (series == NULL) {
        return;
    }
    series_name_axes(series, "address bit", "core cycles a load");
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        snprintf(
            series->curve[2 * (size_t)side], RESULT_NAME_BYTES, "%s one line", side_name(side));
        snprintf(series->curve[2 * side + 1], RESULT_NAME_BYTES, "%s control", side_name(side));
        for (size_t i = 0; lab->wanted[side] && i < series->points; i++) {
            series->x[i] = (double)(FIRST_BIT + i);
            series_set(series, 2 * (size_t)side, i, ratios[i].test[side]);
            series_set(series, 2 * side + 1, i, ratios[i].control[side]);
        }
    }
}

/* Pairs of hashed bits: those that cancel each other feed the same XOR. */
static bool
report_pairs(struct lab *lab, struct result *result, uint64_t hashed, struct err *err)
{
    uint64_t masks[MASKS_MAX];
    struct ratio ratios[MASKS_MAX] = {0};
    enum side side = lab->wanted[SIDE_NATIVE] ? SIDE_NATIVE : SIDE_GUEST;
    char text[RESULT_TEXT_BYTES];
    size_t count = 0;
    size_t used = 0;

    for (unsigned a = FIRST_BIT; a <= LAST_BIT; a++) {
        for (unsigned b = a + 1; b <= LAST_BIT && count < MASKS_MAX; b++) {
            uint64_t mask = UINT64_C(1) << a | UINT64_C(1) << b;
            if ((mask & hashed) == mask) {
                masks[count++] = mask;
            }
        }
    }
    if (count == 0 || !take_masks(lab, masks, count, ratios, err)) {
        return count == 0;
    }
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (judge(&ratios[i], side) == ANSWER_QUIET && used + 12 < sizeof(text)) {
            used += (size_t)snprintf(
                text + used, sizeof(text) - used, "%s%d^%d", used > 0 ? ", " : "",
                __builtin_ctzll(masks[i]), 63 - __builtin_clzll(masks[i]));
        }
    }
    result_note(
        result, "bits that cancel each other: %s", used > 0 ? text : "none (each is its own)");
    return true;
}

bool experiment_waypred(struct lab *lab, struct result *result, struct err *err)
{
    enum { BITS = LAST_BIT - FIRST_BIT + 1 };
    uint64_t masks[BITS];
    struct ratio ratios[BITS] = {0};
    uint64_t hashed[SIDE_COUNT] = {0};
    uint64_t all = 0;

    for (unsigned i = 0; i < BITS; i++) {
        masks[i] = UINT64_C(1) << (FIRST_BIT + i);
    }
    if (!take_masks(lab, masks, BITS, ratios, err)) {
        return false;
    }
    struct result_figure *bits = result_add_figure(result, "bits", "hashed address bits");
    struct result_figure *price = result_add_figure(result, "cycles", "a misprediction");
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        if (!lab->wanted[side]) {
            continue;
        }
        report_bits(ratios, side, result, bits, price, &hashed[side]);
        all |= hashed[side];
    }
    figure_read(
        bits, "bits %d to %d whose change makes a second name of a line costly: mask 0x%llx",
        FIRST_BIT, LAST_BIT, (unsigned long long)all);
    report_series(ratios, lab, result);
    lab->found.alias_mask = all;
    lab->found.alias_known = true;
    return all == 0 || report_pairs(lab, result, all, err);
}
