/*
 * Question: does a program that only computes run as fast in the laboratory as under Linux?
 * Method: `compute SLICES` times SLICES equal slices of some milliseconds, each a matrix product in
 * double precision and an integer mix over the same 96 KiB, and prints what they took.  Short
 * slices, because their median and minimum survive a busy machine.
 */
#include "mem.h"
#include "print.h"
#include "series.h"
#include "start.h"
#include "sys.h"
#include "touch_pages.h"

#define SIDE   64
#define ROUNDS 8

struct work {
    double a[SIDE][SIDE];
    double b[SIDE][SIDE];
    double c[SIDE][SIDE];
};

static void fill(struct work *work)
{
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            work->a[i][j] = 1.0 / (i + j + 1);
            work->b[i][j] = (double)((i * j) % 7) / 7;
        }
    }
}

static void multiply(struct work *work)
{
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            double sum = 0;

            for (int k = 0; k < SIDE; k++) {
                sum += work->a[i][k] * work->b[k][j];
            }
            work->c[i][j] = sum;
        }
    }
}

/* xorshift64*, stirred with the product. */
static uint64_t mix(const struct work *work, uint64_t state)
{
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            state = state * UINT64_C(0x2545f4914f6cdd1d) + (uint64_t)(work->c[i][j] * 1e6);
        }
    }
    return state;
}

static uint64_t run_slice(struct work *work, uint64_t state)
{
    for (int i = 0; i < ROUNDS; i++) {
        multiply(work);
        state = mix(work, state);
        work->a[i][i] += 1e-9;
    }
    return state;
}

int main(int argc, char **argv, char **envp)
{
    uint64_t slices;
    uint64_t state = 1;

    (void)envp;
    if (argc != 2 || mem_parse_number(argv[1], &slices) != 0 || slices == 0 ||
        slices > UINT32_MAX) {
        print_to(2, "usage: compute SLICES\n");
        return 2;
    }
    struct work *work = series_alloc(sizeof(*work));
    uint32_t *ticks = series_alloc(slices * sizeof(ticks[0]));
    fill(work);
    struct series_span span = series_now();
    for (uint64_t i = 0; i < slices; i++) {
        uint64_t before = touch_pages_clock();

        state = run_slice(work, state);
        ticks[i] = (uint32_t)(touch_pages_clock() - before);
    }
    series_span_end(&span);
    series_print("slices", ticks, slices, &span);
    print_to(1, "checksum=%lu\n", state);
    return 0;
}
