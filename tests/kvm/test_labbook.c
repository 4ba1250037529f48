/*
 * The lab book as its readers use it: every command of docs/lab-book.md is run in a shell, and what
 * comes out must be what the page shows.  It refuses to know any exercise: the page alone says what
 * is expected.  Runs in the stage, which has the page and the programs.
 *
 * In the page, a block that begins with ```console has lines "$ COMMAND", each with the lines below
 * it that are expected: one for one, but that a line of "…" alone stands for any lines, "…" in a line
 * for anything, and any blanks for any other blanks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kvm_ring.h"
#include "launch.h"
#include "scratch.h"

#define PAGE      "docs/lab-book.md"
#define ANY       "…"
#define ANY_BYTES (sizeof(ANY) - 1)
#define EXERCISES 8
#define LINES_MAX 4096

struct lines {
    char *of[LINES_MAX]; /* borrow: from the text that was cut */
    size_t count;
};

/* Cut a text into its lines, in place. */
static void cut(struct lines *lines, char *text)
{
    lines->count = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        bool last = text[length] == '\0';

        assert_true(lines->count < LINES_MAX);
        lines->of[lines->count++] = text;
        text[length] = '\0';
        text += last ? length : length + 1;
    }
}

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

/* Whether a line is what a line of the page stands for. */
static bool line_fits(const char *page, const char *line)
{
    for (;;) {
        if (strncmp(page, ANY, ANY_BYTES) == 0) {
            page += ANY_BYTES;
            for (; *line != '\0'; line++) {
                if (line_fits(page, line)) {
                    return true;
                }
            }
            return line_fits(page, line);
        }
        if (*page == ' ' || *line == ' ' || *page == '\0' || *line == '\0') {
            const char *next_page = skip_blanks(page), *next_line = skip_blanks(line);
            bool ends = *next_page == '\0' && *next_line == '\0';

            if (ends || (next_page == page) != (next_line == line) || next_page == page) {
                return ends || (*next_line == '\0' && strcmp(next_page, ANY) == 0);
            }
            page = next_page;
            line = next_line;
            continue;
        }
        if (*page++ != *line++) {
            return false;
        }
    }
}

/* Whether all lines fit; *reached: how many of the page's did, at best. */
static bool lines_fit(
    char *const *page,
    size_t pages,
    char *const *lines,
    size_t count,
    size_t at,
    size_t *reached)
{
    *reached = at > *reached ? at : *reached;
    if (pages == 0) {
        return count == 0;
    }
    if (strcmp(*page, ANY) == 0) {
        for (size_t skipped = 0; skipped <= count; skipped++) {
            if (lines_fit(
                    page + 1, pages - 1, lines + skipped, count - skipped, at + 1, reached)) {
                return true;
            }
        }
        return false;
    }
    return count > 0 && line_fits(skip_blanks(*page), skip_blanks(*lines)) &&
           lines_fit(page + 1, pages - 1, lines + 1, count - 1, at + 1, reached);
}

/* Run one command, and compare with the lines below it. */
static void follow(const char *command, char *const *expected, size_t count)
{
    char shell[] = "/bin/sh", option[] = "-c", text[1024];
    char *argv[] = {shell, option, text, NULL};
    struct lines out = {.count = 0};
    struct launch_result result;
    size_t reached = 0;

    assert_true(snprintf(text, sizeof(text), "{ %s; } 2>&1", command) < (int)sizeof(text));
    launch(&result, argv, NULL, NULL);
    char *whole = strdup(result.output);
    if (whole == NULL) {
        fail_msg("no memory");
        return;
    }
    cut(&out, whole);
    if (!lines_fit(expected, count, out.of, out.count, 0, &reached)) {
        fail_msg(
            "$ %s\nline %zu of the page is not there: %s\nwhat came out:\n%s", command,
            reached + 1, reached < count ? expected[reached] : "(the end)", result.output);
    }
    free(whole);
    launch_free(&result);
}

/* Follow all commands of a block; returns how many. */
static size_t follow_block(char *const *lines, size_t count)
{
    size_t commands = 0, at = 0;

    assert_true(count > 0 && strncmp(lines[0], "$ ", 2) == 0);
    while (at < count) {
        const char *command = lines[at++] + 2;
        size_t first = at;

        while (at < count && strncmp(lines[at], "$ ", 2) != 0) {
            at++;
        }
        follow(command, lines + first, at - first);
        commands++;
    }
    return commands;
}

/* Lines [*begin, *end) are what stands below the heading of exercise `number`. */
static void find_exercise(const struct lines *page, unsigned number, size_t *begin, size_t *end)
{
    char heading[16];

    snprintf(heading, sizeof(heading), "## %u. ", number);
    for (*begin = 0; *begin < page->count; ++*begin) {
        if (strncmp(page->of[*begin], heading, strlen(heading)) == 0) {
            break;
        }
    }
    assert_true(*begin < page->count);
    for (*end = *begin + 1; *end < page->count; ++*end) {
        if (strncmp(page->of[*end], "## ", 3) == 0) {
            break;
        }
    }
}

static void test_labbook_exercise_is_true(void **state)
{
    unsigned number = *(const unsigned *)*state;
    struct lines page = {.count = 0};
    char *text = scratch_read(PAGE, NULL);
    size_t begin = 0, end = 0, commands = 0, block = 0;

    if (text == NULL) {
        fail_msg("cannot read %s", PAGE);
        return;
    }
    cut(&page, text);
    find_exercise(&page, number, &begin, &end);
    assert_true(end <= page.count);
    for (size_t i = begin; i < end && page.of[i] != NULL; i++) {
        if (block != 0 && strcmp(page.of[i], "```") == 0) {
            commands += follow_block(page.of + block, i - block);
            block = 0;
        } else if (strcmp(page.of[i], "```console") == 0) {
            block = i + 1;
        }
    }
    assert_true(commands > 0);
    free(text);
}

static void test_labbook_compares_as_it_says(void **state)
{
    char anything[] = ANY, one[] = "one", two[] = "two";
    char *const page[] = {one, anything, two};
    char *const long_way[] = {one, two, one, two}, *const short_way[] = {one, two};
    size_t reached = 0;

    (void)state;
    assert_true(line_fits("a  b", "a b"));
    assert_true(line_fits("a b", "a \t  b  "));
    assert_true(line_fits("a … b", "a 1 2 b"));
    assert_true(line_fits("0x…000 …", "0x12000 x"));
    assert_true(line_fits("total …", "total 7"));
    assert_false(line_fits("a b", "ab"));
    assert_false(line_fits("ab", "a b"));
    assert_false(line_fits("a", "a b"));
    assert_false(line_fits("a b", "a"));
    assert_false(line_fits("a … b", "a 1 c"));
    assert_false(line_fits("12", "123"));
    assert_true(lines_fit(page, 3, long_way, 4, 0, &reached));
    assert_true(lines_fit(page, 3, short_way, 2, 0, &reached));
    assert_false(lines_fit(page, 3, long_way, 3, 0, &reached));
    assert_false(lines_fit(page, 1, short_way, 2, 0, &reached));
}

/* A large environment is pages of stack: the book's figures are those of a usual one. */
static void use_small_environment(void)
{
    const char *path = getenv("PATH");
    char kept[4096];

    snprintf(kept, sizeof(kept), "%s", path != NULL ? path : "/usr/bin:/bin");
    clearenv();
    setenv("PATH", kept, 1);
    setenv("HOME", "/tmp", 1);
}

int main(void)
{
    static unsigned numbers[EXERCISES];
    static char names[EXERCISES][40];
    struct CMUnitTest tests[EXERCISES + 1];

    tests[0] = (struct CMUnitTest)cmocka_unit_test(test_labbook_compares_as_it_says);
    for (unsigned i = 0; i < EXERCISES; i++) {
        numbers[i] = i + 1;
        snprintf(names[i], sizeof(names[i]), "test_labbook_exercise_%u_is_true", i + 1);
        tests[i + 1] = (struct CMUnitTest){
            .name = names[i],
            .test_func = test_labbook_exercise_is_true,
            .initial_state = &numbers[i]};
    }
    use_small_environment();
    return kvm_ring_run("labbook", tests, EXERCISES + 1);
}
