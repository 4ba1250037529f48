/*
 * A fan (fan.h) in place on the wanted sides, and the cost of its sizes.  The walk ladder and the
 * paging-structure caches both measure with it; neither conclusion is made here.
 */
#ifndef MEASURE_FAN_FIELD_H
#define MEASURE_FAN_FIELD_H

#include "measure/fan.h"
#include "measure/lab.h"

struct fan_field {
    struct fan fan;
    uint32_t *words, *scratch; /* own */
    uint64_t seed;
    struct layout layout;
    struct field field;
};

/* Pages that always walk: half as many again as the second level of the TLB holds, as far as `tlb`
 * has found that, or CPUID says it; 2048 to 6144. */
size_t fan_field_pages(const struct lab *lab);

/* Whether that is enough on a side: false, and the figure refused, where its second level holds so many
 * entries that some of the loads find theirs there.  True where nothing is known of it. */
bool fan_field_check(const struct lab *lab, enum side side, struct result_figure *figure);

/* What can be said of these pages, for a note: "more than the TLB holds", or that this is not known. */
const char *fan_field_describe(const struct lab *lab);

/* seed: of what fan_place() leaves to chance.  ERR_ENVIRONMENT as lab_make_field; nothing is left
 * behind then. */
MUST_CHECK bool fan_field_begin(
    struct fan_field *fan_field,
    struct lab *lab,
    const struct fan *fan,
    uint64_t seed,
    struct err *err);
void fan_field_end(struct fan_field *fan_field, struct lab *lab);

/* The cost of a load with k tables in use; with_control: of the same lines through few pages, too.
 * effort: NULL is the usual one.  ERR_ENVIRONMENT as lab_sample. */
MUST_CHECK bool fan_field_take(
    struct fan_field *fan_field,
    struct lab *lab,
    size_t k,
    bool with_control,
    const struct sample_effort *effort,
    struct sample_cost cost[SIDE_COUNT][LAYOUT_SETS],
    struct err *err);

#endif
