/*
 * The page of a report: what is in its text, that nothing of HTML comes in from outside, what
 * it says without gnuplot, and, in a real browser, what is drawn, in light and in dark.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "browser.h"
#include "report/report_html.h"
#include "session_fixture.h"

#define LOW       UINT64_C(0x100000)
#define HIGH      UINT64_C(0x900000000)
#define PAGES     UINT64_C(200)
#define PAPER     0xffffff
#define INK       0x1d232b
#define DARK      0x14181d
#define DARK_INK  0xdfe5ec
#define BLUE      0x4e79a7 /* demand-zero: kind 0 */
#define TURQUOISE 0x76b7b2 /* swap-in: kind 5 */
#define ALONE     0x5e6fd8 /* the map's colour of a single fault */

/* First half of the time: demand-zero in the low region, upwards; second half: swap-in in the
 * high one. */
static void make_story(struct fixture *fixture)
{
    struct region low = fixture_region(0, LOW, LOW + PAGES * PAGE_BYTES, "<b>low</b>");
    struct region high = fixture_region(1, HIGH, HIGH + PAGES * PAGE_BYTES, "high");

    fixture_begin(fixture);
    recorder_phase(fixture->recorder, 0, "<script>alert(1)</script>&\"");
    for (uint64_t i = 0; i < 2 * PAGES; i++) {
        bool late = i >= PAGES;
        struct fault_record fault =
            fixture_fault(i * 1000, (late ? HIGH : LOW) + i % PAGES * PAGE_BYTES);
        fault.region = late ? 1 : 0;
        fault.kind = late ? FAULT_SWAP_IN : FAULT_DEMAND_ZERO;
        fault.action = late ? ACTION_SWAP_IN : ACTION_MAP_ZERO;
        recorder_fault(fixture->recorder, &fault, late ? &high : &low);
    }
    fixture_end(fixture, 2 * PAGES * 1000);
}

/* The page's text, which the caller frees; also left in the fixture's folder as page.html. */
static char *make_page(const struct fixture *fixture, const char *gnuplot, char *path)
{
    struct report_map *map = malloc(sizeof(*map));
    struct session_reader *reader;
    struct report report;
    struct report_source source;
    struct report_misses misses;
    struct report_plots plots;
    struct err err = {0};

    fixture_path(fixture, "page.html", path);
    FILE *out = fopen(path, "w+e");
    assert_true(map != NULL && out != NULL);
    if (!session_open(&reader, fixture->folder, &err) ||
        !report_gather(&report, reader, 0, &err) ||
        !report_source_find(&source, &report, &err) ||
        !report_map_fill(map, &report, reader, &err) ||
        !report_misses_find(&misses, fixture->folder, 1, &err) ||
        !report_plots_draw(&plots, gnuplot, &report, map, &misses, &err)) {
        fail_msg("%s", err.text);
    }
    report_print_html(out, &report, &source, map, &misses, &plots);
    long bytes = ftell(out);
    char *text = calloc(1, (size_t)bytes + 1);
    assert_non_null(text);
    rewind(out);
    assert_int_equal(fread(text, 1, (size_t)bytes, out), bytes);
    assert_int_equal(fclose(out), 0);
    report_plots_destroy(&plots);
    report_misses_destroy(&misses);
    report_source_destroy(&source);
    report_destroy(&report);
    session_close(reader);
    free(map);
    return text;
}

static bool has_gnuplot(void)
{
    // NOLINTNEXTLINE(cert-env33-c): a fixed command
    bool there = system("command -v gnuplot >/dev/null 2>&1") == 0;

    if (!there) {
        print_message("report-page: skipped: no gnuplot (Debian: gnuplot-nox)\n");
    }
    return there;
}

static void test_report_page_lets_no_html_in_from_outside(void **state)
{
    struct fixture fixture;
    char path[FIXTURE_PATH_BYTES];

    (void)state;
    make_story(&fixture);
    char *page = make_page(&fixture, NULL, path);
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "<b>"));
    assert_non_null(strstr(page, "&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;"));
    free(page);
    fixture_remove(&fixture);
}

static void test_report_page_needs_no_network(void **state)
{
    struct fixture fixture;
    char path[FIXTURE_PATH_BYTES];

    (void)state;
    make_story(&fixture);
    char *page = make_page(&fixture, NULL, path);
    for (const char *at = page; (at = strstr(at, "http")) != NULL; at++) {
        assert_true(strncmp(at, "http://www.w3.org/", 18) == 0); /* names of SVG, not places */
    }
    assert_null(strstr(page, "src="));
    assert_null(strstr(page, "url("));
    free(page);
    fixture_remove(&fixture);
}

static void test_report_page_without_gnuplot_says_so_and_has_the_tables(void **state)
{
    static const char *const tables[] = {"kinds", "regions", "functions", "phases",
                                         "pages", "service", "tables"};
    struct fixture fixture;
    char path[FIXTURE_PATH_BYTES], section[64];

    (void)state;
    make_story(&fixture);
    char *page = make_page(&fixture, "/nowhere/gnuplot", path);
    assert_null(strstr(page, "<svg"));
    assert_non_null(strstr(page, "there is no gnuplot"));
    assert_non_null(strstr(page, "apt-get install gnuplot-nox"));
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        snprintf(section, sizeof(section), "<section id=\"%s\">", tables[i]);
        assert_non_null(strstr(page, section));
    }
    assert_non_null(strstr(page, "<td>total</td><td>400</td>"));
    free(page);
    fixture_remove(&fixture);
}

/* Ten times over four pages: lru with fewer frames than four never finds one again. */
static void test_report_page_replays_recorded_accesses(void **state)
{
    struct fixture fixture;
    char path[FIXTURE_PATH_BYTES];

    (void)state;
    fixture_begin(&fixture);
    for (uint64_t i = 0; i < 40; i++) {
        const struct access_record access = {
            .time_ns = i * 1000,
            .address = LOW + i % 4 * PAGE_BYTES,
            .region = RECORD_NO_REGION,
            .access = RECORD_USER,
            .bytes = 8};
        recorder_access(fixture.recorder, &access, NULL);
    }
    fixture_end(&fixture, 40000);
    char *page = make_page(&fixture, NULL, path);
    assert_non_null(
        strstr(page, "<th>policy</th><th>1 frame</th><th>2 frames</th><th>4 frames</th>"));
    assert_non_null(strstr(
        page,
        "<tr><td>lru</td><td>40 (100.0%)</td><td>40 (100.0%)</td><td>4 (10.0%)</td></tr>"));
    assert_null(strstr(page, "faults only"));
    if (has_gnuplot()) {
        assert_non_null(strstr(page, "Of all accesses that were recorded"));
    }
    free(page);
    fixture_remove(&fixture);
}

static void test_report_page_says_what_a_replay_of_faults_is_good_for(void **state)
{
    struct fixture fixture;
    char path[FIXTURE_PATH_BYTES];

    (void)state;
    make_story(&fixture);
    char *page = make_page(&fixture, NULL, path);
    assert_non_null(strstr(
        page, "<tr><td>opt</td><td>400 (100.0%)</td><td>400 (100.0%)</td><td>400 (100.0%)</td>"
              "<td>400 (100.0%)</td></tr>"));
    assert_non_null(strstr(page, "Note: faults only"));
    assert_null(strstr(page, "Of all accesses that were recorded"));
    free(page);
    fixture_remove(&fixture);
}

/* --- what is drawn --- */

static const struct browser_part whole = {0, 1, 0, 1};

static void expect_pixels(
    const struct browser_view *view,
    const char *id,
    struct browser_part part,
    uint32_t colour,
    uint64_t least,
    uint64_t most)
{
    const struct browser_section *section = browser_find(view, id);

    if (section == NULL) {
        fail_msg("no section %s is drawn", id);
        return;
    }
    uint64_t count = browser_count(view, section, part, colour);
    if (count < least || count > most) {
        fail_msg(
            "%s: %llu pixels of #%06x, not %llu to %llu", id, (unsigned long long)count,
            (unsigned)colour, (unsigned long long)least, (unsigned long long)most);
    }
}

/* Bars of each kind where its faults were; the map's two diagonals, and nothing in the other
 * corners. */
static void check_plots(const struct browser_view *view)
{
    const struct browser_part left = {0.12, 0.5, 0.3, 1}, right = {0.56, 0.95, 0.3, 1};
    const struct browser_part low_left = {0.3, 0.5, 0.5, 0.86};
    const struct browser_part low_right = {0.6, 0.8, 0.5, 0.86};
    const struct browser_part high_left = {0.3, 0.5, 0.1, 0.45};
    const struct browser_part top = {0.12, 0.95, 0.1, 0.4}, bottom = {0.12, 0.95, 0.45, 0.9};
    const struct browser_part high_right = {0.6, 0.8, 0.1, 0.45};

    expect_pixels(view, "plot-0", left, BLUE, 10000, 200000);
    expect_pixels(view, "plot-0", left, TURQUOISE, 0, 0);
    expect_pixels(view, "plot-0", right, TURQUOISE, 10000, 200000);
    expect_pixels(view, "plot-0", right, BLUE, 0, 0);
    expect_pixels(view, "plot-1", low_left, ALONE, 50, 20000);
    expect_pixels(view, "plot-1", high_right, ALONE, 50, 20000);
    expect_pixels(view, "plot-1", low_right, ALONE, 0, 0);
    expect_pixels(view, "plot-1", high_left, ALONE, 0, 0);
    expect_pixels(view, "plot-2", whole, BLUE, 300, 20000);
    /* Every touch misses: a line along the top. */
    expect_pixels(view, "plot-3", top, BLUE, 300, 20000);
    expect_pixels(view, "plot-3", bottom, BLUE, 0, 0);
    expect_pixels(view, "plot-4", whole, BLUE, 1000, 400000);
    expect_pixels(view, "plot-5", whole, BLUE, 1000, 400000);
}

/* Every section is mostly paper, and has letters on it. */
static void check_text(const struct browser_view *view, uint32_t paper, uint32_t ink)
{
    assert_true(view->sections >= 12);
    for (unsigned i = 0; i < view->sections; i++) {
        const struct browser_section *section = &view->section[i];
        uint64_t area = (uint64_t)section->width * (uint64_t)section->height;
        assert_true(section->y + section->height < BROWSER_HEIGHT);
        expect_pixels(view, section->id, whole, paper, area / 3, area);
        expect_pixels(view, section->id, whole, ink, 40, area / 4);
    }
}

static void check_drawn(bool dark)
{
    struct fixture fixture;
    struct browser_view view;
    char path[FIXTURE_PATH_BYTES];

    if (!browser_is_there()) {
        print_message("report-page: skipped: no chromium to look at the page with\n");
        skip();
    }
    if (!has_gnuplot()) {
        skip();
    }
    make_story(&fixture);
    free(make_page(&fixture, NULL, path));
    assert_true(browser_show(&view, path, fixture.outer, dark));
    check_text(&view, dark ? DARK : PAPER, dark ? DARK_INK : INK);
    check_plots(&view);
    browser_release(&view);
    fixture_remove(&fixture);
}

static void test_report_page_is_drawn_in_light(void **state)
{
    (void)state;
    check_drawn(false);
}

static void test_report_page_is_drawn_in_dark(void **state)
{
    (void)state;
    check_drawn(true);
}

/* A colour scale needs two ends, though there is no bin with more than one fault. */
static void test_report_page_draws_single_faults(void **state)
{
    struct region low = fixture_region(0, LOW, LOW + PAGES * PAGE_BYTES, "low");
    struct fixture fixture;
    struct browser_view view;
    char path[FIXTURE_PATH_BYTES];

    (void)state;
    if (!browser_is_there() || !has_gnuplot()) {
        skip();
    }
    fixture_begin(&fixture);
    for (uint64_t i = 0; i < 3; i++) {
        struct fault_record fault = fixture_fault(i * 1000, LOW + i * PAGE_BYTES);
        recorder_fault(fixture.recorder, &fault, &low);
    }
    fixture_end(&fixture, 3000);
    free(make_page(&fixture, NULL, path));
    assert_true(browser_show(&view, path, fixture.outer, false));
    expect_pixels(&view, "plot-1", whole, ALONE, 500, 20000);
    browser_release(&view);
    fixture_remove(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report_page_lets_no_html_in_from_outside),
        cmocka_unit_test(test_report_page_needs_no_network),
        cmocka_unit_test(test_report_page_without_gnuplot_says_so_and_has_the_tables),
        cmocka_unit_test(test_report_page_replays_recorded_accesses),
        cmocka_unit_test(test_report_page_says_what_a_replay_of_faults_is_good_for),
        cmocka_unit_test(test_report_page_is_drawn_in_light),
        cmocka_unit_test(test_report_page_is_drawn_in_dark),
        cmocka_unit_test(test_report_page_draws_single_faults),
    };
    return cmocka_run_group_tests_name("report-page", tests, NULL, NULL);
}
