/*
 * From many short timing windows to one figure: low quantiles, because a disturbance only adds.
 * Knows nothing of clocks and units; holds no memory, the caller lends a scratch array.  Read
 * knee.h next: what is done with the figures of many sizes.
 */
#ifndef ANALYSE_WINDOWS_H
#define ANALYSE_WINDOWS_H

#include <stddef.h>
#include <stdint.h>

#include "measure/analyse/verdict.h"

/* A window is disturbed beyond this multiple of the minimum; a summary wants repeating when its
 * 5th percentile exceeds the minimum by this factor. */
#define WINDOWS_DISTURBED 1.2
#define WINDOWS_REPEAT    1.05

/* 95 % of the normal distribution lies within this many standard deviations. */
#define WINDOWS_Z95 1.96

struct windows_summary {
    size_t count;
    double min, p5, median, p90, p99, max;
    double disturbed_share; /* of windows above WINDOWS_DISTURBED x min, 0 to 1 */
    bool repeat;            /* p5 / min > WINDOWS_REPEAT: measure again, and say so */
    /* The figure to go on with: value p5, low min, high the upper end of p5's 95 % interval
     * (windows_quantile_interval). */
    struct estimate low;
};

enum windows_order {
    WINDOWS_SAME, /* the interval of the difference holds 0 */
    WINDOWS_LESS, /* the first of the pair costs less */
    WINDOWS_MORE,
};

struct windows_paired {
    enum windows_order order;
    struct estimate difference; /* median of first - second, with its 95 % interval */
    double ratio;               /* median of first / second; 0 where none is defined */
};

/* Sort ascending, in place; no recursion, no allocation. */
void windows_sort(double *values, size_t count);

/*
 * The q-quantile (0 <= q <= 1) of an ascending array by nearest rank: the ceil(q * count)-th
 * smallest (the first for 0), so always a value that was measured.  count >= 1.
 */
double windows_quantile(const double *sorted, size_t count, double q);

/*
 * The q-quantile with its distribution-free 95 % interval: the order statistics of ranks
 * n q -+ 1.96 sqrt(n q (1 - q)), clamped to the sample (binomial argument, normal approximation:
 * Conover, Practical Nonparametric Statistics, 3.2).  sorted: ascending, count >= 1.
 */
struct estimate windows_quantile_interval(const double *sorted, size_t count, double q);

/*
 * The same of single events, each the difference of two time stamps: wider by the step of the stamps on both
 * sides, for what lies between two steps is read as one or the other.  The step is the least difference
 * between two of the values; values that are all alike do not tell it.
 */
struct estimate windows_stepped_interval(const double *sorted, size_t count, double q);

/*
 * The mean of the middle half, with its 95 % interval: for single events that are stamped in steps of many
 * cycles (some time stamp counters tick 26 at a time), where a quantile can only be a multiple of the step.
 * Formula: mean without the lowest and highest quarter, -+ 1.96 s_w / (sqrt(n) / 2), s_w the standard
 * deviation with these quarters set to the values that bound them (Tukey and McLaughlin 1963).
 * sorted: ascending, count >= 1; fewer than 4: the whole range.
 */
struct estimate windows_midmean_interval(const double *sorted, size_t count);

/* a - b, where what disturbed them is independent: half widths add as squares. */
struct estimate windows_subtract(const struct estimate *a, const struct estimate *b);

/*
 * By how much one count exceeds another, over `events` > 0: (more - less) / events, with the 95 %
 * interval of two counts to which disturbances add at random (Poisson: the variance of a count is the count,
 * and that of the difference their sum, of which at least one is assumed).
 */
struct estimate windows_count_interval(uint64_t more, uint64_t less, double events);

/*
 * Summarise count >= 1 windows, in any order.  scratch: count doubles, lent; overwritten with
 * the sorted windows.
 */
struct windows_summary windows_summarise(const double *windows, size_t count, double *scratch);

/* The standard error of `low`, by the width of its interval. */
double windows_error(const struct windows_summary *summary);

/*
 * Compare two series of windows that were taken alternately: the median of the differences and
 * its order-statistic interval; drift that hits both of a pair cancels.  scratch: count doubles.
 * Fewer than 6 pairs are WINDOWS_SAME: no 95 % interval exists for the median.
 */
struct windows_paired
windows_compare_pairs(const double *first, const double *second, size_t count, double *scratch);

/*
 * One figure out of several repeats (say, the p5 of each permutation): the median of the
 * repeats, and the 95 % interval by percentile bootstrap (Efron) of 400 resamples from a fixed
 * seed; the whole range when there are fewer than 6.  scratch: 400 + count doubles.
 */
#define WINDOWS_RESAMPLES 400
struct estimate
windows_combine_repeats(const double *repeats, size_t count, uint64_t seed, double *scratch);

#endif
