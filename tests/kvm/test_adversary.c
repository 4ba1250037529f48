/*
 * Each guest program with few frames under the worst policy that keeps the rules (docs/policies):
 * its pages go all the time, and its output and exit status must be those of its `expect:` lines all
 * the same.  Faults are another number here, of course.  Runs in the stage: ./vmm, ./NAME.elf,
 * policies/adversary.so, guest/prog/, tests/guests/.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guest_runs.h"
#include "kvm_ring.h"

#define GUARD_TIMEOUT "--timeout=60"
#define POLICY        "--policy=./policies/adversary.so,delay=0"
/* Each time that a loop changes between two pages that are not among the first to come, both are
 * brought in again: what sorts or copies long arrays of bytes gets more, but still not enough. */
#define FRAMES_FEW  "--frames=24"
#define FRAMES_LIBC "--frames=512"
/* The program that asks for a page of 2 MiB must have room for it. */
#define FRAMES_LARGE "--frames=1024"

/* Lines that are about a limit or a policy of their own. */
static bool has_own_limit(const struct guest_run *run)
{
    static const char *const limits[] = {
        "--mem", "--frames", "--resident", "--swap", "--policy"};
    const char *options = expect_find(run->expect, "options");

    for (size_t i = 0; options != NULL && i < sizeof(limits) / sizeof(limits[0]); i++) {
        if (strstr(options, limits[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static bool is_one_of(const struct guest_run *run, const char *const names[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(run->expect->word[0], names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Programs that judge by themselves how many faults they took, or how many pages are there: 1 says
 * that it was another number than where nothing is evicted. */
static bool counts_faults(const struct guest_run *run)
{
    static const char *const names[] = {"forkbig", "guest",    "heap",     "mapfile",
                                        "touch",   "seqtouch", "stackgrow"};

    return is_one_of(run, names, sizeof(names) / sizeof(names[0]));
}

static bool is_wanted(const struct guest_run *run)
{
    return !has_own_limit(run);
}

/* What such a program says then, and nothing else, may be said. */
static bool says_another_number(const struct launch_result *result)
{
    static const char *const sayings[] = {
        "DIFFERENT", "faults.total == ", "check failed: beyond", "count_in_memory", "took "};

    for (size_t i = 0; i < sizeof(sayings) / sizeof(sayings[0]); i++) {
        if (strstr(result->output, sayings[i]) != NULL ||
            strstr(result->errors, sayings[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static void check(const struct guest_run *run, const struct launch_result *result)
{
    if (result->status == 1 && counts_faults(run) && says_another_number(result)) {
        return;
    }
    for (unsigned i = 0; i < run->expect->items; i++) {
        const struct expect_item *item = &run->expect->item[i];
        if (strcmp(item->key, "exit") == 0) {
            guest_runs_check_exit(run, result, item->value);
        }
        if (strcmp(item->key, "stdout") == 0) {
            guest_runs_check_line(run, result, item->value);
        }
    }
}

static char *frames_for(const struct guest_run *run)
{
    static const char *const large[] = {"guest"};

    return strncmp(run->program, "tests/", 6) == 0 ? FRAMES_LIBC
           : is_one_of(run, large, 1)              ? FRAMES_LARGE
                                                   : FRAMES_FEW;
}

/* Where it takes long, a program is tried by one of its lines, and `hostile` by each. */
static bool is_left_out(const struct guest_run *run)
{
    static const char *const all[] = {"hostile"};

    return kvm_ring_is_emulated() && !run->first && !is_one_of(run, all, 1);
}

static void test_adversary_changes_no_result(void **state)
{
    const struct guest_run *run = *state;
    char options[GUEST_RUNS_OPTIONS_BYTES];
    char *argv[GUEST_RUNS_ARGUMENTS] = {"./vmm",         "--mem=256M",  "--quiet",
                                        frames_for(run), "--swap=256M", POLICY,
                                        GUARD_TIMEOUT};
    struct launch_result result;

    if (is_left_out(run)) {
        kvm_ring_leave_out(run->name);
    }
    guest_runs_add_arguments(run, argv, 7, options);
    launch(&result, argv, expect_find(run->expect, "stdin"), NULL);
    check(run, &result);
    launch_free(&result);
}

int main(void)
{
    struct guest_runs runs;
    int failed = 1;

    if (guest_runs_read(&runs)) {
        failed = guest_runs_test(
            &runs, "kvm/adversary", test_adversary_changes_no_result, is_wanted);
    }
    guest_runs_free(&runs);
    return failed;
}
