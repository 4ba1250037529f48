/*
 * The command line: every option, every error, and what is suggested instead.  Expectations are
 * written from the man page, not from the parser's tables.
 */
/* cmocka.h needs the four before it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/environment.h"
#include "cli/options.h"

#define WORDS_MAX 16

struct line {
    char *argv[WORDS_MAX];
    struct options options;
    struct err err;
};

/* Parse "vmm" and the words, up to the NULL. */
static bool parse_words(struct line *line, const char *const *words)
{
    int argc = 1;

    memset(line, 0, sizeof(*line));
    line->argv[0] = (char *)(uintptr_t) "vmm";
    for (; words[argc - 1] != NULL; argc++) {
        assert_true(argc < WORDS_MAX - 1);
        line->argv[argc] = (char *)(uintptr_t)words[argc - 1];
    }
    return options_parse(&line->options, argc, line->argv, &line->err);
}

#define PARSE(line, ...) parse_words(line, (const char *const[]){__VA_ARGS__, NULL})

/* The words fail as a usage error of exactly this text. */
#define ASSERT_USAGE(expected, ...)                                                            \
    do {                                                                                       \
        struct line line_;                                                                     \
        assert_false(PARSE(&line_, __VA_ARGS__));                                              \
        assert_int_equal(line_.err.kind, ERR_USAGE);                                           \
        assert_string_equal(line_.err.text, expected);                                         \
        assert_null(line_.options.env);                                                        \
    } while (0)

static void test_options_default_as_documented(void **state)
{
    struct line line;

    (void)state;
    assert_true(PARSE(&line, "prog"));
    assert_int_equal(line.options.command, OPTIONS_RUN);
    assert_string_equal(line.options.program[0], "prog");
    assert_null(line.options.program[1]);
    assert_int_equal(line.options.program_count, 1);
    assert_false(line.options.trace);
    assert_null(line.options.trace_file);
    assert_int_equal(line.options.format, OPTIONS_FORMAT_TEXT);
    assert_false(line.options.maps);
    assert_false(line.options.tables);
    assert_int_equal(line.options.mem_bytes, 1073741824);
    assert_int_equal(line.options.stack_bytes, 8388608);
    assert_int_equal(line.options.timeout_ns, 0);
    assert_false(line.options.clear_env);
    assert_int_equal(line.options.env_count, 0);
    assert_null(line.options.summary_file);
    assert_false(line.options.quiet);
    assert_false(line.options.verbose);
    options_destroy(&line.options);
}

static void test_options_take_every_option_of_run(void **state)
{
    struct line line;

    (void)state;
    assert_true(PARSE(
        &line, "--trace=t.txt", "--format=json", "--maps", "--tables", "--mem=64M",
        "--stack=1M", "--timeout=2.5", "--env=A=1", "-E", "B", "--clear-env", "--summary=-",
        "-qv", "prog"));
    assert_true(line.options.trace);
    assert_string_equal(line.options.trace_file, "t.txt");
    assert_int_equal(line.options.format, OPTIONS_FORMAT_JSON);
    assert_true(line.options.maps);
    assert_true(line.options.tables);
    assert_int_equal(line.options.mem_bytes, 67108864);
    assert_int_equal(line.options.stack_bytes, 1048576);
    assert_int_equal(line.options.timeout_ns, 2500000000);
    assert_int_equal(line.options.env_count, 2);
    assert_string_equal(line.options.env[0], "A=1");
    assert_string_equal(line.options.env[1], "B");
    assert_true(line.options.clear_env);
    assert_string_equal(line.options.summary_file, "-");
    assert_true(line.options.quiet);
    assert_true(line.options.verbose);
    options_destroy(&line.options);
}

static void test_options_of_a_run_that_stops(void **state)
{
    struct line line;

    (void)state;
    assert_true(PARSE(
        &line, "-i", "-x", "commands", "--break=kind=cow", "--break", "count=2", "--stdin=in",
        "p"));
    assert_true(line.options.interactive);
    assert_string_equal(line.options.script, "commands");
    assert_int_equal(line.options.break_count, 2);
    assert_string_equal(line.options.breaks[0], "kind=cow");
    assert_string_equal(line.options.breaks[1], "count=2");
    assert_string_equal(line.options.stdin_file, "in");
    options_destroy(&line.options);
    ASSERT_USAGE("option '--break': it needs -i, or -x FILE with commands", "--break=", "p");
    ASSERT_USAGE(
        "option '--script': the name of the file is empty (allowed: a path)", "-x", "", "p");
    ASSERT_USAGE(
        "option '--stdin': the name of the file is empty (allowed: a path)", "--stdin=", "p");
}

static void test_options_behind_program_belong_to_guest(void **state)
{
    struct line line;

    (void)state;
    assert_true(PARSE(&line, "-q", "prog", "--mem=1", "-x", "--", "help"));
    assert_int_equal(line.options.program_count, 5);
    assert_string_equal(line.options.program[1], "--mem=1");
    assert_string_equal(line.options.program[4], "help");
    assert_null(line.options.program[5]);
    options_destroy(&line.options);

    assert_true(PARSE(&line, "--", "--prog", "-q"));
    assert_string_equal(line.options.program[0], "--prog");
    assert_int_equal(line.options.program_count, 2);
    assert_false(line.options.quiet);
    options_destroy(&line.options);
}

static void test_options_trace_takes_no_separate_word(void **state)
{
    struct line line;

    (void)state;
    assert_true(PARSE(&line, "--trace=old", "--trace", "prog"));
    assert_true(line.options.trace);
    assert_null(line.options.trace_file);
    assert_string_equal(line.options.program[0], "prog");
    options_destroy(&line.options);
}

static void test_options_take_unambiguous_abbreviations(void **state)
{
    struct line line;

    (void)state;
    assert_true(PARSE(&line, "--tr", "--ti", "3", "--su", "s", "prog"));
    assert_true(line.options.trace);
    assert_int_equal(line.options.timeout_ns, 3000000000);
    assert_string_equal(line.options.summary_file, "s");
    options_destroy(&line.options);
}

static void test_options_round_sizes_up(void **state)
{
    static const struct {
        const char *word;
        uint64_t bytes;
    } sizes[] = {
        {"--mem=8388608", 8388608},       {"--mem=8388609", 10485760},
        {"--mem=8192K", 8388608},         {"--mem=9m", 10485760},
        {"--mem=2G", 2147483648},         {"--mem=512g", 549755813888},
        {"--mem=00000000016M", 16777216}, {"--mem=549755813888", 549755813888},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct line line;

        assert_true(PARSE(&line, sizes[i].word, "prog"));
        assert_int_equal(line.options.mem_bytes, sizes[i].bytes);
        options_destroy(&line.options);
    }
}

static void test_options_refuse_bad_sizes(void **state)
{
    static const char *const not_sizes[] = {"",    "M",   "4Q",   "8MM",  "8MB", " 8M", "8M ",
                                            "+8M", "-8M", "0x8M", "1.5G", "8 M", "1e9"};
    static const char *const out_of_range[] = {
        "0",
        "1",
        "7M",
        "8388607",
        "513G",
        "1T",
        "18446744073709551616",
        "99999999999999999999999",
        "16777216T",
        "18014398509481984K",
        "549755813889"};
    char expected[128];
    char word[64];

    (void)state;
    for (size_t i = 0; i < sizeof(not_sizes) / sizeof(not_sizes[0]); i++) {
        snprintf(word, sizeof(word), "--mem=%s", not_sizes[i]);
        snprintf(
            expected, sizeof(expected),
            "option '--mem': '%s' is not a size (allowed: 8M to 512G)", not_sizes[i]);
        ASSERT_USAGE(expected, word, "prog");
    }
    for (size_t i = 0; i < sizeof(out_of_range) / sizeof(out_of_range[0]); i++) {
        snprintf(word, sizeof(word), "--mem=%s", out_of_range[i]);
        snprintf(
            expected, sizeof(expected),
            "option '--mem': '%s' is out of range (allowed: 8M to 512G)", out_of_range[i]);
        ASSERT_USAGE(expected, word, "prog");
    }
    ASSERT_USAGE(
        "option '--stack': '63K' is out of range (allowed: 64K to 64G)", "--stack=63K", "p");
    ASSERT_USAGE(
        "option '--stack': 'big' is not a size (allowed: 64K to 64G)", "--stack", "big", "p");
}

static void test_options_read_times_exactly(void **state)
{
    static const struct {
        const char *text;
        uint64_t ns;
    } times[] = {
        {"0", 0},
        {"0.000000001", 1},
        {"0.1", 100000000},
        {"10", 10000000000},
        {"3.14", 3140000000},
        {"1000000000", 1000000000000000000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        struct line line;

        assert_true(PARSE(&line, "--timeout", times[i].text, "prog"));
        assert_int_equal(line.options.timeout_ns, times[i].ns);
        options_destroy(&line.options);
    }
}

static void test_options_refuse_bad_times(void **state)
{
    static const char *const bad[] = {"",   ".5",           "1.",  "1,5", "-1",   "inf",  "1e3",
                                      "5s", "0.0000000001", "nan", " 1",  "0x10", "1.2.3"};
    char expected[160];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(
            expected, sizeof(expected),
            "option '--timeout': '%s' is not a time (allowed: seconds such as 10 or 0.5, up to "
            "1000000000; 0 for none)",
            bad[i]);
        ASSERT_USAGE(expected, "--timeout", bad[i], "prog");
    }
    ASSERT_USAGE(
        "option '--timeout': '1000000000.1' is out of range (allowed: seconds such as 10 or "
        "0.5, up to 1000000000; 0 for none)",
        "--timeout=1000000000.1", "prog");
    ASSERT_USAGE(
        "option '--timeout': '99999999999999999999' is out of range (allowed: seconds such as "
        "10 or 0.5, up to 1000000000; 0 for none)",
        "--timeout=99999999999999999999", "prog");
}

static void test_options_refuse_other_bad_values(void **state)
{
    (void)state;
    ASSERT_USAGE(
        "option '--format': 'jsn' is not a format (allowed: text, json)", "--format=jsn", "p");
    ASSERT_USAGE(
        "option '--env': '=x' has no name (allowed: NAME or NAME=VALUE)", "-E", "=x", "p");
    ASSERT_USAGE(
        "option '--trace': the name of the file is empty (allowed: a path)", "--trace=", "p");
    ASSERT_USAGE(
        "option '--summary': the name of the file is empty (allowed: a path)",
        "--summary=", "p");
}

static void test_options_name_nearest_of_unknown(void **state)
{
    (void)state;
    ASSERT_USAGE(
        "unknown option '--tarce': did you mean '--trace'? (vmm --help lists all)", "--tarce",
        "p");
    ASSERT_USAGE(
        "unknown option '--memory': did you mean '--mem'? (vmm --help lists all)",
        "--memory=1G", "p");
    ASSERT_USAGE(
        "unknown option '--time-out': did you mean '--timeout'? (vmm --help lists all)",
        "--mem", "1G", "-q", "-EA", "--time-out", "3", "p");
    ASSERT_USAGE("unknown option '--xyzzy' (vmm --help lists all)", "--xyzzy", "p");
    ASSERT_USAGE("unknown option '-y' (vmm --help lists all)", "-qy", "p");
    ASSERT_USAGE(
        "unknown option '-h': did you mean '--help'? (vmm --help lists all)", "-q", "-qh");
    ASSERT_USAGE(
        "unknown option '-t': did you mean '--trace', '--tables' or '--timeout'? (vmm --help "
        "lists all)",
        "-t", "p");
}

static void test_options_list_candidates_of_ambiguous(void **state)
{
    (void)state;
    ASSERT_USAGE(
        "option '--t' is ambiguous: '--trace', '--tables' or '--timeout'? (vmm --help lists "
        "all)",
        "--t", "p");
    ASSERT_USAGE(
        "option '--m' is ambiguous: '--maps', '--mem' or '--max-processes'? (vmm --help lists "
        "all)",
        "--m=1", "p");
}

static void test_options_refuse_missing_and_superfluous_values(void **state)
{
    (void)state;
    ASSERT_USAGE("option '--mem' needs a value: --mem=SIZE", "--mem");
    ASSERT_USAGE("option '-E' needs a value: -E NAME[=VALUE]", "-q", "-E");
    ASSERT_USAGE("option '--maps' takes no value, but '3' was given", "--maps=3", "p");
    ASSERT_USAGE("option '--quiet' takes no value, but '' was given", "--qui=", "p");
}

static void test_options_refuse_missing_program(void **state)
{
    static const char expected[] =
        "no program given: vmm [OPTION...] PROGRAM [ARG...] (vmm --help lists all)";

    (void)state;
    ASSERT_USAGE(expected, "-q");
    ASSERT_USAGE(expected, "--");

    struct line line;
    assert_false(parse_words(&line, (const char *const[]){NULL}));
    assert_string_equal(line.err.text, expected);
}

static void test_options_take_a_subcommand_behind_an_option_as_a_program(void **state)
{
    struct line line;

    (void)state;
    assert_true(PARSE(&line, "-q", "doctor", "--json"));
    assert_int_equal(line.options.command, OPTIONS_RUN);
    assert_string_equal(line.options.program[0], "doctor");
    options_destroy(&line.options);
}

static void test_options_report_help_and_version(void **state)
{
    static const struct {
        const char *words[3];
        enum options_command command;
    } asked[] = {
        {{"--help", "--nonsense"}, OPTIONS_HELP},
        {{"--version"}, OPTIONS_VERSION},
        {{"-V", "prog"}, OPTIONS_VERSION},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        struct line line;

        assert_true(parse_words(&line, asked[i].words));
        assert_int_equal(line.options.command, asked[i].command);
        options_destroy(&line.options);
    }
}

static void test_options_help_names_every_option_and_status(void **state)
{
    static const char *const wanted[] = {
        "--trace[=FILE]",
        "--format=FORMAT",
        "--maps",
        "--tables",
        "--mem=SIZE",
        "--stack=SIZE",
        "--clear-env",
        "--policy=NAME[,KEY=N...]",
        "--frames=N",
        "--resident=SIZE",
        "--swap=FILE|SIZE",
        "--fault-around=N",
        "--page-size=4k|2m|auto",
        "--max-processes=N",
        "-E, --env=NAME[=VALUE]",
        "--timeout=SECONDS",
        "--summary=FILE",
        "-q, --quiet",
        "-v, --verbose",
        "--help",
        "-V, --version",
        "vmm doctor",
        "128+N",
        "  124 ",
        "  125 ",
        "  130 ",
        "Examples:",
    };
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);

    (void)state;
    assert_non_null(stream);
    options_print_help(stream);
    assert_int_equal(fclose(stream), 0);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        if (strstr(text, wanted[i]) == NULL) {
            fail_msg("help lacks '%s'", wanted[i]);
        }
    }
    for (const char *at = text; *at != '\0'; at += strcspn(at, "\n") + 1) {
        assert_true(strcspn(at, "\n") < 80);
    }
    free(text);
}

static void test_environment_inherits_then_edits(void **state)
{
    static char home[] = "HOME=/root";
    static char lang[] = "LANG=C";
    char *const host[] = {home, lang, NULL};
    const char **environment;
    struct line line;

    (void)state;
    assert_true(PARSE(&line, "-E", "LANG=de", "-EX=", "-E", "NONE", "-E", "HOMER=1", "p"));
    assert_true(environment_build(&line.options, host, &environment, &line.err));
    assert_string_equal(environment[0], "HOME=/root");
    assert_string_equal(environment[1], "LANG=de");
    assert_string_equal(environment[2], "X=");
    assert_string_equal(environment[3], "HOMER=1");
    assert_null(environment[4]);
    free(environment);
    options_destroy(&line.options);

    assert_true(PARSE(&line, "--clear-env", "-E", "LANG", "-E", "A=1", "-E", "A=2", "p"));
    assert_true(environment_build(&line.options, host, &environment, &line.err));
    assert_string_equal(environment[0], "LANG=C");
    assert_string_equal(environment[1], "A=2");
    assert_null(environment[2]);
    free(environment);
    options_destroy(&line.options);
}

static void test_nearest_word_counts_a_swap_once(void **state)
{
    static const char *const words[] = {"trace", "tables", "mem"};

    (void)state;
    assert_string_equal(nearest_word("rtaec", words, 3), "trace");
    assert_string_equal(nearest_word("me", words, 3), "mem");
    assert_string_equal(nearest_word("able", words, 3), "tables");
    assert_null(nearest_word("a-very-long-word-that-is-near-to-nothing", words, 3));
    assert_null(nearest_word("summary", words, 3));
}

static void test_options_cut_absurdly_long_words(void **state)
{
    char word[4096];
    struct line line;

    (void)state;
    memset(word, 'a', sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';
    word[0] = '-';
    word[1] = '-';
    assert_false(PARSE(&line, word, "p"));
    assert_int_equal(line.err.kind, ERR_USAGE);
    memcpy(word, "--mem=", 6);
    assert_false(PARSE(&line, word, "p"));
    assert_int_equal(line.err.kind, ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_default_as_documented),
        cmocka_unit_test(test_options_take_every_option_of_run),
        cmocka_unit_test(test_options_of_a_run_that_stops),
        cmocka_unit_test(test_options_behind_program_belong_to_guest),
        cmocka_unit_test(test_options_trace_takes_no_separate_word),
        cmocka_unit_test(test_options_take_unambiguous_abbreviations),
        cmocka_unit_test(test_options_round_sizes_up),
        cmocka_unit_test(test_options_refuse_bad_sizes),
        cmocka_unit_test(test_options_read_times_exactly),
        cmocka_unit_test(test_options_refuse_bad_times),
        cmocka_unit_test(test_options_refuse_other_bad_values),
        cmocka_unit_test(test_options_name_nearest_of_unknown),
        cmocka_unit_test(test_options_list_candidates_of_ambiguous),
        cmocka_unit_test(test_options_refuse_missing_and_superfluous_values),
        cmocka_unit_test(test_options_refuse_missing_program),
        cmocka_unit_test(test_options_take_a_subcommand_behind_an_option_as_a_program),
        cmocka_unit_test(test_options_report_help_and_version),
        cmocka_unit_test(test_options_help_names_every_option_and_status),
        cmocka_unit_test(test_environment_inherits_then_edits),
        cmocka_unit_test(test_nearest_word_counts_a_swap_once),
        cmocka_unit_test(test_options_cut_absurdly_long_words),
    };

    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
