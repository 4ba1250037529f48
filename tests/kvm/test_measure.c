/*
 * vmm measure on this back end: every experiment runs to its end, the functional ones are right,
 * and what is written can be read again.  No figure of time is held to a value: other processes
 * run here, and on emulated processors they mean nothing.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../unit/fake_counters.h"
#include "kvm_ring.h"
#include "measure/compare_files.h"
#include "measure/html.h"
#include "measure/json.h"
#include "measure/large_levels.h"
#include "measure/print_text.h"
#include "measure/session.h"

static void run_counted(
    struct session *session,
    const char *name,
    bool native,
    bool guest,
    const struct counter_source *counters)
{
    const char *const names[] = {name};
    const struct session_config config = {
        .kvm_path = KVM_DEVICE_PATH,
        .experiments = names,
        .experiment_count = name == NULL ? 0 : 1,
        .native = native,
        .guest = guest,
        .quick = true,
        .seed = 1,
        .counters = counters};
    struct err err = {0};

    if (!session_run(session, &config, &err)) {
        fail_msg("%s", err.text);
    }
}

static void run(struct session *session, const char *name, bool native, bool guest)
{
    run_counted(session, name, native, guest, NULL);
}

static const struct result *find(const struct session *session, const char *name)
{
    for (size_t i = 0; i < session->count; i++) {
        if (strcmp(session->results[i].experiment, name) == 0) {
            return &session->results[i];
        }
    }
    fail_msg("no result of %s", name);
    return NULL;
}

static void write_json(const struct session *session, const char *path)
{
    struct err err = {0};
    FILE *out = fopen(path, "we");

    assert_non_null(out);
    assert_true(json_write(out, session, &err));
    assert_int_equal(fclose(out), 0);
}

/* A measurement compared with itself does not differ. */
static void check_files(const struct session *session)
{
    char path[] = "/tmp/vmm-measure-XXXXXX";
    int fd = mkstemp(path);
    struct err err = {0};
    bool differs = true;
    FILE *null = fopen("/dev/null", "we");

    assert_true(fd >= 0);
    close(fd);
    assert_non_null(null);
    write_json(session, path);
    if (!compare_files(null, path, path, &differs, &err)) {
        fail_msg("%s", err.text);
    }
    assert_false(differs);
    assert_true(html_write(null, session, &err));
    fclose(null);
    unlink(path);
}

static void test_measure_runs_every_experiment(void **state)
{
    struct session session;

    (void)state;
    run(&session, NULL, true, true);
    assert_int_equal(session.count, catalogue_count);
    for (size_t i = 0; i < session.count; i++) {
        const struct result *result = &session.results[i];
        if (!result->ran) {
            fail_msg("%s: %s", result->experiment, result->failure);
        }
        assert_true(result->figure_count > 0);
        for (size_t j = 0; j < result->figure_count; j++) {
            const struct result_figure *figure = &result->figures[j];
            for (enum side side = 0; side < SIDE_COUNT; side++) {
                const struct figure_side *at = &figure->side[side];
                /* Either a number within its interval, or a reason. */
                if (at->measured && at->verdict.decided) {
                    assert_true(at->value.low <= at->value.value);
                    assert_true(at->value.value <= at->value.high);
                } else if (at->measured) {
                    assert_int_not_equal(at->verdict.reason[0], '\0');
                }
            }
        }
    }
    check_files(&session);
    session_destroy(&session);
}

/* The functional test finds what the loaded module says. */
static void test_measure_paging_agrees_with_the_module(void **state)
{
    struct session session;

    (void)state;
    run(&session, "paging", true, true);
    const struct result *result = find(&session, "paging");
    for (size_t i = 0; i < result->control_count; i++) {
        if (!result->controls[i].flat) {
            fail_msg("%s", result->controls[i].text);
        }
    }
    assert_true(result->figures[0].side[SIDE_GUEST].verdict.decided);
    session_destroy(&session);
}

/* What flushes whole TLBs ran in the guest; PCIDs are switched exactly where the guest has them. */
static void test_measure_flushes_by_every_means_there_is(void **state)
{
    static const char *const always[] = {"CR3 reload", "CR4.PGE flip"};
    struct session session;

    (void)state;
    run(&session, "flush", false, true);
    const struct result *result = find(&session, "flush");
    if (!result->ran) {
        fail_msg("%s", result->failure);
    }
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
        const struct result_figure *figure = result_find_figure(result, always[i]);
        assert_non_null(figure);
        assert_true(figure->side[SIDE_GUEST].verdict.decided);
    }
    /* What is destroyed is told against what the request had destroyed before it. */
    const struct result_figure *alone =
        result_find_figure(result, "request alone: reload, a page");
    const struct result_figure *reload =
        result_find_figure(result, "CR3 reload: reload, a page");
    assert_non_null(alone);
    assert_true(alone->side[SIDE_GUEST].verdict.decided);
    assert_non_null(reload);
    assert_int_not_equal(reload->reading[0], '\0');
    const struct result_figure *kept = result_find_figure(result, "PCID switch, no flush");
    assert_non_null(kept);
    if (!kept->side[SIDE_GUEST].verdict.decided) {
        assert_non_null(strstr(kept->side[SIDE_GUEST].verdict.reason, "no PCID"));
    }
    session_destroy(&session);
}

/* Only one side: nothing is claimed of the other. */
static void test_measure_keeps_to_the_side_asked_for(void **state)
{
    struct session session;

    (void)state;
    run(&session, "clock", true, false);
    const struct result *result = find(&session, "clock");
    assert_true(result->figures[0].side[SIDE_NATIVE].measured);
    assert_false(result->figures[0].side[SIDE_GUEST].measured);
    session_destroy(&session);
}

static void check_level(const struct result *result, const char *name)
{
    const struct result_figure *figure = result_find_figure(result, name);

    assert_non_null(figure);
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        const struct figure_side *at = &figure->side[side];
        assert_true(at->measured);
        if (at->verdict.decided) {
            print_message("%s, %s: %.0f entries\n", name, side_name(side), at->value.value);
            assert_true(at->value.low >= 1 && at->value.high <= LARGE_LEVELS_SHARED);
        } else {
            print_message("%s, %s: %s\n", name, side_name(side), at->verdict.reason);
            assert_int_not_equal(at->verdict.reason[0], '\0');
            assert_null(strstr(at->verdict.reason, "see pagesize"));
        }
    }
}

/* Where large pages act as small ones, one word in each still meets the first level, so that the
 * way that only other machines take is walked here: it ends in a figure or in a reason. */
static void test_measure_large_pages_end_in_a_figure_or_a_reason(void **state)
{
    static struct result result;
    struct err err = {0};
    struct lab lab = {
        .wanted = {true, true}, .quick = true, .kvm_path = KVM_DEVICE_PATH, .seed = 1};

    (void)state;
    lab.result = &result;
    lab.found.large[SIDE_NATIVE][LAYOUT_PLAIN] = true;
    lab.found.large[SIDE_GUEST][LAYOUT_PLAIN] = true;
    lab.found.emulated = kvm_ring_is_emulated();
    claims_read(&lab.claims);
    assert_true(native_open(&err));
    bool ran = experiment_tlb(&lab, &result, &err);
    native_close();
    if (!ran) {
        fail_msg("%s", err.text);
    }
    check_level(&result, "data TLB 2M, level 1");
    check_level(&result, "data TLB 2M, level 2");
    result_destroy(&result);
}

static char *print_session(const struct session *session)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    assert_non_null(out);
    print_text_session(out, session);
    fclose(out);
    return text;
}

/* Whether a control with both words says that it is not as it must be. */
static bool has_alarm(const struct result *result, const char *side, const char *words)
{
    for (size_t i = 0; i < result->control_count; i++) {
        const struct result_control *control = &result->controls[i];
        if (strstr(control->text, side) != NULL && strstr(control->text, words) != NULL) {
            return !control->flat;
        }
    }
    return false;
}

/* Every event once a run: next to nothing a load. */
static void begin_counting(struct fake_counters *fake)
{
    fake_counters_begin(fake);
    for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
        fake->step[SIDE_NATIVE][i] = 1;
        fake->step[SIDE_GUEST][i] = 1;
    }
}

/* The curves of a series, a side each, hold a small number above zero at every size. */
static void check_counted(const struct result *result, const char *name)
{
    for (size_t i = 0; i < result->series_count; i++) {
        const struct result_series *series = &result->series[i];
        if (strcmp(series->name, name) != 0) {
            continue;
        }
        assert_int_equal(series->curves, 2 * SIDE_COUNT);
        assert_true(series->points > 3); /* few where the clock is emulated */
        for (size_t p = 0; p < series->curves * series->points; p++) {
            assert_true(series->y[p] > 0 && series->y[p] < 0.1);
        }
        return;
    }
    fail_msg("no series %s", name);
}

/* Chains of loads and chains of jumps are counted, each by its own events, and held against the time. */
static void test_measure_counts_what_it_times(void **state)
{
    static const struct {
        const char *experiment, *figure, *series;
    } rows[] = {
        {"tlb", "data TLB, level 1", "data TLB, counted"},
        {"itlb", "instruction TLB, level 1", "instruction TLB, counted"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct session session;
        struct fake_counters fake;
        begin_counting(&fake);
        run_counted(&session, rows[i].experiment, true, true, &fake.source);
        const struct result *result = find(&session, rows[i].experiment);
        check_counted(result, rows[i].series);
        const struct result_figure *figure = result_find_figure(result, rows[i].figure);
        assert_non_null(figure);
        for (enum side side = 0; side < SIDE_COUNT; side++) {
            /* A band from one page on leaves no size that surely fits. */
            if (figure->side[side].verdict.decided && figure->side[side].value.low > 16) {
                assert_true(has_alarm(result, side_name(side), "level 1, by the counters"));
            }
        }
        session_destroy(&session);
    }
}

/* Counters that saw next to no walks: whatever was timed, no cost of a walk is told, on either side. */
static void test_measure_refuses_walks_that_the_counters_deny(void **state)
{
    struct session session;
    struct fake_counters fake;

    (void)state;
    begin_counting(&fake);
    run_counted(&session, "walk", true, true, &fake.source);
    const struct result *result = find(&session, "walk");
    const struct result_figure *figure = result_find_figure(result, "walks at a time");
    assert_non_null(figure);
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        assert_true(figure->side[side].measured);
        assert_false(figure->side[side].verdict.decided);
        assert_non_null(strstr(figure->side[side].verdict.reason, "by the counter"));
        assert_true(has_alarm(result, side_name(side), "walks at a time"));
    }
    char *text = print_session(&session);
    assert_non_null(strstr(text, "counters  data misses, data walks, walk cycles"));
    free(text);
    check_files(&session);
    session_destroy(&session);
    assert_int_equal(fake.open, 0);
}

/* With one processor for all it measures as well as it can, and the header says what that means.  The
 * thread may run afterwards where it could before. */
static void test_measure_says_that_one_processor_is_all_there_is(void **state)
{
    struct session session;
    cpu_set_t before, one, after;
    char *text;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    run(&session, "pagesize", true, true);
    assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
    assert_int_equal(session.processors, 1);
    for (size_t i = 0; i < session.count; i++) {
        assert_true(session.results[i].ran);
    }
    text = print_session(&session);
    assert_non_null(strstr(text, "one alone"));
    free(text);
    session_destroy(&session);

    run(&session, "clock", true, false);
    assert_int_equal(session.processors, CPU_COUNT(&before));
    text = print_session(&session);
    assert_true((strstr(text, "one alone") != NULL) == (session.processors == 1));
    free(text);
    session_destroy(&session);
    assert_int_equal(sched_getaffinity(0, sizeof(after), &after), 0);
    assert_true(CPU_EQUAL(&before, &after));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measure_runs_every_experiment),
        cmocka_unit_test(test_measure_paging_agrees_with_the_module),
        cmocka_unit_test(test_measure_flushes_by_every_means_there_is),
        cmocka_unit_test(test_measure_keeps_to_the_side_asked_for),
        cmocka_unit_test(test_measure_refuses_walks_that_the_counters_deny),
        cmocka_unit_test(test_measure_counts_what_it_times),
        cmocka_unit_test(test_measure_large_pages_end_in_a_figure_or_a_reason),
        cmocka_unit_test(test_measure_says_that_one_processor_is_all_there_is),
    };

    return kvm_ring_run("measure", tests, sizeof(tests) / sizeof(tests[0]));
}
