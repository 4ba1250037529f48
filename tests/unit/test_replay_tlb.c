/*
 * The TLB against arrays of entries that are searched: exact LRU by the time of last use, and
 * tree-PLRU by a recursive tree written from its definition.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replay/sim_tlb.h"
#include "replay_model.h"

#define ENTRIES_MAX 64
#define TOUCHES     20000

struct entry {
    bool valid;
    struct page_key key;
    uint64_t used;
};

struct model {
    struct tlb_shape shape;
    struct entry entry[ENTRIES_MAX]; /* set by set */
    bool right[ENTRIES_MAX][2 * ENTRIES_MAX];
    uint64_t now;
};

/* Ways [begin, end) of a set hang under a node: which one do the bits point at? */
static uint32_t pointed_at(const bool *right, uint32_t node, uint32_t begin, uint32_t end)
{
    uint32_t middle = begin + (end - begin) / 2;

    if (end - begin == 1) {
        return begin;
    }
    return right[node] ? pointed_at(right, 2 * node + 1, middle, end)
                       : pointed_at(right, 2 * node, begin, middle);
}

static void
point_elsewhere(bool *right, uint32_t node, uint32_t begin, uint32_t end, uint32_t way)
{
    uint32_t middle = begin + (end - begin) / 2;

    if (end - begin == 1) {
        return;
    }
    right[node] = way < middle;
    if (way < middle) {
        point_elsewhere(right, 2 * node, begin, middle, way);
    } else {
        point_elsewhere(right, 2 * node + 1, middle, end, way);
    }
}

static uint32_t choose(const struct model *model, uint32_t set)
{
    const struct entry *entry = &model->entry[(size_t)set * model->shape.ways];
    uint32_t oldest = 0;

    for (uint32_t way = 0; way < model->shape.ways; way++) {
        if (!entry[way].valid) {
            return way;
        }
        oldest = entry[way].used < entry[oldest].used ? way : oldest;
    }
    return model->shape.choice == TLB_LRU
               ? oldest
               : pointed_at(model->right[set], 1, 0, model->shape.ways);
}

/* Returns whether the page missed. */
static bool touch(struct model *model, struct page_key key)
{
    uint32_t set = (uint32_t)(key.page % (model->shape.entries / model->shape.ways));
    struct entry *entry = &model->entry[(size_t)set * model->shape.ways];
    uint32_t way = 0;
    bool miss;

    while (way < model->shape.ways && !(entry[way].valid && entry[way].key.page == key.page &&
                                        entry[way].key.process == key.process)) {
        way++;
    }
    miss = way == model->shape.ways;
    way = miss ? choose(model, set) : way;
    entry[way] = (struct entry){.valid = true, .key = key, .used = ++model->now};
    point_elsewhere(model->right[set], 1, 0, model->shape.ways, way);
    return miss;
}

static void compare(const struct tlb_shape *shape, uint64_t seed, uint32_t limit)
{
    struct model *model = calloc(1, sizeof(*model));
    uint32_t *ids = malloc(TOUCHES * sizeof(*ids));
    struct tlb *tlb;
    struct err err;
    uint32_t room = 0;

    model->shape = *shape;
    model_make_string(&seed, ids, TOUCHES, limit);
    assert_true(tlb_create(&tlb, shape, &err));
    for (size_t i = 0; i < TOUCHES; i++) {
        /* Spread the numbers over pages, and over two processes with the same ones. */
        struct page_key key = {.page = UINT64_C(7) * (ids[i] / 2), .process = ids[i] % 2};
        uint64_t misses = 0;

        room = ids[i] >= room ? ids[i] + 1 : room;
        assert_true(tlb_touch(tlb, &key, &ids[i], 1, room, &misses, &err));
        assert_int_equal(misses, touch(model, key));
    }
    tlb_destroy(tlb);
    free(ids);
    free(model);
}

static void test_tlb_agrees_with_the_model(void **unused)
{
    static const struct tlb_shape shapes[] = {
        {1, 1, TLB_LRU},   {8, 8, TLB_LRU},  {64, 4, TLB_LRU},   {64, 64, TLB_LRU},
        {12, 4, TLB_LRU},  {15, 5, TLB_LRU}, {16, 1, TLB_LRU},   {6, 1, TLB_LRU},
        {1, 1, TLB_PLRU},  {8, 8, TLB_PLRU}, {64, 4, TLB_PLRU},  {64, 64, TLB_PLRU},
        {12, 4, TLB_PLRU}, {6, 2, TLB_PLRU}, {32, 16, TLB_PLRU}, {16, 1, TLB_PLRU},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        compare(&shapes[i], 1000 + i, 30);
        compare(&shapes[i], 2000 + i, 200);
        compare(&shapes[i], 3000 + i, 3000);
    }
}

/* The same touches in one batch, where touches in a row of one page are passed over. */
static void test_tlb_counts_alike_in_batches(void **unused)
{
    static const struct tlb_shape shapes[] = {{16, 4, TLB_LRU}, {16, 4, TLB_PLRU}};
    static uint32_t ids[TOUCHES];
    static struct page_key keys[TOUCHES];
    uint64_t seed = 9;

    (void)unused;
    model_make_string(&seed, ids, TOUCHES, 40);
    for (size_t i = 0; i < TOUCHES; i++) {
        keys[i] = (struct page_key){.page = ids[i]};
    }
    for (size_t s = 0; s < 2; s++) {
        struct tlb *whole;
        struct tlb *single;
        struct err err;
        uint64_t misses[2] = {0, 0};

        assert_true(tlb_create(&whole, &shapes[s], &err));
        assert_true(tlb_create(&single, &shapes[s], &err));
        assert_true(tlb_touch(whole, keys, ids, TOUCHES, 40, &misses[0], &err));
        for (size_t i = 0; i < TOUCHES; i++) {
            assert_true(tlb_touch(single, &keys[i], &ids[i], 1, 40, &misses[1], &err));
        }
        assert_int_equal(misses[0], misses[1]);
        assert_true(misses[0] > 40);
        tlb_destroy(whole);
        tlb_destroy(single);
    }
}

/* Pages a set apart from each other conflict, however many entries there are. */
static void test_tlb_of_few_ways_has_conflicts(void **unused)
{
    static const struct tlb_shape narrow = {64, 4, TLB_LRU};
    static const struct tlb_shape full = {64, 64, TLB_LRU};
    struct tlb *tlbs[2];
    uint64_t misses[2] = {0, 0};
    struct err err;

    (void)unused;
    assert_true(tlb_create(&tlbs[0], &narrow, &err));
    assert_true(tlb_create(&tlbs[1], &full, &err));
    for (uint32_t i = 0; i < 500; i++) {
        uint32_t id = i % 5;
        struct page_key key = {.page = UINT64_C(16) * id};

        assert_true(tlb_touch(tlbs[0], &key, &id, 1, 5, &misses[0], &err));
        assert_true(tlb_touch(tlbs[1], &key, &id, 1, 5, &misses[1], &err));
    }
    assert_int_equal(misses[0], 500);
    assert_int_equal(misses[1], 5);
    tlb_destroy(tlbs[0]);
    tlb_destroy(tlbs[1]);
    tlb_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tlb_agrees_with_the_model),
        cmocka_unit_test(test_tlb_counts_alike_in_batches),
        cmocka_unit_test(test_tlb_of_few_ways_has_conflicts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
