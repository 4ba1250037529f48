/*
 * What every policy owes, whichever page it prefers: victims that are in memory and not pinned,
 * no page lost or named twice, the place of a large page kept when it is split, and a cost that
 * does not grow with memory.  The lists and memories beneath are tested here too.
 */
/* cmocka.h wants the four in front of it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>
#include <string.h>

#include "fake_memory.h"
#include "policy/ghosts.h"
#include "policy/lists.h"
#include "policy/policy.h"

#define LARGE 2097152u

/* --- no page is lost or named twice --- */

/* Everything goes, each page once; then there is none to name. */
static void drain(struct fake *fake)
{
    struct vmm_fault fault = fake_fault(fake, 1);

    for (uint32_t frame = 0; frame < fake->host.frames; frame++) {
        fake->frame[frame].pinned = false;
    }
    while (fake->resident > 0) {
        uint32_t frame = fake->ops->choose_victim(fake->self, &fault);

        assert_true(frame < fake->host.frames);
        assert_int_not_equal(fake->frame[frame].key, 0);
        fake_drop(fake, frame, true);
    }
    assert_int_equal(fake->ops->choose_victim(fake->self, &fault), VMM_NO_FRAME);
}

/* Pages come, are used, pinned, given back, and evicted by the pager's own choice. */
static void disturb(struct fake *fake, uint64_t *random)
{
    uint64_t number = fake_random(random);
    uint32_t frame = (uint32_t)(number / 16 % fake->host.frames);
    uint64_t victim;

    if (number % 16 < 11) {
        (void)fake_use(fake, 1 + number / 16 % (fake->keys - 1), &victim);
    } else if (fake->frame[frame].key == 0) {
        return;
    } else if (number % 16 < 13) {
        fake_drop(fake, frame, number % 2 == 0);
    } else {
        /* Frame 0 to 3 are never pinned, so that something may go. */
        fake->frame[frame].pinned = frame > 3 && number % 16 != 15;
    }
}

/* Some frame that may go, or else room. */
static bool can_make_room(const struct fake *fake)
{
    for (uint32_t frame = 0; frame < fake->host.frames; frame++) {
        if (fake->frame[frame].key != 0 && !fake->frame[frame].pinned) {
            return true;
        }
    }
    return fake->resident < fake->host.limit;
}

static void test_policies_lose_and_double_no_page(void **state)
{
    (void)state;
    for (const struct vmm_policy *const *ops = policy_builtin; *ops != NULL; ops++) {
        for (uint64_t seed = 1; seed <= 100; seed++) {
            uint64_t random = seed;
            struct fake fake;

            fake_create(&fake, *ops, "", 1 + (uint32_t)(seed % 40), 100);
            for (unsigned i = 0; i < 2000; i++) {
                if (can_make_room(&fake)) {
                    disturb(&fake, &random);
                } else {
                    fake.frame[fake_random(&random) % fake.host.frames].pinned = false;
                }
            }
            drain(&fake);
            fake_destroy(&fake);
        }
    }
}

/* --- pinned pages --- */

static void fill(struct fake *fake, uint32_t pages)
{
    uint64_t victim;

    for (uint64_t key = 1; key <= pages; key++) {
        (void)fake_use(fake, key, &victim);
    }
}

/* All but one are pinned, each one in turn; then all. */
static void test_policies_find_the_one_page_that_may_go(void **state)
{
    (void)state;
    for (const struct vmm_policy *const *ops = policy_builtin; *ops != NULL; ops++) {
        struct fake fake;

        fake_create(&fake, *ops, "", 64, 65);
        fill(&fake, 64);
        struct vmm_fault fault = fake_fault(&fake, 64);
        for (uint32_t key = 1; key <= 64; key++) {
            for (uint32_t frame = 0; frame < fake.host.frames; frame++) {
                fake.frame[frame].pinned = fake.frame[frame].key != key;
            }
            uint32_t victim = fake.ops->choose_victim(fake.self, &fault);
            assert_int_equal(victim, fake.frame_of[key]);
        }
        for (uint32_t frame = 0; frame < fake.host.frames; frame++) {
            fake.frame[frame].pinned = true;
        }
        assert_int_equal(fake.ops->choose_victim(fake.self, &fault), VMM_NO_FRAME);
        drain(&fake);
        fake_destroy(&fake);
    }
}

/* 15 of 16 pages are pinned: a choice costs so many looks on average, and not as many as there
 * are pages. */
static void test_policies_do_not_search_pinned_pages_again_and_again(void **state)
{
    (void)state;
    for (const struct vmm_policy *const *ops = policy_builtin; *ops != NULL; ops++) {
        struct fake fake;
        uint64_t victim;

        fake_create(&fake, *ops, "", 4096, 10000);
        fill(&fake, 4096);
        for (uint32_t frame = 0; frame < fake.host.frames; frame++) {
            fake.frame[frame].pinned = frame % 16 != 0;
            fake.frame[frame].accessed = false;
        }
        fake.calls = 0;
        for (uint64_t key = 5000; key < 7000; key++) {
            (void)fake_use(&fake, key, &victim);
        }
        if (fake.calls > UINT64_C(2000) * 100) {
            fail_msg("%s: %lu looks", (*ops)->name, (unsigned long)fake.calls);
        }
        drain(&fake);
        fake_destroy(&fake);
    }
}

/* --- a million pages --- */

/* Looks at the host for each reference, with memory full and half of the references hits. */
static double looks_a_reference(const struct vmm_policy *ops, uint32_t limit)
{
    struct fake fake;
    uint64_t victim;
    uint64_t random = 3;
    uint64_t references = 2 * (uint64_t)limit;

    fake_create(&fake, ops, "", limit, 3 * (uint64_t)limit + 2);
    fill(&fake, limit);
    fake.calls = 0;
    for (uint64_t i = 0; i < references; i++) {
        uint64_t number = fake_random(&random);
        uint64_t key = number % 2 == 0 ? 1 + number / 2 % (limit / 8) : limit + 1 + i;

        (void)fake_use(&fake, key, &victim);
    }
    double looks = (double)fake.calls / (double)references;
    fake_destroy(&fake);
    return looks;
}

static void test_policies_cost_the_same_with_a_million_pages(void **state)
{
    (void)state;
    for (const struct vmm_policy *const *ops = policy_builtin; *ops != NULL; ops++) {
        double few = looks_a_reference(*ops, 1u << 14);
        double many = looks_a_reference(*ops, 1u << 20);

        if (many > 1.2 * few + 1 || many > 8) {
            fail_msg(
                "%s: %.2f looks a reference with 2^14 pages, %.2f with 2^20", (*ops)->name, few,
                many);
        }
    }
}

/* All pages are used all the time: then a choice may spare `looks` of them and no more. */
static void test_policies_bound_one_choice(void **state)
{
    (void)state;
    for (const struct vmm_policy *const *ops = policy_builtin; *ops != NULL; ops++) {
        struct fake fake;

        fake_create(&fake, *ops, "", 5000, 5002);
        fill(&fake, 5000);
        for (uint32_t frame = 0; frame < fake.host.frames; frame++) {
            fake.frame[frame].accessed = true;
        }
        struct vmm_fault fault = fake_fault(&fake, 5001);
        fake.clears = 0;
        uint32_t frame = fake.ops->choose_victim(fake.self, &fault);
        assert_true(frame < fake.host.frames);
        assert_true(fake.clears <= 256);
        fake_destroy(&fake);
    }
}

/* --- large pages --- */

static void map(const struct vmm_policy *ops, void *self, uint32_t frame, uint32_t bytes)
{
    struct vmm_page page = {.key = frame + 1, .frame = frame, .bytes = bytes};

    ops->on_map(self, &page);
}

static bool
always_there(const struct vmm_policy_host *host, uint32_t frame, struct vmm_page *page)
{
    *page = (struct vmm_page){.key = frame + 1, .frame = frame, .bytes = 4096};
    return frame < host->frames;
}

static bool never_accessed(const struct vmm_policy_host *host, uint32_t frame, bool clear)
{
    (void)host;
    (void)frame;
    (void)clear;
    return false;
}

/* A large page between two small ones is split: its parts go after the first one, in order, and
 * before the last one. */
static void test_policies_keep_the_place_of_a_split_page(void **state)
{
    static const char *const ordered[] = {"fifo", "clock", "lru", "2q", "arc"};
    const struct vmm_policy_host host = {
        .frames = 2000, .limit = 1500, .page = always_there, .accessed = never_accessed};
    struct vmm_fault fault = {.key = 1999};

    (void)state;
    for (const struct vmm_policy *const *ops = policy_builtin; *ops != NULL; ops++) {
        char error[64];
        void *self = (*ops)->create(&host, "", error, sizeof(error));
        struct vmm_page large = {.key = 513, .frame = 512, .bytes = LARGE};
        bool in_order = false;

        assert_non_null(self);
        for (unsigned i = 0; i < 5; i++) {
            in_order = in_order || strcmp(ordered[i], (*ops)->name) == 0;
        }
        map(*ops, self, 7, 4096);
        map(*ops, self, 512, LARGE);
        map(*ops, self, 3, 4096);
        (*ops)->on_unmap(self, &large, false);
        for (uint32_t i = 0; i < 512; i++) {
            map(*ops, self, 512 + i, 4096);
        }
        bool gone[2000] = {false};
        for (uint32_t i = 0; i < 514; i++) {
            uint32_t frame = (*ops)->choose_victim(self, &fault);
            uint32_t expected = i == 0 ? 7 : i == 513 ? 3 : 511 + i;

            assert_true(frame < 2000);
            assert_false(gone[frame]);
            gone[frame] = true;
            if (in_order) {
                assert_int_equal(frame, expected);
            }
            struct vmm_page page = {.key = frame + 1, .frame = frame, .bytes = 4096};
            (*ops)->on_unmap(self, &page, true);
        }
        assert_int_equal((*ops)->choose_victim(self, &fault), VMM_NO_FRAME);
        (*ops)->destroy(self);
    }
}

static void test_lists_forget_a_split_that_was_disturbed(void **state)
{
    struct lists lists;
    struct vmm_page large = {.frame = 512, .bytes = LARGE};
    struct vmm_page first = {.frame = 1, .bytes = 4096};
    struct vmm_page second = {.frame = 2, .bytes = 4096};
    struct vmm_page part = {.frame = 600, .bytes = 4096};

    (void)state;
    assert_true(lists_create(&lists, 2000, 2));
    lists_add(&lists, 0, &large);
    lists_add(&lists, 0, &first);
    assert_int_equal(lists.list[0].count, 2);
    assert_int_equal(lists.list[0].pages, 513);
    assert_int_equal(lists_remove(&lists, &large, false), 0);
    assert_int_equal(lists_remove(&lists, &first, false), 0);
    lists_add(&lists, 0, &second);
    lists_add(&lists, 1, &part); /* its neighbour went: an ordinary page */
    assert_int_equal(lists_find(&lists, 600), 1);
    assert_int_equal(lists_find(&lists, 512), LISTS_NONE);
    assert_int_equal(lists_find(&lists, 5000), LISTS_NONE);
    assert_int_equal(lists_remove(&lists, &first, false), LISTS_NONE);
    assert_int_equal(lists.list[1].pages, 1);
    lists_destroy(&lists);
    lists_destroy(&lists);
}

/* --- memories of evicted pages --- */

/* Against a plain array: the oldest first. */
static void test_ghosts_are_a_queue_with_a_set(void **state)
{
    uint64_t model[8] = {0};
    unsigned count = 0;
    uint64_t random = 11;
    struct ghosts ghosts;

    (void)state;
    assert_true(ghosts_create(&ghosts, 8));
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t number = fake_random(&random);
        uint64_t key = 1 + number / 4 % 20 * 4096;
        unsigned at = 0;

        while (at < count && model[at] != key) {
            at++;
        }
        assert_int_equal(ghosts_find(&ghosts, key), at < count ? 0 : GHOSTS_NONE);
        if (number % 4 == 0) {
            assert_int_equal(ghosts_remove(&ghosts, key), at < count ? 0 : GHOSTS_NONE);
        } else {
            ghosts_push(&ghosts, 0, key);
        }
        if (at < count) {
            memmove(&model[at], &model[at + 1], (--count - at) * sizeof(model[0]));
        }
        if (number % 4 != 0) {
            if (count == 8) {
                memmove(&model[0], &model[1], --count * sizeof(model[0]));
            }
            model[count++] = key;
        }
        assert_int_equal(ghosts.count[0], count);
    }
    ghosts_drop_oldest(&ghosts, 1);
    assert_int_equal(ghosts.count[0], count);
    ghosts_destroy(&ghosts);
}

static void test_ghosts_make_room_in_the_list_that_grows(void **state)
{
    struct ghosts ghosts;

    (void)state;
    assert_true(ghosts_create(&ghosts, 3));
    ghosts_push(&ghosts, 0, 10);
    ghosts_push(&ghosts, 0, 11);
    ghosts_push(&ghosts, 1, 20);
    ghosts_push(&ghosts, 1, 21);
    assert_int_equal(ghosts_find(&ghosts, 20), GHOSTS_NONE);
    assert_int_equal(ghosts_find(&ghosts, 21), 1);
    assert_int_equal(ghosts_remove(&ghosts, 21), 1);
    ghosts_push(&ghosts, 0, 12);
    ghosts_push(&ghosts, 1, 22); /* its list is empty: the other one gives */
    assert_int_equal(ghosts_find(&ghosts, 10), GHOSTS_NONE);
    assert_int_equal(ghosts_find(&ghosts, 22), 1);
    ghosts_destroy(&ghosts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policies_lose_and_double_no_page),
        cmocka_unit_test(test_policies_find_the_one_page_that_may_go),
        cmocka_unit_test(test_policies_do_not_search_pinned_pages_again_and_again),
        cmocka_unit_test(test_policies_cost_the_same_with_a_million_pages),
        cmocka_unit_test(test_policies_bound_one_choice),
        cmocka_unit_test(test_policies_keep_the_place_of_a_split_page),
        cmocka_unit_test(test_lists_forget_a_split_that_was_disturbed),
        cmocka_unit_test(test_ghosts_are_a_queue_with_a_set),
        cmocka_unit_test(test_ghosts_make_room_in_the_list_that_grows),
    };

    return cmocka_run_group_tests_name("policy_duty", tests, NULL, NULL);
}
