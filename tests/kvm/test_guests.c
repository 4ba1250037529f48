/*
 * Each guest program in the machine, against the `expect:` lines of its own source: exit
 * status, output, and faults by kind, exactly.  One test for each line and build of the
 * program; the files are read when the tests start, so a new program is tested by being there.
 * Runs in the stage: ./vmm, ./NAME.elf, guest/prog/, tests/guests/.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest_runs.h"

/* Far beyond any of them, emulated or not: a hang must end as a failure with a name. */
#define GUARD_TIMEOUT "--timeout=100"

static bool is_figure(const char *key)
{
    static const char *const others[] = {"exit",    "linux", "qemu",    "stdout",
                                         "options", "stdin", "emulated"};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (strcmp(key, others[i]) == 0) {
            return false;
        }
    }
    return true;
}

static void check_item(
    const struct guest_run *run,
    const struct expect_item *item,
    const struct launch_result *result)
{
    int64_t value = 0;

    if (item->value == NULL) {
        fail_msg("%s: an item without a value", run->expect->name);
        return;
    }
    if (strcmp(item->key, "exit") == 0) {
        guest_runs_check_exit(run, result, item->value);
    }
    if (strcmp(item->key, "stdout") == 0) {
        guest_runs_check_line(run, result, item->value);
    }
    if (is_figure(item->key) &&
        (!launch_figure(result, item->key, &value) || value != item->number)) {
        fail_msg(
            "%s\n  %s is %lld\n  output: %s\n  errors: %s", run->expect->name, item->key,
            (long long)value, result->output, result->errors);
    }
}

static void run_expectation(void **state)
{
    const struct guest_run *run = *state;
    char trace[] = "/tmp/vmm-trace-XXXXXX";
    char option[64], options[GUEST_RUNS_OPTIONS_BYTES];
    char *argv[GUEST_RUNS_ARGUMENTS] = {"./vmm",         "--mem=256M", "--quiet",
                                        "--format=json", option,       GUARD_TIMEOUT};
    struct launch_result result;

    int fd = mkstemp(trace);
    assert_true(fd >= 0);
    close(fd);
    snprintf(option, sizeof(option), "--trace=%s", trace);
    guest_runs_add_arguments(run, argv, 6, options);
    launch(&result, argv, expect_find(run->expect, "stdin"), trace);
    unlink(trace);
    for (unsigned i = 0; i < run->expect->items; i++) {
        check_item(run, &run->expect->item[i], &result);
    }
    launch_free(&result);
}

int main(void)
{
    struct guest_runs runs;
    int failed = 1;

    if (guest_runs_read(&runs)) {
        failed = guest_runs_test(&runs, "kvm/guests", run_expectation, NULL);
    }
    guest_runs_free(&runs);
    return failed;
}
