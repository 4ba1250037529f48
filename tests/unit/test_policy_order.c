/*
 * Which page goes: each policy against a slow model of it, over thousands of random strings of
 * references, victim by victim; and strings whose faults are known from the literature.
 */
/* cmocka.h wants the four in front of it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "fake_memory.h"
#include "policy/builtin.h"
#include "policy_models.h"

#define STRINGS 3000
#define LENGTH  300

typedef bool model_use_fn(struct model *model, uint64_t key, uint64_t *victim);

/* --- strings --- */

enum string_kind {
    STRING_UNIFORM,
    STRING_LOCAL, /* a few pages often, the others seldom */
    STRING_LOOP,  /* round a little more than the frames, with jumps */
    STRING_SCAN,  /* pages used once, between uses of a few others */
    STRING_KINDS,
};

struct string {
    enum string_kind kind;
    uint64_t state, pages, at;
};

static uint64_t next_key(struct string *string)
{
    uint64_t number = fake_random(&string->state);
    uint64_t choice = number % 8;
    uint64_t few = 1 + number / 8 % 4;

    switch (string->kind) {
    case STRING_UNIFORM:
        return 1 + number % string->pages;
    case STRING_LOCAL:
        return choice < 6 ? few : 1 + number / 8 % string->pages;
    case STRING_LOOP:
        string->at = choice == 0 ? number : string->at + 1;
        return 1 + string->at % string->pages;
    case STRING_SCAN:
    case STRING_KINDS:
        return choice < 3 ? few : 1 + string->at++ % string->pages;
    }
    return 1;
}

/* --- comparing --- */

static void forward_sample(void *argument, uint64_t key, bool accessed)
{
    model_aging_sample(argument, key, accessed);
}

struct comparison {
    const struct vmm_policy *ops;
    model_use_fn *use;
    bool late, exact, sampled;
};

static void compare_string(const struct comparison *comparison, uint64_t seed)
{
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    unsigned frames = 1 + (unsigned)(fake_random(&state) % 16);
    struct string string = {
        .kind = (enum string_kind)(seed % STRING_KINDS),
        .pages = 2 + fake_random(&state) % (UINT64_C(3) * frames),
        .state = state,
    };
    struct model model = {
        .frames = frames,
        .kin = frames / 4 == 0 ? 1 : frames / 4,
        .kout = frames / 2 == 0 ? 1 : frames / 2,
        .late = comparison->late,
    };
    struct fake fake;

    fake_create(&fake, comparison->ops, "", frames, MODEL_KEYS);
    fake.exact = comparison->exact;
    if (comparison->sampled) {
        fake.on_sample = forward_sample;
        fake.argument = &model;
    }
    for (unsigned i = 0; i < LENGTH; i++) {
        uint64_t key = next_key(&string);
        uint64_t victim, expected;
        bool fault = fake_use(&fake, key, &victim);

        if (fault != comparison->use(&model, key, &expected) || victim != expected) {
            fail_msg(
                "%s: string %lu, %u frames, reference %u to page %lu: page %lu went, "
                "and %lu in the model",
                comparison->ops->name, (unsigned long)seed, frames, i, (unsigned long)key,
                (unsigned long)victim, (unsigned long)expected);
        }
    }
    fake_destroy(&fake);
}

static void compare(const struct comparison *comparison)
{
    for (uint64_t seed = 1; seed <= STRINGS; seed++) {
        compare_string(comparison, seed);
    }
}

static void test_policy_fifo_is_its_model(void **state)
{
    (void)state;
    compare(&(struct comparison){.ops = &fifo_policy, .use = model_fifo});
}

static void test_policy_clock_is_its_model(void **state)
{
    (void)state;
    compare(&(struct comparison){.ops = &clock_policy, .use = model_clock});
}

static void test_policy_lru_is_its_model(void **state)
{
    (void)state;
    compare(&(struct comparison){.ops = &lru_policy, .use = model_aging, .sampled = true});
}

static void test_policy_two_q_is_the_paper_when_it_sees_each_use(void **state)
{
    (void)state;
    compare(&(struct comparison){.ops = &two_q_policy, .use = model_two_q, .exact = true});
}

static void test_policy_two_q_with_accessed_bits_is_its_model(void **state)
{
    (void)state;
    compare(&(struct comparison){.ops = &two_q_policy, .use = model_two_q, .late = true});
}

static void test_policy_arc_is_the_paper_when_it_sees_each_use(void **state)
{
    (void)state;
    compare(&(struct comparison){.ops = &arc_policy, .use = model_arc, .exact = true});
}

static void test_policy_arc_with_accessed_bits_is_its_model(void **state)
{
    (void)state;
    compare(&(struct comparison){.ops = &arc_policy, .use = model_arc, .late = true});
}

/* --- known strings --- */

static uint64_t count_faults(
    const struct vmm_policy *ops, uint32_t frames, const uint64_t *keys, unsigned count)
{
    struct fake fake;
    uint64_t victim;

    fake_create(&fake, ops, "", frames, MODEL_KEYS);
    for (unsigned i = 0; i < count; i++) {
        (void)fake_use(&fake, keys[i], &victim);
    }
    uint64_t faults = fake.faults;
    fake_destroy(&fake);
    return faults;
}

/* Belady, Nelson and Shedler, "An anomaly in space-time characteristics of certain programs
 * running in a paging machine" (CACM 1969). */
static void test_policy_fifo_shows_beladys_anomaly(void **state)
{
    static const uint64_t keys[] = {1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5};

    (void)state;
    assert_int_equal(count_faults(&fifo_policy, 3, keys, 12), 9);
    assert_int_equal(count_faults(&fifo_policy, 4, keys, 12), 10);
}

/* A loop over more pages than frames, after a set of four was used often: the point of 2Q and
 * ARC is that those four stay. */
static uint64_t faults_of_set_after_scan(const struct vmm_policy *ops)
{
    struct fake fake;
    uint64_t victim, faults = 0;
    uint64_t state = 7;

    fake_create(&fake, ops, "", 16, MODEL_KEYS);
    for (unsigned i = 0; i < 400; i++) {
        (void)fake_use(&fake, 1 + fake_random(&state) % 24, &victim);
        (void)fake_use(&fake, 1 + i % 4, &victim);
    }
    for (unsigned i = 0; i < 80; i++) {
        (void)fake_use(&fake, 30 + i, &victim);
    }
    for (unsigned i = 0; i < 4; i++) {
        faults += fake_use(&fake, 1 + i, &victim);
    }
    fake_destroy(&fake);
    return faults;
}

static void test_policy_two_q_and_arc_resist_a_scan(void **state)
{
    (void)state;
    assert_int_equal(faults_of_set_after_scan(&fifo_policy), 4);
    assert_int_equal(faults_of_set_after_scan(&clock_policy), 4);
    assert_int_equal(faults_of_set_after_scan(&two_q_policy), 0);
    assert_int_equal(faults_of_set_after_scan(&arc_policy), 0);
}

/* --- chance --- */

static void run_random(const char *options, uint64_t *victims, unsigned count)
{
    struct fake fake;

    fake_create(&fake, &random_policy, options, 8, MODEL_KEYS);
    for (unsigned i = 0; i < count; i++) {
        (void)fake_use(&fake, 1 + i % 100, &victims[i]);
    }
    fake_destroy(&fake);
}

static void test_policy_random_repeats_with_its_seed(void **state)
{
    uint64_t one[300], same[300], other[300];

    (void)state;
    run_random("", one, 300);
    run_random("seed=1", same, 300);
    run_random("seed=2", other, 300);
    assert_memory_equal(one, same, sizeof(one));
    assert_memory_not_equal(one, other, sizeof(one));
}

/* Each of 8 frames is drawn 80,000 / 8 times: chi-squared with 7 degrees of freedom is below 24.3
 * in 999 of 1,000 runs. */
static void test_policy_random_draws_each_page_alike(void **state)
{
    double drawn[16] = {0};
    double chi = 0;
    struct fake fake;
    uint64_t victim;

    (void)state;
    fake_create(&fake, &random_policy, "seed=5", 8, MODEL_KEYS);
    for (unsigned i = 1; i <= 8; i++) {
        (void)fake_use(&fake, i, &victim);
    }
    struct vmm_fault fault = fake_fault(&fake, 9);
    for (unsigned i = 0; i < 80000; i++) {
        drawn[fake.ops->choose_victim(fake.self, &fault)]++;
    }
    for (unsigned i = 0; i < 8; i++) {
        chi += (drawn[i] - 10000) * (drawn[i] - 10000) / 10000;
    }
    assert_true(chi < 24.3);
    assert_true(chi > 0.5);
    fake_destroy(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy_fifo_is_its_model),
        cmocka_unit_test(test_policy_clock_is_its_model),
        cmocka_unit_test(test_policy_lru_is_its_model),
        cmocka_unit_test(test_policy_two_q_is_the_paper_when_it_sees_each_use),
        cmocka_unit_test(test_policy_two_q_with_accessed_bits_is_its_model),
        cmocka_unit_test(test_policy_arc_is_the_paper_when_it_sees_each_use),
        cmocka_unit_test(test_policy_arc_with_accessed_bits_is_its_model),
        cmocka_unit_test(test_policy_fifo_shows_beladys_anomaly),
        cmocka_unit_test(test_policy_two_q_and_arc_resist_a_scan),
        cmocka_unit_test(test_policy_random_repeats_with_its_seed),
        cmocka_unit_test(test_policy_random_draws_each_page_alike),
    };

    return cmocka_run_group_tests_name("policy_order", tests, NULL, NULL);
}
