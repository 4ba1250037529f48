/*
 * What address spaces do when something cannot be had: host memory, frames for page tables, a place
 * among the spaces, room in the range.  What refuses changes nothing, and goes as soon as it can.
 */
/* cmocka.h wants the four in front of it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <string.h>

#include "fail_alloc.h"
#include "space/range.h"
#include "space/rmap.h"
#include "space_fixture.h"

static uint64_t tables(const struct space_fixture *f)
{
    memory_settle(f->memory);
    return ptab_pool_tables(f->cpu->pool);
}

/* --- more spaces than there may be --- */

static void test_space_create_names_the_option_when_all_places_are_taken(void **state)
{
    struct space_fixture f;
    struct space *second, *third;
    struct err err;

    (void)state;
    fixture_create(&f, &(struct fixture_config){.spaces = 2});
    assert_true(space_create(&second, f.memory, &err));
    uint64_t before = tables(&f);
    assert_false(space_create(&third, f.memory, &err));
    assert_null(third);
    assert_non_null(strstr(err.text, "2 address spaces already: give more --max-processes"));
    assert_false(space_fork(f.space, &third, &err));
    assert_non_null(strstr(err.text, "--max-processes"));
    assert_int_equal(tables(&f), before);
    space_destroy(second);
    assert_true(space_create(&third, f.memory, &err));
    space_destroy(third);
    fixture_destroy(&f);
}

/* --- no host memory --- */

static void test_space_fork_without_memory_leaves_the_parent_alone(void **state)
{
    struct space_fixture f;
    struct space *child;
    struct err err;
    unsigned refusals = 0;

    (void)state;
    fixture_create(&f, &(struct fixture_config){0});
    fixture_map(&f, 0, 8);
    assert_int_equal(space_protect(f.space, fixture_page(2), fixture_page(3), REGION_READ), 0);
    assert_int_equal(fixture_write(&f, f.space, 5, 0x1234), 0);
    uint64_t before = tables(&f);
    for (uint64_t n = 0;; n++) {
        fail_alloc_after(n);
        bool forked = space_fork(f.space, &child, &err);
        uint64_t refused = fail_alloc_off();
        assert_int_equal(forked, refused == 0);
        if (forked) {
            break;
        }
        refusals++;
        assert_null(child);
        assert_int_equal(tables(&f), before);
        fixture_expect(&f, f.space, 5, 0x1234);
        assert_int_equal(fixture_write(&f, f.space, 5, 0x1234), 0);
    }
    assert_true(refusals >= 4); /* the space, two sets of regions, a region */
    fixture_expect(&f, child, 5, 0x1234);
    f.cpu->leave(f.cpu, child);
    space_destroy(child);
    fixture_destroy(&f);
}

/* A call that cuts regions needs records for the pieces. */
static void test_space_calls_without_memory_change_nothing(void **state)
{
    struct space_fixture f;

    (void)state;
    fixture_create(&f, &(struct fixture_config){0});
    fixture_map(&f, 0, 8);
    for (unsigned page = 0; page < 8; page++) {
        assert_int_equal(fixture_write(&f, f.space, page, page + 1), 0);
    }
    uint64_t resident = f.space->resident;
    fail_alloc_after(0);
    assert_int_equal(space_unmap(f.space, fixture_page(3), fixture_page(4)), ENOMEM);
    assert_int_equal(
        space_protect(f.space, fixture_page(3), fixture_page(4), REGION_READ), ENOMEM);
    assert_int_equal(fail_alloc_off(), 2);
    assert_int_equal(f.space->resident, resident);
    for (unsigned page = 0; page < 8; page++) {
        fixture_expect(&f, f.space, page, page + 1);
        assert_int_equal(fixture_write(&f, f.space, page, page + 1), 0);
    }
    fixture_destroy(&f);
}

/* A mapping away from the page's home is listed.  Where the list cannot grow, the page stays. */
static void test_rmap_without_memory_locks_the_page(void **state)
{
    struct space_fixture f;
    struct object *object;

    (void)state;
    fixture_create(&f, &(struct fixture_config){.swap_pages = 16});
    assert_int_equal(objects_new_anonymous(&f.memory->objects, &object), 0);
    const struct region_spec spec = {
        .kind = REGION_ANONYMOUS,
        .permissions = REGION_READ | REGION_WRITE,
        .page_shift = PAGE_SHIFT,
        .shared = true,
        .object = object};
    for (unsigned page = 0; page < 3; page++) {
        assert_int_equal(
            space_map(f.space, fixture_page(page), fixture_page(page + 1), &spec), 0);
    }
    object_put(object);
    assert_int_equal(fixture_write(&f, f.space, 0, 0x77), 0);
    fail_alloc_after(0);
    fixture_expect(&f, f.space, 1, 0x77);
    assert_int_equal(fail_alloc_off(), 1);
    uint32_t frame = fixture_frame(&f, f.space, 0);
    assert_int_equal(f.memory->locked, 1);
    fixture_expect(&f, f.space, 2, 0x77);
    assert_int_equal(f.memory->extra_count, 1);
    assert_false(pager_limit(f.pager, 1) && f.memory->locked == 0);
    assert_int_equal(fixture_frame(&f, f.space, 1), frame);
    assert_int_equal(space_unmap(f.space, fixture_page(0), fixture_page(3)), 0);
    memory_settle(f.memory);
    assert_int_equal(f.memory->locked, 0);
    assert_int_equal(f.memory->extra_count, 0);
    fixture_destroy(&f);
}

/* --- no frame for a page table --- */

static void test_space_create_without_a_frame_leaves_nothing(void **state)
{
    struct space_fixture f;
    struct space *second;
    struct err err;

    (void)state;
    fixture_create(&f, &(struct fixture_config){0});
    fixture_take_all(&f, 0);
    assert_false(space_create(&second, f.memory, &err));
    assert_null(second);
    fixture_give_back(&f);
    assert_true(space_create(&second, f.memory, &err));
    space_destroy(second);
    fixture_destroy(&f);
}

static void test_space_fork_without_frames_leaves_the_parent_alone(void **state)
{
    struct space_fixture f;
    struct space *child;
    struct err err;

    (void)state;
    fixture_create(&f, &(struct fixture_config){0});
    fixture_map(&f, 0, 1024);
    assert_int_equal(fixture_write(&f, f.space, 0, 0x11), 0);
    assert_int_equal(fixture_write(&f, f.space, 512, 0x22), 0);
    uint64_t before = tables(&f);
    for (uint64_t frames = 0; frames < 5;
         frames++) { /* PML4, two, and a table for each 2 MiB */
        fixture_take_all(&f, frames);
        assert_false(space_fork(f.space, &child, &err));
        assert_null(child);
        fixture_give_back(&f);
        assert_int_equal(tables(&f), before);
        fixture_expect(&f, f.space, 0, 0x11);
        assert_int_equal(fixture_write(&f, f.space, 0, 0x11), 0);
        assert_int_equal(fixture_write(&f, f.space, 512, 0x22), 0);
    }
    fixture_take_all(&f, 5);
    assert_true(space_fork(f.space, &child, &err));
    fixture_give_back(&f);
    assert_int_equal(fixture_write(&f, f.space, 0, 0x33), 0);
    fixture_expect(&f, child, 0, 0x11);
    fixture_expect(&f, child, 512, 0x22);
    f.cpu->leave(f.cpu, child);
    space_destroy(child);
    fixture_destroy(&f);
}

static void test_space_move_pages_without_a_table_moves_nothing(void **state)
{
    struct space_fixture f;
    const uint64_t far = UINT64_C(4) << (30 - PAGE_SHIFT);

    (void)state;
    fixture_create(&f, &(struct fixture_config){0});
    fixture_map(&f, 0, 4);
    fixture_map(&f, far, 4);
    for (unsigned page = 0; page < 4; page++) {
        assert_int_equal(fixture_write(&f, f.space, page, page + 1), 0);
    }
    fixture_take_all(&f, 1); /* two are needed */
    assert_int_equal(
        space_move_pages(f.space, fixture_page(0), fixture_page(far), 4 * PAGE_BYTES), ENOMEM);
    for (unsigned page = 0; page < 4; page++) {
        fixture_expect(&f, f.space, page, page + 1);
    }
    fixture_give_back(&f);
    assert_int_equal(
        space_move_pages(f.space, fixture_page(0), fixture_page(far), 4 * PAGE_BYTES), 0);
    for (unsigned page = 0; page < 4; page++) {
        fixture_expect(&f, f.space, far + page, page + 1);
        fixture_expect(&f, f.space, page, 0);
    }
    fixture_destroy(&f);
}

static void test_a_large_page_that_cannot_be_split_stays_whole(void **state)
{
    struct space_fixture f;

    (void)state;
    fixture_create(&f, &(struct fixture_config){.page_size = MEMORY_PAGES_2M});
    fixture_map(&f, 0, 512);
    assert_int_equal(fixture_write(&f, f.space, 100, 0x99), 0);
    assert_int_equal(f.space->resident, 512);
    fixture_take_all(&f, 0);
    assert_int_equal(space_unmap(f.space, fixture_page(100), fixture_page(101)), ENOMEM);
    assert_int_equal(space_discard(f.space, fixture_page(100), fixture_page(101)), ENOMEM);
    assert_int_equal(
        space_protect(f.space, fixture_page(100), fixture_page(101), REGION_READ), ENOMEM);
    assert_int_equal(
        space_move_pages(f.space, fixture_page(100), fixture_page(600), PAGE_BYTES), ENOMEM);
    assert_int_equal(f.space->resident, 512);
    fixture_expect(&f, f.space, 100, 0x99);
    fixture_give_back(&f);
    assert_int_equal(space_unmap(f.space, fixture_page(100), fixture_page(101)), 0);
    assert_int_equal(f.space->resident, 511);
    fixture_destroy(&f);
}

/* As a chain of forks makes them, before anything is written. */
static void test_a_large_page_of_many_processes_is_split_in_all_of_them(void **state)
{
    enum { SPACES = 300 };
    struct space *child[SPACES - 1];
    struct space_fixture f;
    struct err err;

    (void)state;
    fixture_create(
        &f,
        &(struct fixture_config){.blocks = 8, .spaces = SPACES, .page_size = MEMORY_PAGES_2M});
    fixture_map(&f, 0, 512);
    assert_int_equal(fixture_write(&f, f.space, 7, 0x55), 0);
    for (unsigned i = 0; i < SPACES - 1; i++) {
        assert_true(space_fork(f.space, &child[i], &err));
    }
    fail_alloc_after(0);
    assert_int_equal(space_unmap(f.space, fixture_page(3), fixture_page(4)), ENOMEM);
    assert_true(fail_alloc_off() > 0);
    assert_int_equal(space_unmap(f.space, fixture_page(3), fixture_page(4)), 0);
    assert_int_equal(fixture_write(&f, child[200], 7, 0x66), 0);
    for (unsigned i = 0; i < SPACES - 1; i++) {
        assert_int_equal(child[i]->resident, 512);
        fixture_expect(&f, child[i], 7, i == 200 ? 0x66 : 0x55);
    }
    for (unsigned i = 0; i < SPACES - 1; i++) {
        f.cpu->leave(f.cpu, child[i]);
        space_destroy(child[i]);
    }
    fixture_destroy(&f);
}

/* --- what may not be asked for --- */

static void test_space_calls_refuse_what_is_no_range_or_no_permission(void **state)
{
    struct space_fixture f;
    const struct region_spec both = {
        .kind = REGION_ANONYMOUS,
        .permissions = REGION_READ | REGION_WRITE | REGION_EXEC,
        .page_shift = PAGE_SHIFT};
    struct region_spec plain = both;

    (void)state;
    plain.permissions = REGION_READ;
    fixture_create(&f, &(struct fixture_config){0});
    fixture_map(&f, 0, 2);
    fixture_map(&f, 3, 1);
    assert_int_equal(space_map(f.space, fixture_page(0), fixture_page(1), &both), EACCES);
    assert_int_equal(space_add(f.space, fixture_page(4), fixture_page(5), &both), EACCES);
    assert_int_equal(space_add(f.space, fixture_page(1), fixture_page(5), &plain), EEXIST);
    assert_int_equal(
        space_protect(f.space, fixture_page(0), fixture_page(1), REGION_WRITE | REGION_EXEC),
        EACCES);
    assert_int_equal(
        space_protect(f.space, fixture_page(0), fixture_page(4), REGION_READ), ENOMEM);
    assert_int_equal(fixture_write(&f, f.space, 0, 1), 0); /* as before the hole was met */
    assert_int_equal(
        space_map(f.space, fixture_page(0), gva_of(LAYOUT_USER_END + PAGE_BYTES), &plain),
        EINVAL);
    fixture_expect(&f, f.space, 0, 1);
    fixture_destroy(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_space_create_names_the_option_when_all_places_are_taken),
        cmocka_unit_test(test_space_fork_without_memory_leaves_the_parent_alone),
        cmocka_unit_test(test_space_calls_without_memory_change_nothing),
        cmocka_unit_test(test_rmap_without_memory_locks_the_page),
        cmocka_unit_test(test_space_create_without_a_frame_leaves_nothing),
        cmocka_unit_test(test_space_fork_without_frames_leaves_the_parent_alone),
        cmocka_unit_test(test_space_move_pages_without_a_table_moves_nothing),
        cmocka_unit_test(test_a_large_page_that_cannot_be_split_stays_whole),
        cmocka_unit_test(test_a_large_page_of_many_processes_is_split_in_all_of_them),
        cmocka_unit_test(test_space_calls_refuse_what_is_no_range_or_no_permission),
    };
    return cmocka_run_group_tests_name("unit/space_refusals", tests, NULL, NULL);
}
