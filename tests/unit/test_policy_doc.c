/*
 * The documentation of policies, followed to the letter: the code block of
 * docs/writing-a-policy.md is saved, built by the line that stands there, loaded and driven; and
 * the two examples of the tree do what they say.  Runs at the top of the source tree.
 */
/* cmocka.h wants the four in front of it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_memory.h"
#include "policy/policy.h"
#include "policy_path.h"

#define DOCUMENT  "docs/writing-a-policy.md"
#define INSTALLED "-I/usr/local/include/vmm"
#define PAGE      UINT64_C(4096)

/* --- the document --- */

static char *read_document(void)
{
    FILE *file = fopen(DOCUMENT, "r");
    char *text = calloc(1, 1 << 16);

    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 16) - 1, file) > 1000);
    fclose(file);
    return text;
}

/* The block that begins with a line of ``` and kind; owned by the caller. */
static char *cut_block(const char *text, const char *kind)
{
    char fence[16];
    const char *begin, *end;

    snprintf(fence, sizeof(fence), "\n```%s\n", kind);
    begin = strstr(text, fence);
    assert_non_null(begin);
    begin += strlen(fence);
    end = strstr(begin, "```");
    assert_non_null(end);
    return strndup(begin, (size_t)(end - begin));
}

/* The line with the headers of this tree in place of the installed ones, run in the folder. */
static void run_line(const char *folder, const char *line)
{
    char here[256], command[1024];
    const char *flag = strstr(line, INSTALLED);

    assert_non_null(flag);
    assert_non_null(getcwd(here, sizeof(here)));
    snprintf(
        command, sizeof(command), "cd '%s' && %.*s-I'%s/include' -Wall -Wextra -Werror%s",
        folder, (int)(flag - line), line, here, flag + strlen(INSTALLED));
    assert_int_equal(system(command), 0); /* NOLINT(bugprone-command-processor) */
}

static void remove_in(const char *folder, const char *name)
{
    char path[320];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    unlink(path);
}

/* The struct of a shared object, which stays loaded. */
static const struct vmm_policy *open_ops(const char *path)
{
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    assert_non_null(object);
    const struct vmm_policy *ops = dlsym(object, "vmm_policy");
    assert_non_null(ops);
    return ops;
}

static void expect_loads(const char *path, const char *name)
{
    struct policy *policy;
    struct fake fake;
    struct err err;

    fake_create_memory(&fake, 16, 32);
    assert_true(policy_load(&policy, path, &err));
    assert_true(policy_start(policy, &fake.host, &err));
    assert_string_equal(open_ops(path)->name, name);
    policy_destroy(policy);
    fake_destroy(&fake);
}

/* Clean unused pages go before older dirty ones; no page is lost. */
static void drive_cleanfirst(const struct vmm_policy *ops)
{
    uint64_t random = 5;
    uint64_t victim;
    struct fake fake;

    fake_create(&fake, ops, "", 8, 40);
    for (uint64_t key = 1; key <= 8; key++) {
        (void)fake_use(&fake, key, &victim);
        fake.frame[fake.frame_of[key]].dirty = key != 6;
        fake.frame[fake.frame_of[key]].accessed = false;
    }
    (void)fake_use(&fake, 9, &victim);
    assert_int_equal(victim, 6);
    (void)fake_use(&fake, 10, &victim);
    assert_int_equal(victim, 1);
    for (unsigned i = 0; i < 5000; i++) {
        (void)fake_use(&fake, 1 + fake_random(&random) % 39, &victim);
    }
    fake_destroy(&fake);
}

static void test_document_leads_to_a_policy_that_works(void **state)
{
    char folder[] = "/tmp/vmm-policy-XXXXXX";
    char path[320];
    char *text = read_document();
    char *code = cut_block(text, "c");
    char *line = cut_block(text, "sh");

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/cleanfirst.c", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(code, file) >= 0);
    assert_int_equal(fclose(file), 0);
    run_line(folder, line);
    snprintf(path, sizeof(path), "%s/cleanfirst.so", folder);
    expect_loads(path, "cleanfirst");
    drive_cleanfirst(open_ops(path));
    remove_in(folder, "cleanfirst.c");
    remove_in(folder, "cleanfirst.so");
    assert_int_equal(rmdir(folder), 0);
    free(line);
    free(code);
    free(text);
}

/* The header shows the same line, for mine.c. */
static void test_header_shows_the_line_of_the_document(void **state)
{
    char *text = read_document();
    char *line = cut_block(text, "sh");
    char header[4096] = "";
    FILE *file = fopen("include/vmm_policy.h", "r");

    (void)state;
    assert_non_null(file);
    assert_true(fread(header, 1, sizeof(header) - 1, file) > 0);
    fclose(file);
    *strstr(line, "cleanfirst.so") = '\0';
    assert_non_null(strstr(header, line));
    free(line);
    free(text);
}

/* --- the examples --- */

static struct vmm_decision ask(struct fake *fake, uint64_t key)
{
    struct vmm_fault fault = fake_fault(fake, key);
    struct vmm_decision decision = {.map_begin = key * PAGE, .map_end = (key + 1) * PAGE};

    fake->ops->on_fault(fake->self, &fault, &decision);
    fake->last[fake->faults++ % 64] = fault;
    return decision;
}

static void make_stride(struct fake *fake, const char *options)
{
    char path[320];

    policy_path(path, sizeof(path), "stride.so");
    expect_loads(path, "stride");
    fake_create(fake, open_ops(path), options, 64, 1000);
}

static void test_stride_brings_in_what_comes_next(void **state)
{
    struct fake fake;
    struct vmm_decision decision;

    (void)state;
    make_stride(&fake, "depth=3");
    (void)ask(&fake, 10);
    decision = ask(&fake, 11);
    assert_int_equal(decision.map_end, 12 * PAGE); /* two faults are no walk yet */
    decision = ask(&fake, 12);
    assert_int_equal(decision.map_begin, 12 * PAGE);
    assert_int_equal(decision.map_end, 16 * PAGE);
    decision = ask(&fake, 16); /* as foreseen: twice as many */
    assert_int_equal(decision.map_end, 23 * PAGE);
    decision = ask(&fake, 500);
    assert_int_equal(decision.map_end, 501 * PAGE);
    fake_destroy(&fake);
}

static void test_stride_walks_down_and_stays_in_its_region(void **state)
{
    struct fake fake;
    struct vmm_decision decision;

    (void)state;
    make_stride(&fake, "");
    (void)ask(&fake, 11);
    (void)ask(&fake, 9);
    decision = ask(&fake, 7);
    assert_int_equal(decision.map_end, 8 * PAGE);
    assert_int_equal(decision.map_begin, 1 * PAGE);
    (void)ask(&fake, 996);
    (void)ask(&fake, 997);
    decision = ask(&fake, 998);
    assert_int_equal(decision.map_end, 1000 * PAGE);
    (void)ask(&fake, 100);
    (void)ask(&fake, 105);
    decision = ask(&fake, 110); /* too far apart */
    assert_int_equal(decision.map_end, 111 * PAGE);
    fake_destroy(&fake);
}

/* Long enough for the ring to wrap and to be tidied. */
static void test_stride_evicts_in_order(void **state)
{
    struct fake fake;
    uint64_t random = 3, victim;

    (void)state;
    make_stride(&fake, "");
    for (uint64_t key = 1; key <= 64; key++) {
        (void)fake_use(&fake, key, &victim);
    }
    for (uint64_t key = 65; key < 1000; key++) {
        (void)fake_use(&fake, key, &victim);
        assert_int_equal(victim, key - 64);
    }
    for (unsigned i = 0; i < 20000; i++) {
        uint32_t frame = (uint32_t)(fake_random(&random) % fake.host.frames);

        (void)fake_use(&fake, 1 + fake_random(&random) % 999, &victim);
        if (i % 3 == 0 && fake.frame[frame].key != 0) {
            fake_drop(&fake, frame, false);
        } else {
            fake.frame[frame].pinned = i % 7 == 0 && frame > 8;
        }
    }
    fake_destroy(&fake);
}

static void test_adversary_evicts_what_came_last(void **state)
{
    struct fake fake;
    char path[320];
    uint64_t victim;

    (void)state;
    policy_path(path, sizeof(path), "adversary.so");
    expect_loads(path, "adversary");
    fake_create(&fake, open_ops(path), "delay=5", 8, 40);
    for (uint64_t key = 1; key <= 8; key++) {
        (void)fake_use(&fake, key, &victim);
    }
    (void)fake_use(&fake, 9, &victim);
    assert_int_equal(victim, 8);
    fake.frame[fake.frame_of[9]].pinned = true;
    (void)fake_use(&fake, 10, &victim);
    assert_int_equal(victim, 7);
    assert_int_equal(ask(&fake, 20).delay_ns, 5);
    fake_destroy(&fake);
}

static void test_adversary_talks_nonsense_on_demand(void **state)
{
    struct fake fake;
    char path[320];
    uint64_t victim;
    unsigned allowed = 0;

    (void)state;
    policy_path(path, sizeof(path), "adversary.so");
    fake_create(&fake, open_ops(path), "nonsense=1", 8, 40);
    for (uint64_t key = 1; key <= 8; key++) {
        (void)fake_use(&fake, key, &victim);
    }
    fake.frame[2].pinned = true;
    struct vmm_fault fault = fake_fault(&fake, 9);
    for (unsigned i = 0; i < 12; i++) {
        uint32_t frame = fake.ops->choose_victim(fake.self, &fault);

        allowed +=
            frame < fake.host.frames && fake.frame[frame].key != 0 && !fake.frame[frame].pinned;
    }
    assert_int_equal(allowed, 0);
    fake_destroy(&fake);
}

static void expect_refused(const char *name, const char *options)
{
    struct policy *policy;
    struct fake fake;
    struct err err;
    char spec[400], path[320];

    fake_create_memory(&fake, 16, 32);
    policy_path(path, sizeof(path), name);
    snprintf(spec, sizeof(spec), "%s,%s", path, options);
    assert_true(policy_load(&policy, spec, &err));
    assert_false(policy_start(policy, &fake.host, &err));
    assert_non_null(strstr(err.text, options));
    policy_destroy(policy);
    fake_destroy(&fake);
}

static void test_examples_refuse_wrong_options(void **state)
{
    (void)state;
    expect_refused("stride.so", "depth=0");
    expect_refused("stride.so", "reach=513");
    expect_refused("stride.so", "width=3");
    expect_refused("adversary.so", "nonsense=2");
    expect_refused("adversary.so", "delay=1000000001");
    expect_refused("adversary.so", "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document_leads_to_a_policy_that_works),
        cmocka_unit_test(test_header_shows_the_line_of_the_document),
        cmocka_unit_test(test_stride_brings_in_what_comes_next),
        cmocka_unit_test(test_stride_walks_down_and_stays_in_its_region),
        cmocka_unit_test(test_stride_evicts_in_order),
        cmocka_unit_test(test_adversary_evicts_what_came_last),
        cmocka_unit_test(test_adversary_talks_nonsense_on_demand),
        cmocka_unit_test(test_examples_refuse_wrong_options),
    };

    return cmocka_run_group_tests_name("policy_doc", tests, NULL, NULL);
}
