/* Figures as text, CPUID's claims, ticks of axes, escaping, CSV: what the forms of output share. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "measure/claims.h"
#include "measure/csv.h"
#include "measure/format.h"
#include "measure/html.h"
#include "measure/plot.h"
#include "measure/progress.h"

static void test_format_estimate_shows_what_is_known(void **state)
{
    static const struct {
        struct estimate estimate;
        const char *text;
    } rows[] = {
        {{72, 72, 72}, "72"},
        {{0.7, 0.7, 0.7}, "0.70"},
        {{7.05, 6.98, 7.12}, "7.05 \u00b10.07"},
        {{2276, 2058, 4864}, "2276 (2058 to 4864)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[FORMAT_BYTES];
        format_estimate(text, &rows[i].estimate);
        assert_string_equal(text, rows[i].text);
    }
}

static void test_figure_claim_agrees_within_the_interval_only(void **state)
{
    struct result_figure figure = {.claim = CLAIM_NONE};

    (void)state;
    figure_claim(&figure, 64);
    assert_int_equal(figure.claim, CLAIM_OPEN);
    figure_decide(&figure, SIDE_GUEST, (struct estimate){72, 70, 74});
    figure_claim(&figure, 72);
    assert_int_equal(figure.claim, CLAIM_AGREE);
    figure_claim(&figure, 64);
    assert_int_equal(figure.claim, CLAIM_DISAGREE);
    figure_claim(&figure, 0);
    assert_int_equal(figure.claim, CLAIM_HIDDEN);
    figure_refuse(&figure, SIDE_GUEST, "%s", "why");
    assert_false(figure.side[SIDE_GUEST].verdict.decided);
    assert_string_equal(figure.side[SIDE_GUEST].verdict.reason, "why");
}

/* Registers as the manuals lay them out: APM volume 3, functions 8000_0005h and 8000_0006h. */
static void test_claims_decode_amd(void **state)
{
    const uint32_t l1[4] = {0xff48ff40, 0xff48ff40, 0, 0};
    const uint32_t l2[4] = {0, 0x60605020, 0, 0};
    struct claims claims = {0};

    (void)state;
    claims_decode_amd(&claims, l1, l2, true);
    assert_int_equal(claims.data[1][1].entries, 72);
    assert_int_equal(claims.data[1][1].ways, CLAIM_FULLY);
    assert_int_equal(claims.instruction[1][1].entries, 64);
    assert_int_equal(claims.data[2][1].entries, 96 * 32);
    assert_int_equal(claims.data[2][1].ways, 8);
    assert_int_equal(claims.instruction[2][1].entries, 32 * 32);
    assert_int_equal(claims.instruction[2][1].ways, 6);
    assert_int_equal(claims.data[2][2].entries, 0); /* a zero code is off */
}

/* SDM volume 2, "CPUID", leaf 18h: a data TLB of level 1, 4 ways, 16 sets, 4 KiB pages. */
static void test_claims_decode_intel(void **state)
{
    const uint32_t leaf[4] = {0, 4 << 16 | 1, 16, 1 << 5 | 1};
    struct claims claims = {0};

    (void)state;
    claims_decode_intel(&claims, leaf);
    assert_int_equal(claims.data[1][1].entries, 64);
    assert_int_equal(claims.data[1][1].ways, 4);
    assert_int_equal(claims.data[1][2].entries, 0);
    assert_int_equal(claims.instruction[1][1].entries, 0);
}

static void test_plot_ticks_are_round_and_inside(void **state)
{
    double ticks[16];
    size_t count = plot_ticks(8, 16384, true, ticks, 16);

    (void)state;
    assert_true(count >= 8);
    assert_true(ticks[0] == 10 && ticks[1] == 20 && ticks[2] == 50);
    count = plot_ticks(0, 12.3, false, ticks, 16);
    assert_true(count >= 3 && count <= 8);
    for (size_t i = 0; i < count; i++) {
        assert_true(ticks[i] >= 0 && ticks[i] <= 12.3);
    }
    assert_int_equal(plot_ticks(1, 1, false, ticks, 16), 0);
    assert_int_equal(plot_ticks(0, 1, true, ticks, 16), 0);
}

static char *print(void (*what)(FILE *out))
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    assert_non_null(out);
    what(out);
    fclose(out);
    return text;
}

static void print_markup(FILE *out)
{
    html_print_text(out, "a<b> & \"c\"");
}

static void test_html_escapes_markup(void **state)
{
    char *text = print(print_markup);

    (void)state;
    assert_string_equal(text, "a&lt;b&gt; &amp; &quot;c&quot;");
    free(text);
}

static void print_series(FILE *out)
{
    struct result result = {0};
    struct result_series *series = result_add_series(&result, SERIES_STAIRCASE, 2, 2, "s");

    assert_non_null(series);
    series_name_axes(series, "x", "y");
    snprintf(series->curve[0], RESULT_NAME_BYTES, "a \"b\"");
    snprintf(series->curve[1], RESULT_NAME_BYTES, "c");
    series->x[0] = 1;
    series->x[1] = 2.5;
    series_set(series, 0, 0, 3);
    series_set(series, 1, 1, 4);
    csv_print_series(out, series);
    result_destroy(&result);
}

static void test_csv_leaves_unmeasured_points_empty(void **state)
{
    char *text = print(print_series);

    (void)state;
    assert_string_equal(text, "\"x\",\"a \"\"b\"\"\",\"c\"\r\n1,3,\r\n2.5,,4\r\n");
    free(text);
}

static void test_progress_judges_by_the_pace(void **state)
{
    struct progress progress = {.done = 5, .weight = 10, .total = 20};

    (void)state;
    /* Half is done, and took 30 s where 10 were expected. */
    assert_true(fabs(progress_left(&progress, 0.5, 30) - 30) < 1e-9);
    progress.done = 0;
    assert_true(fabs(progress_left(&progress, 0, 3) - 20) < 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format_estimate_shows_what_is_known),
        cmocka_unit_test(test_figure_claim_agrees_within_the_interval_only),
        cmocka_unit_test(test_claims_decode_amd),
        cmocka_unit_test(test_claims_decode_intel),
        cmocka_unit_test(test_plot_ticks_are_round_and_inside),
        cmocka_unit_test(test_html_escapes_markup),
        cmocka_unit_test(test_csv_leaves_unmeasured_points_empty),
        cmocka_unit_test(test_progress_judges_by_the_pace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
