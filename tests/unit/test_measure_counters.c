/*
 * Counters of translation: read as they are, absent where they are, never a zero in place of none.  A
 * file stands for the counter; which event it counts only hardware can tell.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "measure/counters.h"

static void test_counters_read_refuses_what_is_not_there(void **state)
{
    struct counters counters = {.fd = {-1, -1}};
    uint64_t misses = 77;

    (void)state;
    assert_false(counters_read(&counters, SIDE_NATIVE, &misses));
    assert_false(counters_read(&counters, SIDE_GUEST, &misses));
    assert_int_equal(misses, 77);
}

static void test_counters_read_gives_the_counter_of_its_side(void **state)
{
    int ends[2];
    uint64_t value = 123456;
    uint64_t misses = 0;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    struct counters counters = {.fd = {[SIDE_NATIVE] = -1, [SIDE_GUEST] = ends[0]}};
    assert_int_equal(write(ends[1], &value, sizeof(value)), sizeof(value));
    assert_false(counters_read(&counters, SIDE_NATIVE, &misses));
    assert_true(counters_read(&counters, SIDE_GUEST, &misses));
    assert_int_equal(misses, value);
    /* Half a counter is none. */
    assert_int_equal(write(ends[1], &value, 4), 4);
    assert_false(counters_read(&counters, SIDE_GUEST, &misses));
    counters_close(&counters);
    assert_int_equal(counters.fd[SIDE_GUEST], -1);
    close(ends[1]);
}

static void test_counters_agree_only_where_both_ends_fit_the_timing(void **state)
{
    (void)state;
    assert_true(counters_agree(0.001, 0.98));
    assert_false(counters_agree(0.4, 0.98));
    assert_false(counters_agree(0.001, 0.02));
}

static void test_counters_find_says_why_there_are_none(void **state)
{
    struct counters_probe probe;

    (void)state;
    counters_find(&probe);
    assert_int_not_equal(probe.text[0], '\0');
    assert_true(probe.present == (probe.errno_value == 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters_read_refuses_what_is_not_there),
        cmocka_unit_test(test_counters_read_gives_the_counter_of_its_side),
        cmocka_unit_test(test_counters_agree_only_where_both_ends_fit_the_timing),
        cmocka_unit_test(test_counters_find_says_why_there_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
