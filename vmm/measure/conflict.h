/*
 * Conflict sets: pages that agree in the set index of a TLB, with or without a wash set that keeps
 * the first level from hiding the second.  It measures the cost of one conflicting page; what
 * follows from it, measure/analyse/ways.h says.
 */
#ifndef MEASURE_CONFLICT_H
#define MEASURE_CONFLICT_H

#include "measure/lab.h"

#define CONFLICT_PAGES_MAX 160
#define CONFLICT_WASH_MAX  512

/*
 * On one side alone: entries of the other side, under another address-space tag, stay in the very
 * sets that are filled here, and some replacement policies never choose them.
 */
struct conflict {
    enum side side;
    struct layout layout;
    struct field field;
    size_t pages;     /* conflicting ones: words 0 … pages - 1 */
    size_t wash;      /* words behind them */
    double wash_cost; /* cycles a load of the wash set alone */
    double hit;       /* what a page that fits costs: known, or that of the wash set */
};

/*
 * Map `pages` pages (at most CONFLICT_PAGES_MAX) at a stride of 2^stride_log2 pages, and a wash set
 * of `wash` pages (0: none) that differ from them in the lowest bits of the page number.  mask: bits of the page
 * number that are flipped on every other page.  ERR_ENVIRONMENT as lab_make_field.
 */
MUST_CHECK bool conflict_create(
    struct conflict *conflict,
    struct lab *lab,
    enum side side,
    unsigned stride_log2,
    size_t pages,
    uint64_t mask,
    size_t wash,
    struct err *err);
void conflict_destroy(struct conflict *conflict, struct lab *lab);

/*
 * What one conflicting page of the first `pages` costs, in cycles, with its noise; and what the
 * control costs (with_control; else 0).  Formula with a wash set of w pages: hit + (cost x (n + w) -
 * wash x w - hit x n) / max(n, CONFLICT_LEAST); the divisor keeps the noise of few pages among many
 * within bounds.
 */
#define CONFLICT_LEAST 8
struct conflict_cost {
    double cost, noise;
    double control;
    double
        misses;   /* of the first level a conflicting page, by the counters; NAN: not counted */
    double walks; /* likewise; both are all of the chain's, the wash set's few among them */
};
MUST_CHECK bool conflict_take(
    struct conflict *conflict,
    struct lab *lab,
    size_t pages,
    bool with_control,
    struct conflict_cost *out,
    struct err *err);

/* A wash set for a first level of so many entries: all of them, and a good share more. */
size_t conflict_wash(uint64_t first_level_entries);

#endif
