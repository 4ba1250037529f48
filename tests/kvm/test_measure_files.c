/*
 * Where `vmm measure` writes: what a user named is written whole or left as it was, whatever becomes of
 * the rest.  Runs in the stage, natively and with one experiment: no figure matters here.
 */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kvm_ring.h"
#include "launch.h"
#include "scratch.h"

#define OPTION_BYTES (SCRATCH_BYTES + 16)
#define OLD          "what was there"

struct place {
    struct scratch scratch;
    char path[SCRATCH_BYTES];
    char json[OPTION_BYTES]; /* the option */
};

static void begin(struct place *place)
{
    scratch_create(&place->scratch);
    scratch_path(&place->scratch, "run.json", place->path);
    snprintf(place->json, sizeof(place->json), "--json=%s", place->path);
}

static void measure(struct launch_result *result, char *first, char *second)
{
    char *const argv[] = {"./vmm", "measure", "--native", "--quick",
                          "clock", first,     second,     NULL};

    launch(result, argv, NULL, NULL);
}

static void assert_is_old(const struct place *place)
{
    char *text = scratch_read(place->path, NULL);

    assert_string_equal(text, OLD);
    free(text);
}

static void assert_is_json(const struct place *place)
{
    json_t *root = json_load_file(place->path, JSON_REJECT_DUPLICATES, NULL);

    assert_non_null(root);
    assert_int_equal(json_array_size(json_object_get(root, "results")), 2);
    json_decref(root);
}

static void test_measure_replaces_a_file_only_when_it_has_something(void **state)
{
    struct place place;
    struct launch_result result;

    (void)state;
    begin(&place);
    scratch_write(&place.scratch, "run.json", OLD, strlen(OLD));
    measure(&result, place.json, "--html=/nowhere/page.html");
    assert_int_equal(result.status, 125);
    assert_string_equal(
        result.errors,
        "vmm: --html: cannot write /nowhere/page.html: No such file or directory\n");
    launch_free(&result);
    assert_is_old(&place);
    measure(&result, place.json, NULL);
    assert_int_equal(result.status, 0);
    launch_free(&result);
    assert_is_json(&place);
    scratch_destroy(&place.scratch);
}

static void test_measure_leaves_no_file_behind_when_it_cannot_begin(void **state)
{
    struct place place;
    struct launch_result result;

    (void)state;
    begin(&place);
    measure(&result, place.json, "--html=/nowhere/page.html");
    assert_int_equal(result.status, 125);
    launch_free(&result);
    assert_int_equal(scratch_count(&place.scratch), 0);
    scratch_destroy(&place.scratch);
}

static void test_measure_writes_files_though_one_is_full(void **state)
{
    struct place place;
    struct launch_result result;

    (void)state;
    begin(&place);
    measure(&result, "--html=/dev/full", place.json);
    assert_int_equal(result.status, 125);
    assert_string_equal(
        result.errors,
        "vmm: --html: /dev/full: cannot write the page: No space left on device\n");
    assert_non_null(strstr(result.output, "one core cycle"));
    launch_free(&result);
    assert_is_json(&place);
    scratch_destroy(&place.scratch);
}

/* `vmm measure --json run.json | head -1`. */
static void test_measure_writes_files_though_nobody_reads_the_table(void **state)
{
    struct place place;
    struct launch_result result;

    (void)state;
    begin(&place);
    char *const argv[] = {"./vmm", "measure", "--native", "--quick", "clock", place.json, NULL};
    const struct launch_setup setup = {.argv = argv, .deaf = true};
    struct launch_child child;
    launch_start(&child, &setup);
    launch_end(&child, &result);
    assert_int_equal(result.status, 125);
    assert_string_equal(result.errors, "vmm: standard output: Broken pipe\n");
    launch_free(&result);
    assert_is_json(&place);
    scratch_destroy(&place.scratch);
}

static void test_measure_says_that_files_are_limited(void **state)
{
    char *const argv[] = {
        "/bin/sh", "-c", "ulimit -f 0; exec ./vmm measure --native --quick clock", NULL};
    struct launch_result result;

    (void)state;
    launch(&result, argv, NULL, NULL);
    /* What it says goes to a pipe, which no limit concerns. */
    assert_int_equal(result.status, 1);
    assert_non_null(
        strstr(result.output, "could not run: memory for a native layout: File too large\n"));
    launch_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measure_replaces_a_file_only_when_it_has_something),
        cmocka_unit_test(test_measure_leaves_no_file_behind_when_it_cannot_begin),
        cmocka_unit_test(test_measure_writes_files_though_one_is_full),
        cmocka_unit_test(test_measure_says_that_files_are_limited),
        cmocka_unit_test(test_measure_writes_files_though_nobody_reads_the_table),
    };

    return kvm_ring_run("kvm/measure_files", tests, sizeof(tests) / sizeof(tests[0]));
}
