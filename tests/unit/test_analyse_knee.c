/*
 * Capacities of made-up translation buffers, found from noisy staircases: each must be right within its
 * own band, or undecided, and nearly all right.  The truth comes from tlb_model.c, which knows
 * nothing of the analysis.  Read test_analyse_shapes.c for series that are no capacities.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "measure/analyse/knee.h"
#include "tlb_model.h"

#define MEASUREMENTS_MAX 160

struct tally {
    size_t cases, right, exact, undecided, wrong;
};

/* --- an experiment on the model -------------------------------------------------------------- */

struct series {
    struct knee_point point[KNEE_POINTS_MAX];
    size_t count;
};

static void measure_size(struct tlb_model *model, uint64_t size, struct series *series)
{
    struct knee_point point = {.size = size, .cost = tlb_measure_pages(model, size, 1)};

    assert_true(knee_insert_point(series->point, &series->count, KNEE_POINTS_MAX, point));
}

/* Eight sizes an octave from 4 to most, then whatever the analysis wishes. */
static void run_experiment(struct tlb_model *model, uint64_t most, struct knee_report *report)
{
    struct knee_options options = knee_default_options();
    struct series series = {.count = 0};
    uint64_t size = 0;
    uint64_t last = 0;

    for (int eighth = 0; 4 * exp2(eighth / 8.0) <= (double)most; eighth++) {
        uint64_t next = (uint64_t)(4 * exp2(eighth / 8.0));
        if (next != last) {
            last = next;
            measure_size(model, last, &series);
        }
    }
    knee_find(series.point, series.count, &options, report);
    for (size_t i = 0; i < MEASUREMENTS_MAX && knee_next_size(report, &size); i++) {
        measure_size(model, size, &series);
        knee_find(series.point, series.count, &options, report);
    }
}

/* --- judging --------------------------------------------------------------------------------- */

static void describe_report(const char *what, const struct knee_report *report, uint64_t truth)
{
    print_message(
        "%s: truth %llu; %s\n", what, (unsigned long long)truth, report->verdict.reason);
    for (size_t k = 0; k < report->count; k++) {
        const struct knee *knee = &report->knee[k];

        print_message(
            "   knee %zu: kind %d, below %llu, above %llu, onset %.1f (%.1f), ninety %llu, "
            "%.2f -> %.2f; %s\n",
            k, (int)knee->kind, (unsigned long long)knee->below,
            (unsigned long long)knee->above, knee->onset, knee->onset_low,
            (unsigned long long)knee->ninety, knee->cost_below, knee->cost_above,
            knee->verdict.reason);
    }
}

/* Knee k must stand for `truth` entries, in a band that is worth something. */
static void judge(
    const char *what,
    const struct knee_report *report,
    size_t k,
    uint64_t truth,
    struct tally *tally)
{
    tally->cases++;
    if (!report->verdict.decided || report->count <= k || !report->knee[k].verdict.decided) {
        /* No step where there is one is a claim too, if all below was decided. */
        bool claims = report->verdict.decided && report->count <= k &&
                      (report->count == 0 || report->knee[report->count - 1].verdict.decided);

        tally->wrong += claims;
        tally->undecided += !claims;
        describe_report(claims ? "WRONG, no step" : what, report, truth);
        return;
    }
    struct estimate capacity = knee_capacity(&report->knee[k]);
    double entries = (double)truth;

    if (capacity.low > entries || capacity.high < entries || capacity.high > 3.2 * entries) {
        tally->wrong++;
        describe_report("WRONG", report, truth);
        return;
    }
    tally->right++;
    tally->exact += report->knee[k].kind == KNEE_SHARP;
}

static void assert_tally(const char *name, const struct tally *tally)
{
    print_message(
        "%s: %zu cases, %zu right (%zu exact), %zu undecided, %zu wrong\n", name, tally->cases,
        tally->right, tally->exact, tally->undecided, tally->wrong);
    assert_int_equal(tally->wrong, 0);
    assert_true(tally->right * 100 >= tally->cases * 98);
}

/* --- cases ----------------------------------------------------------------------------------- */

static void try_first_level(
    const struct tlb_shape *shape, unsigned grade, uint64_t seed, struct tally *tally)
{
    struct tlb_shape none = {.ways = 0};
    struct tlb_model model;
    struct knee_report report;
    char what[80];

    assert_true(tlb_create(&model, shape, &none, seed));
    model.cost_walk = 11;
    model.noise = tlb_make_noise(grade);
    run_experiment(&model, 512, &report);
    (void)snprintf(
        what, sizeof(what), "%u ways, %u index bits, replacement %d, noise %u, seed %llu",
        shape->ways, shape->index_bits, (int)shape->replacement, grade,
        (unsigned long long)seed);
    judge(what, &report, 0, tlb_count_entries(shape), tally);
    tlb_destroy(&model);
}

static void test_knee_finds_first_levels(void **state)
{
    static const struct {
        unsigned ways, index_bits, fold;
    } shape[] = {
        {16, 0, 0}, {32, 0, 0}, {48, 0, 0}, {64, 0, 0}, {72, 0, 0}, {96, 0, 0}, {4, 4, 0},
        {4, 4, 4},  {6, 4, 0},  {8, 3, 0},  {4, 3, 0},  {2, 5, 0},  {12, 3, 0}, {16, 3, 0},
    };
    struct tally tally = {0};
    uint64_t seed = 1;

    (void)state;
    for (size_t i = 0; i < sizeof(shape) / sizeof(shape[0]); i++) {
        for (int replacement = TLB_LRU; replacement <= (int)TLB_RANDOM; replacement++) {
            for (unsigned grade = 0; grade < 4; grade++) {
                for (unsigned repeat = 0; repeat < 3; repeat++) {
                    struct tlb_shape made = tlb_make_shape(
                        shape[i].ways, shape[i].index_bits, shape[i].fold,
                        (enum tlb_replacement)replacement);

                    try_first_level(&made, grade, seed++, &tally);
                }
            }
        }
    }
    assert_tally("first level", &tally);
}

static void try_both_levels(
    const struct tlb_shape *first,
    const struct tlb_shape *second,
    unsigned grade,
    uint64_t seed,
    struct tally *tally)
{
    struct tlb_model model;
    struct knee_report report;
    uint64_t entries = tlb_count_entries(second);

    assert_true(tlb_create(&model, first, second, seed));
    model.noise = tlb_make_noise(grade);
    run_experiment(&model, entries * 4, &report);
    judge("first of two levels", &report, 0, tlb_count_entries(first), tally);
    judge("second level", &report, 1, entries, tally);
    tlb_destroy(&model);
}

static void test_knee_finds_both_levels_of_real_shapes(void **state)
{
    static const struct {
        unsigned ways[2], index_bits[2], fold[2];
    } core[] = {
        {{72, 12}, {0, 8}, {0, 0}}, /* Zen 4 */
        {{64, 12}, {0, 7}, {0, 0}}, /* an older Zen, with fewer sets */
        {{64, 8}, {0, 8}, {0, 0}},  /* Zen 3 */
        {{4, 12}, {4, 7}, {0, 7}},  /* Skylake */
        {{4, 8}, {4, 7}, {0, 0}},   /* one half of Ice Lake's */
        {{6, 16}, {4, 7}, {0, 0}},  /* Golden Cove */
        {{48, 4}, {0, 8}, {0, 0}},  {{32, 4}, {0, 7}, {0, 0}},
    };
    struct tally tally = {0};
    uint64_t seed = 5000;

    (void)state;
    for (size_t i = 0; i < sizeof(core) / sizeof(core[0]); i++) {
        for (int replacement = TLB_LRU; replacement <= (int)TLB_RANDOM; replacement++) {
            for (unsigned grade = 0; grade < 4; grade++) {
                struct tlb_shape shape[2];

                for (size_t n = 0; n < 2; n++) {
                    shape[n] = tlb_make_shape(
                        core[i].ways[n], core[i].index_bits[n], core[i].fold[n],
                        (enum tlb_replacement)replacement);
                }
                try_both_levels(&shape[0], &shape[1], grade, seed++, &tally);
            }
        }
    }
    assert_tally("both levels", &tally);
}

/* Least recently used and fully associative, as the machines at hand: never a band. */
static void test_knee_is_exact_in_ten_of_ten_runs(void **state)
{
    struct tlb_shape first = tlb_make_shape(72, 0, 0, TLB_LRU);
    struct tlb_shape second = tlb_make_shape(12, 8, 0, TLB_LRU);

    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct tlb_model model;
        struct knee_report report;

        assert_true(tlb_create(&model, &first, &second, seed));
        model.noise = tlb_make_noise(3);
        run_experiment(&model, 1024, &report);
        assert_true(report.verdict.decided);
        assert_int_equal(report.count, 1);
        assert_int_equal(report.knee[0].kind, KNEE_SHARP);
        assert_int_equal(report.knee[0].below, 72);
        tlb_destroy(&model);
    }
}

static void test_knee_that_ends_before_it_begins_is_not_ordered(void **state)
{
    (void)state;
    assert_true(knee_is_ordered(&(struct knee){.below = 72, .ninety = 73}));
    assert_false(knee_is_ordered(&(struct knee){.below = 73, .ninety = 72}));
    assert_false(knee_is_ordered(&(struct knee){.below = 73, .ninety = 73}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_knee_that_ends_before_it_begins_is_not_ordered),
        cmocka_unit_test(test_knee_finds_first_levels),
        cmocka_unit_test(test_knee_finds_both_levels_of_real_shapes),
        cmocka_unit_test(test_knee_is_exact_in_ten_of_ten_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
