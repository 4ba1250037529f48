/*
 * Matching by name and the test for disjoint intervals.  Sets are tens of figures, so the search is
 * linear.  Read compare.h for what counts as a difference.
 */
#include "measure/analyse/compare.h"

#include <math.h>
#include <string.h>

#define ROUNDING 1e-9

static const struct figure *
find_figure(const struct figure *figures, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(figures[i].name, name) == 0) {
            return &figures[i];
        }
    }
    return NULL;
}

static bool is_cost(const char *unit)
{
    static const char *const units[] = {"cycles", "ticks", "ns", "times"};

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(unit, units[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void compare_values(struct compare_row *row)
{
    const struct estimate *a = &row->a->estimate;
    const struct estimate *b = &row->b->estimate;
    double rounding = ROUNDING * fmax(fabs(a->value), fabs(b->value));

    row->difference = b->value - a->value;
    row->ratio = a->value != 0 ? b->value / a->value : 0;
    if (b->low - a->high > rounding) {
        row->result = COMPARE_MORE;
        row->beyond = b->low - a->high;
    } else if (a->low - b->high > rounding) {
        row->result = COMPARE_LESS;
        row->beyond = a->low - b->high;
    }
    if (row->beyond > 0 && is_cost(row->a->unit) &&
        fabs(row->difference) <= COMPARE_DRIFT * fmin(fabs(a->value), fabs(b->value))) {
        row->result = COMPARE_NEAR;
    }
}

static struct compare_row compare_pair(const struct figure *a, const struct figure *b)
{
    struct compare_row row = {.a = a, .b = b, .result = COMPARE_SAME};

    if (strcmp(a->unit, b->unit) != 0) {
        row.result = COMPARE_UNITS;
    } else if (a->decided && b->decided) {
        compare_values(&row);
    } else if (a->decided) {
        row.result = COMPARE_OPEN_B;
    } else {
        row.result = b->decided ? COMPARE_OPEN_A : COMPARE_OPEN;
    }
    return row;
}

size_t compare_figures(
    const struct figure *a,
    size_t a_count,
    const struct figure *b,
    size_t b_count,
    struct compare_row *rows)
{
    size_t count = 0;

    for (size_t i = 0; i < a_count; i++) {
        const struct figure *match = find_figure(b, b_count, a[i].name);

        rows[count++] = match != NULL ? compare_pair(&a[i], match)
                                      : (struct compare_row){
                                            .a = &a[i],
                                            .result = COMPARE_ONLY_A,
                                        };
    }
    for (size_t i = 0; i < b_count; i++) {
        if (find_figure(a, a_count, b[i].name) == NULL) {
            rows[count++] = (struct compare_row){.b = &b[i], .result = COMPARE_ONLY_B};
        }
    }
    return count;
}
