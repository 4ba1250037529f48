/*
 * The simulators against the plain models of replay_model.h, touch by touch, on made-up strings;
 * the textbook strings with the numbers that the textbooks have; and what must hold between
 * policies whatever the string is.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "replay/sim.h"
#include "replay_model.h"

#define STRINGS      3000
#define TOUCHES_MAX  400
#define PAGES_MAX    48
#define LONG_TOUCHES 30000

static void find_next(const uint32_t *pages, size_t count, uint32_t *next)
{
    uint32_t *seen = malloc(UINT16_MAX * sizeof(*seen));

    for (size_t i = 0; i < UINT16_MAX; i++) {
        seen[i] = SIM_NEVER;
    }
    for (size_t i = count; i-- > 0;) {
        next[i] = seen[pages[i]];
        seen[pages[i]] = (uint32_t)i;
    }
    free(seen);
}

/* All touches at once; pages are numbered by first touch. */
static uint64_t
count_faults(const struct sim_ops *ops, const uint32_t *pages, size_t count, uint32_t frames)
{
    uint32_t *next = malloc(count * sizeof(*next));
    void *state = ops->create(frames, 7);
    uint64_t faults;

    assert_non_null(state);
    assert_true(ops->reserve(state, UINT16_MAX));
    find_next(pages, count, next);
    faults = ops->touch(state, pages, ops->needs_future ? next : NULL, count);
    ops->destroy(state);
    free(next);
    return faults;
}

/* One touch at a time, with no more room than the pages seen so far. */
static void compare_with_model(
    const struct sim_ops *ops, const uint32_t *pages, size_t count, uint32_t frames)
{
    bool *expected = calloc(count, sizeof(*expected));
    uint32_t *next = malloc(count * sizeof(*next));
    void *state = ops->create(frames, 7);
    uint32_t room = 0;
    uint64_t total = 0;

    assert_non_null(state);
    find_next(pages, count, next);
    model_find(ops->name)(pages, count, frames, 7, expected);
    for (size_t i = 0; i < count; i++) {
        uint64_t faults;

        if (pages[i] >= room) {
            room = pages[i] + 1;
            assert_true(ops->reserve(state, room));
        }
        faults = ops->touch(state, &pages[i], &next[i], 1);
        if (faults != (expected[i] ? 1 : 0)) {
            fail_msg(
                "%s, %" PRIu32 " frames, touch %zu of page %" PRIu32 ": %" PRIu64 " faults",
                ops->name, frames, i, pages[i], faults);
        }
        total += faults;
    }
    ops->destroy(state);
    free(next);
    free(expected);
    assert_int_equal(total, count_faults(ops, pages, count, frames));
}

static void test_sim_agrees_with_model_on_short_strings(void **unused)
{
    uint64_t random = 20261126;
    uint32_t pages[TOUCHES_MAX];

    (void)unused;
    for (unsigned i = 0; i < STRINGS; i++) {
        size_t count = (model_random(&random) >> 33) % TOUCHES_MAX + 1;
        uint32_t limit = (uint32_t)((model_random(&random) >> 33) % PAGES_MAX) + 1;
        uint32_t distinct = model_make_string(&random, pages, count, limit);
        uint32_t frames = (uint32_t)((model_random(&random) >> 33) % (distinct + 2)) + 1;

        for (size_t j = 0; j < SIM_COUNT; j++) {
            compare_with_model(sim_all[j], pages, count, frames);
        }
    }
}

static void test_sim_agrees_with_model_on_long_strings(void **unused)
{
    static const uint32_t frames[] = {1, 2, 3, 17, 64, 150, 299, 300, 1000};
    uint32_t *pages = malloc(LONG_TOUCHES * sizeof(*pages));
    uint64_t random = 42;

    (void)unused;
    model_make_string(&random, pages, LONG_TOUCHES, 300);
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        for (size_t j = 0; j < SIM_COUNT; j++) {
            /* The model of opt looks ahead from every fault. */
            size_t count = sim_all[j]->needs_future ? LONG_TOUCHES / 10 : LONG_TOUCHES;

            compare_with_model(sim_all[j], pages, count, frames[i]);
        }
    }
    free(pages);
}

/* 1 2 3 4 1 2 5 1 2 3 4 5, numbered from 0. */
static const uint32_t belady[] = {0, 1, 2, 3, 0, 1, 4, 0, 1, 2, 3, 4};
#define BELADY_COUNT (sizeof(belady) / sizeof(belady[0]))

static void test_sim_fifo_shows_beladys_anomaly(void **unused)
{
    (void)unused;
    assert_int_equal(count_faults(&sim_fifo, belady, BELADY_COUNT, 3), 9);
    assert_int_equal(count_faults(&sim_fifo, belady, BELADY_COUNT, 4), 10);
}

static void test_sim_lru_and_opt_have_no_anomaly(void **unused)
{
    static const uint64_t lru[] = {12, 12, 10, 8, 5};
    static const uint64_t opt[] = {12, 9, 7, 6, 5};

    (void)unused;
    for (uint32_t frames = 1; frames <= 5; frames++) {
        assert_int_equal(count_faults(&sim_lru, belady, BELADY_COUNT, frames), lru[frames - 1]);
        assert_int_equal(count_faults(&sim_opt, belady, BELADY_COUNT, frames), opt[frames - 1]);
    }
}

/* 7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1, Silberschatz and others, "Operating System
 * Concepts", section "Page Replacement": with three frames fifo 15, lru 12, opt 9. */
static void test_sim_has_the_textbooks_numbers(void **unused)
{
    static const uint32_t pages[] = {0, 1, 2, 3, 1, 4, 1, 5, 3, 4,
                                     1, 4, 3, 2, 3, 1, 2, 0, 1, 2};
    size_t count = sizeof(pages) / sizeof(pages[0]);

    (void)unused;
    assert_int_equal(count_faults(&sim_fifo, pages, count, 3), 15);
    assert_int_equal(count_faults(&sim_lru, pages, count, 3), 12);
    assert_int_equal(count_faults(&sim_opt, pages, count, 3), 9);
}

static void test_sim_opt_is_the_fewest_of_all_choices(void **unused)
{
    uint64_t random = 5;
    uint32_t pages[24];

    (void)unused;
    for (unsigned i = 0; i < 300; i++) {
        uint32_t limit = (uint32_t)((model_random(&random) >> 33) % 8) + 1;
        uint32_t distinct = model_make_string(&random, pages, 24, limit);
        uint32_t frames = (uint32_t)((model_random(&random) >> 33) % distinct) + 1;

        assert_int_equal(
            count_faults(&sim_opt, pages, 24, frames), model_fewest_faults(pages, 24, frames));
    }
}

static void test_sim_opt_is_never_worse_and_none_beats_the_pages(void **unused)
{
    uint64_t random = 99;
    uint32_t pages[TOUCHES_MAX];

    (void)unused;
    for (unsigned i = 0; i < STRINGS; i++) {
        uint32_t distinct = model_make_string(&random, pages, TOUCHES_MAX, PAGES_MAX);
        uint32_t frames = (uint32_t)((model_random(&random) >> 33) % distinct) + 1;
        uint64_t opt = count_faults(&sim_opt, pages, TOUCHES_MAX, frames);

        assert_true(opt >= distinct);
        for (size_t j = 0; j < SIM_COUNT; j++) {
            assert_true(count_faults(sim_all[j], pages, TOUCHES_MAX, frames) >= opt);
            assert_int_equal(count_faults(sim_all[j], pages, TOUCHES_MAX, distinct), distinct);
        }
    }
}

/* What is resident with fewer frames is resident with more: a hit stays a hit. */
static void test_sim_lru_includes_smaller_memories(void **unused)
{
    uint64_t random = 3;
    uint32_t pages[TOUCHES_MAX];

    (void)unused;
    model_make_string(&random, pages, TOUCHES_MAX, PAGES_MAX);
    for (uint32_t frames = 1; frames < PAGES_MAX; frames++) {
        void *fewer = sim_lru.create(frames, 0);
        void *more = sim_lru.create(frames + 1, 0);

        assert_true(sim_lru.reserve(fewer, PAGES_MAX) && sim_lru.reserve(more, PAGES_MAX));
        for (size_t i = 0; i < TOUCHES_MAX; i++) {
            uint64_t faults = sim_lru.touch(fewer, &pages[i], NULL, 1);

            assert_true(sim_lru.touch(more, &pages[i], NULL, 1) <= faults);
        }
        sim_lru.destroy(fewer);
        sim_lru.destroy(more);
    }
}

/* A loop over one page more than there are frames: lru misses always, opt seldom. */
static void test_sim_lru_thrashes_on_a_loop(void **unused)
{
    uint32_t pages[9 * 100];

    (void)unused;
    for (size_t i = 0; i < 900; i++) {
        pages[i] = (uint32_t)(i % 9);
    }
    assert_int_equal(count_faults(&sim_lru, pages, 900, 8), 900);
    assert_int_equal(count_faults(&sim_fifo, pages, 900, 8), 900);
    assert_int_equal(count_faults(&sim_lru, pages, 900, 9), 9);
    assert_in_range(count_faults(&sim_opt, pages, 900, 8), 9 + 900 / 9, 9 + 900 / 8);
}

/* What ARC is for: pages used again and again survive a long scan. */
static void test_sim_arc_keeps_its_pages_during_a_scan(void **unused)
{
    enum { HOT = 8, FRAMES = 32, ROUNDS = 200 };
    uint32_t *pages = malloc((size_t)ROUNDS * 4 * HOT * sizeof(*pages));
    size_t count = 0;
    uint32_t fresh = HOT;

    (void)unused;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        for (uint32_t j = 0; j < HOT; j++) {
            pages[count++] = j;
        }
        for (uint32_t j = 0; j < 3 * HOT && i > 10; j++) {
            pages[count++] = fresh++;
        }
    }
    uint64_t compulsory = fresh;

    assert_true(count_faults(&sim_arc, pages, count, FRAMES / 2) < compulsory + 2L * HOT);
    assert_int_equal(count_faults(&sim_lru, pages, count, FRAMES / 2), compulsory + 188L * HOT);
    free(pages);
}

static void test_sim_random_repeats_with_its_seed(void **unused)
{
    uint64_t random = 8;
    uint32_t pages[TOUCHES_MAX];
    uint64_t faults[3];
    static const uint64_t seeds[] = {1, 1, 2};

    (void)unused;
    model_make_string(&random, pages, TOUCHES_MAX, PAGES_MAX);
    for (size_t i = 0; i < 3; i++) {
        void *state = sim_random.create(PAGES_MAX / 2, seeds[i]);

        assert_true(sim_random.reserve(state, PAGES_MAX));
        faults[i] = sim_random.touch(state, pages, NULL, TOUCHES_MAX);
        sim_random.destroy(state);
    }
    assert_int_equal(faults[0], faults[1]);
    assert_int_not_equal(faults[0], faults[2]);
}

static void test_sim_find_knows_all_names(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < SIM_COUNT; i++) {
        assert_ptr_equal(sim_find(sim_all[i]->name), sim_all[i]);
        assert_non_null(model_find(sim_all[i]->name));
        sim_all[i]->destroy(NULL);
    }
    assert_null(sim_find("lfu"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sim_agrees_with_model_on_short_strings),
        cmocka_unit_test(test_sim_agrees_with_model_on_long_strings),
        cmocka_unit_test(test_sim_fifo_shows_beladys_anomaly),
        cmocka_unit_test(test_sim_lru_and_opt_have_no_anomaly),
        cmocka_unit_test(test_sim_has_the_textbooks_numbers),
        cmocka_unit_test(test_sim_opt_is_the_fewest_of_all_choices),
        cmocka_unit_test(test_sim_opt_is_never_worse_and_none_beats_the_pages),
        cmocka_unit_test(test_sim_lru_includes_smaller_memories),
        cmocka_unit_test(test_sim_lru_thrashes_on_a_loop),
        cmocka_unit_test(test_sim_arc_keeps_its_pages_during_a_scan),
        cmocka_unit_test(test_sim_random_repeats_with_its_seed),
        cmocka_unit_test(test_sim_find_knows_all_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
