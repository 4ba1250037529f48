/* What --record and --record-regions say, and what they refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/options.h"

/* Parse "vmm", up to two words (NULL: none), and a program. */
static bool parse(struct options *options, const char *one, const char *two, struct err *err)
{
    static char program[] = "a.elf", name[] = "vmm";
    static char words[2][64];
    const char *given[] = {one, two};
    static char *argv[5];
    int argc = 0;

    argv[argc++] = name;
    for (unsigned i = 0; i < 2; i++) {
        if (given[i] != NULL) {
            strncpy(words[i], given[i], sizeof(words[i]) - 1);
            argv[argc++] = words[i];
        }
    }
    argv[argc++] = program;
    argv[argc] = NULL;
    return options_parse(options, argc, argv, err);
}

static void test_record_options_are_read(void **state)
{
    struct options options;
    struct err err;

    (void)state;
    assert_true(parse(&options, NULL, NULL, &err));
    assert_int_equal(options.record, OPTIONS_RECORD_FAULTS);
    options_destroy(&options);
    assert_true(parse(&options, "--record=faults", NULL, &err));
    assert_int_equal(options.record, OPTIONS_RECORD_FAULTS);
    options_destroy(&options);
    assert_true(parse(&options, "--record=accesses", "--record-regions=heap,1-2", &err));
    assert_int_equal(options.record, OPTIONS_RECORD_ACCESSES);
    assert_string_equal(options.record_regions, "heap,1-2");
    options_destroy(&options);
    assert_true(parse(&options, "--record=sampled,0.25", NULL, &err));
    assert_int_equal(options.record, OPTIONS_RECORD_SAMPLED);
    assert_int_equal(options.record_period_ns, 250000000);
    assert_null(options.record_regions);
    options_destroy(&options);
    assert_true(parse(&options, "--record=accesses", "--frames=64", &err));
    options_destroy(&options);
}

static void test_record_options_refuse_the_rest(void **state)
{
    static const struct {
        const char *one, *two, *text;
    } refused[] = {
        {"--record=", NULL, "nothing to record"},
        {"--record=access", NULL, "nothing to record"},
        {"--record=sampled", NULL, "nothing to record"},
        {"--record=sampled,", NULL, "--record=sampled"},
        {"--record=sampled,1x", NULL, "--record=sampled"},
        {"--record=sampled,0.0001", NULL, "too short"},
        {"--record-regions=heap", NULL, "--record=accesses"},
        {"--record=faults", "--record-regions=heap", "--record=accesses"},
        {"--record=accesses", "--record-regions=", "no region"},
        {"--record=accesses", "--record-regions=9-1", "no range"},
        {"--record=sampled,1", "--frames=64", "--policy"},
        {"--record=sampled,1", "--policy=lru", "--policy"},
        {"--record=sampled,1", "--swap=16M", "--policy"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct options options;
        struct err err = {0};
        if (parse(&options, refused[i].one, refused[i].two, &err)) {
            fail_msg("%s was taken", refused[i].one);
        }
        assert_int_equal(err.kind, ERR_USAGE);
        if (strstr(err.text, refused[i].text) == NULL) {
            fail_msg("%s: %s", refused[i].one, err.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_options_are_read),
        cmocka_unit_test(test_record_options_refuse_the_rest),
    };
    return cmocka_run_group_tests_name("record-options", tests, NULL, NULL);
}
