/*
 * The parts that number pages and find next touches, on strings long enough for several batches
 * and for the table of pages to grow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replay/nextuse.h"
#include "replay/pagemap.h"
#include "replay/sim.h"
#include "replay_model.h"

static void test_nextuse_finds_the_next_touches(void **unused)
{
    enum { TOUCHES = 3 * NEXTUSE_BATCH + 17 };
    uint32_t *pages = malloc(TOUCHES * sizeof(*pages));
    uint32_t *merged = malloc(TOUCHES * sizeof(*merged));
    uint32_t *last = malloc(70000 * sizeof(*last));
    uint64_t random = 55;
    uint32_t distinct = model_make_string(&random, pages, TOUCHES, 60000);
    struct nextuse *nextuse;
    const uint32_t *ids;
    const uint32_t *next;
    size_t merged_count = 0;
    size_t at = 0;
    size_t count;
    struct err err;

    (void)unused;
    assert_true(nextuse_create(&nextuse, &err));
    for (size_t i = 0; i < TOUCHES; i += 1000) {
        assert_true(
            nextuse_append(nextuse, &pages[i], TOUCHES - i < 1000 ? TOUCHES - i : 1000, &err));
    }
    for (size_t i = 0; i < TOUCHES; i++) {
        if (i == 0 || pages[i] != pages[i - 1]) {
            merged[merged_count++] = pages[i];
        }
    }
    memset(last, 0xff, 70000 * sizeof(*last));
    assert_true(nextuse_finish(nextuse, distinct, &err));
    do {
        assert_true(nextuse_read(nextuse, &ids, &next, &count, &err));
        for (size_t i = 0; i < count; i++, at++) {
            assert_int_equal(ids[i], merged[at]);
            /* What the touch before of this page was promised is here. */
            assert_true(last[ids[i]] == SIM_NEVER || last[ids[i]] == at);
            last[ids[i]] = next[i];
            assert_true(next[i] > at);
            assert_true(next[i] == SIM_NEVER || merged[next[i]] == ids[i]);
        }
    } while (count > 0);
    assert_int_equal(at, merged_count);
    for (uint32_t page = 0; page < distinct; page++) {
        assert_int_equal(last[page], SIM_NEVER);
    }
    nextuse_destroy(nextuse);
    free(last);
    free(merged);
    free(pages);
}

static void test_nextuse_names_a_folder_that_is_not_there(void **unused)
{
    struct nextuse *nextuse;
    struct err err;
    char *saved = getenv("TMPDIR");

    (void)unused;
    saved = saved != NULL ? strdup(saved) : NULL;
    setenv("TMPDIR", "/nowhere/at/all", 1);
    assert_false(nextuse_create(&nextuse, &err));
    assert_int_equal(err.kind, ERR_ENVIRONMENT);
    assert_non_null(strstr(err.text, "/nowhere/at/all"));
    assert_null(nextuse);
    if (saved != NULL) {
        setenv("TMPDIR", saved, 1);
    } else {
        unsetenv("TMPDIR");
    }
    free(saved);
}

/* Keys that differ in one high bit or in the process only. */
static void test_pagemap_numbers_by_first_touch(void **unused)
{
    enum { PAGES = 50000 };
    struct pagemap map;
    struct err err;
    struct page_key keys[64];
    uint32_t ids[64];

    (void)unused;
    assert_true(pagemap_create(&map, &err));
    for (unsigned i = 0; i < 64; i++) {
        keys[i] = (struct page_key){.page = UINT64_C(1) << (i % 32 + 20), .process = i >= 32};
    }
    assert_true(pagemap_number(&map, keys, ids, 64, &err));
    for (uint32_t i = 0; i < 64; i++) {
        assert_int_equal(ids[i], i);
    }
    for (uint64_t i = 0; i < PAGES; i++) {
        struct page_key key = {.page = i * 3 + 1, .process = 7};

        assert_true(pagemap_number(&map, &key, ids, 1, &err));
        assert_int_equal(ids[0], 64 + i);
    }
    for (uint64_t i = PAGES; i-- > 0;) {
        struct page_key key = {.page = i * 3 + 1, .process = 7};

        assert_true(pagemap_number(&map, &key, ids, 1, &err));
        assert_int_equal(ids[0], 64 + i);
    }
    assert_int_equal(map.pages, 64 + PAGES);
    pagemap_destroy(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nextuse_finds_the_next_touches),
        cmocka_unit_test(test_nextuse_names_a_folder_that_is_not_there),
        cmocka_unit_test(test_pagemap_numbers_by_first_touch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
