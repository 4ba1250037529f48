/*
 * The whole replay: references into touches of pages of several sizes, what the plan leaves out,
 * the classroom's question, the numbers of frames it picks, next uses by way of a file, and what
 * is printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replay/replay.h"
#include "replay_fixture.h"

/* Every 4th byte of an array of 8,192 bytes, with pages of 1,024 bytes: 8 faults; and with pages
 * of any other size as many as the array has pages. */
static void test_replay_answers_the_classroom(void **unused)
{
    static const unsigned shifts[] = {10, 6, 9, 11, 12, 13, 14, 21, 30};
    static const uint64_t faults[] = {8, 128, 16, 4, 2, 1, 1, 1, 1};
    struct reference touches[2048];
    struct replay_plan plan = replay_plan_of(0, 1);
    struct replay_result result;

    (void)unused;
    for (uint32_t i = 0; i < 2048; i++) {
        touches[i] = (struct reference){
            .address = 0x40000000 + 4 * i, .bytes = 4, .access = REFERENCE_WRITE};
    }
    plan.size_count = sizeof(shifts) / sizeof(shifts[0]);
    memcpy(plan.page_shifts, shifts, sizeof(shifts));
    result = replay_run_array(&plan, touches, 2048);
    assert_int_equal(result.references, 2048);
    for (size_t i = 0; i < plan.size_count; i++) {
        assert_int_equal(result.sizes[i].touches, 2048);
        assert_int_equal(result.sizes[i].pages, faults[i]);
        for (size_t j = 0; j < plan.policy_count; j++) {
            assert_int_equal(result.sizes[i].faults[j][0], faults[i]);
        }
    }
    replay_destroy(&result);
}

static void test_replay_touches_each_page_of_a_reference(void **unused)
{
    static const struct reference references[] = {
        {.address = 0xffe, .bytes = 2, .access = REFERENCE_READ},
        {.address = 0xfff, .bytes = 2, .access = REFERENCE_READ},
        {.address = 0x2fff, .bytes = 0x2002, .access = REFERENCE_READ},
        {.address = UINT64_MAX, .bytes = 1, .access = REFERENCE_READ},
    };
    struct replay_plan plan = replay_plan_of(12, 10);
    struct replay_result result = replay_run_array(&plan, references, 4);

    (void)unused;
    assert_int_equal(result.references, 4);
    assert_int_equal(result.sizes[0].touches, 1 + 2 + 4 + 1);
    assert_int_equal(result.sizes[0].pages, 7);
    replay_destroy(&result);
    plan = replay_plan_of(0, 20000);
    result = replay_run_array(&plan, references, 4);
    assert_int_equal(result.sizes[0].touches, 2 + 2 + 0x2002 + 1);
    assert_int_equal(result.sizes[0].pages, 3 + 0x2002 + 1);
    assert_int_equal(result.sizes[0].faults[1][0], 3 + 0x2002 + 1);
    replay_destroy(&result);
}

static void test_replay_keeps_processes_apart(void **unused)
{
    static const struct reference references[] = {
        {.address = 0x1000, .bytes = 1, .process = 0, .access = REFERENCE_READ},
        {.address = 0x1000, .bytes = 1, .process = 1, .access = REFERENCE_READ},
        {.address = 0x1000, .bytes = 1, .process = 0, .access = REFERENCE_READ},
    };
    struct replay_plan plan = replay_plan_of(12, 1);
    struct replay_result result = replay_run_array(&plan, references, 3);

    (void)unused;
    assert_int_equal(result.sizes[0].pages, 2);
    assert_int_equal(result.sizes[0].faults[1][0], 3);
    replay_destroy(&result);
}

static void test_replay_looks_only_at_what_counts(void **unused)
{
    static const struct reference references[] = {
        {.address = 0x0ffc, .bytes = 8, .access = REFERENCE_READ}, /* its upper half */
        {.address = 0x2ffc, .bytes = 8, .access = REFERENCE_READ}, /* its lower half */
        {.address = 0x0ff8, .bytes = 8, .access = REFERENCE_READ}, /* below */
        {.address = 0x3000, .bytes = 8, .access = REFERENCE_READ}, /* above */
        {.address = 0x2000, .bytes = 8, .access = REFERENCE_WRITE},
        {.address = 0x2000, .bytes = 8, .access = REFERENCE_READ | REFERENCE_WRITE},
    };
    struct replay_plan plan = replay_plan_of(12, 4);
    struct replay_result result;

    (void)unused;
    plan.first = 0x1000;
    plan.last = 0x2fff;
    result = replay_run_array(&plan, references, 6);
    assert_int_equal(result.references, 4);
    assert_int_equal(result.passed_over, 2);
    assert_int_equal(result.sizes[0].touches, 4);
    assert_int_equal(result.sizes[0].pages, 2);
    replay_destroy(&result);
    plan.access = REFERENCE_WRITE;
    result = replay_run_array(&plan, references, 6);
    assert_int_equal(result.references, 2);
    assert_int_equal(result.sizes[0].pages, 1);
    replay_destroy(&result);
}

static void test_replay_picks_frames_from_the_pages(void **unused)
{
    struct reference *references = replay_make_references(20000, 800);
    struct replay_plan plan = replay_plan_of(12, 0);
    struct replay_result result;
    struct replay_size *size = &result.sizes[0];

    (void)unused;
    plan.page_shifts[1] = 40;
    plan.size_count = 2;
    result = replay_run_array(&plan, references, 20000);
    assert_in_range(size->pages, 750, 800);
    assert_int_equal(size->frame_count, 4);
    assert_int_equal(size->frames[0], size->pages / 8);
    assert_int_equal(size->frames[3], size->pages);
    assert_int_equal(size->faults[1][3], size->pages);
    assert_true(size->faults[1][0] > size->faults[1][1]);
    assert_int_equal(result.references, 20000);
    assert_int_equal(result.sizes[1].frame_count, 1);
    assert_int_equal(result.sizes[1].frames[0], 1);
    replay_destroy(&result);
    free(references);
}

static void test_replay_of_a_pipe_needs_frames(void **unused)
{
    static const struct references_ops once = {replay_array_read, NULL, replay_array_close};
    struct replay_array source = {NULL, 0, 0};
    struct references references = replay_array_open(&source);
    struct replay_plan plan = replay_plan_of(12, 0);
    struct replay_result result;
    struct err err;

    (void)unused;
    references.ops = &once;
    assert_false(replay_run(&plan, &references, &result, &err));
    assert_int_equal(err.kind, ERR_USAGE);
    plan = replay_plan_of(12, 3);
    assert_true(replay_run(&plan, &references, &result, &err));
    assert_int_equal(result.sizes[0].faults[0][0], 0);
    replay_destroy(&result);
}

/* A source that fails in the middle: the error comes through, and nothing leaks. */
static bool
broken_read(void *state, struct reference *out, size_t room, size_t *count, struct err *err)
{
    return ((struct replay_array *)state)->at == 0
               ? replay_array_read(state, out, room, count, err)
               : err_set(err, ERR_INPUT, "record 5 is broken");
}

static void test_replay_hands_errors_on(void **unused)
{
    static const struct references_ops broken = {
        broken_read, replay_array_rewind, replay_array_close};
    static const struct reference reference = {.bytes = 1, .access = REFERENCE_READ};
    struct replay_array source = {&reference, 1, 0};
    struct references references = replay_array_open(&source);
    struct replay_plan plan = replay_plan_of(12, 3);
    struct replay_result result;
    struct err err;

    (void)unused;
    plan.curve = true;
    references.ops = &broken;
    assert_false(replay_run(&plan, &references, &result, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_string_equal(err.text, "an array: record 5 is broken");
}

/* All policies, the curve and a TLB side by side are the same as each alone. */
static void test_replay_side_by_side_is_as_alone(void **unused)
{
    enum { TOUCHES = 200000 };
    struct reference *references = replay_make_references(TOUCHES, 3000);
    struct replay_plan plan = replay_plan_of(12, 700);
    struct replay_result all;

    (void)unused;
    memcpy(plan.policies, sim_all, sizeof(sim_all));
    plan.policy_count = SIM_COUNT;
    plan.frames[1] = 1500;
    plan.frame_count = 2;
    plan.curve = true;
    plan.tlb_count = 1;
    plan.tlbs[0] = (struct tlb_shape){700, 700, TLB_LRU};
    all = replay_run_array(&plan, references, TOUCHES);
    for (size_t i = 0; i < SIM_COUNT; i++) {
        struct replay_plan alone = replay_plan_of(12, 1500);
        struct replay_result one;

        alone.policies[0] = sim_all[i];
        alone.policy_count = 1;
        one = replay_run_array(&alone, references, TOUCHES);
        assert_int_equal(one.sizes[0].faults[0][0], all.sizes[0].faults[i][1]);
        assert_true(
            all.sizes[0].faults[i][0] >= all.sizes[0].faults[SIM_COUNT - 1][0]); /* opt */
        replay_destroy(&one);
    }
    /* Exact lru four times over: the policy, the curve, a TLB of one set. */
    assert_int_equal(all.sizes[0].faults[3][0], curve_faults(all.sizes[0].curve, 700));
    assert_int_equal(all.sizes[0].faults[3][0], all.sizes[0].tlb_misses[0]);
    replay_destroy(&all);
    free(references);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay_answers_the_classroom),
        cmocka_unit_test(test_replay_touches_each_page_of_a_reference),
        cmocka_unit_test(test_replay_keeps_processes_apart),
        cmocka_unit_test(test_replay_looks_only_at_what_counts),
        cmocka_unit_test(test_replay_picks_frames_from_the_pages),
        cmocka_unit_test(test_replay_of_a_pipe_needs_frames),
        cmocka_unit_test(test_replay_hands_errors_on),
        cmocka_unit_test(test_replay_side_by_side_is_as_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
