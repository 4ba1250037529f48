/* Lists and checks that the tests of guest programs share; see guest_runs.h. */
#include "guest_runs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kvm_ring.h"

/* Sources with expect lines, and what was built from each of them. */
struct family {
    const char *sources;
    const char *programs; /* PROGRAMS/NAMESUFFIX.elf */
    const char *suffix;
    bool optional; /* needs a compiler that a machine may lack */
};

static const struct family families[] = {
    {"guest/prog", ".", "", false},
    {"tests/guests", "tests/guests", "-glibc", true},
    {"tests/guests", "tests/guests", "-glibc-pie", true},
    {"tests/guests", "tests/guests", "-musl", true},
};
#define FAMILIES (sizeof(families) / sizeof(families[0]))

/* --- the list --- */

/* One build of each program is enough on an emulated processor, another one for each. */
static bool is_left_out(
    const struct family *family, const struct expect *expect, unsigned number_of_program)
{
    size_t builds = FAMILIES - 1;
    const char *emulated = expect_find(expect, "emulated");

    return kvm_ring_is_emulated() &&
           ((emulated != NULL && strcmp(emulated, "no") == 0) ||
            (family->optional && family != &families[1 + number_of_program % builds]));
}

static void
add_family(struct guest_runs *runs, const struct family *family, const struct expect_list *list)
{
    unsigned program = 0;

    for (size_t i = 0; i < list->count; i++) {
        struct guest_run *run = &runs->run[runs->count++];
        run->expect = &list->expect[i];
        run->first = i == 0 || strcmp(run->expect->word[0], list->expect[i - 1].word[0]) != 0;
        program += i > 0 && run->first ? 1 : 0;
        snprintf(
            run->program, sizeof(run->program), "%s/%s%s.elf", family->programs,
            run->expect->word[0], family->suffix);
        snprintf(run->name, sizeof(run->name), "%s: %s", run->program, run->expect->name);
        run->missing = family->optional && access(run->program, R_OK) != 0;
        run->left_out = is_left_out(family, run->expect, program);
    }
}

bool guest_runs_read(struct guest_runs *runs)
{
    size_t total = 0;
    bool ok = true;

    *runs = (struct guest_runs){.lists = calloc(FAMILIES, sizeof(*runs->lists))};
    for (size_t i = 0; i < FAMILIES && ok && runs->lists != NULL; i++) {
        ok = expect_read(&runs->lists[i], families[i].sources);
        total += runs->lists[i].count;
    }
    runs->run = calloc(total + 1, sizeof(*runs->run));
    if (!ok || runs->lists == NULL || runs->run == NULL) {
        return false;
    }
    for (size_t i = 0; i < FAMILIES; i++) {
        add_family(runs, &families[i], &runs->lists[i]);
    }
    return true;
}

void guest_runs_free(struct guest_runs *runs)
{
    for (size_t i = 0; runs->lists != NULL && i < FAMILIES; i++) {
        expect_free(&runs->lists[i]);
    }
    free(runs->lists);
    free(runs->run);
    *runs = (struct guest_runs){0};
}

static void skip_not_built(void **state)
{
    const struct guest_run *run = *state;

    print_message("SKIPPED: %s was not built here\n", run->program);
    skip();
}

static void leave_out(void **state)
{
    const struct guest_run *run = *state;

    kvm_ring_leave_out(run->name);
}

int guest_runs_test(
    const struct guest_runs *runs,
    const char *name,
    void (*test)(void **state),
    bool (*wanted)(const struct guest_run *run))
{
    struct CMUnitTest *tests = calloc(runs->count + 1, sizeof(*tests));
    size_t count = 0;

    if (tests == NULL) {
        return 1;
    }
    for (size_t i = 0; i < runs->count; i++) {
        struct guest_run *run = &runs->run[i];
        if (wanted != NULL && !wanted(run)) {
            continue;
        }
        tests[count++] = (struct CMUnitTest){
            .name = run->name,
            .test_func = run->left_out  ? leave_out
                         : run->missing ? skip_not_built
                                        : test,
            .initial_state = run};
    }
    int failed = kvm_ring_run(name, tests, count);
    free(tests);
    return failed;
}

/* --- a run --- */

void guest_runs_add_arguments(
    const struct guest_run *run,
    char *argv[GUEST_RUNS_ARGUMENTS],
    unsigned count,
    char options[GUEST_RUNS_OPTIONS_BYTES])
{
    const char *own = expect_find(run->expect, "options");

    snprintf(options, GUEST_RUNS_OPTIONS_BYTES, "%s", own != NULL ? own : "");
    for (char *word = strtok(options, " "); word != NULL; word = strtok(NULL, " ")) {
        argv[count++] = word;
    }
    argv[count++] = (char *)(uintptr_t)run->program;
    for (unsigned i = 1; i < run->expect->words; i++) {
        argv[count++] = run->expect->word[i];
    }
    argv[count] = NULL;
}

static bool status_is_listed(const char *list, int status)
{
    const char *at = list;

    while (at != NULL) {
        if (atoi(at) == status) {
            return true;
        }
        at = strchr(at, ',');
        at = at != NULL ? at + 1 : NULL;
    }
    return false;
}

/* QEMU's processor without KVM leaves a few checks out: such a line says with qemu= what comes then. */
static bool on_qemu_tcg(void)
{
    char line[256];
    bool found = false;
    FILE *file = fopen("/proc/cpuinfo", "re");

    while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL) {
        found = strstr(line, "QEMU TCG") != NULL;
    }
    if (file != NULL) {
        fclose(file);
    }
    return found;
}

void guest_runs_check_exit(
    const struct guest_run *run, const struct launch_result *result, const char *value)
{
    const char *qemu = expect_find(run->expect, "qemu");
    bool ok = status_is_listed(value, result->status) ||
              (qemu != NULL && on_qemu_tcg() && status_is_listed(qemu, result->status));

    if (!ok) {
        fail_msg(
            "%s\n  exit status %d\n  output: %s\n  errors: %s", run->expect->name,
            result->status, result->output, result->errors);
    }
}

void guest_runs_check_line(
    const struct guest_run *run, const struct launch_result *result, const char *value)
{
    size_t length = strlen(value);
    const char *at = result->output;

    while (at != NULL) {
        size_t here = strcspn(at, "\n");
        if (here == length && strncmp(at, value, length) == 0) {
            return;
        }
        at = at[here] != '\0' ? at + here + 1 : NULL;
    }
    fail_msg(
        "%s\n  no line \"%s\" in the output: %s", run->expect->name, value, result->output);
}
