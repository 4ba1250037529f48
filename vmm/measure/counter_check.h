/*
 * Holds what was timed against what was counted: counts beside figures, controls that say agree or
 * disagree, curves, and the refusal of walks that were none.  Where nothing was counted it adds
 * nothing.  It refuses to count (counters.h) and to time.
 */
#ifndef MEASURE_COUNTER_CHECK_H
#define MEASURE_COUNTER_CHECK_H

#include "measure/counter_curve.h"
#include "measure/result.h"

/*
 * A capacity in pages: the counters' own beside the figure and, where the side of the figure is
 * decided, a control: hardly a load misses the level at three quarters of the pages (all of them, where
 * the figure is exact), most do at twice as many, and the two capacities meet.
 */
void counter_check_capacity(
    struct result *result,
    struct result_figure *figure,
    enum side side,
    const struct counter_curve *curve,
    unsigned level);

/*
 * A number of ways: count[n - 1] misses (walks) a conflicting page with n of them, `last` numbers.
 * Control as above.
 */
void counter_check_ways(
    struct result *result,
    struct result_figure *figure,
    enum side side,
    const double *count,
    size_t last);

/*
 * The cost of a walk: the counted cycles a walk beside the figure and, natively, a control: they are
 * within a quarter, or COUNTER_COST_SLACK cycles, of the timed ones.  A walker is busy for less than a
 * load waits, and some processors leave the hypervisor's tables out: so the guest's are only shown.
 */
#define COUNTER_COST_SLACK 6.0
void counter_check_cost(
    struct result *result,
    struct result_figure *figure,
    enum side side,
    const struct estimate *cycles);

/*
 * A figure for which every load has to walk.  count: events a load.  A control; a side of the figure
 * where they do not walk is refused; the cycles a walk are put beside it (is_cost), and compared.
 * No count at all, not even of the first touch, is a dead counter: nothing is concluded from it.
 * False: it was refused.
 */
bool counter_check_walks(
    struct result *result,
    struct result_figure *figure,
    enum side side,
    const double count[COUNTER_KINDS],
    bool is_cost);

/* Of several chains, the counts of the one with the fewest walks a load; first: take it as it is. */
void counter_check_keep(
    double kept[COUNTER_KINDS], const double count[COUNTER_KINDS], bool first);

/* A series beside that of the timing: misses and walks a load of each side.  Nothing if nothing was
 * counted.  curves: one a side. */
void counter_check_report(
    struct result *result,
    const struct counter_curve curves[SIDE_COUNT],
    const char *name,
    const char *x,
    const char *y);

#endif
