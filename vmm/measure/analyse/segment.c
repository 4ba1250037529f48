/*
 * Segmentation by dynamic programming: best[k][n] is the least weighted sum of squares of the
 * first n values in k + 1 pieces.  The weighted sums of any stretch come from prefix sums in
 * constant time.  Read segment.h for the criterion.
 */
#include "measure/analyse/segment.h"

#include <assert.h>
#include <math.h>

#include "measure/analyse/windows.h"

#define NOISE_OF_MEDIAN 1.4826 /* standard deviation / median absolute deviation, normal */

struct sums {
    double weight, linear, square;
};

struct table {
    struct sums prefix[SEGMENT_POINTS_MAX + 1];
    double best[SEGMENT_COUNT_MAX][SEGMENT_POINTS_MAX + 1];
    unsigned short begin[SEGMENT_COUNT_MAX][SEGMENT_POINTS_MAX + 1]; /* of the last piece */
};

double segment_noise(const double *values, size_t count)
{
    double second[SEGMENT_POINTS_MAX];

    assert(count <= SEGMENT_POINTS_MAX);
    if (count < 5) {
        return 0;
    }
    for (size_t i = 0; i + 2 < count; i++) {
        second[i] = fabs(values[i] - 2 * values[i + 1] + values[i + 2]);
    }
    windows_sort(second, count - 2);
    return NOISE_OF_MEDIAN * windows_quantile(second, count - 2, 0.5) / sqrt(6);
}

/* Sum of squared deviations of values [begin, end) from their weighted mean. */
static double deviation(const struct table *table, size_t begin, size_t end)
{
    double weight = table->prefix[end].weight - table->prefix[begin].weight;
    double linear = table->prefix[end].linear - table->prefix[begin].linear;
    double square = table->prefix[end].square - table->prefix[begin].square;
    double result = square - linear * linear / weight;

    return result > 0 ? result : 0;
}

/* Values are taken relative to the first one: the difference of great squares loses digits. */
static void
sum_prefixes(struct table *table, const double *values, const double *sigma, size_t count)
{
    table->prefix[0] = (struct sums){0, 0, 0};
    for (size_t i = 0; i < count; i++) {
        double weight = 1 / (sigma[i] * sigma[i]);
        double value = values[i] - values[0];
        const struct sums *last = &table->prefix[i];

        table->prefix[i + 1] = (struct sums){
            .weight = last->weight + weight,
            .linear = last->linear + weight * value,
            .square = last->square + weight * value * value,
        };
    }
}

static void fill_row(struct table *table, size_t k, size_t count)
{
    for (size_t n = k + 1; n <= count; n++) {
        table->best[k][n] = INFINITY;
        for (size_t begin = k; begin < n; begin++) {
            double sum = table->best[k - 1][begin] + deviation(table, begin, n);

            if (sum < table->best[k][n]) {
                table->best[k][n] = sum;
                table->begin[k][n] = (unsigned short)begin;
            }
        }
    }
}

static struct segment describe_piece(const double *values, size_t begin, size_t end)
{
    struct segment piece = {.first = begin, .last = end - 1};
    double squares = 0;

    for (size_t i = begin; i < end; i++) {
        piece.level += values[i] / (double)(end - begin);
    }
    for (size_t i = begin; i < end; i++) {
        squares += (values[i] - piece.level) * (values[i] - piece.level);
    }
    piece.spread = sqrt(squares / (double)(end - begin));
    return piece;
}

static size_t choose_pieces(const struct table *table, size_t count, size_t pieces_max)
{
    size_t chosen = 0;
    double least = INFINITY;

    for (size_t k = 0; k < pieces_max; k++) {
        double criterion = table->best[k][count] + 3 * (double)(k + 1) * log((double)count);

        if (criterion < least) {
            least = criterion;
            chosen = k;
        }
    }
    return chosen + 1;
}

void segment_fit_pieces(
    const double *values,
    const double *sigma,
    size_t count,
    size_t pieces_max,
    struct segment_fit *fit)
{
    struct table table;
    size_t end = count;

    assert(count >= 1 && count <= SEGMENT_POINTS_MAX);
    assert(pieces_max >= 1 && pieces_max <= SEGMENT_COUNT_MAX);
    if (pieces_max > count) {
        pieces_max = count;
    }
    sum_prefixes(&table, values, sigma, count);
    for (size_t n = 0; n <= count; n++) {
        table.best[0][n] = n > 0 ? deviation(&table, 0, n) : 0;
        table.begin[0][n] = 0;
    }
    for (size_t k = 1; k < pieces_max; k++) {
        fill_row(&table, k, count);
    }
    fit->count = choose_pieces(&table, count, pieces_max);
    for (size_t k = fit->count; k-- > 0;) {
        size_t begin = table.begin[k][end];

        fit->segment[k] = describe_piece(values, begin, end);
        end = begin;
    }
}
