/*
 * Fans of pages over tables, and what is read off them.  A fan must keep everything as many but the tables of
 * its level; and with a made-up cache of upper entries behind it, the analysis must find that
 * cache's size, or say that it does not know.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/addr.h"
#include "exp.h"
#include "measure/analyse/ladder.h"
#include "measure/fan.h"
#include "tlb_model.h"

#define WALK       50
#define MISS       40
#define LINE_PAGES 8

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* How many different values the visited addresses have from bit `shift` on. */
static size_t
count_distinct(const uint64_t *address, const uint32_t *words, size_t count, unsigned shift)
{
    uint64_t *value = calloc(count, sizeof(*value));
    size_t distinct = 1;

    assert_non_null(value);
    for (size_t i = 0; i < count; i++) {
        value[i] = address[words[i]] >> shift;
    }
    qsort(value, count, sizeof(*value), compare);
    for (size_t i = 1; i < count; i++) {
        distinct += value[i] != value[i - 1];
    }
    free(value);
    return distinct;
}

/* What holds for k tables of the fan's level: `lines` counts lines of last-level entries. */
static void check_size(const struct fan *fan, const uint64_t *address, size_t k, size_t lines)
{
    uint32_t *words = calloc(fan->pages, sizeof(*words));
    uint32_t *scratch = calloc(fan_scratch(fan), sizeof(*scratch));
    unsigned table = PAGE_SHIFT + 9 * (fan->level - 1);

    assert_true(words != NULL && scratch != NULL);
    fan_visit(fan, k, k, words, scratch);
    assert_int_equal(count_distinct(address, words, fan->pages, PAGE_SHIFT), fan->pages);
    assert_int_equal(count_distinct(address, words, fan->pages, table), k);
    assert_int_equal(count_distinct(address, words, fan->pages, PAGE_SHIFT + 3), lines);
    if (fan->level > 2) {
        /* Each page has tables of its own below. */
        assert_int_equal(
            count_distinct(address, words, fan->pages, PAGE_SHIFT + 9), fan->pages);
    }
    if (fan->apart) {
        assert_int_equal(count_distinct(address, words, fan->pages, table + 3), k);
    }
    /* Any k visits in a row meet k tables. */
    for (size_t i = 0; i + k <= fan->pages; i += k) {
        assert_int_equal(count_distinct(address, words + i, k, table), k);
    }
    free(words);
    free(scratch);
}

static void check_fan(const struct fan *fan)
{
    uint64_t *address = calloc(fan_words(fan), sizeof(*address));
    size_t lines = fan->line_pages == LINE_PAGES ? fan->pages / LINE_PAGES : fan->pages;

    assert_non_null(address);
    fan_place(fan, EXP_PAGES, 7, address);
    for (size_t i = 0; i < fan_words(fan); i++) {
        assert_true(address[i] >= EXP_PAGES && address[i] < EXP_PAGES_END);
        assert_int_equal(address[i] % PAGE_BYTES, 0);
    }
    for (size_t k = fan->only_most ? fan->most : fan_least(fan); k <= fan->most;
         k = k * 2 < fan->most || k == fan->most ? k * 2 : fan->most) {
        check_size(fan, address, k, lines);
    }
    free(address);
}

static void test_fan_changes_nothing_but_its_tables(void **state)
{
    const struct fan fans[] = {
        {.level = 2, .pages = 2048, .most = 2048, .line_pages = 1},
        {.level = 2, .pages = 2048, .most = 256, .line_pages = 1, .apart = true},
        {.level = 3, .pages = 2048, .most = 512, .line_pages = 1},
        {.level = 3, .pages = 2048, .most = 64, .line_pages = 1, .apart = true},
        {.level = 3, .pages = 2048, .most = 2048, .line_pages = 1, .only_most = true},
        {.level = 4, .pages = 2048, .most = 46, .line_pages = 1},
        {.level = 4, .pages = 2048, .most = 46, .line_pages = 1, .only_most = true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(fans) / sizeof(fans[0]); i++) {
        check_fan(&fans[i]);
    }
}

/* With eight pages to a line, as many lines at most as there are eighths: a table's share may end within one. */
static void test_fan_shares_lines_of_last_entries(void **state)
{
    const struct fan fan = {.level = 2, .pages = 2048, .most = 256, .line_pages = LINE_PAGES};

    (void)state;
    assert_int_equal(fan_least(&fan), 4);
    check_fan(&(struct fan){
        .level = 2, .pages = 2048, .most = 4, .line_pages = LINE_PAGES, .only_most = true});
    check_fan(&(struct fan){
        .level = 2, .pages = 2048, .most = 256, .line_pages = LINE_PAGES, .only_most = true});
    assert_true(fan_words(&fan) > fan.pages);
}

/* --- a made-up cache of upper entries --- */

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    assert_non_null(memory);
    return memory;
}

static double take_cost(
    const struct fan *fan,
    const struct tlb_shape *cache,
    size_t k,
    uint32_t *words,
    uint64_t *seed)
{
    const struct tlb_shape none = {.ways = 0};
    uint64_t *tables = allocate(fan->pages, sizeof(*tables));
    uint32_t *scratch = allocate(fan_scratch(fan), sizeof(*scratch));
    uint64_t *address = allocate(fan_words(fan), sizeof(*address));
    struct tlb_model model;

    assert_true(tlb_create(&model, cache, &none, tlb_random(seed)));
    model.cost_first = WALK;
    model.cost_walk = WALK + MISS;
    model.noise = tlb_make_noise(2);
    fan_place(fan, 0, 3, address);
    fan_visit(fan, k, tlb_random(seed), words, scratch);
    for (size_t i = 0; i < fan->pages; i++) {
        tables[i] = address[words[i]] >> (PAGE_SHIFT + 9 * (fan->level - 1));
    }
    double cost = tlb_add_noise(&model, tlb_run_chain(&model, tables, fan->pages));
    tlb_destroy(&model);
    free(tables);
    free(scratch);
    free(address);
    return cost;
}

static void find_cache(const struct tlb_shape *cache, uint64_t seed, struct ladder_pwc *pwc)
{
    const struct fan fan = {.level = 3, .pages = 2048, .most = 512, .line_pages = 1};
    struct knee_point points[KNEE_POINTS_MAX];
    struct knee_point control[KNEE_POINTS_MAX];
    uint32_t words[2048];
    size_t count = 0;

    for (size_t k = fan_least(&fan); k <= fan.most; k += k / 10 + 1) {
        double cost = take_cost(&fan, cache, k, words, &seed);
        points[count] = (struct knee_point){.size = k, .cost = cost};
        control[count] = (struct knee_point){.size = k, .cost = WALK};
        count++;
    }
    ladder_find_pwc(points, count, control, count, pwc);
}

static void test_pwc_finds_the_cache_behind_a_fan(void **state)
{
    static const unsigned sizes[] = {8, 12, 16, 24, 32, 48, 64, 96, 128, 200};
    static const enum tlb_replacement rules[] = {TLB_LRU, TLB_PLRU, TLB_RANDOM};
    unsigned right = 0;
    unsigned cases = 0;

    (void)state;
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        for (size_t r = 0; r < sizeof(rules) / sizeof(rules[0]); r++) {
            for (uint64_t seed = 1; seed <= 4; seed++) {
                struct tlb_shape cache = tlb_make_shape(sizes[s], 0, 0, rules[r]);
                struct ladder_pwc pwc;
                find_cache(&cache, seed * 1000 + sizes[s], &pwc);
                bool holds = pwc.entries.low <= sizes[s] && sizes[s] <= pwc.entries.high;
                if (pwc.verdict.decided && !holds) {
                    print_message(
                        "%u entries, rule %d: %.1f (%.1f to %.1f)\n", sizes[s], (int)rules[r],
                        pwc.entries.value, pwc.entries.low, pwc.entries.high);
                }
                assert_true(!pwc.verdict.decided || holds);
                right += pwc.verdict.decided;
                cases++;
            }
        }
    }
    print_message("%u of %u caches found, the others undecided\n", right, cases);
    assert_true(right * 100 >= cases * 95);
}

static void test_pwc_says_nothing_where_nothing_steps(void **state)
{
    struct tlb_shape large = tlb_make_shape(1024, 0, 0, TLB_LRU);
    struct tlb_shape small = tlb_make_shape(2, 0, 0, TLB_LRU);
    struct ladder_pwc pwc;

    (void)state;
    find_cache(&large, 1, &pwc);
    assert_false(pwc.verdict.decided);
    find_cache(&small, 1, &pwc);
    assert_false(pwc.verdict.decided);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fan_changes_nothing_but_its_tables),
        cmocka_unit_test(test_fan_shares_lines_of_last_entries),
        cmocka_unit_test(test_pwc_finds_the_cache_behind_a_fan),
        cmocka_unit_test(test_pwc_says_nothing_where_nothing_steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
