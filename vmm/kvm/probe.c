/*
 * Asks KVM and sysfs what this host's KVM can do.  It refuses to judge: every answer, an error
 * included, is stored as a fact.  Read cli/doctor.c for what is made of them.
 */
#include "kvm/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CPUID_ENTRIES 256 /* KVM itself has no more (KVM_MAX_CPUID_ENTRIES) */

const char *kvm_backend_name(enum kvm_backend backend)
{
    switch (backend) {
    case KVM_BACKEND_INTEL:
        return "kvm_intel";
    case KVM_BACKEND_AMD:
        return "kvm_amd";
    case KVM_BACKEND_PVM:
        return "kvm_pvm";
    case KVM_BACKEND_UNKNOWN:
        break;
    }
    return "unknown";
}

const char *kvm_paging_name(enum kvm_paging paging)
{
    switch (paging) {
    case KVM_PAGING_EPT:
        return "ept";
    case KVM_PAGING_NPT:
        return "npt";
    case KVM_PAGING_SHADOW:
        return "shadow";
    case KVM_PAGING_UNKNOWN:
        break;
    }
    return "unknown";
}

/* --- back end --- */

/* A boolean module parameter: "Y", "N", or (older kernels) "1", "0". */
static enum kvm_answer read_parameter(const char *path)
{
    char letter = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return KVM_ANSWER_UNKNOWN;
    }
    if (read(fd, &letter, 1) != 1) {
        letter = '\0';
    }
    close(fd);
    if (letter == 'Y' || letter == '1') {
        return KVM_ANSWER_YES;
    }
    return letter == 'N' || letter == '0' ? KVM_ANSWER_NO : KVM_ANSWER_UNKNOWN;
}

/* Kernels with several back ends built in have all their folders in /sys/module: then the CPU
 * says which one can be the working one. */
static enum kvm_backend find_backend(const struct kvm_host *host)
{
    if (host->intel && (host->cpu_vmx || !(host->amd || host->pvm))) {
        return KVM_BACKEND_INTEL;
    }
    if (host->amd && (host->cpu_svm || !host->pvm)) {
        return KVM_BACKEND_AMD;
    }
    return host->pvm ? KVM_BACKEND_PVM : KVM_BACKEND_UNKNOWN;
}

static enum kvm_paging choose_paging(enum kvm_answer two_dimensional, enum kvm_paging kind)
{
    switch (two_dimensional) {
    case KVM_ANSWER_YES:
        return kind;
    case KVM_ANSWER_NO:
        return KVM_PAGING_SHADOW;
    case KVM_ANSWER_UNKNOWN:
        break;
    }
    return KVM_PAGING_UNKNOWN;
}

static void gather_backend(struct kvm_facts *facts)
{
    facts->backend = find_backend(&facts->host);
    switch (facts->backend) {
    case KVM_BACKEND_INTEL:
        facts->paging = choose_paging(
            read_parameter("/sys/module/kvm_intel/parameters/ept"), KVM_PAGING_EPT);
        facts->nesting = read_parameter("/sys/module/kvm_intel/parameters/nested");
        break;
    case KVM_BACKEND_AMD:
        facts->paging =
            choose_paging(read_parameter("/sys/module/kvm_amd/parameters/npt"), KVM_PAGING_NPT);
        facts->nesting = read_parameter("/sys/module/kvm_amd/parameters/nested");
        break;
    case KVM_BACKEND_PVM:
        /* It has no two-dimensional paging to switch. */
        facts->paging = KVM_PAGING_SHADOW;
        break;
    case KVM_BACKEND_UNKNOWN:
        break;
    }
}

/* --- capabilities --- */

static const struct {
    struct kvm_capability_row row;
    int number;
} capabilities[KVM_CAPABILITY_COUNT] = {
    [KVM_CAPABILITY_USER_MEMORY] =
        {{"USER_MEMORY", "guest memory from this process", true}, KVM_CAP_USER_MEMORY},
    [KVM_CAPABILITY_EXT_CPUID] = {{"EXT_CPUID", "the guest's CPUID", true}, KVM_CAP_EXT_CPUID},
    [KVM_CAPABILITY_SYNC_REGS] =
        {{"SYNC_REGS", "registers without a system call", true}, KVM_CAP_SYNC_REGS},
    [KVM_CAPABILITY_IMMEDIATE_EXIT] =
        {{"IMMEDIATE_EXIT", "time-outs and Ctrl-C", true}, KVM_CAP_IMMEDIATE_EXIT},
    [KVM_CAPABILITY_SET_TSS_ADDR] =
        {{"SET_TSS_ADDR", "VMX without unrestricted guest", false}, KVM_CAP_SET_TSS_ADDR},
    [KVM_CAPABILITY_XSAVE] = {{"XSAVE", "state of AVX", false}, KVM_CAP_XSAVE},
    [KVM_CAPABILITY_XCRS] = {{"XCRS", "switching AVX on", false}, KVM_CAP_XCRS},
    [KVM_CAPABILITY_READONLY_MEM] =
        {{"READONLY_MEM", "slots that the guest cannot write", false}, KVM_CAP_READONLY_MEM},
    [KVM_CAPABILITY_STATS_FD] =
        {{"BINARY_STATS_FD", "KVM's own counts", false}, KVM_CAP_BINARY_STATS_FD},
    [KVM_CAPABILITY_GET_TSC_KHZ] =
        {{"GET_TSC_KHZ", "cycles as time", false}, KVM_CAP_GET_TSC_KHZ},
    [KVM_CAPABILITY_NR_VCPUS] =
        {{"NR_VCPUS", "virtual CPUs, recommended number", false}, KVM_CAP_NR_VCPUS},
};

const struct kvm_capability_row *kvm_capability_describe(enum kvm_capability capability)
{
    return &capabilities[capability].row;
}

bool kvm_capability_suffices(enum kvm_capability capability, int answer)
{
    if (capability == KVM_CAPABILITY_SYNC_REGS) {
        return answer > 0 && (answer & KVM_SYNC_X86_REGS) != 0;
    }
    return answer > 0;
}

static int check_extension(int fd, enum kvm_capability capability)
{
    int answer = ioctl(fd, KVM_CHECK_EXTENSION, capabilities[capability].number);

    return answer < 0 ? 0 : answer;
}

bool kvm_require_capabilities(int fd, struct err *err)
{
    for (enum kvm_capability i = 0; i < KVM_CAPABILITY_COUNT; i++) {
        const struct kvm_capability_row *row = kvm_capability_describe(i);

        if (row->required && !kvm_capability_suffices(i, check_extension(fd, i))) {
            return err_set(
                err, ERR_ENVIRONMENT,
                "this kernel's KVM lacks KVM_CAP_%s (%s): Linux 4.17 or later is needed",
                row->name, row->purpose);
        }
    }
    return true;
}

/* --- guest CPUID --- */

enum cpuid_register {
    REGISTER_EBX,
    REGISTER_ECX,
    REGISTER_EDX,
};

/* Intel SDM volume 2, "CPUID"; AMD APM volume 3, "Obtaining Processor Information Via the CPUID
 * Instruction". */
static const struct {
    const char *name;
    uint32_t leaf;
    enum cpuid_register where;
    unsigned bit;
} features[KVM_FEATURE_COUNT] = {
    [KVM_FEATURE_NX] = {"nx", 0x80000001, REGISTER_EDX, 20},
    [KVM_FEATURE_PDPE1GB] = {"pdpe1gb", 0x80000001, REGISTER_EDX, 26},
    [KVM_FEATURE_PCID] = {"pcid", 1, REGISTER_ECX, 17},
    [KVM_FEATURE_INVPCID] = {"invpcid", 7, REGISTER_EBX, 10},
    [KVM_FEATURE_SMEP] = {"smep", 7, REGISTER_EBX, 7},
    [KVM_FEATURE_SMAP] = {"smap", 7, REGISTER_EBX, 20},
    [KVM_FEATURE_FSGSBASE] = {"fsgsbase", 7, REGISTER_EBX, 0},
    [KVM_FEATURE_XSAVE] = {"xsave", 1, REGISTER_ECX, 26},
    [KVM_FEATURE_AVX] = {"avx", 1, REGISTER_ECX, 28},
    [KVM_FEATURE_AVX2] = {"avx2", 7, REGISTER_EBX, 5},
    [KVM_FEATURE_LA57] = {"la57", 7, REGISTER_ECX, 16},
    [KVM_FEATURE_RDTSCP] = {"rdtscp", 0x80000001, REGISTER_EDX, 27},
};

const char *kvm_feature_name(enum kvm_feature feature)
{
    return features[feature].name;
}

static const struct kvm_cpuid_entry2 *find_leaf(const struct kvm_cpuid2 *cpuid, uint32_t leaf)
{
    for (uint32_t i = 0; i < cpuid->nent; i++) {
        if (cpuid->entries[i].function == leaf && cpuid->entries[i].index == 0) {
            return &cpuid->entries[i];
        }
    }
    return NULL;
}

static bool has_feature(const struct kvm_cpuid2 *cpuid, enum kvm_feature feature)
{
    const struct kvm_cpuid_entry2 *entry = find_leaf(cpuid, features[feature].leaf);

    if (entry == NULL) {
        return false;
    }
    switch (features[feature].where) {
    case REGISTER_EBX:
        return (entry->ebx >> features[feature].bit & 1) != 0;
    case REGISTER_ECX:
        return (entry->ecx >> features[feature].bit & 1) != 0;
    case REGISTER_EDX:
        return (entry->edx >> features[feature].bit & 1) != 0;
    }
    return false;
}

static void gather_cpuid(struct kvm_facts *facts, int fd)
{
    const struct kvm_cpuid_entry2 *sizes;
    struct kvm_cpuid2 *cpuid =
        calloc(1, sizeof(*cpuid) + CPUID_ENTRIES * sizeof(cpuid->entries[0]));

    if (cpuid == NULL) {
        return;
    }
    cpuid->nent = CPUID_ENTRIES;
    if (ioctl(fd, KVM_GET_SUPPORTED_CPUID, cpuid) == 0) {
        facts->cpuid = true;
        for (enum kvm_feature i = 0; i < KVM_FEATURE_COUNT; i++) {
            facts->features[i] = has_feature(cpuid, i);
        }
        /* Without the leaf the architecture says 36, for every CPU with PAE. */
        sizes = find_leaf(cpuid, 0x80000008);
        facts->physical_bits = sizes == NULL ? 36 : sizes->eax & 0xff;
    }
    free(cpuid);
}

/* --- a machine, for a moment --- */

/* Creating a VM can fail where opening the device does not: another hypervisor holds VMX. */
static void gather_machine(struct kvm_facts *facts, int fd)
{
    int vcpu = -1;
    int khz;
    int vm;

    do {
        vm = ioctl(fd, KVM_CREATE_VM, 0);
    } while (vm < 0 && errno == EINTR);
    if (vm < 0) {
        err_set_errno(&facts->machine_err, ERR_ENVIRONMENT, "KVM_CREATE_VM");
        return;
    }
    vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
    if (vcpu < 0) {
        err_set_errno(&facts->machine_err, ERR_ENVIRONMENT, "KVM_CREATE_VCPU");
        close(vm);
        return;
    }
    facts->machine = true;
    khz = ioctl(vcpu, KVM_GET_TSC_KHZ, 0);
    facts->tsc_khz = khz > 0 ? (uint32_t)khz : 0;
    close(vcpu);
    close(vm);
}

void kvm_probe(struct kvm_facts *facts, const char *path)
{
    int fd;

    memset(facts, 0, sizeof(*facts));
    kvm_host_gather(&facts->host);
    gather_backend(facts);
    if (!kvm_open_diagnose(&fd, path, &facts->diagnosis)) {
        return;
    }
    for (enum kvm_capability i = 0; i < KVM_CAPABILITY_COUNT; i++) {
        facts->capabilities[i] = check_extension(fd, i);
    }
    gather_cpuid(facts, fd);
    gather_machine(facts, fd);
    close(fd);
}
