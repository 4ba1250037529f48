/* The command line of vmm replay: what it sets, and each way to get it wrong with its message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/replay_options.h"

#define WORDS_MAX 16

/* Words after "replay", ended by NULL. */
static bool parse(struct replay_options *options, struct err *err, const char *first, ...)
{
    static char words[WORDS_MAX][128];
    char *argv[WORDS_MAX + 1] = {words[0]};
    int argc = 1;
    va_list args;

    snprintf(words[0], sizeof(words[0]), "replay");
    va_start(args, first);
    for (const char *word = first; word != NULL; word = va_arg(args, const char *)) {
        assert_true(argc < WORDS_MAX && strlen(word) < sizeof(words[0]));
        snprintf(words[argc], sizeof(words[0]), "%s", word);
        argv[argc] = words[argc];
        argc++;
    }
    va_end(args);
    return replay_options_parse(options, argc, argv, err);
}

#define ASSERT_PARSES(options, ...)                                                            \
    do {                                                                                       \
        struct err err_;                                                                       \
        if (!parse(options, &err_, __VA_ARGS__, (char *)NULL)) {                               \
            fail_msg("%s", err_.text);                                                         \
        }                                                                                      \
    } while (0)

#define ASSERT_USAGE(message, ...)                                                             \
    do {                                                                                       \
        struct replay_options options_;                                                        \
        struct err err_;                                                                       \
        assert_false(parse(&options_, &err_, __VA_ARGS__, (char *)NULL));                      \
        assert_int_equal(err_.kind, ERR_USAGE);                                                \
        assert_string_equal(err_.text, message);                                               \
    } while (0)

static void test_replay_options_have_defaults(void **unused)
{
    struct replay_options options;

    (void)unused;
    ASSERT_PARSES(&options, "session");
    assert_string_equal(options.session, "session");
    assert_null(options.references_file);
    assert_int_equal(options.plan.policy_count, 6);
    assert_ptr_equal(options.plan.policies[0], &sim_fifo);
    assert_ptr_equal(options.plan.policies[5], &sim_opt);
    assert_int_equal(options.plan.frame_count, 0);
    assert_int_equal(options.plan.size_count, 1);
    assert_int_equal(options.plan.page_shifts[0], 12);
    assert_int_equal(options.plan.tlb_count, 0);
    assert_int_equal(options.plan.access, REFERENCE_ANY);
    assert_int_equal(options.plan.first, 0);
    assert_int_equal(options.plan.last, UINT64_MAX);
    assert_false(options.plan.curve);
    assert_false(options.json);
}

static void test_replay_options_read_lists(void **unused)
{
    struct replay_options options;

    (void)unused;
    ASSERT_PARSES(
        &options, "--policy=opt,2q,opt,arc", "dir", "--frames", "16,32,1k,16",
        "--page-size=1k,2M,1", "--tlb=64x4,1536x12:lru,8x8:plru", "--curve", "--json",
        "--seed=77");
    assert_string_equal(options.session, "dir");
    assert_int_equal(options.plan.policy_count, 3);
    assert_ptr_equal(options.plan.policies[0], &sim_opt);
    assert_ptr_equal(options.plan.policies[1], &sim_two_queue);
    assert_ptr_equal(options.plan.policies[2], &sim_arc);
    assert_int_equal(options.plan.frame_count, 3);
    assert_int_equal(options.plan.frames[2], 1024);
    assert_int_equal(options.plan.size_count, 3);
    assert_int_equal(options.plan.page_shifts[0], 10);
    assert_int_equal(options.plan.page_shifts[1], 21);
    assert_int_equal(options.plan.page_shifts[2], 0);
    assert_int_equal(options.plan.tlb_count, 3);
    assert_int_equal(options.plan.tlbs[1].entries, 1536);
    assert_int_equal(options.plan.tlbs[1].ways, 12);
    assert_int_equal(options.plan.tlbs[1].choice, TLB_LRU);
    assert_int_equal(options.plan.tlbs[2].choice, TLB_PLRU);
    assert_int_equal(options.plan.seed, 77);
    assert_true(options.plan.curve);
    assert_true(options.json);
    ASSERT_PARSES(&options, "-p", "all", "-f", "3", "d");
    assert_int_equal(options.plan.policy_count, SIM_COUNT);
}

static void test_replay_options_read_what_counts(void **unused)
{
    struct replay_options options;

    (void)unused;
    ASSERT_PARSES(
        &options, "--references=-", "--references-format=u64", "--range=0x1000-2fff",
        "--access=write,fetch");
    assert_string_equal(options.references_file, "-");
    assert_int_equal(options.format, REFERENCES_U64);
    assert_int_equal(options.plan.first, 0x1000);
    assert_int_equal(options.plan.last, 0x2ffe);
    assert_int_equal(options.plan.access, REFERENCE_WRITE | REFERENCE_FETCH);
    ASSERT_PARSES(&options, "dir", "--phase", "fill");
    assert_string_equal(options.phase, "fill");
    ASSERT_PARSES(&options, "--help", "--nonsense");
    assert_true(options.help);
}

static void test_replay_options_name_the_nearest_policy(void **unused)
{
    (void)unused;
    ASSERT_USAGE(
        "option '--policy': 'fiffo' is no policy: did you mean 'fifo'? (allowed: fifo, clock, "
        "aging, lru, 2q, arc, random, opt, all)",
        "d", "--policy=lru,fiffo");
    ASSERT_USAGE(
        "option '--policy': 'leastrecent' is no policy (allowed: fifo, clock, aging, lru, 2q, "
        "arc, random, opt, all)",
        "d", "--policy=leastrecent");
    ASSERT_USAGE("option '--policy': a word of the list is empty", "d", "--policy=lru,,opt");
    ASSERT_USAGE("option '--policy': a word of the list is empty", "d", "--policy=");
    ASSERT_USAGE("option '--policy': a word of the list is empty", "d", "--policy=lru,");
}

static void test_replay_options_refuse_wrong_numbers(void **unused)
{
    (void)unused;
    ASSERT_USAGE(
        "option '--frames': '0' is out of range (allowed: numbers such as 16,32,64, from 1 to "
        "1G)",
        "d", "--frames=16,0");
    ASSERT_USAGE(
        "option '--frames': '-3' is not a size (allowed: numbers such as 16,32,64, from 1 to "
        "1G)",
        "d", "--frames=-3");
    ASSERT_USAGE(
        "option '--page-size': '3k' is not a power of two (allowed: powers of two such as "
        "1k,4k,2m, from 1 to 1T)",
        "d", "--page-size=4k,3k");
    ASSERT_USAGE(
        "option '--page-size': '2T' is out of range (allowed: powers of two such as 1k,4k,2m, "
        "from 1 to 1T)",
        "d", "--page-size=2T");
    ASSERT_USAGE(
        "option '--seed': '1x' is no number (allowed: decimal, 64 bits)", "d", "--seed=1x");
    ASSERT_USAGE(
        "option '--frames': more than 32 in the list", "d",
        "--frames=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,"
        "29,30,31,32,33");
}

static void test_replay_options_refuse_wrong_tlbs(void **unused)
{
    static const char *const wrong[] = {
        "64", "64x",   "x4",      "0x4",  "64x0",       "4x64",
        "a",  "64x4:", "64x4:rr", "-6x2", "99999999x1", "4294967297x1",
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char option[64];
        char message[256];

        snprintf(option, sizeof(option), "--tlb=%s", wrong[i]);
        snprintf(
            message, sizeof(message),
            "option '--tlb': '%s' is no TLB (allowed: ENTRIESxWAYS, such as 64x4, 1536x12 or "
            "64x64:plru)",
            wrong[i]);
        ASSERT_USAGE(message, "d", option);
    }
    ASSERT_USAGE("option '--tlb': '64x5': 5 ways do not divide 64 entries", "d", "--tlb=64x5");
    ASSERT_USAGE(
        "option '--tlb': '1536x12:plru': plru needs a power of two of ways, not 12", "d",
        "--tlb=1536x12:plru");
}

static void test_replay_options_refuse_wrong_filters(void **unused)
{
    static const char *const wrong[] = {
        "--range=1000",      "--range=2000-1000",
        "--range=1000-1000", "--range=-1000",
        "--range=10- 20",    "--range=+1-2",
        "--range=1-2z",      "--range=1-10000000000000000",
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char message[256];

        snprintf(
            message, sizeof(message),
            "option '--range': '%s' is no range (allowed: BEGIN-END in hexadecimal, such as "
            "400000-402000)",
            wrong[i] + strlen("--range="));
        ASSERT_USAGE(message, "d", wrong[i]);
    }
    ASSERT_USAGE(
        "option '--access': 'wrote' is no access (allowed: read, write, fetch)", "d",
        "--access=read,wrote");
    ASSERT_USAGE(
        "option '--references-format': 'csv' is not a format (allowed: text, u64)",
        "--references=f", "--references-format=csv");
}

static void test_replay_options_refuse_wrong_sources(void **unused)
{
    (void)unused;
    ASSERT_USAGE(
        "no session given: vmm replay [OPTION...] DIR, or --references=FILE (vmm replay --help "
        "lists all)",
        "--curve");
    ASSERT_USAGE(
        "either a session ('d') or --references ('f'), not both", "d", "--references=f");
    ASSERT_USAGE("vmm replay takes one session, but 'e' follows 'd'", "d", "e");
    ASSERT_USAGE("option '--phase': only a session has phases", "--references=f", "--phase=x");
    ASSERT_USAGE(
        "unknown option '--polcy': did you mean '--policy'? (vmm replay --help lists all)", "d",
        "--polcy=lru");
    ASSERT_USAGE("option '--frames' needs a value: --frames=LIST", "d", "--curve", "--frames");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay_options_have_defaults),
        cmocka_unit_test(test_replay_options_read_lists),
        cmocka_unit_test(test_replay_options_read_what_counts),
        cmocka_unit_test(test_replay_options_name_the_nearest_policy),
        cmocka_unit_test(test_replay_options_refuse_wrong_numbers),
        cmocka_unit_test(test_replay_options_refuse_wrong_tlbs),
        cmocka_unit_test(test_replay_options_refuse_wrong_filters),
        cmocka_unit_test(test_replay_options_refuse_wrong_sources),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
