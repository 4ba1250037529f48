/*
 * What a run writes for people and programs while it goes on: each line of the trace, in both
 * formats, well-formed by docs/trace-format.md, one for each fault that the summary counts.  It
 * refuses to know which faults there should be: tests/kvm/test_guests.c does.  Runs in the
 * stage: ./vmm, ./NAME.elf.
 */
#include <jansson.h>
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

/* One run of `touch 4096 8`, which reports figures and whose faults are of several kinds. */
struct run {
    struct scratch scratch;
    struct launch_result result;
    char *trace;     /* owns: what --trace=FILE got, or NULL */
    json_t *summary; /* owns */
};

static void start(struct run *run, char *format, bool to_file)
{
    char trace[SCRATCH_BYTES], summary[SCRATCH_BYTES];
    char trace_option[300] = "--trace", summary_option[300];

    scratch_create(&run->scratch);
    scratch_path(&run->scratch, "trace", trace);
    scratch_path(&run->scratch, "summary", summary);
    if (to_file) {
        snprintf(trace_option, sizeof(trace_option), "--trace=%s", trace);
    }
    snprintf(summary_option, sizeof(summary_option), "--summary=%s", summary);
    char *const argv[] = {"./vmm",     "--quiet", format, trace_option, summary_option,
                          "touch.elf", "4096",    "8",    NULL};
    launch(&run->result, argv, NULL, NULL);
    assert_int_equal(run->result.status, 0);
    run->trace = to_file ? scratch_read(trace, NULL) : NULL;
    run->summary = json_load_file(summary, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(run->summary);
}

static void finish(struct run *run)
{
    json_decref(run->summary);
    free(run->trace);
    launch_free(&run->result);
    scratch_destroy(&run->scratch);
}

static json_int_t count_in_summary(const struct run *run, const char *name)
{
    return json_integer_value(json_object_get(json_object_get(run->summary, "faults"), name));
}

/* --- text --- */

static bool is_number(const char *word)
{
    char *end;

    strtod(word, &end);
    return end != word && *end == '\0';
}

static bool is_one_of(const char *word, const char *letters)
{
    return strlen(word) == 1 && strchr(letters, word[0]) != NULL;
}

#define COLUMNS 11

/* Whether a line is a fault's: eleven columns, each of its form.  Cuts the line. */
static bool is_fault_line(char *line)
{
    char *column[COLUMNS + 1];
    unsigned count = 0;

    for (char *word = strtok(line, " "); word != NULL && count <= COLUMNS;
         word = strtok(NULL, " ")) {
        column[count++] = word;
    }
    return count == COLUMNS && is_number(column[0]) && is_one_of(column[1], "rwx") &&
           is_one_of(column[2], "ukh") && strncmp(column[3], "0x", 2) == 0 &&
           is_number(column[3]) && is_number(column[4]) &&
           (strlen(column[5]) == 3 || strcmp(column[5], "-") == 0) && is_number(column[10]);
}

/* Checks all lines; returns how many are a fault's.  Cuts the text. */
static unsigned check_text(char *text)
{
    unsigned faults = 0, others = 0;
    double last = 0;
    char *next;

    assert_true(strncmp(text, "#  seconds a r ", 15) == 0);
    for (char *line = strchr(text, '\n') + 1; *line != '\0'; line = next) {
        next = strchr(line, '\n');
        assert_non_null(next); /* each line is whole */
        *next++ = '\0';
        double time = strtod(line, NULL);
        if (time < last) {
            fail_msg("time runs backwards from %f: %s", last, line);
        }
        last = time;
        char copy[1024];
        snprintf(copy, sizeof(copy), "%s", line);
        bool fault = is_fault_line(copy);
        bool other = strstr(line, " result ") != NULL || strstr(line, " phase ") != NULL ||
                     strstr(line, " end status 0 : ") != NULL;
        if (fault == other) {
            fail_msg("neither a fault nor another event: %s", line);
        }
        faults += fault;
        others += other;
    }
    assert_true(others > 1);
    return faults;
}

static void test_output_text_trace_has_a_line_for_each_fault(void **state)
{
    struct run run;

    (void)state;
    start(&run, "--format=text", true);
    assert_string_equal(run.result.errors, "");
    assert_int_equal(check_text(run.trace), count_in_summary(&run, "total"));
    finish(&run);
}

static void test_output_text_trace_goes_to_standard_error(void **state)
{
    struct run run;

    (void)state;
    start(&run, "--format=text", false);
    assert_null(strstr(run.result.output, "demand-zero  "));
    assert_int_equal(check_text(run.result.errors), count_in_summary(&run, "total"));
    finish(&run);
}

/* --- JSON Lines --- */

static const char *string_of(const json_t *event, const char *key)
{
    const char *value = json_string_value(json_object_get(event, key));

    return value != NULL ? value : "";
}

static void check_fault(const json_t *event)
{
    static const char *const keys[] = {"time_ns", "access",     "ring",         "protection",
                                       "address", "rip",        "region",       "kind",
                                       "action",  "frame",      "frames",       "evicted",
                                       "process", "service_ns", "entry_before", "entry_after"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (json_object_get(event, keys[i]) == NULL) {
            fail_msg("a fault without \"%s\"", keys[i]);
        }
    }
    assert_true(is_one_of(string_of(event, "access"), "rwx"));
    assert_true(strncmp(string_of(event, "address"), "0x", 2) == 0);
    assert_true(json_is_boolean(json_object_get(event, "protection")));
}

struct tally {
    json_int_t faults, pages, host;
    json_int_t last_ns;
    unsigned lines, headers, ends;
};

static void check_event(struct tally *tally, const json_t *event)
{
    const char *type = string_of(event, "type");

    tally->lines++;
    if (strcmp(type, "header") == 0) {
        tally->headers++;
        assert_int_equal(tally->lines, 1);
        assert_int_equal(json_integer_value(json_object_get(event, "version")), 1);
        return;
    }
    json_int_t time_ns = json_integer_value(json_object_get(event, "time_ns"));
    if (time_ns < tally->last_ns) {
        fail_msg("time runs backwards: %lld ns after %lld", time_ns, tally->last_ns);
    }
    tally->last_ns = time_ns;
    assert_int_equal(tally->ends, 0); /* nothing behind the end */
    tally->ends += strcmp(type, "end") == 0;
    if (strcmp(type, "fault") == 0) {
        check_fault(event);
        tally->faults++;
        tally->pages += json_integer_value(json_object_get(event, "frames"));
        tally->host += strcmp(string_of(event, "ring"), "host") == 0;
    }
}

static void check_json(const struct run *run, char *text)
{
    struct tally tally = {0};
    char *next;

    for (char *line = text; *line != '\0'; line = next) {
        next = strchr(line, '\n');
        assert_non_null(next);
        *next++ = '\0';
        json_error_t error;
        json_t *event = json_loads(line, JSON_REJECT_DUPLICATES, &error);
        if (event == NULL) {
            fail_msg("not JSON (%s): %s", error.text, line);
        }
        check_event(&tally, event);
        json_decref(event);
    }
    assert_int_equal(tally.headers, 1);
    assert_int_equal(tally.ends, 1);
    assert_int_equal(tally.faults, count_in_summary(run, "total"));
    assert_int_equal(tally.pages, count_in_summary(run, "pages"));
    assert_int_equal(tally.host, count_in_summary(run, "host"));
}

static void test_output_json_trace_has_an_object_for_each_fault(void **state)
{
    struct run run;

    (void)state;
    start(&run, "--format=json", true);
    assert_string_equal(run.result.errors, "");
    check_json(&run, run.trace);
    finish(&run);
}

static void test_output_json_trace_goes_to_standard_error(void **state)
{
    struct run run;

    (void)state;
    start(&run, "--format=json", false);
    check_json(&run, run.result.errors);
    finish(&run);
}

static void test_output_summary_adds_up(void **state)
{
    struct run run;
    const char *kind;
    json_t *counts;
    json_int_t sum = 0;

    (void)state;
    start(&run, "--format=json", true);
    json_object_foreach(
        json_object_get(json_object_get(run.summary, "faults"), "kinds"), kind, counts)
    {
        sum += json_integer_value(json_object_get(counts, "faults"));
    }
    assert_int_equal(sum, count_in_summary(&run, "total"));
    assert_int_equal(
        count_in_summary(&run, "minor") + count_in_summary(&run, "major"),
        count_in_summary(&run, "total"));
    assert_int_equal(json_integer_value(json_object_get(run.summary, "status")), 0);
    finish(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_text_trace_has_a_line_for_each_fault),
        cmocka_unit_test(test_output_text_trace_goes_to_standard_error),
        cmocka_unit_test(test_output_json_trace_has_an_object_for_each_fault),
        cmocka_unit_test(test_output_json_trace_goes_to_standard_error),
        cmocka_unit_test(test_output_summary_adds_up),
    };

    return kvm_ring_run("kvm/output", tests, sizeof(tests) / sizeof(tests[0]));
}
