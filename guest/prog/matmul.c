/*
 * Question: what does a matrix multiply cost that has only a part of the memory it wants, and is
 * its product right?
 * Method: `matmul [SIZE [PERCENT]]` multiplies two matrices of SIZE by SIZE numbers (64 and 100 by
 * default); what the program has beside the three matrices is locked, and they get PERCENT of their
 * pages as frames.  With 100 nothing is ever evicted, under any policy; with less, the product is the
 * same.  Under fifo the faults are those of the textbook's fifo on the pages that the loops touch,
 * which the program works out: the figure fifo.
 *
 * Exit 0: the checksum is right, 1: not, 2: usage.
 *
 * expect: matmul 64 100 | options=--swap=4M --policy=fifo | exit=0 | total=24 | demand-zero=24
 *   | fifo=24 | stdout=matmul 64: checksum 520224768
 * expect: matmul 64 100 | options=--swap=4M --policy=clock | exit=0 | total=24 | demand-zero=24
 * expect: matmul 64 100 | options=--swap=4M --policy=lru | exit=0 | total=24 | demand-zero=24
 * expect: matmul 64 100 | options=--swap=4M --policy=random | exit=0 | total=24 | demand-zero=24
 * expect: matmul 64 100 | options=--swap=4M --policy=2q | exit=0 | total=24 | demand-zero=24
 * expect: matmul 64 100 | options=--swap=4M --policy=arc | exit=0 | total=24 | demand-zero=24
 * expect: matmul 64 50 | options=--swap=4M --policy=fifo | exit=0 | total=72 | demand-zero=24
 *   | swap-in=48 | fifo=72
 *   | stdout=matmul 64: checksum 520224768
 * expect: matmul 64 50 | options=--swap=4M --policy=clock | exit=0 | demand-zero=24
 *   | stdout=matmul 64: checksum 520224768
 * expect: matmul 64 50 | options=--swap=4M --policy=lru | exit=0 | demand-zero=24
 *   | stdout=matmul 64: checksum 520224768
 * expect: matmul 64 50 | options=--swap=4M --policy=random | exit=0 | demand-zero=24
 *   | stdout=matmul 64: checksum 520224768
 * expect: matmul 64 50 | options=--swap=4M --policy=2q | exit=0 | demand-zero=24
 *   | stdout=matmul 64: checksum 520224768
 * expect: matmul 64 50 | options=--swap=4M --policy=arc | exit=0 | demand-zero=24
 *   | stdout=matmul 64: checksum 520224768
 * expect: matmul 64 25 | options=--swap=4M --policy=fifo | exit=0 | total=752 | demand-zero=24
 *   | swap-in=728 | fifo=752
 *   | stdout=matmul 64: checksum 520224768
 * expect: matmul 64 25 | options=--swap=4M --policy=clock | exit=0 | demand-zero=24
 *   | stdout=matmul 64: checksum 520224768
 * expect: matmul 64 25 | options=--swap=4M --policy=lru | exit=0 | demand-zero=24
 *   | stdout=matmul 64: checksum 520224768
 * expect: matmul 64 25 | options=--swap=4M --policy=random | exit=0 | demand-zero=24
 *   | stdout=matmul 64: checksum 520224768
 * expect: matmul 64 25 | options=--swap=4M --policy=2q | exit=0 | demand-zero=24
 *   | stdout=matmul 64: checksum 520224768
 * expect: matmul 64 25 | options=--swap=4M --policy=arc | exit=0 | demand-zero=24
 *   | stdout=matmul 64: checksum 520224768
 * expect: matmul 48 30 | options=--swap=4M --policy=fifo | exit=0 | total=441 | demand-zero=15
 *   | swap-in=426 | fifo=441
 * expect: matmul 0 | exit=2
 */
#include "area.h"
#include "check.h"
#include "mem.h"
#include "model.h"
#include "print.h"
#include "start.h"
#include "sys.h"

#define ORDER_MAX 1024

struct multiply {
    uint64_t size, percent;
    uint64_t matrix_pages; /* of one matrix */
    uintptr_t area;
    volatile uint64_t *a, *b, *c;
};

/* a[i][k] = i + k, b[k][j] = k ^ j, c = 0; in this order of pages. */
static void fill(const struct multiply *multiply)
{
    uint64_t n = multiply->size;

    for (uint64_t i = 0; i < n * n; i++) {
        multiply->a[i] = i / n + i % n;
    }
    for (uint64_t i = 0; i < n * n; i++) {
        multiply->b[i] = i / n ^ i % n;
    }
    for (uint64_t i = 0; i < n * n; i++) {
        multiply->c[i] = 0;
    }
}

/* Row by row of b, which is therefore swept once for each row of a. */
static void run(const struct multiply *multiply)
{
    uint64_t n = multiply->size;

    for (uint64_t i = 0; i < n; i++) {
        for (uint64_t k = 0; k < n; k++) {
            uint64_t factor = multiply->a[i * n + k];

            for (uint64_t j = 0; j < n; j++) {
                uint64_t product = factor * multiply->b[k * n + j];

                multiply->c[i * n + j] += product;
            }
        }
    }
}

static uint64_t sum(const struct multiply *multiply)
{
    uint64_t total = 0;

    for (uint64_t i = 0; i < multiply->size * multiply->size; i++) {
        total += multiply->c[i];
    }
    return total;
}

/* Without the matrices: the sum over all i and j of sum over k of (i + k)(k ^ j). */
static uint64_t predict_sum(uint64_t n)
{
    uint64_t total = 0;

    for (uint64_t k = 0; k < n; k++) {
        uint64_t of_a = n * (n - 1) / 2 + n * k;
        uint64_t of_b = 0;

        for (uint64_t j = 0; j < n; j++) {
            of_b += k ^ j;
        }
        total += of_a * of_b;
    }
    return total;
}

__attribute__((noinline)) static uint64_t
compute(const struct multiply *multiply, struct lab_counts *faults)
{
    struct lab_counts before;
    uint64_t total;

    lab_counts(&before);
    fill(multiply);
    run(multiply);
    total = sum(multiply);
    lab_counts(faults);
    lab_counts_subtract(faults, &before, faults);
    return total;
}

/* The page of an element, counted from the first one of a. */
static uint64_t page_of(const struct multiply *multiply, uint64_t matrix, uint64_t element)
{
    return matrix * multiply->matrix_pages + element * sizeof(uint64_t) / PAGE_BYTES;
}

/* fill, run and sum, as page numbers; without the sweep along a row, where nothing changes, if a
 * row lies in one page. */
static void predict_faults(const struct multiply *multiply, struct model *model)
{
    uint64_t n = multiply->size;
    uint64_t step = PAGE_BYTES / sizeof(uint64_t) % n == 0 ? n : 1;

    for (uint64_t page = 0; page < 3 * multiply->matrix_pages; page++) {
        model_refer(model, page);
    }
    for (uint64_t i = 0; i < n; i++) {
        for (uint64_t k = 0; k < n; k++) {
            model_refer(model, page_of(multiply, 0, i * n + k));
            for (uint64_t j = 0; j < n; j += step) {
                model_refer(model, page_of(multiply, 1, k * n + j));
                model_refer(model, page_of(multiply, 2, i * n + j));
            }
        }
    }
    for (uint64_t page = 0; page < multiply->matrix_pages; page++) {
        model_refer(model, 2 * multiply->matrix_pages + page);
    }
}

static void place(struct multiply *multiply, uintptr_t area, uint64_t size)
{
    uint64_t bytes = size * size * sizeof(uint64_t);

    multiply->size = size;
    multiply->matrix_pages = (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
    multiply->area = area;
    multiply->a = (volatile uint64_t *)area; // NOLINT: an address by number
    multiply->b = multiply->a + multiply->matrix_pages * (PAGE_BYTES / sizeof(uint64_t));
    multiply->c = multiply->b + multiply->matrix_pages * (PAGE_BYTES / sizeof(uint64_t));
}

int main(int argc, char **argv, char **envp)
{
    struct multiply multiply;
    uint64_t warm[3 * PAGE_BYTES / sizeof(uint64_t) + 1];
    struct lab_counts faults;
    uint64_t size = 64;
    uint64_t percent = 100;

    (void)envp;
    if (argc > 3 || (argc > 1 && mem_parse_number(argv[1], &size) != 0) ||
        (argc > 2 && mem_parse_number(argv[2], &percent) != 0) || size == 0 ||
        size > ORDER_MAX || percent == 0 || percent > 100) {
        print_to(2, "usage: matmul [SIZE [PERCENT]], SIZE to %d, PERCENT to 100\n", ORDER_MAX);
        return 2;
    }
    area_warm_up(&multiply);
    place(&multiply, (uintptr_t)warm, 1);
    compute(&multiply, &faults);
    uint64_t right = predict_sum(size);
    print_to(1, "matmul %lu: %lu %% of its memory\n", size, percent);

    CHECK_EQ(sys_mlockall(MCL_CURRENT), 0);
    place(&multiply, 0, size);
    uint64_t pages = 3 * multiply.matrix_pages;
    place(&multiply, area_map(pages), size);
    uint64_t frames = pages * percent / 100;
    if (lab_present()) {
        CHECK_EQ(sys_call(LAB_FRAMES, frames > 0 ? frames : 1, 0, 0, 0, 0, 0), 0);
    }
    uint64_t total = compute(&multiply, &faults);
    lab_report_total("", &faults);
    if (pages <= MODEL_PAGES_MAX) {
        struct model model = {.policy = MODEL_FIFO, .frames = frames > 0 ? frames : 1};

        predict_faults(&multiply, &model);
        lab_result("fifo", (int64_t)model.faults);
    }
    print_to(1, "matmul %lu: checksum %lu\n", size, total);
    CHECK_EQ(total, right);
    return 0;
}
