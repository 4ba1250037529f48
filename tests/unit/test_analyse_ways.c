/*
 * Ways, index bits and capacities of made-up translation buffers, from conflict sets and toggled bits
 * through noise; the truth is the geometry that tlb_model.c was given.  Read ways.h for the method.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/analyse/ways.h"
#include "tlb_model.h"

#define NUMBERS 40 /* conflicting pages tried; more than twice the greatest ways */
#define BITS    18
#define BASE    20 /* log2 of a stride above every index bit made here */

struct bench {
    struct tlb_model model;
    struct knee_point point[WAYS_STRIDES_MAX][NUMBERS];
};

/* Cost a page of `number` pages at a stride, with the bits of mask flipped on every other one. */
static double
measure_conflict(struct bench *bench, size_t number, unsigned stride_log2, uint64_t mask)
{
    uint64_t pages[NUMBERS];

    for (size_t i = 0; i < number; i++) {
        pages[i] = ((uint64_t)i << stride_log2) ^ (i % 2 == 1 ? mask : 0);
    }
    double cost = tlb_run_chain(&bench->model, pages, number);
    double once = tlb_add_noise(&bench->model, cost);
    double again = tlb_add_noise(&bench->model, cost);

    return once < again ? once : again;
}

static void measure_curve(
    struct bench *bench,
    size_t slot,
    unsigned stride_log2,
    uint64_t mask,
    struct ways_curve *curve)
{
    for (size_t n = 1; n <= NUMBERS; n++) {
        bench->point[slot][n - 1] = (struct knee_point){
            .size = n,
            .cost = measure_conflict(bench, n, stride_log2, mask),
        };
    }
    *curve = (struct ways_curve){
        .stride_log2 = stride_log2, .points = bench->point[slot], .count = NUMBERS};
}

static void find_ways(struct bench *bench, struct ways_report *report)
{
    struct ways_curve curve[BASE + 2];
    size_t count = 0;

    for (unsigned stride = 0; stride <= BASE; stride += stride < 4 ? 1 : 2) {
        measure_curve(bench, count, stride, 0, &curve[count]);
        count++;
    }
    ways_find(curve, count, report);
}

static void find_index(struct bench *bench, size_t ways, struct ways_index *index)
{
    struct ways_toggle toggle[BITS + BITS * BITS];
    size_t count = 0;
    size_t number = ways + (ways + 1) / 2;
    double fit = measure_conflict(bench, ways, BASE, 0);
    double plain = measure_conflict(bench, number, BASE, 0);

    for (unsigned a = 0; a < BITS; a++) {
        for (unsigned b = 0; b <= a; b++) {
            uint64_t mask = UINT64_C(1) << a | UINT64_C(1) << b;

            toggle[count++] = (struct ways_toggle){
                .mask = mask,
                .fits_ratio = ways_ratio_of_costs(
                    fit, plain, measure_conflict(bench, number, BASE, mask)),
            };
        }
    }
    ways_find_index(toggle, count, index);
}

struct tally {
    size_t cases, right, undecided;
};

static void check_groups(const struct tlb_shape *shape, const struct ways_index *index)
{
    assert_int_equal(index->groups, shape->index_bits);
    for (unsigned bit = 0; bit < shape->index_bits; bit++) {
        size_t found = 0;

        for (size_t g = 0; g < index->groups; g++) {
            found += index->group[g] == shape->index[bit];
        }
        assert_int_equal(found, 1);
    }
}

static void
check_geometry(struct bench *bench, const struct tlb_shape *shape, struct tally *tally)
{
    struct ways_report ways;
    struct ways_index index;
    struct ways_capacity capacity;
    double entries = (double)tlb_count_entries(shape);
    struct estimate band = {entries, 0.97 * entries, 1.2 * entries};

    tally->cases++;
    find_ways(bench, &ways);
    find_index(bench, (size_t)ways.ways.value, &index);
    ways_derive_capacity(&ways, &index, &band, &capacity);
    if (!capacity.verdict.decided) {
        print_message(
            "undecided: %u ways, %u bits: %s / %s / %s\n", shape->ways, shape->index_bits,
            ways.verdict.reason, index.verdict.reason, capacity.verdict.reason);
        tally->undecided++;
        return;
    }
    assert_false(ways.fully_associative);
    assert_true(ways.ways.value == shape->ways && ways.ways.low == ways.ways.high);
    check_groups(shape, &index);
    assert_true(capacity.entries.value == entries);
    assert_int_equal(capacity.sets, 1u << shape->index_bits);
    tally->right++;
}

static void test_ways_finds_geometry_through_noise(void **state)
{
    static const struct {
        unsigned ways, index_bits, fold;
    } shape[] = {
        {4, 4, 0},  {6, 4, 0},  {4, 4, 4}, {8, 3, 0},  {12, 7, 0}, {12, 7, 7},
        {16, 7, 0}, {16, 7, 8}, {2, 5, 0}, {12, 8, 0}, {8, 7, 7},  {3, 4, 0},
    };
    struct tally tally = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(shape) / sizeof(shape[0]); i++) {
        for (int replacement = TLB_LRU; replacement <= (int)TLB_RANDOM; replacement++) {
            for (unsigned grade = 0; grade < 4; grade++) {
                struct tlb_shape none = {.ways = 0};
                struct tlb_shape made = tlb_make_shape(
                    shape[i].ways, shape[i].index_bits, shape[i].fold,
                    (enum tlb_replacement)replacement);
                struct bench bench = {0};

                assert_true(tlb_create(&bench.model, &made, &none, 77 + tally.cases));
                bench.model.noise = tlb_make_noise(grade);
                check_geometry(&bench, &made, &tally);
                tlb_destroy(&bench.model);
            }
        }
    }
    print_message(
        "%zu cases, %zu right, %zu undecided\n", tally.cases, tally.right, tally.undecided);
    assert_true(tally.right * 100 >= tally.cases * 98);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ways_finds_geometry_through_noise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
