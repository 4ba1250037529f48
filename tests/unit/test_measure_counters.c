/*
 * Counters of translation: read as they are, absent where they are, never a zero in place of none.  A
 * file stands for the counter; which event it counts only hardware can tell.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
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

static int refuse_access(enum side side)
{
    (void)side;
    errno = EACCES;
    return -1;
}

static int refuse_operation(enum side side)
{
    (void)side;
    errno = EPERM;
    return -1;
}

static int find_no_device(enum side side)
{
    (void)side;
    errno = ENOENT;
    return -1;
}

static int open_something(enum side side)
{
    (void)side;
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Denied is not absent: the one has a remedy, the other has none. */
static void test_counters_find_tells_no_permission_from_no_counter(void **state)
{
    struct counters_probe probe;

    (void)state;
    counters_find_by(refuse_access, &probe);
    assert_false(probe.present);
    assert_int_equal(probe.errno_value, EACCES);
    assert_non_null(strstr(probe.text, "no permission"));
    assert_non_null(strstr(probe.text, "kernel.perf_event_paranoid"));
    counters_find_by(refuse_operation, &probe);
    assert_false(probe.present);
    assert_non_null(strstr(probe.text, "no permission"));
    counters_find_by(find_no_device, &probe);
    assert_false(probe.present);
    assert_non_null(strstr(probe.text, "no PMU here"));
    assert_null(strstr(probe.text, "permission"));
    counters_find_by(open_something, &probe);
    assert_true(probe.present);
    assert_null(strstr(probe.text, "no "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters_read_refuses_what_is_not_there),
        cmocka_unit_test(test_counters_read_gives_the_counter_of_its_side),
        cmocka_unit_test(test_counters_agree_only_where_both_ends_fit_the_timing),
        cmocka_unit_test(test_counters_find_says_why_there_are_none),
        cmocka_unit_test(test_counters_find_tells_no_permission_from_no_counter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
