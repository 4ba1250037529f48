/*
 * Toggles address bits of a conflict set one by one and in pairs; see index_bits.h.  The inference is
 * measure/analyse/ways.c.
 */
#include "measure/index_bits.h"

#include <math.h>
#include <stdio.h>

#include "measure/conflict.h"

#define MASK_REPEATS 3
#define TRIES        6
#define CLEAR        0.25 /* from 1 or 2, whichever it is */

/* Cost of `pages` conflicting pages with mask flipped on every other one: the least of some. */
static bool take_mask(
    struct lab *lab,
    unsigned stride,
    size_t pages,
    uint64_t mask,
    size_t wash,
    double *least,
    struct err *err)
{
    struct conflict conflict;
    bool ok = true;

    if (!conflict_create(&conflict, lab, SIDE_NATIVE, stride, pages, mask, wash, err)) {
        return false;
    }
    for (unsigned i = 0; ok && i < MASK_REPEATS; i++) {
        struct conflict_cost taken;
        ok = conflict_take(&conflict, lab, pages, false, &taken, err);
        *least = i == 0 ? taken.cost : fmin(*least, taken.cost);
    }
    conflict_destroy(&conflict, lab);
    return ok;
}

/* Neither the same set nor another one. */
static bool is_unclear(double ratio)
{
    return fabs(ratio - 1) > CLEAR && fabs(ratio - 2) > CLEAR;
}

/* A disturbance only adds: what gives no clear answer is tried again, and its least cost counts. */
static bool add_toggle(
    struct index_bits *bits,
    struct lab *lab,
    unsigned stride,
    uint64_t mask,
    size_t wash,
    struct err *err)
{
    struct ways_toggle toggle = {.mask = mask};
    unsigned tries = lab->found.emulated ? 1 : TRIES;
    double least = INFINITY;

    for (unsigned i = 0; i < tries; i++) {
        double cost;
        if (!take_mask(lab, stride, bits->pages, mask, wash, &cost, err)) {
            return false;
        }
        least = fmin(least, cost);
        toggle.fits_ratio = ways_ratio_of_costs(bits->fit, bits->plain, least);
        if (!is_unclear(toggle.fits_ratio)) {
            break;
        }
    }
    bits->list[bits->count++] = toggle;
    return true;
}

/* Pairs of the bits that are in the index by themselves. */
static bool take_pairs(
    struct index_bits *bits,
    struct lab *lab,
    unsigned stride,
    uint64_t singles,
    size_t wash,
    struct err *err)
{
    for (unsigned a = 0; a < stride; a++) {
        for (unsigned b = a + 1; b < stride; b++) {
            uint64_t pair = UINT64_C(1) << a | UINT64_C(1) << b;
            if ((singles & pair) == pair && !add_toggle(bits, lab, stride, pair, wash, err)) {
                return false;
            }
        }
        lab_progress(lab, 0.8 + 0.2 * a / stride);
    }
    return true;
}

bool index_bits_take(
    struct index_bits *bits,
    struct lab *lab,
    unsigned stride_log2,
    unsigned ways,
    size_t wash,
    struct err *err)
{
    uint64_t singles = 0;

    *bits = (struct index_bits){.pages = ways + (ways + 1) / 2, .bits = stride_log2};
    if (!take_mask(lab, stride_log2, ways, 0, wash, &bits->fit, err) ||
        !take_mask(lab, stride_log2, bits->pages, 0, wash, &bits->plain, err)) {
        return false;
    }
    for (unsigned bit = 0; bit < stride_log2; bit++) {
        if (!add_toggle(bits, lab, stride_log2, UINT64_C(1) << bit, wash, err)) {
            return false;
        }
        if (bits->list[bit].fits_ratio > 1.5) {
            singles |= UINT64_C(1) << bit;
        }
    }
    return take_pairs(bits, lab, stride_log2, singles, wash, err);
}

void index_bits_report(const struct index_bits *bits, struct result *result)
{
    struct result_series *series =
        result_add_series(result, SERIES_LADDER, 1, bits->bits, "index bits");

    if (series == NULL) {
        return;
    }
    series_name_axes(series, "bit of the page number", "times as many pages fit");
    snprintf(series->curve[0], RESULT_NAME_BYTES, "native");
    for (size_t i = 0; i < bits->bits; i++) {
        series->x[i] = (double)i;
        series_set(series, 0, i, bits->list[i].fits_ratio);
    }
}

void index_bits_name(const struct ways_index *index, char *text, size_t bytes)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t g = 0; g < index->groups && used + 16 < bytes; g++) {
        used += (size_t)snprintf(text + used, bytes - used, "%s", g > 0 ? ", " : "");
        for (unsigned bit = 0, first = 1; bit < 64 && used + 8 < bytes; bit++) {
            if ((index->group[g] >> bit & 1) != 0) {
                used += (size_t)snprintf(
                    text + used, bytes - used, "%s%u", first ? "" : "^", bit + 12);
                first = 0;
            }
        }
    }
}
