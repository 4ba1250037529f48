/*
 * Each guest program in the machine, against the `expect:` lines of its own source: exit
 * status, output, and faults by kind, exactly.  One test a line; the files are read when the
 * tests start, so a new program is tested by being there.  Runs in the stage: ./vmm,
 * ./NAME.elf, guest/prog/.
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
    const struct expect *expect = *state;
    char trace[] = "/tmp/vmm-trace-XXXXXX";
    char option[64], program[128], options[256] = "";
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
    snprintf(program, sizeof(program), "./%s.elf", expect->word[0]);
    argv[count++] = program;
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

int main(void)
{
    struct expect_list list;

    if (!expect_read(&list, "guest/prog")) {
        return 1;
    }
    struct CMUnitTest *tests = calloc(list.count, sizeof(*tests));
    if (tests == NULL) {
        return 1;
    }
    for (size_t i = 0; i < list.count; i++) {
        tests[i] = (struct CMUnitTest){
            .name = list.expect[i].name,
            .test_func = run_expectation,
            .initial_state = &list.expect[i]};
    }
    int failed = kvm_ring_run("kvm/guests", tests, list.count);
    free(tests);
    expect_free(&list);
    return failed;
}
