/*
 * The page of a made-up session: what is drawn has a colour in light and in dark, CPUID's marks and a
 * heat map's scale are there, and a reason is to be read.  How it looks, only eyes can tell.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "measure/html.h"
#include "measure/plot.h"
#include "measure/plot_area.h"

static char *print_series(const struct result_series *series)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    assert_non_null(out);
    plot_print(out, series);
    fclose(out);
    return text;
}

static struct result_series *
make_series(struct result *result, enum series_kind kind, size_t curves)
{
    struct result_series *series = result_add_series(result, kind, curves, 3, "made up");

    assert_non_null(series);
    series_name_axes(series, "first part, second part, third part", "cycles");
    for (size_t c = 0; c < curves; c++) {
        static const char *const names[] = {"native", "native control", "native net",
                                            "guest",  "guest control",  "guest net",
                                            "other"};
        snprintf(series->curve[c], RESULT_NAME_BYTES, "%s", names[c % 7]);
        for (size_t p = 0; p < 3; p++) {
            series->x[p] = (double)(p + 1) * 100;
            series_set(series, c, p, (double)(c + p + 1));
        }
    }
    return series;
}

static void test_plot_marks_claims_inside_the_axis_only(void **state)
{
    static struct result result;
    struct result_series *series = make_series(&result, SERIES_STAIRCASE, 1);

    (void)state;
    series_mark(series, 0); /* hidden: no mark */
    assert_int_equal(series->mark_count, 0);
    series_mark(series, 150);
    series_mark(series, 3072);
    char *text = print_series(series);
    assert_non_null(strstr(text, "CPUID 150"));
    assert_null(strstr(text, "CPUID 3072"));
    free(text);
    result_destroy(&result);
}

static void test_plot_heat_says_what_its_colours_mean(void **state)
{
    static struct result result;
    char *text = print_series(make_series(&result, SERIES_HEAT, 2));

    (void)state;
    /* 1 to 4 in five steps. */
    assert_non_null(strstr(text, ">1.0</text>"));
    assert_non_null(strstr(text, ">2.5</text>"));
    assert_non_null(strstr(text, ">4.0</text>"));
    free(text);
    result_destroy(&result);
}

static void test_plot_breakdown_names_its_parts(void **state)
{
    static struct result result;
    char *text = print_series(make_series(&result, SERIES_BREAKDOWN, 1));

    (void)state;
    assert_non_null(strstr(text, ">first part</text>"));
    assert_non_null(strstr(text, ">second part</text>"));
    assert_non_null(strstr(text, ">third part</text>"));
    assert_non_null(strstr(text, ">3 (50.0 %)</text>"));
    free(text);
    result_destroy(&result);
}

static void test_plot_format_keeps_numbers_short(void **state)
{
    char text[32];

    (void)state;
    plot_format(text, sizeof(text), 5000);
    assert_string_equal(text, "5000");
    plot_format(text, sizeof(text), 20000);
    assert_string_equal(text, "20k");
    plot_format(text, sizeof(text), 1500000);
    assert_string_equal(text, "1.5M");
}

static void test_plot_ticks_of_many_decades_are_few(void **state)
{
    double ticks[16];

    (void)state;
    assert_int_equal(plot_ticks(1, 1e6, true, ticks, 16), 7);
}

static char *print_page(struct result *result)
{
    const struct experiment *chosen[] = {catalogue_find("tlb")};
    struct session session = {
        .chosen = chosen, .results = result, .count = 1, .steal_share = 0.25, .processors = 2};
    struct err err = {0};
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    assert_non_null(out);
    assert_true(html_write(out, &session, &err));
    fclose(out);
    return text;
}

/* The variable behind a class has one value for light and another for dark. */
static void check_colour(const char *page, const char *class)
{
    char want[32];
    const char *rule;

    snprintf(want, sizeof(want), ".%s{--c:var(", class);
    rule = strstr(page, want);
    if (rule == NULL) {
        fail_msg("no rule %s", want);
        return;
    }
    snprintf(want, sizeof(want), "%.4s:#", rule + strlen(want));
    const char *light = strstr(page, want);
    assert_non_null(light);
    const char *dark = strstr(strstr(page, "@media(prefers-color-scheme:dark)"), want);
    assert_non_null(dark);
    assert_ptr_not_equal(light, dark);
}

static void test_html_has_a_colour_for_all_that_is_drawn(void **state)
{
    static struct result result;

    (void)state;
    result.experiment = "tlb";
    result.ran = true;
    (void)make_series(&result, SERIES_STAIRCASE, 7);
    (void)make_series(&result, SERIES_LADDER, 7);
    (void)make_series(&result, SERIES_BREAKDOWN, 1);
    char *page = print_page(&result);
    unsigned classes = 0;
    for (const char *at = page; (at = strstr(at, " class=\"")) != NULL;) {
        char class[8];
        at += strlen(" class=\"");
        if (at[2] == '"') {
            snprintf(class, sizeof(class), "%.2s", at);
            check_colour(page, class);
            classes++;
        }
    }
    assert_true(classes >= 7 + 7 * 3 + 3); /* lines, bars, parts */
    free(page);
    result_destroy(&result);
}

/* Labels that shrink with a plot cannot be read, and a table cannot shrink. */
static void test_html_scrolls_what_a_narrow_screen_cannot_hold(void **state)
{
    static struct result result;

    (void)state;
    result.experiment = "tlb";
    result.ran = true;
    (void)result_add_figure(&result, "cycles", "a figure");
    (void)make_series(&result, SERIES_STAIRCASE, 1);
    char *page = print_page(&result);
    assert_non_null(strstr(page, "figure{margin:1em 0;overflow-x:auto}"));
    assert_non_null(strstr(page, "svg{width:100%;min-width:"));
    assert_non_null(strstr(page, ".wide{overflow-x:auto}"));
    assert_non_null(strstr(page, "<div class=\"wide\"><table><tr><th>figure"));
    free(page);
    result_destroy(&result);
}

static void test_series_names_its_sides_though_one_was_not_measured(void **state)
{
    static struct result result;
    struct result_series *series =
        result_add_series(&result, SERIES_LADDER, SIDE_COUNT, 3, "made up");

    (void)state;
    assert_non_null(series);
    series_name_sides(series);
    series_set(series, SIDE_GUEST, 0, 1);
    assert_string_equal(series->curve[SIDE_NATIVE], "native");
    assert_string_equal(series->curve[SIDE_GUEST], "guest");
    char *text = print_series(series);
    assert_null(strstr(text, ">native</text>")); /* nothing of it is drawn */
    assert_non_null(strstr(text, ">guest</text>"));
    free(text);
    result_destroy(&result);
}

static void test_html_shows_why_a_side_is_open(void **state)
{
    static struct result result;

    (void)state;
    result.experiment = "tlb";
    result.ran = true;
    figure_refuse(
        result_add_figure(&result, "cycles", "a figure"), SIDE_GUEST, "too much <noise>");
    char *page = print_page(&result);
    assert_non_null(strstr(page, "<div class=\"open\">guest: too much &lt;noise&gt;</div>"));
    assert_non_null(strstr(page, "25.0 % stolen"));
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plot_marks_claims_inside_the_axis_only),
        cmocka_unit_test(test_plot_heat_says_what_its_colours_mean),
        cmocka_unit_test(test_plot_breakdown_names_its_parts),
        cmocka_unit_test(test_plot_format_keeps_numbers_short),
        cmocka_unit_test(test_plot_ticks_of_many_decades_are_few),
        cmocka_unit_test(test_html_has_a_colour_for_all_that_is_drawn),
        cmocka_unit_test(test_html_scrolls_what_a_narrow_screen_cannot_hold),
        cmocka_unit_test(test_series_names_its_sides_though_one_was_not_measured),
        cmocka_unit_test(test_html_shows_why_a_side_is_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
