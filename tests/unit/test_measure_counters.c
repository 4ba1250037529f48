/*
 * Counters of translation: opened by name or by the kernel's, in groups or alone, counted during a
 * run only, and absent where they are, never a zero in place of none.  The processor is made up
 * (fake_counters.c); test_measure_counter_source.c opens real ones.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_counters.h"
#include "measure/counters.h"

#define WALKS COUNTER_EVENT_DATA_WALKS

/* A processor that counts something in every event. */
static void begin(struct fake_counters *fake)
{
    fake_counters_begin(fake);
    for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
        fake->step[SIDE_NATIVE][i] = 10 + i;
        fake->step[SIDE_GUEST][i] = 100 + i;
    }
}

static void refuse_all(struct fake_counters *fake, int errno_value)
{
    for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
        fake->refuse[SIDE_NATIVE][i] = errno_value;
        fake->refuse[SIDE_GUEST][i] = errno_value;
    }
    fake->refuse_generic = errno_value;
}

static void take(
    const struct counters *counters,
    enum side side,
    enum counter_set set,
    double count[COUNTER_KINDS])
{
    struct counters_run run;

    counters_begin(counters, side, set, &run);
    counters_end(counters, side, set, &run, count);
}

static void test_counters_count_each_side_and_set_apart(void **state)
{
    struct fake_counters fake;
    struct counters counters;
    double count[COUNTER_KINDS];

    (void)state;
    begin(&fake);
    counters_open(&counters, &fake.source);
    take(&counters, SIDE_NATIVE, COUNTER_SET_DATA, count);
    /* First-level misses are those that hit the second level and those that walk. */
    assert_true(count[COUNTER_DATA_MISSES] == 10 + 11);
    assert_true(count[COUNTER_DATA_WALKS] == 11);
    assert_true(count[COUNTER_DATA_WALK_CYCLES] == 12);
    assert_true(isnan(count[COUNTER_CODE_MISSES]) && isnan(count[COUNTER_CODE_WALKS]));
    take(&counters, SIDE_GUEST, COUNTER_SET_CODE, count);
    assert_true(count[COUNTER_CODE_MISSES] == 103 + 104);
    assert_true(count[COUNTER_CODE_WALKS] == 104);
    assert_true(isnan(count[COUNTER_DATA_WALKS]));
    /* Once more: only what is new. */
    take(&counters, SIDE_NATIVE, COUNTER_SET_DATA, count);
    assert_true(count[COUNTER_DATA_WALKS] == 11);
    counters_close(&counters);
    assert_int_equal(fake.open, 0);
}

static void test_counters_that_were_never_opened_count_nothing(void **state)
{
    struct counters counters = {0};
    double count[COUNTER_KINDS] = {0};

    (void)state;
    take(&counters, SIDE_NATIVE, COUNTER_SET_DATA, count);
    for (unsigned kind = 0; kind < COUNTER_KINDS; kind++) {
        assert_true(isnan(count[kind]));
    }
    counters_close(&counters);
}

/* All events count, however they were opened; and all are closed. */
static void check_taken_apart(struct counters *counters, const struct fake_counters *fake)
{
    double count[COUNTER_KINDS];

    take(counters, SIDE_NATIVE, COUNTER_SET_DATA, count);
    assert_true(count[COUNTER_DATA_MISSES] == 21 && count[COUNTER_DATA_WALK_CYCLES] == 12);
    counters_close(counters);
    assert_int_equal(fake->open, 0);
}

static void test_counters_open_alone_what_does_not_fit_a_group(void **state)
{
    struct fake_counters fake;
    struct counters counters;

    (void)state;
    begin(&fake);
    fake.group_max = 2;
    counters_open(&counters, &fake.source);
    const struct counter_slot *slots = counters.slot[SIDE_NATIVE];
    assert_int_equal(slots[WALKS].leader, slots[COUNTER_EVENT_DATA_HITS].fd);
    assert_int_equal(
        slots[COUNTER_EVENT_DATA_CYCLES].leader, slots[COUNTER_EVENT_DATA_CYCLES].fd);
    check_taken_apart(&counters, &fake);
}

/* A watchdog can hold a register for good: the group opens, and waits for ever. */
static void test_counters_take_apart_a_group_that_never_runs(void **state)
{
    struct fake_counters fake;
    struct counters counters;

    (void)state;
    begin(&fake);
    fake.scheduled_max = 1;
    counters_open(&counters, &fake.source);
    check_taken_apart(&counters, &fake);
}

static void test_counters_leave_out_a_run_that_shared_its_register(void **state)
{
    struct fake_counters fake;
    struct counters counters;
    double count[COUNTER_KINDS];

    (void)state;
    begin(&fake);
    counters_open(&counters, &fake.source);
    fake.running_percent = 60;
    take(&counters, SIDE_NATIVE, COUNTER_SET_DATA, count);
    assert_true(isnan(count[COUNTER_DATA_WALKS]) && isnan(count[COUNTER_DATA_MISSES]));
    fake.running_percent = 100;
    take(&counters, SIDE_NATIVE, COUNTER_SET_DATA, count);
    assert_true(count[COUNTER_DATA_WALKS] == 11);
    counters_close(&counters);
}

/* One event that is not there takes only the kinds with it that are made of it. */
static void test_counters_miss_one_kind_and_keep_the_others(void **state)
{
    static const int reasons[] = {ENOENT, EINVAL, ENOSPC, EOPNOTSUPP};

    (void)state;
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        struct fake_counters fake;
        struct counters counters;
        struct counters_probe probe;
        double count[COUNTER_KINDS];
        begin(&fake);
        for (unsigned side = 0; side < SIDE_COUNT; side++) {
            fake.refuse[side][COUNTER_EVENT_DATA_HITS] = reasons[i];
        }
        counters_open(&counters, &fake.source);
        counters_describe(&counters, &probe);
        take(&counters, SIDE_NATIVE, COUNTER_SET_DATA, count);
        assert_true(isnan(count[COUNTER_DATA_MISSES]));
        assert_true(count[COUNTER_DATA_WALKS] == 11);
        assert_true(count[COUNTER_DATA_WALK_CYCLES] == 12);
        assert_true(probe.present);
        assert_string_equal(
            probe.text, "data walks, walk cycles, instruction misses, instruction walks"
                        "; no data misses; by libpfm4 (fake)");
        counters_close(&counters);
    }
}

static void test_counters_describe_what_only_one_side_has(void **state)
{
    struct fake_counters fake;
    struct counters counters;
    struct counters_probe probe;

    (void)state;
    begin(&fake);
    refuse_all(&fake, EINVAL);
    fake.refuse[SIDE_NATIVE][WALKS] = 0;
    counters_open(&counters, &fake.source);
    counters_describe(&counters, &probe);
    assert_true(probe.has[SIDE_NATIVE][COUNTER_DATA_WALKS]);
    assert_false(probe.has[SIDE_GUEST][COUNTER_DATA_WALKS]);
    assert_non_null(
        strstr(probe.text, "data walks (native only); no data misses, walk cycles"));
    counters_close(&counters);
}

static void test_counters_fall_back_to_the_names_of_the_kernel(void **state)
{
    struct fake_counters fake;
    struct counters counters;
    struct counters_probe probe;
    double count[COUNTER_KINDS];

    (void)state;
    begin(&fake);
    memset(fake.unknown, true, sizeof(fake.unknown));
    counters_open(&counters, &fake.source);
    counters_describe(&counters, &probe);
    assert_string_equal(
        probe.text, "data walks, instruction walks; no data misses, walk cycles, "
                    "instruction misses; by libpfm4 (fake) and the kernel's names");
    fake.source.library[0] = '\0';
    counters_describe(&counters, &probe);
    assert_non_null(strstr(probe.text, "; no libpfm4: generic events only"));
    take(&counters, SIDE_GUEST, COUNTER_SET_DATA, count);
    assert_true(count[COUNTER_DATA_WALKS] == 101);
    assert_true(isnan(count[COUNTER_DATA_MISSES]));
    counters_close(&counters);
}

/* Denied is not absent: the one has a remedy, the other has none. */
static void test_counters_tell_no_permission_from_no_counter(void **state)
{
    static const struct {
        int errno_value;
        const char *text;
    } rows[] = {
        {EACCES, "no permission (sudo sysctl kernel.perf_event_paranoid=2)"},
        {EPERM, "no permission (in a container: docker run --cap-add PERFMON)"},
        {ENOENT, "no PMU here (the kernel offers no such events)"},
        {ENOSYS, "no PMU here (Function not implemented)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fake_counters fake;
        struct counters counters;
        struct counters_probe probe;
        begin(&fake);
        refuse_all(&fake, rows[i].errno_value);
        counters_open(&counters, &fake.source);
        counters_describe(&counters, &probe);
        assert_false(probe.present);
        assert_int_equal(probe.errno_value, rows[i].errno_value);
        assert_string_equal(probe.text, rows[i].text);
        assert_int_equal(fake.exercised, 0);
        counters_close(&counters);
    }
}

/* Some hypervisors let events be opened and count nothing. */
static void test_counters_that_count_nothing_are_no_counters(void **state)
{
    struct fake_counters fake;
    struct counters counters;
    struct counters_probe probe;

    (void)state;
    fake_counters_begin(&fake);
    counters_open(&counters, &fake.source);
    counters_describe(&counters, &probe);
    assert_true(fake.exercised > 0);
    assert_int_equal(fake.open, 0);
    assert_false(probe.present);
    assert_string_equal(probe.text, "no PMU here (events open, but count nothing)");
    counters_close(&counters);
}

static void test_counters_find_says_what_this_host_has(void **state)
{
    struct counters_probe probe;

    (void)state;
    counters_find(&probe);
    print_message("%s\n", probe.text);
    assert_int_not_equal(probe.text[0], '\0');
    assert_true(probe.present == (probe.errno_value == 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters_count_each_side_and_set_apart),
        cmocka_unit_test(test_counters_that_were_never_opened_count_nothing),
        cmocka_unit_test(test_counters_open_alone_what_does_not_fit_a_group),
        cmocka_unit_test(test_counters_take_apart_a_group_that_never_runs),
        cmocka_unit_test(test_counters_leave_out_a_run_that_shared_its_register),
        cmocka_unit_test(test_counters_miss_one_kind_and_keep_the_others),
        cmocka_unit_test(test_counters_describe_what_only_one_side_has),
        cmocka_unit_test(test_counters_fall_back_to_the_names_of_the_kernel),
        cmocka_unit_test(test_counters_tell_no_permission_from_no_counter),
        cmocka_unit_test(test_counters_that_count_nothing_are_no_counters),
        cmocka_unit_test(test_counters_find_says_what_this_host_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
