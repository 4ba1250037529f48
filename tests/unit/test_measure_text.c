/* What `vmm measure` prints line by line: columns, the header, the progress, and a file that is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "made_up_experiment.h"
#include "measure/compare_files.h"
#include "measure/print_text.h"
#include "measure/progress.h"

/* The column in which a word begins in the line that begins with `line`. */
static size_t column_of(const char *text, const char *line, const char *word)
{
    const char *begin = strstr(text, line);

    assert_non_null(begin);
    const char *at = strstr(begin, word);
    assert_non_null(at);
    return (size_t)(at - begin);
}

static void test_text_makes_room_for_the_longest_name(void **state)
{
    static struct result result;
    static struct session session;
    static const struct experiment *chosen = &made_up;
    const char *const longest = "instruction TLB, walk beyond level 2";
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    (void)state;
    assert_non_null(out);
    result = (struct result){.experiment = "tlb", .ran = true};
    (void)result_add_figure(&result, "cycles", "%s", longest);
    (void)result_add_figure(&result, "entries", "short");
    session.chosen = &chosen;
    session.results = &result;
    session.count = 1;
    print_text_session(out, &session);
    fclose(out);
    size_t column = column_of(text, "  figure", "unit");
    assert_int_equal(column, 2 + strlen(longest) + 1);
    assert_int_equal(column_of(text, "  instruction", "cycles"), column);
    assert_int_equal(column_of(text, "  short", "entries"), column);
    free(text);
}

static void test_text_says_where_it_ran(void **state)
{
    static struct session session;
    char text[120];

    (void)state;
    session = (struct session){.cpu = 3, .processors = 8, .steal_share = 0.01};
    print_text_noise(&session, text, sizeof(text));
    assert_string_equal(text, "1.0 % stolen, pinned to CPU 3 of 8");
    session = (struct session){.cpu = -1, .steal_share = -1};
    print_text_noise(&session, text, sizeof(text));
    assert_string_equal(text, "not pinned to a CPU: the scheduler may move it");
}

static void test_compare_says_which_file_is_missing(void **state)
{
    struct err err = {0};
    bool differs;

    (void)state;
    assert_false(compare_files(stdout, "/nowhere/a.json", "b.json", &differs, &err));
    assert_string_equal(
        err.text, "--compare: unable to open /nowhere/a.json: No such file or directory");
}

/* What is drawn is wiped out whole, and a terminal of 40 columns holds it. */
static void test_progress_wipes_its_line_out(void **state)
{
    struct progress progress;
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    (void)state;
    assert_non_null(out);
    progress_begin(&progress, out, 9999);
    progress_enter(&progress, "coalesce", 9999);
    fflush(out);
    size_t drawn = bytes - 1;
    progress_end(&progress);
    fclose(out);
    size_t wiped = bytes - drawn - 3;
    assert_true(drawn > 0 && drawn <= wiped && wiped < 40);
    assert_int_equal(strspn(text + drawn + 2, " "), wiped);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_makes_room_for_the_longest_name),
        cmocka_unit_test(test_text_says_where_it_ran),
        cmocka_unit_test(test_compare_says_which_file_is_missing),
        cmocka_unit_test(test_progress_wipes_its_line_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
