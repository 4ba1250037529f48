/* The command line of `vmm measure`: what is taken, and how wrong words are met. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/measure_options.h"

#define WORDS_MAX 8

static bool parse(struct measure_options *options, const char *const *words, struct err *err)
{
    char *argv[WORDS_MAX + 2] = {(char *)(uintptr_t) "measure"};
    int argc = 1;

    while (argc <= WORDS_MAX && words[argc - 1] != NULL) {
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
        argc++;
    }
    return measure_options_parse(options, argc, argv, err);
}

static void test_measure_options_default_to_both_sides(void **state)
{
    const char *const words[] = {NULL};
    struct measure_options options;
    struct err err;

    (void)state;
    assert_true(parse(&options, words, &err));
    assert_true(options.native && options.guest);
    assert_int_equal(options.experiment_count, 0);
    measure_options_destroy(&options);
}

static void test_measure_options_take_one_side_and_names(void **state)
{
    const char *const words[] = {"tlb", "--native", "--quick", "--json=-", "ways", NULL};
    struct measure_options options;
    struct err err;

    (void)state;
    assert_true(parse(&options, words, &err));
    assert_true(options.native && !options.guest && options.quick);
    assert_string_equal(options.json, "-");
    assert_int_equal(options.experiment_count, 2);
    assert_string_equal(options.experiments[0], "tlb");
    assert_string_equal(options.experiments[1], "ways");
    measure_options_destroy(&options);
}

static void test_measure_options_name_the_nearest_experiment(void **state)
{
    const char *const words[] = {"fualt", NULL};
    struct measure_options options;
    struct err err;

    (void)state;
    assert_false(parse(&options, words, &err));
    assert_int_equal(err.kind, ERR_USAGE);
    assert_non_null(strstr(err.text, "did you mean 'fault'"));
}

static void test_measure_options_refuse(void **state)
{
    static const struct {
        const char *words[4];
        const char *text;
    } rows[] = {
        {{"--jsom=x"}, "--json"},
        {{"--json"}, "--json"},
        {{"--json="}, "empty"},
        {{"--quick=1"}, "--quick"},
        {{"--compare", "a.json"}, "two files"},
        {{"zzzzzzzz"}, "not an experiment"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct measure_options options;
        struct err err = {0};
        assert_false(parse(&options, rows[i].words, &err));
        assert_int_equal(err.kind, ERR_USAGE);
        if (strstr(err.text, rows[i].text) == NULL) {
            fail_msg("\"%s\" lacks \"%s\"", err.text, rows[i].text);
        }
    }
}

static void test_measure_options_take_files_to_compare(void **state)
{
    const char *const words[] = {"--compare", "a.json", "b.json", NULL};
    struct measure_options options;
    struct err err;

    (void)state;
    assert_true(parse(&options, words, &err));
    assert_string_equal(options.compare[0], "a.json");
    assert_string_equal(options.compare[1], "b.json");
    measure_options_destroy(&options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measure_options_default_to_both_sides),
        cmocka_unit_test(test_measure_options_take_one_side_and_names),
        cmocka_unit_test(test_measure_options_name_the_nearest_experiment),
        cmocka_unit_test(test_measure_options_refuse),
        cmocka_unit_test(test_measure_options_take_files_to_compare),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
