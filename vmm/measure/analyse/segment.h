/*
 * The change-point fit: a series of costs as 1 to k constant pieces, the number of pieces chosen
 * by a penalised sum of squares.  Knows nothing of pages or capacities: knee.h gives the pieces
 * their meaning.  Pure, bounded memory on the stack.
 */
#ifndef ANALYSE_SEGMENT_H
#define ANALYSE_SEGMENT_H

#include <stddef.h>

#define SEGMENT_POINTS_MAX 256
#define SEGMENT_COUNT_MAX  16

struct segment {
    size_t first, last; /* indices, inclusive */
    double level;       /* mean */
    double spread;      /* root mean square deviation from the level */
};

struct segment_fit {
    size_t count;
    struct segment segment[SEGMENT_COUNT_MAX];
};

/*
 * Robust noise of a series: 1.4826 x the median of |second differences| / sqrt(6), which steps
 * and slopes hardly touch (after Gasser, Sroka and Jennen-Steinmetz, Biometrika 1986).
 * values: count of them, at most SEGMENT_POINTS_MAX.  0 for fewer than 5 values.
 */
double segment_noise(const double *values, size_t count);

/*
 * Fit by dynamic programming (optimal for each number of pieces: Bellman 1961; Jackson et al.
 * 2005), then take the number of pieces that makes
 *     sum of ((value - level) / sigma_i)^2 + 3 x pieces x ln(count)
 * least: the modified BIC of Zhang and Siegmund (2007), rounded up.
 * values, sigma: count each, 1 <= count <= SEGMENT_POINTS_MAX; sigma_i > 0 is the noise of a value.
 * pieces_max: 1 to SEGMENT_COUNT_MAX.
 */
void segment_fit_pieces(
    const double *values,
    const double *sigma,
    size_t count,
    size_t pieces_max,
    struct segment_fit *fit);

#endif
