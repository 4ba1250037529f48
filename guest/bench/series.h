/*
 * A series of cycle counts and what is said of it.  It refuses to know what was measured; the
 * lines it prints are those of bench/floor.c, so that bench/run reads both alike.  Read pages.c
 * for its use.
 */
#ifndef SERIES_H
#define SERIES_H

#include <stdint.h>

/* What a series of measured steps took as a whole, by two clocks. */
struct series_span {
    uint64_t ns;     /* CLOCK_MONOTONIC */
    uint64_t cycles; /* of the time-stamp counter */
};

/* Now, by both clocks.  Fails never: both hosts of these programs have the clock. */
struct series_span series_now(void);

/* end - begin, in place. */
void series_span_end(struct series_span *begin);

/* Memory for `bytes`, each page of it touched; ends the program with status 2 without. */
void *series_alloc(uint64_t bytes);

/*
 * Sort ticks in place, and print count, minimum, median, 99th percentile and mean as NAME=VALUE.
 * unit: the name of the count.  span: of the whole series; it tells the length of a cycle.
 * Without any ticks nothing is printed.
 */
void series_print(
    const char *unit, uint32_t *ticks, uint64_t count, const struct series_span *span);

#endif
