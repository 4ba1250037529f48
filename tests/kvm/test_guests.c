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

#include "expect.h"
#include "kvm_ring.h"
#include "launch.h"

/* Far beyond any of them, emulated or not: a hang must end as a failure with a name. */
#define GUARD_TIMEOUT "--timeout=100"
#define ARGUMENTS     32

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

/* One line of one program, as one of its builds. */
struct guest_run {
    const struct expect *expect; /* borrows */
    char program[256];
    char name[1024];
};

static const char *find(const struct expect *expect, const char *key)
{
    for (unsigned i = 0; i < expect->items; i++) {
        if (strcmp(expect->item[i].key, key) == 0) {
            return expect->item[i].value;
        }
    }
    return NULL;
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

static bool has_line(const char *output, const char *line)
{
    size_t length = strlen(line);
    const char *at = output;

    while (at != NULL) {
        size_t here = strcspn(at, "\n");
        if (here == length && strncmp(at, line, length) == 0) {
            return true;
        }
        at = at[here] != '\0' ? at + here + 1 : NULL;
    }
    return false;
}

static bool is_figure(const char *key)
{
    static const char *const others[] = {"exit", "linux", "qemu", "stdout", "options", "stdin"};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (strcmp(key, others[i]) == 0) {
            return false;
        }
    }
    return true;
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

static bool status_is_expected(const struct expect *expect, const char *list, int status)
{
    const char *qemu = find(expect, "qemu");

    return status_is_listed(list, status) ||
           (qemu != NULL && on_qemu_tcg() && status_is_listed(qemu, status));
}

static void check_item(
    const struct expect *expect,
    const struct expect_item *item,
    const struct launch_result *result)
{
    int64_t value = 0;

    if (item->value == NULL) {
        fail_msg("%s: an item without a value", expect->name);
        return;
    }
    if (strcmp(item->key, "exit") == 0 &&
        !status_is_expected(expect, item->value, result->status)) {
        fail_msg(
            "%s\n  exit status %d\n  output: %s\n  errors: %s", expect->name, result->status,
            result->output, result->errors);
    }
    if (strcmp(item->key, "stdout") == 0 && !has_line(result->output, item->value)) {
        fail_msg(
            "%s\n  no line \"%s\" in the output: %s", expect->name, item->value,
            result->output);
    }
    if (is_figure(item->key) &&
        (!launch_figure(result, item->key, &value) || value != item->number)) {
        fail_msg(
            "%s\n  %s is %lld\n  output: %s\n  errors: %s", expect->name, item->key,
            (long long)value, result->output, result->errors);
    }
}

static void run_expectation(void **state)
{
    const struct guest_run *run = *state;
    const struct expect *expect = run->expect;
    char trace[] = "/tmp/vmm-trace-XXXXXX";
    char option[64], options[256] = "";
    char *argv[ARGUMENTS] = {"./vmm", "--mem=256M", "--quiet", "--format=json"};
    unsigned count = 4;
    struct launch_result result;

    int fd = mkstemp(trace);
    assert_true(fd >= 0);
    close(fd);
    snprintf(option, sizeof(option), "--trace=%s", trace);
    argv[count++] = option;
    argv[count++] = GUARD_TIMEOUT;
    if (find(expect, "options") != NULL) {
        snprintf(options, sizeof(options), "%s", find(expect, "options"));
        for (char *word = strtok(options, " "); word != NULL; word = strtok(NULL, " ")) {
            argv[count++] = word;
        }
    }
    argv[count++] = (char *)(uintptr_t)run->program;
    for (unsigned i = 1; i < expect->words; i++) {
        argv[count++] = expect->word[i];
    }
    launch(&result, argv, find(expect, "stdin"), trace);
    unlink(trace);
    for (unsigned i = 0; i < expect->items; i++) {
        check_item(expect, &expect->item[i], &result);
    }
    launch_free(&result);
}

static void skip_not_built(void **state)
{
    (void)state;
    skip();
}

/* One test for each line of a family; returns how many there are now. */
static size_t add_family(
    const struct family *family,
    const struct expect_list *list,
    struct CMUnitTest *tests,
    struct guest_run *runs,
    size_t count)
{
    for (size_t i = 0; i < list->count; i++, count++) {
        struct guest_run *run = &runs[count];
        const struct expect *expect = &list->expect[i];
        run->expect = expect;
        snprintf(
            run->program, sizeof(run->program), "%s/%s%s.elf", family->programs,
            expect->word[0], family->suffix);
        snprintf(run->name, sizeof(run->name), "%s: %s", run->program, expect->name);
        bool skipped = family->optional && access(run->program, R_OK) != 0;
        if (skipped) {
            print_message("SKIPPED: %s was not built here\n", run->program);
        }
        tests[count] = (struct CMUnitTest){
            .name = run->name,
            .test_func = skipped ? skip_not_built : run_expectation,
            .initial_state = run};
    }
    return count;
}

static int run_families(const struct expect_list lists[FAMILIES], size_t total)
{
    struct CMUnitTest *tests = calloc(total, sizeof(*tests));
    struct guest_run *runs = calloc(total, sizeof(*runs));
    size_t count = 0;
    int failed = 1;

    if (tests != NULL && runs != NULL) {
        for (size_t i = 0; i < FAMILIES; i++) {
            count = add_family(&families[i], &lists[i], tests, runs, count);
        }
        failed = kvm_ring_run("kvm/guests", tests, count);
    }
    free(tests);
    free(runs);
    return failed;
}

int main(void)
{
    struct expect_list lists[FAMILIES] = {{0}};
    size_t total = 0;
    bool ok = true;

    for (size_t i = 0; i < FAMILIES && ok; i++) {
        ok = expect_read(&lists[i], families[i].sources);
        total += lists[i].count;
    }
    int failed = ok ? run_families(lists, total) : 1;
    for (size_t i = 0; i < FAMILIES; i++) {
        expect_free(&lists[i]);
    }
    return failed;
}
