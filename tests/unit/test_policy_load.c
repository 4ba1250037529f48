/*
 * Loading a policy: each thing that can be wrong with its name, its file, its struct or its
 * options, with the message for it.
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
#include "policy/policy.h"
#include "policy_path.h"

/* Load and start; on failure the policy is gone and err says why. */
static bool load(struct policy **policy, struct fake *fake, const char *spec, struct err *err)
{
    if (!policy_load(policy, spec, err)) {
        assert_null(*policy);
        return false;
    }
    if (policy_start(*policy, &fake->host, err)) {
        return true;
    }
    policy_destroy(*policy);
    return false;
}

static void expect_refusal(const char *spec, const char *expected)
{
    struct policy *policy;
    struct fake fake;
    struct err err;

    fake_create_memory(&fake, 16, 32);
    assert_false(load(&policy, &fake, spec, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_string_equal(err.text, expected);
    fake_destroy(&fake);
}

/* spec: of a shared object among the tests' own, with its options; expected: behind
 * "policy PATH". */
static void expect_object_refusal(const char *spec, const char *expected)
{
    char path[400], name[64], text[1024];

    policy_path(path, sizeof(path), spec);
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(spec, ","), spec);
    snprintf(
        text, sizeof(text), "policy %.*s%s", (int)(strlen(path) - strlen(spec) + strlen(name)),
        path, expected);
    expect_refusal(path, text);
}

static void test_policy_load_knows_each_builtin(void **state)
{
    static const char *const names[] = {"fifo", "clock", "lru", "random", "2q", "arc"};
    static const uint32_t samples[] = {0, 0, 16, 0, 0, 0};

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        struct policy *policy;
        struct fake fake;
        struct err err;

        fake_create_memory(&fake, 16, 32);
        assert_true(load(&policy, &fake, names[i], &err));
        assert_string_equal(policy_name(policy), names[i]);
        assert_string_equal(policy_builtin[i]->name, names[i]);
        assert_int_equal(policy_sample_pages(policy), samples[i]);
        assert_int_equal(policy_wants_faults(policy), i >= 4);
        assert_true(policy_stop(policy));
        assert_true(policy_stop(policy));
        policy_destroy(policy);
        fake_destroy(&fake);
    }
    assert_null(policy_builtin[6]);
    policy_destroy(NULL);
}

static void test_policy_load_names_the_nearest(void **state)
{
    (void)state;
    expect_refusal(
        "fofi",
        "no policy 'fofi': did you mean 'fifo'? (allowed: fifo, clock, lru, random, 2q, "
        "arc, or a path)");
    expect_refusal(
        "clokc,looks=3", "no policy 'clokc': did you mean 'clock'? (allowed: fifo, clock, lru, "
                         "random, 2q, arc, or a path)");
    expect_refusal(
        "xyzzyx", "no policy 'xyzzyx' (allowed: fifo, clock, lru, random, 2q, arc, or a path)");
    expect_refusal("mine.so", "no policy 'mine.so': for a file of that name write './mine.so'");
}

static void test_policy_load_refuses_what_is_no_object(void **state)
{
    (void)state;
    expect_refusal("./nowhere/mine.so", "policy ./nowhere/mine.so: No such file or directory");
    expect_refusal(
        "/dev/null", "policy /dev/null: it is no shared object of use here: /dev/null: file "
                     "too short");
    expect_refusal(
        "/", "policy /: it is no shared object of use here: /: cannot read file data: Is a "
             "directory");
    struct policy *policy;
    struct err err;
    char path[400];
    policy_path(path, sizeof(path), "broken-undefined.so");
    assert_false(policy_load(&policy, path, &err));
    assert_non_null(strstr(err.text, "undefined symbol: nowhere"));
}

static void test_policy_load_refuses_a_wrong_struct(void **state)
{
    static const char *const wrong[][2] = {
        {"broken-symbol.so", ": it defines no symbol 'vmm_policy' (const struct vmm_policy "
                             "vmm_policy = {...};)"},
        {"broken-function.so", ": its 'vmm_policy' is not a struct vmm_policy"},
        {"broken-short.so", ": its 'vmm_policy' is not a struct vmm_policy"},
        {"broken-version.so", ": it is built for version 99 of vmm_policy.h, and this is "
                              "version 1: build it again"},
        {"broken-size.so", ": its struct has 8 bytes where vmm's has 104: build it again with "
                           "the vmm_policy.h of this vmm"},
        {"broken-name.so", ": its name is not one word of 1 to 31 letters without a comma"},
        {"broken-create.so", ": it has no function create"},
        {"broken-victim.so", ": it has no function choose_victim"},
        {"broken-sample.so", ": it wants to sample 65 pages at a fault (allowed: 0 to 64)"},
        {"broken-untold.so", ": it samples pages but has no on_sample"},
        {"broken-constructor.so", " crashed in its loading (SIGABRT)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        expect_object_refusal(wrong[i][0], wrong[i][1]);
    }
    struct policy *policy;
    struct err err;
    char path[400];
    policy_path(path, sizeof(path), "broken-wildname.so");
    assert_false(policy_load(&policy, path, &err));
    assert_non_null(
        strstr(err.text, " crashed in the reading of its struct (SIGSEGV at address 0x18"));
}

static void test_policy_start_passes_on_the_policys_words(void **state)
{
    char long_text[300];

    (void)state;
    expect_object_refusal("crash.so,refuse", ": not today");
    expect_object_refusal("crash.so,silent", ": it refused to start and gave no reason");
    /* It fills the buffer and forgets the end. */
    snprintf(long_text, sizeof(long_text), ": %0255d", 0);
    memset(long_text + 2, 'x', 255);
    expect_object_refusal("crash.so", long_text);
}

static void test_policy_options_are_checked(void **state)
{
    static const char *const wrong[][2] = {
        {"fifo,x=1", "policy fifo: it takes no options, but 'x' was given"},
        {"clock,looks", "policy clock: option 'looks' needs a value: looks=N"},
        {"clock,looks=0",
         "policy clock: option 'looks': '0' is out of range (allowed: 1 to 4294967295)"},
        {"lru,sampel=3",
         "policy lru: no option 'sampel': did you mean 'sample'? (allowed: sample)"},
        {"lru,sample=65",
         "policy lru: option 'sample': '65' is out of range (allowed: 1 to 64)"},
        {"lru,sample=-1",
         "policy lru: option 'sample': '-1' is not a whole number (allowed: 1 to 64)"},
        {"lru,sample=", "policy lru: option 'sample': '' is not a whole number (allowed: 1 to "
                        "64)"},
        {"random,seed=18446744073709551616",
         "policy random: option 'seed': '18446744073709551616' is out of range (allowed: 0 to "
         "18446744073709551615)"},
        {"random,seed=1,seed=2", "policy random: option 'seed' is given twice"},
        {"2q,kin=100", "policy 2q: option 'kin': '100' is out of range (allowed: 1 to 99)"},
        {"2q,kout=401", "policy 2q: option 'kout': '401' is out of range (allowed: 1 to 400)"},
        {"2q,kni=3", "policy 2q: no option 'kni': did you mean 'kin'? (allowed: kin, kout, "
                     "looks, sample)"},
        {"arc,kin=25", "policy arc: no option 'kin' (allowed: looks, sample)"},
        {"arc,looks=1,,", "policy arc: no option '' (allowed: looks, sample)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        expect_refusal(wrong[i][0], wrong[i][1]);
    }
    char word[300] = "arc,";
    memset(word + 4, 'a', 200);
    expect_refusal(
        word, "policy arc: option 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...' is too long");
}

static void test_policy_options_take_effect(void **state)
{
    struct policy *policy;
    struct fake fake;
    struct err err;

    (void)state;
    fake_create_memory(&fake, 16, 32);
    assert_true(load(&policy, &fake, "lru,sample=64", &err));
    assert_int_equal(policy_sample_pages(policy), 64);
    policy_destroy(policy);
    assert_true(load(&policy, &fake, "2q,kin=99,kout=400,looks=4294967295,sample=5", &err));
    assert_int_equal(policy_sample_pages(policy), 5);
    policy_destroy(policy);
    assert_true(load(&policy, &fake, "random,seed=18446744073709551615", &err));
    policy_destroy(policy);
    fake_destroy(&fake);
}

static void test_policy_calls_reach_the_policy_and_its_host(void **state)
{
    struct policy *policy;
    struct fake fake;
    struct err err;
    struct vmm_fault fault = {.number = 1, .key = 9};
    struct vmm_page page = {.key = 5, .frame = 3, .bytes = 4096};
    uint32_t frame = 0;

    (void)state;
    fake_create_memory(&fake, 16, 32);
    assert_true(load(&policy, &fake, "fifo", &err));
    assert_true(policy_choose_victim(policy, &fault, &frame));
    assert_int_equal(frame, VMM_NO_FRAME);
    fake.frame[3] = (struct fake_frame){.key = 5, .bytes = 4096};
    assert_true(policy_on_map(policy, &page));
    assert_true(policy_choose_victim(policy, &fault, &frame));
    assert_int_equal(frame, 3);
    fake.frame[3].pinned = true;
    assert_true(policy_choose_victim(policy, &fault, &frame));
    assert_int_equal(frame, VMM_NO_FRAME);
    assert_true(policy_on_unmap(policy, &page, false));
    policy_destroy(policy);
    fake_destroy(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy_load_knows_each_builtin),
        cmocka_unit_test(test_policy_load_names_the_nearest),
        cmocka_unit_test(test_policy_load_refuses_what_is_no_object),
        cmocka_unit_test(test_policy_load_refuses_a_wrong_struct),
        cmocka_unit_test(test_policy_start_passes_on_the_policys_words),
        cmocka_unit_test(test_policy_options_are_checked),
        cmocka_unit_test(test_policy_options_take_effect),
        cmocka_unit_test(test_policy_calls_reach_the_policy_and_its_host),
    };

    return cmocka_run_group_tests_name("policy_load", tests, NULL, NULL);
}
