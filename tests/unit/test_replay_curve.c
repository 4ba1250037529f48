/*
 * Stack distances and the curve from them, against looking back over the whole string, and
 * against a simulator of exact LRU for each number of frames.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "replay/curve.h"
#include "replay/sim.h"
#include "replay_model.h"

static struct curve *curve_of(const uint32_t *pages, size_t count, size_t batch)
{
    struct curve *curve;
    struct err err;
    uint32_t room = 0;

    assert_true(curve_create(&curve, &err));
    for (size_t at = 0; at < count; at += batch) {
        size_t part = count - at < batch ? count - at : batch;

        for (size_t i = at; i < at + part; i++) {
            room = pages[i] >= room ? pages[i] + 1 : room;
        }
        assert_true(curve_touch(curve, &pages[at], part, room, &err));
    }
    curve_finish(curve);
    return curve;
}

static void test_curve_has_the_naive_distances(void **unused)
{
    uint32_t pages[300];
    uint64_t random = 77;

    (void)unused;
    for (unsigned i = 0; i < 1000; i++) {
        size_t count = (model_random(&random) >> 33) % 300 + 1;
        uint32_t limit = (uint32_t)((model_random(&random) >> 33) % 60) + 1;
        uint32_t distinct = model_make_string(&random, pages, count, limit);
        struct curve *curve = curve_of(pages, count, 1 + i % 50);
        uint64_t at_distance[301] = {0};
        uint64_t faults = count;

        for (size_t j = 0; j < count; j++) {
            at_distance[model_distance(pages, j)]++;
        }
        assert_int_equal(curve_touches(curve), count);
        assert_int_equal(curve_pages(curve), distinct);
        assert_int_equal(curve_pages(curve), at_distance[0]);
        assert_int_equal(curve_faults(curve, 0), count);
        for (uint32_t frames = 1; frames <= distinct + 2; frames++) {
            faults -= frames <= 300 ? at_distance[frames] : 0;
            assert_int_equal(curve_faults(curve, frames), faults);
        }
        curve_destroy(curve);
    }
}

static uint64_t lru_faults(const uint32_t *pages, size_t count, uint32_t frames)
{
    void *state = sim_lru.create(frames, 0);
    uint64_t faults;

    assert_true(sim_lru.reserve(state, UINT16_MAX));
    faults = sim_lru.touch(state, pages, NULL, count);
    sim_lru.destroy(state);
    return faults;
}

/* Long enough for slots to be renumbered and doubled many times, with pages old and new. */
static void test_curve_agrees_with_lru_on_long_strings(void **unused)
{
    enum { TOUCHES = 400000 };
    static const uint32_t limits[] = {1, 2, 63, 64, 65, 2047, 2048, 5000, 60000};
    uint32_t *pages = malloc(TOUCHES * sizeof(*pages));
    uint64_t random = 4;

    (void)unused;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        uint32_t distinct = model_make_string(&random, pages, TOUCHES, limits[i]);
        struct curve *curve = curve_of(pages, TOUCHES, 4096);

        for (uint32_t frames = 1; frames <= distinct; frames = frames * 3 + 1) {
            assert_int_equal(curve_faults(curve, frames), lru_faults(pages, TOUCHES, frames));
        }
        assert_int_equal(curve_faults(curve, distinct), distinct);
        assert_int_equal(curve_faults(curve, UINT64_MAX), distinct);
        curve_destroy(curve);
    }
    free(pages);
}

static void test_curve_finds_the_frames_for_a_budget(void **unused)
{
    uint32_t pages[2000];
    uint64_t random = 12;
    uint32_t distinct = model_make_string(&random, pages, 2000, 100);
    struct curve *curve = curve_of(pages, 2000, 2000);

    (void)unused;
    for (uint64_t budget = 0; budget <= 2001; budget++) {
        uint64_t frames = curve_frames_for(curve, budget);

        if (budget < distinct) {
            assert_int_equal(frames, UINT64_MAX);
            continue;
        }
        assert_true(curve_faults(curve, frames) <= budget);
        assert_true(frames == 0 || curve_faults(curve, frames - 1) > budget);
    }
    curve_destroy(curve);
}

static void check_sample(const struct curve *curve, size_t room)
{
    struct curve_point *points = calloc(room, sizeof(*points));
    size_t count = curve_sample(curve, points, room);

    assert_in_range(count, 1, room);
    assert_int_equal(points[0].frames, 1);
    assert_int_equal(points[count - 1].frames, curve_pages(curve));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(points[i].faults, curve_faults(curve, points[i].frames));
        assert_true(i == 0 || points[i].frames > points[i - 1].frames);
        assert_true(i == 0 || points[i].faults <= points[i - 1].faults);
    }
    if (curve_pages(curve) <= room) {
        assert_int_equal(count, curve_pages(curve));
    }
    free(points);
}

static void test_curve_sample_spans_the_curve(void **unused)
{
    uint32_t *pages = malloc(50000 * sizeof(*pages));
    static const uint32_t limits[] = {1, 2, 3, 24, 25, 1000, 20000};
    uint64_t random = 31;

    (void)unused;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct curve *curve;

        model_make_string(&random, pages, 50000, limits[i]);
        curve = curve_of(pages, 50000, 512);
        check_sample(curve, 2);
        check_sample(curve, 24);
        check_sample(curve, 512);
        curve_destroy(curve);
    }
    free(pages);
}

static void test_curve_without_touches_is_empty(void **unused)
{
    struct curve *curve = curve_of(NULL, 0, 1);
    struct curve_point points[2];

    (void)unused;
    assert_int_equal(curve_touches(curve), 0);
    assert_int_equal(curve_pages(curve), 0);
    assert_int_equal(curve_faults(curve, 5), 0);
    assert_int_equal(curve_frames_for(curve, 0), 0);
    assert_int_equal(curve_sample(curve, points, 2), 0);
    curve_destroy(curve);
    curve_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_curve_has_the_naive_distances),
        cmocka_unit_test(test_curve_agrees_with_lru_on_long_strings),
        cmocka_unit_test(test_curve_finds_the_frames_for_a_budget),
        cmocka_unit_test(test_curve_sample_spans_the_curve),
        cmocka_unit_test(test_curve_without_touches_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
