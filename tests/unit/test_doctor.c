/*
 * vmm doctor on made-up hosts: what it says of given facts, and that its JSON is well-formed
 * (by a small reader of our own, written from RFC 8259) with the same keys on every host.
 */
/* cmocka.h needs the four before it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/doctor.h"

/* --- made-up hosts --- */

static void make_good(struct doctor_facts *facts)
{
    *facts = (struct doctor_facts){
        .kvm =
            {
                .diagnosis = {.device = KVM_DEVICE_READY, .api_version = 12},
                .host = {.module = true, .amd = true, .registered = true, .cpu_svm = true},
                .backend = KVM_BACKEND_AMD,
                .paging = KVM_PAGING_NPT,
                .nesting = KVM_ANSWER_YES,
                .machine = true,
                .tsc_khz = 2500000,
                .cpuid = true,
                .physical_bits = 48,
            },
        .host =
            {
                .paranoid = 2,
                .translation =
                    {.present = true, .library = "libpfm4 (skl)", .text = "data walks"},
                .thp = "madvise",
                .shmem = "never",
                .pools = {{2048, true, 8, 4}, {1048576, true, 1, 1}},
                .clocksource = "tsc",
                .clock_ns = 20,
                .syscall_ns = 100,
                .tsc_khz = 2499990,
                .tsc_constant = true,
                .tsc_nonstop = true,
                .memory_bytes = UINT64_C(16) << 30,
                .available_bytes = UINT64_C(12) << 30,
                .gnuplot = "/usr/bin/gnuplot",
                .address_limit = UINT64_MAX,
                .file_limit = UINT64_MAX,
                .descriptor_limit = 1024,
                .processors = 8,
            },
    };
    for (enum kvm_capability i = 0; i < KVM_CAPABILITY_COUNT; i++) {
        facts->kvm.capabilities[i] = 7;
    }
    facts->kvm.features[KVM_FEATURE_NX] = true;
    facts->kvm.features[KVM_FEATURE_AVX2] = true;
}

static void make_bare(struct doctor_facts *facts)
{
    memset(facts, 0, sizeof(*facts));
    facts->kvm.diagnosis.device = KVM_DEVICE_ABSENT;
    snprintf(
        facts->kvm.diagnosis.trouble, KVM_DIAGNOSIS_BYTES,
        "/dev/kvm does not exist: \"why\"\t\\");
    snprintf(facts->kvm.diagnosis.remedy, KVM_DIAGNOSIS_BYTES, "sudo modprobe kvm_amd");
    facts->host.counters = HOST_COUNTERS_FORBIDDEN;
    facts->host.counters_errno = EACCES;
    facts->host.paranoid = 4;
    facts->host.overcommit = 2;
    facts->host.address_limit = 1 << 20;
}

/* The judgement of a check; NULL when there is none of that name. */
static const struct check *
find(const struct checklist *list, const char *section, const char *key)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->checks[i].section, section) == 0 &&
            strcmp(list->checks[i].key, key) == 0) {
            return &list->checks[i];
        }
    }
    return NULL;
}

static void assert_check(
    const struct doctor_facts *facts,
    const char *section,
    const char *key,
    enum check_mark mark,
    const char *text,
    const char *remedy)
{
    struct checklist list;
    const struct check *check;

    doctor_examine(facts, &list);
    check = find(&list, section, key);
    assert_non_null(check);
    assert_int_equal(check->mark, mark);
    assert_non_null(strstr(check->text, text));
    if (remedy[0] == '\0') {
        assert_string_equal(check->remedy, "");
    } else {
        assert_non_null(strstr(check->remedy, remedy));
    }
}

/* --- printing and reading --- */

/* The caller frees the text. */
static char *print(const struct doctor_facts *facts, bool json)
{
    struct checklist list;
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);

    assert_non_null(stream);
    doctor_examine(facts, &list);
    if (json) {
        checklist_print_json(&list, stream);
    } else {
        checklist_print_text(&list, stream);
    }
    assert_int_equal(fclose(stream), 0);
    return text;
}

/* Step over blanks. */
static void skip_blanks(const char **at)
{
    *at += strspn(*at, " \t\r\n");
}

static bool read_string(const char **at)
{
    if (*(*at)++ != '"') {
        return false;
    }
    while (**at != '"') {
        if ((unsigned char)**at < 0x20) {
            return false;
        }
        if (**at == '\\') {
            (*at)++;
            if (**at == 'u' && strspn(*at + 1, "0123456789abcdefABCDEF") >= 4) {
                *at += 4;
            } else if (**at == '\0' || strchr("\"\\/bfnrt", **at) == NULL) {
                return false;
            }
        }
        (*at)++;
    }
    (*at)++;
    return true;
}

static bool read_value(const char **at, unsigned depth);

/* An object or an array: members between brackets, comma between members. */
static bool read_members(const char **at, char close, unsigned depth)
{
    (*at)++;
    skip_blanks(at);
    if (**at == close) {
        (*at)++;
        return true;
    }
    for (;;) {
        skip_blanks(at);
        if (close == '}') {
            if (!read_string(at)) {
                return false;
            }
            skip_blanks(at);
            if (*(*at)++ != ':') {
                return false;
            }
        }
        if (!read_value(at, depth + 1)) {
            return false;
        }
        skip_blanks(at);
        if (**at == close) {
            (*at)++;
            return true;
        }
        if (*(*at)++ != ',') {
            return false;
        }
    }
}

static bool read_value(const char **at, unsigned depth)
{
    static const char *const words[] = {"true", "false", "null"};

    skip_blanks(at);
    if (depth > 8) {
        return false;
    }
    if (**at == '{' || **at == '[') {
        return read_members(at, **at == '{' ? '}' : ']', depth);
    }
    if (**at == '"') {
        return read_string(at);
    }
    for (size_t i = 0; i < 3; i++) {
        if (strncmp(*at, words[i], strlen(words[i])) == 0) {
            *at += strlen(words[i]);
            return true;
        }
    }
    *at += **at == '-';
    size_t digits = strspn(*at, "0123456789");
    bool good = digits == 1 || (digits > 1 && **at != '0');
    *at += digits;
    return good;
}

static void assert_well_formed(const char *json)
{
    const char *at = json;

    assert_true(read_value(&at, 0));
    assert_string_equal(at, "\n");
}

/* --- tests --- */

static void test_doctor_calls_good_host_usable(void **state)
{
    struct doctor_facts facts;
    struct checklist list;

    (void)state;
    make_good(&facts);
    doctor_examine(&facts, &list);
    assert_true(checklist_is_usable(&list));
    for (size_t i = 0; i < list.count; i++) {
        if (list.checks[i].mark != CHECK_OK) {
            fail_msg("%s.%s is not ok", list.checks[i].section, list.checks[i].key);
        }
    }
}

static void test_doctor_needs_device_machine_and_capabilities(void **state)
{
    struct doctor_facts facts;

    (void)state;
    make_bare(&facts);
    assert_check(
        &facts, "kvm", "device", CHECK_MISSING, "does not exist", "sudo modprobe kvm_amd");
    assert_check(&facts, "kvm", "machine", CHECK_UNKNOWN, "", "");
    assert_check(&facts, "capabilities", "SYNC_REGS", CHECK_UNKNOWN, "", "");

    make_good(&facts);
    facts.kvm.machine = false;
    errno = EBUSY;
    err_set_errno(&facts.kvm.machine_err, ERR_ENVIRONMENT, "KVM_CREATE_VM");
    assert_check(
        &facts, "kvm", "machine", CHECK_MISSING, "KVM_CREATE_VM: Device", "another hypervisor");

    make_good(&facts);
    facts.kvm.capabilities[KVM_CAPABILITY_SYNC_REGS] = 6; /* all but the general registers */
    assert_check(&facts, "capabilities", "SYNC_REGS", CHECK_MISSING, "6: ", "Linux 4.17");
    facts.kvm.capabilities[KVM_CAPABILITY_STATS_FD] = 0;
    assert_check(&facts, "capabilities", "BINARY_STATS_FD", CHECK_NOTE, "0: ", "");

    make_good(&facts);
    facts.kvm.diagnosis.device = KVM_DEVICE_VERSION;
    facts.kvm.diagnosis.api_version = 11;
    assert_check(&facts, "kvm", "api_version", CHECK_MISSING, "11", "");
}

static void test_doctor_notes_how_kvm_pages(void **state)
{
    struct doctor_facts facts;

    (void)state;
    make_good(&facts);
    assert_check(&facts, "kvm", "paging", CHECK_OK, "npt", "");
    facts.kvm.paging = KVM_PAGING_SHADOW;
    assert_check(&facts, "kvm", "paging", CHECK_NOTE, "shadow", "kvm_amd npt=1");
    facts.kvm.backend = KVM_BACKEND_INTEL;
    assert_check(&facts, "kvm", "paging", CHECK_NOTE, "shadow", "kvm_intel ept=1");
    facts.kvm.backend = KVM_BACKEND_PVM; /* shadows always: nothing to mend */
    assert_check(&facts, "kvm", "paging", CHECK_NOTE, "shadow", "");
}

static void test_doctor_tells_missing_pmu_from_forbidden(void **state)
{
    struct doctor_facts facts;

    (void)state;
    make_good(&facts);
    assert_check(&facts, "counters", "hardware", CHECK_OK, "work", "");
    facts.host.counters = HOST_COUNTERS_NONE;
    facts.host.counters_errno = ENOENT;
    assert_check(&facts, "counters", "hardware", CHECK_NOTE, "no PMU here", "");
    facts.host.counters = HOST_COUNTERS_DEAD;
    assert_check(&facts, "counters", "hardware", CHECK_NOTE, "no PMU here", "");
    facts.host.counters = HOST_COUNTERS_FORBIDDEN;
    facts.host.paranoid = 3;
    assert_check(
        &facts, "counters", "hardware", CHECK_NOTE, "kernel.perf_event_paranoid",
        "sudo sysctl kernel.perf_event_paranoid=2");
    facts.host.paranoid = 2; /* would allow it: something else forbids */
    assert_check(&facts, "counters", "hardware", CHECK_NOTE, "container", "");
}

static void test_doctor_says_which_translation_events_there_are(void **state)
{
    struct doctor_facts facts;

    (void)state;
    make_good(&facts);
    assert_check(&facts, "counters", "translation", CHECK_OK, "data walks", "");
    assert_check(&facts, "counters", "libpfm4", CHECK_OK, "libpfm4 (skl)", "");
    facts.host.translation = (struct counters_probe){.text = "no PMU here (why)"};
    assert_check(&facts, "counters", "translation", CHECK_NOTE, "no PMU here (why)", "");
    assert_check(&facts, "counters", "libpfm4", CHECK_NOTE, "generic events only", "libpfm4");
}

static void test_doctor_names_what_mends_the_host(void **state)
{
    struct doctor_facts facts;

    (void)state;
    make_good(&facts);
    snprintf(facts.host.thp, sizeof(facts.host.thp), "never");
    assert_check(
        &facts, "huge_pages", "transparent", CHECK_NOTE, "never", "echo madvise | sudo tee");
    facts.host.pools[0].free = 0;
    assert_check(
        &facts, "huge_pages", "pool_2m", CHECK_NOTE, "0 free of 8",
        "hugepages-2048kB/nr_hugepages");
    facts.host.pools[1].exists = false;
    assert_check(&facts, "huge_pages", "pool_1g", CHECK_NOTE, "no such pool", "");
    facts.host.clock_ns = 90;
    assert_check(&facts, "clock", "vdso", CHECK_NOTE, "a system call: 90 ns", "");
    facts.host.tsc_nonstop = false;
    assert_check(&facts, "clock", "tsc_stable", CHECK_NOTE, "nonstop_tsc no", "");
    facts.host.overcommit = 2;
    assert_check(
        &facts, "memory", "overcommit", CHECK_NOTE, "2 (never", "vm.overcommit_memory=0");
    facts.host.gnuplot[0] = '\0';
    assert_check(&facts, "tools", "gnuplot", CHECK_NOTE, "not found", "apt-get install");
    facts.host.address_limit = 1 << 20;
    assert_check(&facts, "limits", "address_space", CHECK_NOTE, "1024 KiB", "ulimit -v");
}

static void test_doctor_text_marks_each_line(void **state)
{
    struct doctor_facts facts;
    char *text;

    (void)state;
    make_bare(&facts);
    text = print(&facts, false);
    assert_memory_equal(text, "kvm\n  MISSING  /dev/kvm ", 24);
    assert_non_null(strstr(text, "-> sudo modprobe kvm_amd\n"));
    assert_non_null(strstr(text, "\nhuge pages\n"));
    assert_null(strstr(text, "unknown"));
    free(text);

    make_good(&facts);
    text = print(&facts, false);
    assert_non_null(strstr(text, "  ok       has                   nx avx2\n"));
    assert_null(strstr(text, "->"));
    free(text);
}

static void test_doctor_json_is_well_formed(void **state)
{
    struct doctor_facts facts;
    char *json;

    (void)state;
    make_good(&facts);
    json = print(&facts, true);
    assert_well_formed(json);
    assert_non_null(strstr(json, "\"usable\": true"));
    assert_non_null(strstr(json, "\"backend\": {\"status\": \"ok\", \"value\": \"kvm_amd\""));
    assert_non_null(
        strstr(json, "\"present\": {\"status\": \"ok\", \"value\": [\"nx\", \"avx2\"]"));
    assert_non_null(strstr(json, "\"address_space\": {\"status\": \"ok\", \"value\": null"));
    free(json);

    make_bare(&facts);
    json = print(&facts, true);
    assert_well_formed(json);
    assert_non_null(strstr(json, "\"usable\": false"));
    assert_non_null(strstr(json, "\\\"why\\\"\\u0009\\\\\""));
    assert_non_null(strstr(
        json, "\"machine\": {\"status\": \"unknown\", \"value\": null, \"text\": null, "
              "\"remedy\": null}"));
    free(json);
}

static void test_doctor_json_keeps_keys_on_every_host(void **state)
{
    struct doctor_facts facts;
    struct checklist good, bare;

    (void)state;
    make_good(&facts);
    doctor_examine(&facts, &good);
    make_bare(&facts);
    doctor_examine(&facts, &bare);
    assert_int_equal(good.count, bare.count);
    for (size_t i = 0; i < good.count; i++) {
        assert_string_equal(good.checks[i].section, bare.checks[i].section);
        assert_string_equal(good.checks[i].key, bare.checks[i].key);
    }
    assert_non_null(find(&good, "kvm", "device"));
    assert_non_null(find(&good, "capabilities", "READONLY_MEM"));
    assert_non_null(find(&good, "guest_cpu", "physical_bits"));
    assert_non_null(find(&good, "limits", "descriptors"));
}

static void test_doctor_runs_on_this_host(void **state)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    int status;

    (void)state;
    assert_non_null(stream);
    status = doctor_run(stream, true);
    assert_int_equal(fclose(stream), 0);
    assert_well_formed(text);
    assert_int_equal(status, strstr(text, "\"usable\": true") != NULL ? 0 : 1);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doctor_calls_good_host_usable),
        cmocka_unit_test(test_doctor_needs_device_machine_and_capabilities),
        cmocka_unit_test(test_doctor_notes_how_kvm_pages),
        cmocka_unit_test(test_doctor_tells_missing_pmu_from_forbidden),
        cmocka_unit_test(test_doctor_says_which_translation_events_there_are),
        cmocka_unit_test(test_doctor_names_what_mends_the_host),
        cmocka_unit_test(test_doctor_text_marks_each_line),
        cmocka_unit_test(test_doctor_json_is_well_formed),
        cmocka_unit_test(test_doctor_json_keeps_keys_on_every_host),
        cmocka_unit_test(test_doctor_runs_on_this_host),
    };

    return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
