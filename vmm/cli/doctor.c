/*
 * Judges the facts about this host: one function for each section, one check for each fact,
 * each with the command that mends it.  It refuses to gather facts or to know how a check is
 * printed. Read kvm/probe.c and cli/host.c for the facts, cli/checklist.c for the printing.
 */
#include "cli/doctor.h"

#include <inttypes.h>
#include <string.h>

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static const char *yes_no(bool truth)
{
    return truth ? "yes" : "no";
}

/* --- KVM --- */

/* JSON's word for the state of the device. */
static const char *device_token(enum kvm_device device)
{
    switch (device) {
    case KVM_DEVICE_READY:
        return "ready";
    case KVM_DEVICE_ABSENT:
        return "absent";
    case KVM_DEVICE_FORBIDDEN:
        return "forbidden";
    case KVM_DEVICE_DEAD:
        return "dead";
    case KVM_DEVICE_FOREIGN:
        return "foreign";
    case KVM_DEVICE_VERSION:
        return "version";
    case KVM_DEVICE_BROKEN:
        return "broken";
    }
    return "unknown";
}

static void examine_device(const struct kvm_facts *kvm, struct checklist *list)
{
    const struct kvm_diagnosis *diagnosis = &kvm->diagnosis;
    bool ready = diagnosis->device == KVM_DEVICE_READY;
    struct check *check;

    check = checklist_add(
        list, "kvm", "device", "/dev/kvm", ready ? CHECK_OK : CHECK_MISSING, "%s",
        ready ? "opens" : diagnosis->trouble);
    check_set_token(check, device_token(diagnosis->device));
    check_set_remedy(check, "%s", diagnosis->remedy);
    check = checklist_add(
        list, "kvm", "api_version", "API version",
        ready                        ? CHECK_OK
        : diagnosis->api_version > 0 ? CHECK_MISSING
                                     : CHECK_UNKNOWN,
        "%d", diagnosis->api_version);
    check_set_number(check, diagnosis->api_version);
    check = checklist_add(
        list, "kvm", "machine", "machine",
        !ready         ? CHECK_UNKNOWN
        : kvm->machine ? CHECK_OK
                       : CHECK_MISSING,
        "%s", kvm->machine ? "a VM and a vCPU can be created" : kvm->machine_err.text);
    check_set_bool(check, kvm->machine);
    if (ready && !kvm->machine) {
        check_set_remedy(
            check,
            "another hypervisor may hold the CPU (VirtualBox, VMware), or memory is short");
    }
}

static const char *describe_paging(enum kvm_paging paging)
{
    switch (paging) {
    case KVM_PAGING_EPT:
        return "ept: two-dimensional, by hardware";
    case KVM_PAGING_NPT:
        return "npt: two-dimensional, by hardware";
    case KVM_PAGING_SHADOW:
        return "shadow: KVM keeps copies of the guest's page tables";
    case KVM_PAGING_UNKNOWN:
        break;
    }
    return "unknown";
}

static void examine_backend(const struct kvm_facts *kvm, struct checklist *list)
{
    bool ready = kvm->diagnosis.device == KVM_DEVICE_READY;
    struct check *check;

    /* A module without a device is a fact, too, but not a good one. */
    check = checklist_add(
        list, "kvm", "backend", "back end",
        kvm->backend == KVM_BACKEND_UNKNOWN ? CHECK_UNKNOWN
        : ready                             ? CHECK_OK
                                            : CHECK_NOTE,
        "%s%s", kvm_backend_name(kvm->backend), ready ? "" : ", not in use");
    check_set_token(check, kvm_backend_name(kvm->backend));
}

static void examine_paging(const struct kvm_facts *kvm, struct checklist *list)
{
    bool ready = kvm->diagnosis.device == KVM_DEVICE_READY;
    struct check *check;

    check = checklist_add(
        list, "kvm", "paging", "paging",
        !ready || kvm->paging == KVM_PAGING_UNKNOWN ? CHECK_UNKNOWN
        : kvm->paging == KVM_PAGING_SHADOW          ? CHECK_NOTE
                                                    : CHECK_OK,
        "%s", describe_paging(kvm->paging));
    check_set_token(check, kvm_paging_name(kvm->paging));
    if (!ready || kvm->paging != KVM_PAGING_SHADOW) {
        return;
    }
    if (kvm->backend == KVM_BACKEND_INTEL) {
        check_set_remedy(
            check,
            "if the CPU has EPT: sudo modprobe -r kvm_intel && sudo modprobe kvm_intel ept=1");
    } else if (kvm->backend == KVM_BACKEND_AMD) {
        check_set_remedy(
            check,
            "if the CPU has NPT: sudo modprobe -r kvm_amd && sudo modprobe kvm_amd npt=1");
    }
}

/* Who runs on whom. */
static void examine_nesting(const struct kvm_facts *kvm, struct checklist *list)
{
    struct check *check;

    check = checklist_add(
        list, "kvm", "nesting", "nesting",
        kvm->nesting == KVM_ANSWER_UNKNOWN ? CHECK_UNKNOWN : CHECK_OK,
        "guests %s run KVM themselves", kvm->nesting == KVM_ANSWER_YES ? "can" : "cannot");
    check_set_bool(check, kvm->nesting == KVM_ANSWER_YES);
    check = checklist_add(
        list, "kvm", "cpu_virtualization", "CPUID", CHECK_OK,
        "vmx %s, svm %s; for information: not every back end needs one",
        yes_no(kvm->host.cpu_vmx), yes_no(kvm->host.cpu_svm));
    check_set_bool(check, kvm->host.cpu_vmx || kvm->host.cpu_svm);
    check = checklist_add(
        list, "kvm", "in_guest", "this host", CHECK_OK, "%s",
        kvm->host.in_guest ? "is a virtual machine itself" : "is no virtual machine");
    check_set_bool(check, kvm->host.in_guest);
}

static void examine_capabilities(const struct kvm_facts *kvm, struct checklist *list)
{
    bool ready = kvm->diagnosis.device == KVM_DEVICE_READY;

    for (enum kvm_capability i = 0; i < KVM_CAPABILITY_COUNT; i++) {
        const struct kvm_capability_row *row = kvm_capability_describe(i);
        int answer = kvm->capabilities[i];
        enum check_mark mark = row->required ? CHECK_MISSING : CHECK_NOTE;
        struct check *check;

        if (!ready) {
            mark = CHECK_UNKNOWN;
        } else if (kvm_capability_suffices(i, answer)) {
            mark = CHECK_OK;
        }
        check = checklist_add(
            list, "capabilities", row->name, row->name, mark, "%d: %s", answer, row->purpose);
        check_set_number(check, answer);
        if (mark == CHECK_MISSING) {
            check_set_remedy(check, "boot Linux 4.17 or later");
        }
    }
}

/* Append one word to a blank-separated list. */
static void add_word(char *words, size_t bytes, const char *word)
{
    size_t used = strlen(words);

    snprintf(words + used, bytes - used, "%s%s", used > 0 ? " " : "", word);
}

static void examine_cpu(const struct kvm_facts *kvm, struct checklist *list)
{
    enum check_mark mark = kvm->cpuid ? CHECK_OK : CHECK_UNKNOWN;
    char present[CHECKLIST_TEXT_BYTES] = "";
    char absent[CHECKLIST_TEXT_BYTES] = "";
    struct check *check;

    for (enum kvm_feature i = 0; i < KVM_FEATURE_COUNT; i++) {
        char *words = kvm->features[i] ? present : absent;

        add_word(words, CHECKLIST_TEXT_BYTES, kvm_feature_name(i));
    }
    checklist_add(list, "guest_cpu", "present", "has", mark, "%s", present)->kind = CHECK_WORDS;
    checklist_add(list, "guest_cpu", "absent", "has not", mark, "%s", absent)->kind =
        CHECK_WORDS;
    check = checklist_add(
        list, "guest_cpu", "physical_bits", "MAXPHYADDR", mark, "%u bits", kvm->physical_bits);
    check_set_number(check, (int64_t)kvm->physical_bits);
    check = checklist_add(
        list, "guest_cpu", "tsc_khz", "TSC", kvm->tsc_khz > 0 ? CHECK_OK : CHECK_UNKNOWN,
        "%" PRIu32 " kHz", kvm->tsc_khz);
    check_set_number(check, (int64_t)kvm->tsc_khz);
}

/* --- the host --- */

static void examine_counters(const struct host_facts *host, struct checklist *list)
{
    bool known = host->paranoid != INT32_MIN;
    bool by_setting = known && host->paranoid > 2;
    struct check *check;

    check = checklist_add(
        list, "counters", "hardware", "hardware events",
        host->counters == HOST_COUNTERS_WORK ? CHECK_OK : CHECK_NOTE, "%s", "");
    check_set_bool(check, host->counters == HOST_COUNTERS_WORK);
    switch (host->counters) {
    case HOST_COUNTERS_WORK:
        snprintf(check->text, sizeof(check->text), "work");
        break;
    case HOST_COUNTERS_NONE:
        snprintf(
            check->text, sizeof(check->text), "no PMU here (%s)",
            strerror(host->counters_errno));
        break;
    case HOST_COUNTERS_DEAD:
        snprintf(check->text, sizeof(check->text), "no PMU here (opens, but counts nothing)");
        break;
    case HOST_COUNTERS_FORBIDDEN:
        snprintf(
            check->text, sizeof(check->text), "forbidden by %s",
            by_setting ? "kernel.perf_event_paranoid" : "a container or a security module");
        if (by_setting) {
            check_set_remedy(check, "sudo sysctl kernel.perf_event_paranoid=2");
        }
        break;
    }
    check = checklist_add(
        list, "counters", "paranoid", "perf_event_paranoid", known ? CHECK_OK : CHECK_UNKNOWN,
        "%d", host->paranoid);
    check_set_number(check, host->paranoid);
}

/* What vmm measure counts beside its times, and whether it can name more than the kernel's events. */
static void examine_translation(const struct host_facts *host, struct checklist *list)
{
    const struct counters_probe *probe = &host->translation;
    bool found = probe->library[0] != '\0';
    struct check *check = checklist_add(
        list, "counters", "translation", "translation events",
        probe->present ? CHECK_OK : CHECK_NOTE, "%s", probe->text);

    check_set_bool(check, probe->present);
    check = checklist_add(
        list, "counters", "libpfm4", "libpfm4", found ? CHECK_OK : CHECK_NOTE, "%s",
        found ? probe->library : "not found: generic events only");
    check_set_bool(check, found);
    if (!found) {
        check_set_remedy(check, "sudo apt-get install libpfm4");
    }
}

static void examine_pool(
    const struct host_pool *pool, const char *key, const char *label, struct checklist *list)
{
    struct check *check;

    if (!pool->exists) {
        check = checklist_add(list, "huge_pages", key, label, CHECK_NOTE, "no such pool");
        check_set_number(check, 0);
        return;
    }
    check = checklist_add(
        list, "huge_pages", key, label, pool->free > 0 ? CHECK_OK : CHECK_NOTE,
        "%" PRIu64 " free of %" PRIu64, pool->free, pool->total);
    check_set_number(check, (int64_t)pool->free);
    if (pool->free == 0) {
        check_set_remedy(
            check,
            "reserve: echo N | sudo tee /sys/kernel/mm/hugepages/hugepages-%" PRIu64
            "kB/nr_hugepages",
            pool->page_kilobytes);
    }
}

static void examine_huge_pages(const struct host_facts *host, struct checklist *list)
{
    bool usable = strcmp(host->thp, "always") == 0 || strcmp(host->thp, "madvise") == 0;
    struct check *check;

    check = checklist_add(
        list, "huge_pages", "transparent", "transparent", usable ? CHECK_OK : CHECK_NOTE, "%s",
        host->thp[0] == '\0' ? "not in this kernel" : host->thp);
    if (!usable && host->thp[0] != '\0') {
        check_set_remedy(
            check, "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled");
    }
    checklist_add(
        list, "huge_pages", "shmem", "shared memory",
        host->shmem[0] == '\0' ? CHECK_UNKNOWN : CHECK_OK, "%s", host->shmem);
    examine_pool(&host->pools[0], "pool_2m", "pool of 2 MiB", list);
    examine_pool(&host->pools[1], "pool_1g", "pool of 1 GiB", list);
}

static void examine_clock(const struct host_facts *host, struct checklist *list)
{
    /* A system call costs at least what the vDSO does plus the switch: half is the watershed. */
    bool vdso = host->clock_ns * 2 < host->syscall_ns;
    bool stable = host->tsc_constant && host->tsc_nonstop;
    struct check *check;

    checklist_add(
        list, "clock", "source", "clock source",
        host->clocksource[0] == '\0' ? CHECK_UNKNOWN : CHECK_OK, "%s", host->clocksource);
    check = checklist_add(
        list, "clock", "vdso", "clock_gettime", vdso ? CHECK_OK : CHECK_NOTE,
        "%s: %" PRIu64 " ns a call (system call: %" PRIu64 " ns)",
        vdso ? "in user space" : "a system call", host->clock_ns, host->syscall_ns);
    check_set_bool(check, vdso);
    check = checklist_add(
        list, "clock", "tsc_khz", "TSC", CHECK_OK, "%" PRIu64 " kHz, measured", host->tsc_khz);
    check_set_number(check, (int64_t)host->tsc_khz);
    check = checklist_add(
        list, "clock", "tsc_stable", "TSC flags", stable ? CHECK_OK : CHECK_NOTE,
        "constant_tsc %s, nonstop_tsc %s", yes_no(host->tsc_constant),
        yes_no(host->tsc_nonstop));
    check_set_bool(check, stable);
}

/* A size in the unit that a reader would choose, cut. */
static void add_size(struct checklist *list, const char *key, const char *label, uint64_t bytes)
{
    struct check *check = checklist_add(
        list, "memory", key, label, CHECK_OK, "%" PRIu64 " %s",
        bytes / (bytes < GIB ? MIB : GIB), bytes < GIB ? "MiB" : "GiB");

    check_set_number(check, (int64_t)bytes);
}

static void examine_memory(const struct host_facts *host, struct checklist *list)
{
    bool strict = host->overcommit == 2;
    struct check *check;

    add_size(list, "total_bytes", "total", host->memory_bytes);
    add_size(list, "available_bytes", "available", host->available_bytes);
    add_size(list, "swap_bytes", "swap", host->swap_bytes);
    check = checklist_add(
        list, "memory", "overcommit", "overcommit",
        host->overcommit == INT32_MIN ? CHECK_UNKNOWN
        : strict                      ? CHECK_NOTE
                                      : CHECK_OK,
        "%d (%s)", host->overcommit,
        strict                  ? "never: --mem is charged in full at once"
        : host->overcommit == 1 ? "always"
                                : "heuristic: --mem up to RAM and swap together");
    check_set_number(check, host->overcommit);
    if (strict) {
        check_set_remedy(check, "sudo sysctl vm.overcommit_memory=0, or a smaller --mem");
    }
}

static void examine_tools(const struct host_facts *host, struct checklist *list)
{
    bool found = host->gnuplot[0] != '\0';
    struct check *check = checklist_add(
        list, "tools", "gnuplot", "gnuplot", found ? CHECK_OK : CHECK_NOTE, "%s",
        found ? host->gnuplot : "not found: no plots");

    if (!found) {
        check_set_remedy(check, "sudo apt-get install gnuplot-nox");
    }
}

static void add_limit(
    struct checklist *list,
    const char *key,
    const char *label,
    uint64_t limit,
    const char *letter)
{
    bool none = limit == UINT64_MAX;
    struct check *check = checklist_add(
        list, "limits", key, label, none ? CHECK_OK : CHECK_NOTE, "%s", "unlimited");

    check->kind = CHECK_NONE;
    if (!none) {
        check_set_number(check, limit > INT64_MAX ? INT64_MAX : (int64_t)limit);
        snprintf(check->text, sizeof(check->text), "%" PRIu64 " KiB", limit / KIB);
        check_set_remedy(check, "ulimit -%s unlimited", letter);
    }
}

static void examine_limits(const struct host_facts *host, struct checklist *list)
{
    struct check *check;

    add_limit(list, "address_space", "address space", host->address_limit, "v");
    add_limit(list, "file_size", "size of a file", host->file_limit, "f");
    check = checklist_add(
        list, "limits", "descriptors", "open files", CHECK_OK, "%" PRIu64,
        host->descriptor_limit);
    check_set_number(
        check,
        host->descriptor_limit > INT64_MAX ? INT64_MAX : (int64_t)host->descriptor_limit);
    check = checklist_add(
        list, "limits", "processors", "processors", CHECK_OK, "%" PRIu64, host->processors);
    check_set_number(check, (int64_t)host->processors);
}

void doctor_examine(const struct doctor_facts *facts, struct checklist *list)
{
    list->count = 0;
    examine_device(&facts->kvm, list);
    examine_backend(&facts->kvm, list);
    examine_paging(&facts->kvm, list);
    examine_nesting(&facts->kvm, list);
    examine_capabilities(&facts->kvm, list);
    examine_cpu(&facts->kvm, list);
    examine_counters(&facts->host, list);
    examine_translation(&facts->host, list);
    examine_huge_pages(&facts->host, list);
    examine_clock(&facts->host, list);
    examine_memory(&facts->host, list);
    examine_tools(&facts->host, list);
    examine_limits(&facts->host, list);
}

int doctor_run(FILE *out, bool json)
{
    struct doctor_facts facts;
    struct checklist list;
    bool usable;

    kvm_probe(&facts.kvm, KVM_DEVICE_PATH);
    host_gather(&facts.host);
    doctor_examine(&facts, &list);
    usable = checklist_is_usable(&list);
    if (json) {
        checklist_print_json(&list, out);
    } else {
        checklist_print_text(&list, out);
        fprintf(
            out, "\n%s\n",
            usable ? "vmm can run here." : "vmm cannot run here: see MISSING above.");
    }
    return usable ? 0 : 1;
}
