/* The subcommands: which words are one, what help there is, and the words of doctor. */
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

#include "cli/commands.h"
#include "cli/doctor_command.h"

static const char *const topics[] = {"run",    "doctor", "measure", "report",
                                     "replay", "export", "help"};
#define TOPIC_COUNT (sizeof(topics) / sizeof(topics[0]))

static void test_commands_are_the_topics_but_run(void **state)
{
    (void)state;
    for (size_t i = 0; i < TOPIC_COUNT; i++) {
        const struct command *command = commands_find(topics[i]);

        if (strcmp(topics[i], "run") == 0) {
            assert_null(command);
        } else {
            assert_non_null(command);
            assert_string_equal(command->name, topics[i]);
            assert_non_null(command->carry_out);
        }
    }
    assert_null(commands_find("./doctor"));
    assert_null(commands_find(""));
    assert_null(commands_find("--help"));
}

static void test_commands_help_has_lines_of_every_topic(void **state)
{
    (void)state;
    for (size_t i = 0; i < TOPIC_COUNT; i++) {
        const struct command *topic;
        struct err err = {0};
        char *text = NULL;
        size_t bytes = 0;
        FILE *stream = open_memstream(&text, &bytes);

        assert_non_null(stream);
        assert_true(commands_find_topic(topics[i], &topic, &err));
        topic->print_help(stream);
        assert_int_equal(fclose(stream), 0);
        assert_memory_equal(text, "Usage: vmm", strlen("Usage: vmm"));
        if (strcmp(topics[i], "run") != 0) {
            assert_non_null(strstr(text, topics[i]));
        }
        for (const char *at = text; *at != '\0'; at += strcspn(at, "\n") + 1) {
            assert_true(strcspn(at, "\n") < 80);
        }
        free(text);
    }
}

static void test_commands_name_the_nearest_topic(void **state)
{
    const struct command *topic;
    struct err err = {0};

    (void)state;
    assert_false(commands_find_topic("docter", &topic, &err));
    assert_int_equal(err.kind, ERR_USAGE);
    assert_string_equal(
        err.text,
        "no help on 'docter': did you mean 'doctor'? (allowed: run, doctor, measure, report, "
        "replay, export, help)");
    assert_false(commands_find_topic("xyzzy", &topic, &err));
    assert_string_equal(
        err.text,
        "no help on 'xyzzy' (allowed: run, doctor, measure, report, replay, export, help)");
}

static bool parse_doctor(struct doctor_options *options, char *word, struct err *err)
{
    char name[] = "doctor";
    char *argv[] = {name, word, NULL};

    return doctor_options_parse(options, word != NULL ? 2 : 1, argv, err);
}

static void test_doctor_takes_its_two_options(void **state)
{
    char json[] = "--json";
    char help[] = "--help";
    struct doctor_options options;
    struct err err = {0};

    (void)state;
    assert_true(parse_doctor(&options, NULL, &err));
    assert_false(options.json || options.help);
    assert_true(parse_doctor(&options, json, &err));
    assert_true(options.json);
    assert_true(parse_doctor(&options, help, &err));
    assert_true(options.help);
}

static void test_doctor_refuses_anything_else(void **state)
{
    char wrong[] = "--jsn";
    char argument[] = "x";
    struct doctor_options options;
    struct err err = {0};

    (void)state;
    assert_false(parse_doctor(&options, wrong, &err));
    assert_int_equal(err.kind, ERR_USAGE);
    assert_string_equal(
        err.text,
        "unknown option '--jsn': did you mean '--json'? (vmm doctor --help lists all)");
    assert_false(parse_doctor(&options, argument, &err));
    assert_string_equal(err.text, "vmm doctor takes no argument, but 'x' was given");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands_are_the_topics_but_run),
        cmocka_unit_test(test_commands_help_has_lines_of_every_topic),
        cmocka_unit_test(test_commands_name_the_nearest_topic),
        cmocka_unit_test(test_doctor_takes_its_two_options),
        cmocka_unit_test(test_doctor_refuses_anything_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
