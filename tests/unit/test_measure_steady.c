/*
 * A frequency that changes while an experiment runs: found, repeated, then said.  The clock is a list of
 * calibrations.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure/steady.h"

struct script {
    double ticks[4];
    unsigned calibrations, runs, discards;
    bool emulated;
};

static double calibrate(void *context)
{
    struct script *script = context;

    assert_true(script->calibrations < 4);
    return script->ticks[script->calibrations++];
}

static void run(void *context)
{
    struct script *script = context;

    /* Between the two calibrations of its own attempt, and after what was left is gone. */
    assert_int_equal(script->calibrations, 2 * script->runs + 1);
    assert_int_equal(script->discards, script->runs);
    script->runs++;
}

static void discard(void *context)
{
    ((struct script *)context)->discards++;
}

static bool is_real(void *context)
{
    return !((struct script *)context)->emulated;
}

static struct steady play(struct script *script)
{
    return steady_run(&(struct steady_work){calibrate, run, discard, is_real, script});
}

static void test_steady_runs_once_at_one_frequency(void **state)
{
    struct script script = {.ticks = {0.70, 0.71}};
    struct steady steady = play(&script);

    (void)state;
    assert_int_equal(steady.runs, 1);
    assert_false(steady.changed);
    assert_int_equal(script.discards, 0);
    assert_true(fabs(steady.least - 0.70) < 1e-12 && fabs(steady.most - 0.71) < 1e-12);
}

static void test_steady_repeats_after_a_change_either_way(void **state)
{
    struct script faster = {.ticks = {0.80, 0.70, 0.70, 0.70}};
    struct script slower = {.ticks = {0.70, 0.80, 0.80, 0.80}};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct script *script = i == 0 ? &faster : &slower;
        struct steady steady = play(script);
        assert_int_equal(steady.runs, 2);
        assert_int_equal(script->runs, 2);
        assert_int_equal(script->discards, 1);
        assert_false(steady.changed);
        /* The drift of the whole run stays known. */
        assert_true(fabs(steady.most / steady.least - 0.80 / 0.70) < 1e-12);
    }
}

static void test_steady_tells_a_change_that_does_not_end(void **state)
{
    struct script script = {.ticks = {0.70, 0.80, 0.80, 1.00}};
    struct steady steady = play(&script);

    (void)state;
    assert_int_equal(steady.runs, 2);
    assert_true(steady.changed);
    assert_true(fabs(steady.change - 0.25) < 1e-12); /* of the last run */
}

static void test_steady_does_not_repeat_for_an_emulated_clock(void **state)
{
    struct script script = {.ticks = {0.70, 7.0}, .emulated = true};
    struct steady steady = play(&script);

    (void)state;
    assert_int_equal(steady.runs, 1);
    assert_false(steady.changed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steady_runs_once_at_one_frequency),
        cmocka_unit_test(test_steady_repeats_after_a_change_either_way),
        cmocka_unit_test(test_steady_tells_a_change_that_does_not_end),
        cmocka_unit_test(test_steady_does_not_repeat_for_an_emulated_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
