/*
 * Jumps at random, on the native side for real: what the list says, that it leads to every page of the
 * cycle in turn and back, and that it is cut to the room there is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/jumps.h"

#define PAGES 100

struct fixture {
    struct layout layout;
    struct field field;
};

static void set_up(struct fixture *fixture)
{
    const bool wanted[SIDE_COUNT] = {[SIDE_NATIVE] = true};
    uint64_t address[PAGES];
    struct err err;

    for (size_t i = 0; i < PAGES; i++) {
        address[i] = EXP_PAGES + i * PAGE_BYTES;
    }
    assert_true(native_open(&err));
    assert_true(layout_make_uniq(&fixture->layout, address, PAGES, 1, &err));
    fixture->layout.executable = true;
    assert_true(field_create(&fixture->field, &fixture->layout, wanted, "", 1, &err));
    jumps_write_code(&fixture->field);
}

static void tear_down(struct fixture *fixture)
{
    field_destroy(&fixture->field);
    layout_destroy(&fixture->layout);
    native_close();
}

/* The word whose line the address is in, or PAGES. */
static size_t word_of(const struct layout *layout, enum layout_set set, uint64_t address)
{
    size_t word = 0;

    while (word < PAGES &&
           (layout_word_address(layout, set, word) ^ address) / LAYOUT_LINE_BYTES != 0) {
        word++;
    }
    return word;
}

static void check_list(struct fixture *fixture, enum layout_set set)
{
    const uint64_t *list = (const uint64_t *)EXP_LIST;
    struct exp_args args = {.warm = PAGES, .windows = 3, .loads = 2 * (uint64_t)PAGES};
    unsigned visits[PAGES] = {0};
    unsigned places = 0;

    jumps_list(&fixture->field, set, PAGES, &args);
    assert_int_equal(args.windows, 3);
    for (size_t i = 0; i < PAGES; i++) {
        size_t word = word_of(&fixture->layout, set, list[i]);
        assert_true(word < PAGES);
        assert_int_equal(list[i] % JUMPS_PLACE_BYTES, 0);
        visits[word]++;
        places |= 1U << list[i] % LAYOUT_LINE_BYTES / JUMPS_PLACE_BYTES;
        /* The first window begins where the warm-up ends: the same pages, in the same order. */
        assert_int_equal(word, word_of(&fixture->layout, set, list[PAGES + 1 + i]));
    }
    for (size_t i = 0; i < PAGES; i++) {
        assert_int_equal(visits[i], 1);
    }
    assert_int_equal(places, 0xff);
    assert_int_equal(list[PAGES], 0);
    assert_int_equal(list[PAGES + 1 + 2 * PAGES], 0);
}

static void test_jumps_list_goes_round_the_pages(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture);
    check_list(&fixture, LAYOUT_TEST);
    check_list(&fixture, LAYOUT_CONTROL);
    tear_down(&fixture);
}

static void test_jumps_come_back_from_each_window(void **state)
{
    struct exp_args args = {.warm = UINT64_C(2) * PAGES, .windows = 5, .loads = 512};
    struct fixture fixture;
    uint64_t results[5] = {0};
    uint64_t unexpected;
    struct err err;

    (void)state;
    set_up(&fixture);
    jumps_list(&fixture.field, LAYOUT_TEST, PAGES, &args);
    assert_true(field_run(
        &fixture.field, SIDE_NATIVE, EXP_ROUTINE_itlb_random, &args, results, 5, &unexpected,
        &err));
    for (size_t i = 0; i < 5; i++) {
        assert_true(results[i] > args.floor_ticks);
    }
    tear_down(&fixture);
}

/* The least: that many windows, and one at the greatest number of pages that is allowed. */
static void test_jumps_list_is_cut_to_its_room(void **state)
{
    struct exp_args many = {.warm = UINT64_C(2) * PAGES, .windows = 1000, .loads = 512};
    struct exp_args long_warm = {.warm = EXP_LIST_COUNT, .windows = 56, .loads = 512};
    struct fixture fixture;

    (void)state;
    set_up(&fixture);
    jumps_list(&fixture.field, LAYOUT_TEST, PAGES, &many);
    assert_int_equal(many.windows, (EXP_LIST_COUNT - 2 * PAGES - 1) / 513);
    jumps_list(&fixture.field, LAYOUT_TEST, PAGES, &long_warm);
    assert_int_equal(long_warm.warm, EXP_LIST_COUNT / 2 - 1);
    assert_true(long_warm.windows > 0);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jumps_list_goes_round_the_pages),
        cmocka_unit_test(test_jumps_come_back_from_each_window),
        cmocka_unit_test(test_jumps_list_is_cut_to_its_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
