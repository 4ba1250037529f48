/*
 * Opens /dev/kvm, or says why not and what mends it.  It refuses to know what the device is
 * used for (kvm/probe.h lists what it can do).  Never does CPUID's vmx or svm decide anything:
 * some back ends need neither.
 */
#ifndef KVM_OPEN_H
#define KVM_OPEN_H

#include <stdbool.h>

#include "base/err.h"

#define KVM_DEVICE_PATH "/dev/kvm"

enum kvm_device {
    KVM_DEVICE_READY,
    KVM_DEVICE_ABSENT,    /* no such file */
    KVM_DEVICE_FORBIDDEN, /* no permission */
    KVM_DEVICE_DEAD,      /* a node without a driver */
    KVM_DEVICE_FOREIGN,   /* opens, but is not KVM */
    KVM_DEVICE_VERSION,   /* KVM of another API version */
    KVM_DEVICE_BROKEN,    /* any other error of open() */
};

#define KVM_DIAGNOSIS_BYTES 240

struct kvm_diagnosis {
    enum kvm_device device;
    int errno_value;                   /* 0 where none applies */
    int api_version;                   /* READY and VERSION only, else 0 */
    char trouble[KVM_DIAGNOSIS_BYTES]; /* one line; READY: empty */
    char remedy[KVM_DIAGNOSIS_BYTES];  /* a command, or what to do; may be empty */
};

/*
 * Open the KVM device at path (KVM_DEVICE_PATH but in tests), close-on-exec, and see that it
 * speaks API version 12.  The caller owns *fd; it is untouched on failure.  ERR_ENVIRONMENT,
 * trouble and remedy in one line: for each enum kvm_device other than READY.
 */
MUST_CHECK bool kvm_open(int *fd, const char *path, struct err *err);

/* The same, with the result in parts; returns whether the device is READY and *fd open. */
MUST_CHECK bool kvm_open_diagnose(int *fd, const char *path, struct kvm_diagnosis *diagnosis);

/* What decides why a device is absent; a part of struct kvm_facts. */
struct kvm_host {
    bool module; /* kvm itself is loaded or built in */
    bool intel;  /* back ends that are loaded or built in, whether or not they work */
    bool amd;
    bool pvm;
    bool registered; /* the kernel has the misc device, be it in /dev or not */
    bool cpu_vmx;    /* CPUID, for information only */
    bool cpu_svm;
    bool in_guest; /* CPUID: this host runs under a hypervisor itself */
};
void kvm_host_gather(struct kvm_host *host);

/* Say why there is no device at path, on such a host. */
void kvm_explain_absence(
    const struct kvm_host *host, const char *path, struct kvm_diagnosis *diagnosis);

#endif
