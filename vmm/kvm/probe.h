/*
 * What KVM on this host can do, as plain facts: back end, capabilities, guest CPUID.  It
 * refuses to judge or to print (cli/doctor.c does), but knows which capabilities a machine
 * cannot do without. Read kvm/open.h for the device itself.
 */
#ifndef KVM_PROBE_H
#define KVM_PROBE_H

#include <stddef.h>
#include <stdint.h>

#include "kvm/open.h"

enum kvm_backend {
    KVM_BACKEND_UNKNOWN,
    KVM_BACKEND_INTEL,
    KVM_BACKEND_AMD,
    KVM_BACKEND_PVM,
};
const char *kvm_backend_name(enum kvm_backend backend); /* as its module: "kvm_intel"… */

enum kvm_paging {
    KVM_PAGING_UNKNOWN,
    KVM_PAGING_EPT, /* two-dimensional, by hardware */
    KVM_PAGING_NPT,
    KVM_PAGING_SHADOW, /* KVM keeps shadows of the guest's tables */
};
const char *kvm_paging_name(enum kvm_paging paging);

enum kvm_answer {
    KVM_ANSWER_UNKNOWN,
    KVM_ANSWER_NO,
    KVM_ANSWER_YES,
};

/* The order of the table in probe.c. */
enum kvm_capability {
    KVM_CAPABILITY_USER_MEMORY,
    KVM_CAPABILITY_EXT_CPUID,
    KVM_CAPABILITY_SYNC_REGS,
    KVM_CAPABILITY_IMMEDIATE_EXIT,
    KVM_CAPABILITY_SET_TSS_ADDR,
    KVM_CAPABILITY_XSAVE,
    KVM_CAPABILITY_XCRS,
    KVM_CAPABILITY_READONLY_MEM,
    KVM_CAPABILITY_STATS_FD,
    KVM_CAPABILITY_GET_TSC_KHZ,
    KVM_CAPABILITY_NR_VCPUS,
    KVM_CAPABILITY_COUNT,
};

struct kvm_capability_row {
    const char *name;    /* without "KVM_CAP_" */
    const char *purpose; /* what it is wanted for, a few words */
    bool required;       /* no machine without it */
};
const struct kvm_capability_row *kvm_capability_describe(enum kvm_capability capability);

/* Features of the guest's CPU that paging and programs depend on. */
enum kvm_feature {
    KVM_FEATURE_NX,
    KVM_FEATURE_PDPE1GB,
    KVM_FEATURE_PCID,
    KVM_FEATURE_INVPCID,
    KVM_FEATURE_SMEP,
    KVM_FEATURE_SMAP,
    KVM_FEATURE_FSGSBASE,
    KVM_FEATURE_XSAVE,
    KVM_FEATURE_AVX,
    KVM_FEATURE_AVX2,
    KVM_FEATURE_LA57,
    KVM_FEATURE_RDTSCP,
    KVM_FEATURE_COUNT,
};
const char *kvm_feature_name(enum kvm_feature feature); /* as /proc/cpuinfo has it */

struct kvm_facts {
    struct kvm_diagnosis diagnosis;
    struct kvm_host host;
    enum kvm_backend backend;
    enum kvm_paging paging;
    enum kvm_answer nesting; /* whether guests may use KVM themselves */

    /* Only when diagnosis.device is KVM_DEVICE_READY; else zero. */
    int capabilities[KVM_CAPABILITY_COUNT]; /* KVM_CHECK_EXTENSION's answer; 0: absent */
    bool machine;                           /* a VM and a vCPU could be created … */
    struct err machine_err;                 /* … or else why not */
    uint32_t tsc_khz;                       /* of that vCPU; 0: unknown */
    bool cpuid;                             /* the two below are known */
    bool features[KVM_FEATURE_COUNT];
    unsigned physical_bits; /* MAXPHYADDR */
};

/* Gather all facts; a thing that fails is a fact too.  Leaves nothing open. */
void kvm_probe(struct kvm_facts *facts, const char *path);

/* Whether a capability is there to the extent that a machine needs (SYNC_REGS: general
 * registers). */
bool kvm_capability_suffices(enum kvm_capability capability, int answer);

/* See that the opened device has every required capability.  ERR_ENVIRONMENT, naming the first
 * that is missing and what it is wanted for. */
MUST_CHECK bool kvm_require_capabilities(int fd, struct err *err);

#endif
