/*
 * The options that say how memory is managed: values, ranges, contradictions.  Expectations are
 * written from the man page.
 */
/* cmocka.h needs the four before it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "policy/policy.h"

/* Parse "vmm", up to three words, and a program. */
static bool parse(
    struct options *options,
    const char *one,
    const char *two,
    const char *three,
    struct err *err)
{
    const char *words[] = {"vmm", one, two, three};
    char *argv[6];
    int argc = 0;

    for (unsigned i = 0; i < 4; i++) {
        if (words[i] != NULL) {
            argv[argc++] = (char *)(uintptr_t)words[i];
        }
    }
    argv[argc++] = (char *)(uintptr_t) "prog";
    argv[argc] = NULL;
    return options_parse(options, argc, argv, err);
}

static void expect_usage(const char *one, const char *two, const char *expected)
{
    struct options options;
    struct err err;

    assert_false(parse(&options, one, two, NULL, &err));
    assert_int_equal(err.kind, ERR_USAGE);
    assert_string_equal(err.text, expected);
    assert_null(options.swap_file);
}

static void test_paging_options_default_as_documented(void **state)
{
    struct options options;
    struct err err;

    (void)state;
    assert_true(parse(&options, NULL, NULL, NULL, &err));
    assert_null(options.policy);
    assert_int_equal(options.limit, OPTIONS_LIMIT_NONE);
    assert_int_equal(options.frames, 0);
    assert_null(options.swap_file);
    assert_int_equal(options.swap_bytes, 0);
    assert_int_equal(options.fault_around_pages, 1);
    assert_int_equal(options.page_size, OPTIONS_PAGE_4K);
    assert_int_equal(options.max_processes, 1024);
    options_destroy(&options);
}

static void test_paging_options_are_read(void **state)
{
    struct options options;
    struct err err;

    (void)state;
    assert_true(parse(&options, "--policy=2q,kin=3", "--frames=8", "--fault-around=512", &err));
    assert_string_equal(options.policy, "2q,kin=3");
    assert_int_equal(options.frames, 8);
    assert_int_equal(options.limit, OPTIONS_LIMIT_FRAMES);
    assert_int_equal(options.fault_around_pages, 512);
    options_destroy(&options);

    assert_true(
        parse(&options, "--resident=32769", "--page-size=AUTO", "--max-processes=32768", &err));
    assert_int_equal(options.frames, 9);
    assert_int_equal(options.limit, OPTIONS_LIMIT_RESIDENT);
    assert_int_equal(options.page_size, OPTIONS_PAGE_AUTO);
    assert_int_equal(options.max_processes, 32768);
    options_destroy(&options);

    assert_true(parse(&options, "--page-size=2M", "--frames=9", "--frames=134217728", &err));
    assert_int_equal(options.page_size, OPTIONS_PAGE_2M);
    assert_int_equal(options.frames, 134217728);
    options_destroy(&options);
}

static void test_paging_options_read_swap(void **state)
{
    static const struct {
        const char *word, *file;
        uint64_t bytes;
    } swaps[] = {
        {"--swap=64K", NULL, 65536},
        {"--swap=65537", NULL, 69632},
        {"--swap=16T", NULL, UINT64_C(17592186044416)},
        {"--swap=swap.img", "swap.img", 0},
        {"--swap=./4G", "./4G", 0},
        {"--swap=2026-11.swap", "2026-11.swap", 0},
        {"--swap=/tmp/s,size=1M", "/tmp/s", 1048576},
        {"--swap=a,b", "a,b", 0},
    };
    struct options options;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof(swaps) / sizeof(swaps[0]); i++) {
        /* The last one counts, wholly. */
        assert_true(parse(&options, "--swap=old,size=8M", swaps[i].word, NULL, &err));
        if (swaps[i].file == NULL) {
            assert_null(options.swap_file);
        } else {
            assert_string_equal(options.swap_file, swaps[i].file);
        }
        assert_int_equal(options.swap_bytes, swaps[i].bytes);
        options_destroy(&options);
    }
}

static void test_paging_options_refuse_bad_values(void **state)
{
    static const char *const bad[][2] = {
        {"--frames=7", "option '--frames': '7' is out of range (allowed: 8 to 134217728, of 4 "
                       "KiB)"},
        {"--frames=134217729", "option '--frames': '134217729' is out of range (allowed: 8 to "
                               "134217728, of 4 KiB)"},
        {"--frames=4K", "option '--frames': '4K' is not a whole number (allowed: 8 to "
                        "134217728, of 4 KiB)"},
        {"--resident=31K", "option '--resident': '31K' is out of range (allowed: 32K to 512G)"},
        {"--resident=x", "option '--resident': 'x' is not a size (allowed: 32K to 512G)"},
        {"--swap=63K", "option '--swap': '63K' is out of range (allowed: 64K to 16T; a file "
                       "whose name looks like a size: ./NAME)"},
        {"--swap=4GB", "option '--swap': '4GB' is not a size (allowed: 64K to 16T; a file "
                       "whose name looks like a size: ./NAME)"},
        {"--swap=f,size=", "option '--swap': '' is not a size (allowed: 64K to 16T; a file "
                           "whose name looks like a size: ./NAME)"},
        {"--swap=", "option '--swap': the name of the file is empty (allowed: SIZE, FILE or "
                    "FILE,size=SIZE)"},
        {"--fault-around=0",
         "option '--fault-around': '0' is out of range (allowed: 1 to 512, in pages, or auto)"},
        {"--fault-around=513", "option '--fault-around': '513' is out of range (allowed: 1 to "
                               "512, in pages, or auto)"},
        {"--fault-around=", "option '--fault-around': '' is not a whole number (allowed: 1 to "
                            "512, in pages, or auto)"},
        {"--page-size=1g",
         "option '--page-size': '1g' is not a page size (allowed: 4k, 2m, auto)"},
        {"--max-processes=0",
         "option '--max-processes': '0' is out of range (allowed: 1 to 32768)"},
        {"--max-processes=32769",
         "option '--max-processes': '32769' is out of range (allowed: 1 to 32768)"},
        {"--max-processes=18446744073709551617",
         "option '--max-processes': '18446744073709551617' is out of range (allowed: 1 to "
         "32768)"},
        {"--policy=,x=1", "option '--policy': ',x=1' has no name (allowed: "
                          "NAME[,key=value...], where NAME is fifo, clock, lru, random, 2q, "
                          "arc or a path)"},
        {"--polcy=arc",
         "unknown option '--polcy': did you mean '--policy'? (vmm --help lists all)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect_usage(bad[i][0], NULL, bad[i][1]);
        expect_usage("--swap=file", bad[i][0], bad[i][1]);
    }
}

static void test_paging_options_refuse_two_limits(void **state)
{
    (void)state;
    expect_usage(
        "--frames=8", "--resident=32K",
        "option '--resident': --frames and --resident both limit memory (allowed: one of "
        "them)");
    expect_usage(
        "--resident=32K", "--frames=8",
        "option '--frames': --frames and --resident both limit memory (allowed: one of them)");
}

static void test_paging_options_help_names_each_policy(void **state)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);

    (void)state;
    assert_non_null(stream);
    options_print_help(stream);
    assert_int_equal(fclose(stream), 0);
    for (const struct vmm_policy *const *ops = policy_builtin; *ops != NULL; ops++) {
        assert_non_null(strstr(text, (*ops)->name));
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paging_options_default_as_documented),
        cmocka_unit_test(test_paging_options_are_read),
        cmocka_unit_test(test_paging_options_read_swap),
        cmocka_unit_test(test_paging_options_refuse_bad_values),
        cmocka_unit_test(test_paging_options_refuse_two_limits),
        cmocka_unit_test(test_paging_options_help_names_each_policy),
    };

    return cmocka_run_group_tests_name("paging_options", tests, NULL, NULL);
}
