/* Figures as text, CPUID's claims, ticks of axes, escaping, CSV: what the forms of output share. */
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "made_up_experiment.h"
#include "measure/claims.h"
#include "measure/csv.h"
#include "measure/format.h"
#include "measure/html.h"
#include "measure/json.h"
#include "measure/plot.h"
#include "measure/print_text.h"
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

static void test_format_counter_tells_sides_that_differ(void **state)
{
    struct result_figure figure = {.claim = CLAIM_NONE};
    char text[FORMAT_COUNTER_BYTES];

    (void)state;
    figure_decide(&figure, SIDE_NATIVE, (struct estimate){72, 72, 72});
    format_counter(text, &figure);
    assert_string_equal(text, "");
    figure_count(&figure, SIDE_NATIVE, (struct estimate){72, 72, 72});
    format_counter(text, &figure);
    assert_string_equal(text, "72");
    figure_refuse(&figure, SIDE_GUEST, "%s", "why");
    format_counter(text, &figure);
    assert_string_equal(text, "72 / -");
    figure_count(&figure, SIDE_GUEST, (struct estimate){70, 70, 70});
    format_counter(text, &figure);
    assert_string_equal(text, "72 / 70");
    figure_count(&figure, SIDE_GUEST, (struct estimate){72, 72, 72});
    format_counter(text, &figure);
    assert_string_equal(text, "72");
}

/* A session of one result with one figure; counted: there are counters, and they disagree. */
static char *
print_as(bool counted, bool (*write)(FILE *out, const struct session *session, struct err *err))
{
    static struct result result;
    static struct session session;
    static const struct experiment *chosen = &made_up;
    struct err err = {0};
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    assert_non_null(out);
    memset(&session, 0, sizeof(session));
    result = (struct result){.experiment = "tlb", .ran = true};
    struct result_figure *figure = result_add_figure(&result, "entries", "data TLB, level 1");
    figure_decide(figure, SIDE_NATIVE, (struct estimate){64, 64, 64});
    figure_decide(figure, SIDE_GUEST, (struct estimate){64, 64, 64});
    if (counted) {
        figure_count(figure, SIDE_NATIVE, (struct estimate){72, 72, 72});
        result_add_control(&result, false, "native, by the counters: disagree");
        session.counters.present = true;
        session.counters.has[SIDE_NATIVE][COUNTER_DATA_MISSES] = true;
    }
    snprintf(
        session.counters.text, sizeof(session.counters.text), "%s",
        counted ? "data misses" : "no PMU here (why)");
    session.chosen = &chosen;
    session.results = &result;
    session.count = 1;
    assert_true(write(out, &session, &err));
    fclose(out);
    result_destroy(&result);
    return text;
}

static bool write_text(FILE *out, const struct session *session, struct err *err)
{
    (void)err;
    print_text_session(out, session);
    return true;
}

static bool write_csv(FILE *out, const struct session *session, struct err *err)
{
    (void)err;
    csv_print_figures(out, session);
    return true;
}

static void test_text_has_a_column_only_where_there_are_counters(void **state)
{
    char *with = print_as(true, write_text);
    char *without = print_as(false, write_text);

    (void)state;
    assert_non_null(strstr(with, "CPUID          counter\n"));
    assert_non_null(strstr(with, " 72 / - "));
    assert_non_null(
        strstr(with, "control NOT AS IT MUST BE: native, by the counters: disagree"));
    assert_non_null(strstr(without, "counters  no PMU here (why)\n"));
    assert_null(strstr(without, " counter\n"));
    free(with);
    free(without);
}

static void test_json_has_null_where_nothing_was_counted(void **state)
{
    static const bool counted[] = {true, false};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char *text = print_as(counted[i], json_write);
        json_t *root = json_loads(text, 0, NULL);
        assert_non_null(root);
        const json_t *host = json_object_get(root, "host");
        const json_t *names = json_object_get(json_object_get(host, "counted"), "native");
        assert_int_equal(json_array_size(names), counted[i] ? 1 : 0);
        const json_t *figure = json_array_get(
            json_object_get(json_array_get(json_object_get(root, "results"), 0), "figures"), 0);
        const json_t *counter = json_object_get(figure, "counter");
        const json_t *native = json_object_get(counter, "native");
        assert_true(json_is_null(json_object_get(counter, "guest")));
        assert_true(json_is_null(native) == !counted[i]);
        assert_true(!counted[i] || json_real_value(json_object_get(native, "value")) == 72);
        json_decref(root);
        free(text);
    }
}

static void test_csv_and_page_have_the_counters_beside_the_times(void **state)
{
    char *csv = print_as(true, write_csv);
    char *empty = print_as(false, write_csv);
    char *page = print_as(true, html_write);
    char *plain = print_as(false, html_write);

    (void)state;
    assert_non_null(strstr(csv, ",guest high,native counter,guest counter\r\n"));
    assert_non_null(strstr(csv, ",decided,64,64,64,72,\r\n"));
    assert_non_null(strstr(empty, ",decided,64,64,64,,\r\n"));
    assert_non_null(strstr(page, "<th>counter</th>"));
    assert_non_null(strstr(page, "72 / -"));
    assert_null(strstr(plain, "<th>counter</th>"));
    free(csv);
    free(empty);
    free(page);
    free(plain);
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
        cmocka_unit_test(test_format_counter_tells_sides_that_differ),
        cmocka_unit_test(test_text_has_a_column_only_where_there_are_counters),
        cmocka_unit_test(test_json_has_null_where_nothing_was_counted),
        cmocka_unit_test(test_csv_and_page_have_the_counters_beside_the_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
