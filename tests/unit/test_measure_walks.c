/* How many pages the walks are measured over, for TLBs of any size, and what is refused where these are
 * too few: a number of an unusual processor must not become a wrong figure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/fan_field.h"

static struct lab make_lab(uint64_t native, uint64_t guest, uint32_t claimed)
{
    struct lab lab = {.wanted = {true, true}};

    lab.found.tlb[SIDE_NATIVE][2].decided = native != 0;
    lab.found.tlb[SIDE_NATIVE][2].entries = native;
    lab.found.tlb[SIDE_GUEST][2].decided = guest != 0;
    lab.found.tlb[SIDE_GUEST][2].entries = guest;
    lab.claims.data[2][1].entries = claimed;
    return lab;
}

static void test_walks_are_over_half_as_many_pages_again(void **state)
{
    static const struct {
        uint64_t native, guest;
        uint32_t claimed;
        size_t pages;
        bool enough[SIDE_COUNT];
    } rows[] = {
        {64, 64, 64, 2048, {true, true}},
        {3072, 3072, 3072, 4608, {true, true}},
        {3072, 0, 0, 4608, {true, true}},
        {0, 0, 4096, 6144, {true, true}}, /* not found: CPUID's word is better than none */
        {0, 0, 0, 4096, {true, true}},
        {3072, 5500, 3072, 6144, {true, false}},
        {100000, 3072, 3072, 6144, {false, true}},
        {UINT64_MAX, UINT64_MAX, 0, 6144, {false, false}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lab lab = make_lab(rows[i].native, rows[i].guest, rows[i].claimed);
        assert_int_equal(fan_field_pages(&lab), rows[i].pages);
        for (enum side side = 0; side < SIDE_COUNT; side++) {
            struct result_figure figure = {.claim = CLAIM_NONE};
            figure_decide(&figure, side, (struct estimate){40, 39, 41});
            assert_int_equal(fan_field_check(&lab, side, &figure), rows[i].enough[side]);
            assert_int_equal(figure.side[side].verdict.decided, rows[i].enough[side]);
        }
    }
}

static void test_walks_say_what_the_pages_are(void **state)
{
    struct lab lab = make_lab(100000, 3072, 3072);
    struct result_figure figure = {.claim = CLAIM_NONE};

    (void)state;
    assert_false(fan_field_check(&lab, SIDE_NATIVE, &figure));
    assert_string_equal(
        figure.side[SIDE_NATIVE].verdict.reason,
        "the TLB has 100000 entries: 6144 pages need not always walk");
    assert_string_equal(fan_field_describe(&lab), "not more than the TLB holds");
    lab.wanted[SIDE_NATIVE] = false;
    assert_string_equal(fan_field_describe(&lab), "more than the TLB holds");
    lab = make_lab(0, 0, 0);
    assert_non_null(strstr(fan_field_describe(&lab), "not known"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walks_are_over_half_as_many_pages_again),
        cmocka_unit_test(test_walks_say_what_the_pages_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
