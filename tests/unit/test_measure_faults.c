/* The parts of a fault: medians with their intervals, also where guest and host count from different
 * zeros. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure/fault_parts.h"

#define FAULTS 101

/* Fault i takes 100 + i ticks out, 50 + i in the host, 200 + i back. */
static void make_faults(
    uint64_t offset, uint64_t stamps[2 * FAULTS], uint64_t exit[FAULTS], uint64_t entry[FAULTS])
{
    for (uint64_t i = 0; i < FAULTS; i++) {
        uint64_t begin = 1000000 * (i + 1);
        exit[i] = begin + 100 + i;
        entry[i] = exit[i] + 50 + i;
        stamps[2 * i] = begin + offset;
        stamps[2 * i + 1] = entry[i] + 200 + i + offset;
    }
}

static void report(uint64_t offset, struct result *result)
{
    uint64_t stamps[2 * FAULTS], exit[FAULTS], entry[FAULTS];
    const struct fault_times times = {exit, entry, FAULTS};
    static const struct lab lab = {.found = {.ticks_per_ns = 1}};

    make_faults(offset, stamps, exit, entry);
    fault_parts_report(&lab, &times, stamps, result);
    assert_int_equal(result->figure_count, 3);
}

static void test_fault_parts_are_medians_with_an_interval(void **state)
{
    static const double medians[3] = {150, 100, 250};
    static struct result result;

    (void)state;
    report(0, &result);
    for (unsigned p = 0; p < 3; p++) {
        const struct figure_side *side = &result.figures[p].side[SIDE_GUEST];
        assert_true(side->verdict.decided);
        assert_true(side->value.value == medians[p]);
        /* 1.96 sqrt(101) / 2 ranks on both sides, rounded away. */
        assert_true(side->value.low >= medians[p] - 12 && side->value.low <= medians[p] - 9);
        assert_true(side->value.high >= medians[p] + 9 && side->value.high <= medians[p] + 12);
    }
    result_destroy(&result);
}

static void test_fault_parts_know_less_where_the_counters_differ(void **state)
{
    static struct result result;

    (void)state;
    report(5000, &result);
    const struct estimate *out = &result.figures[0].side[SIDE_GUEST].value;
    const struct estimate *host = &result.figures[1].side[SIDE_GUEST].value;
    /* The offset is known to lie between 4900 and 5200: the middle is 50 off, and 150 to both sides. */
    assert_true(out->low <= 150 && out->high >= 150 && out->high - out->low > 300);
    assert_true(host->value == 100 && host->high - host->low < 25);
    result_destroy(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fault_parts_are_medians_with_an_interval),
        cmocka_unit_test(test_fault_parts_know_less_where_the_counters_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
