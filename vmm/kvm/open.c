/*
 * Opens the KVM device and explains each way in which that fails.  It refuses to create a
 * machine or ask for capabilities.  Read kvm/probe.c next.
 */
#include "kvm/open.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/kvm.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_BYTES 64

static void
say(struct kvm_diagnosis *diagnosis,
    enum kvm_device device,
    const char *trouble,
    const char *remedy)
{
    diagnosis->device = device;
    snprintf(diagnosis->trouble, sizeof(diagnosis->trouble), "%s", trouble);
    snprintf(diagnosis->remedy, sizeof(diagnosis->remedy), "%s", remedy);
}

/* --- no such file --- */

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

void kvm_host_gather(struct kvm_host *host)
{
    unsigned eax, ebx, ecx, edx;

    *host = (struct kvm_host){
        .module = exists("/sys/module/kvm"),
        .intel = exists("/sys/module/kvm_intel"),
        .amd = exists("/sys/module/kvm_amd"),
        .pvm = exists("/sys/module/kvm_pvm"),
        .registered = exists("/sys/class/misc/kvm"),
    };
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) {
        host->cpu_vmx = (ecx >> 5 & 1) != 0;
        host->in_guest = (ecx >> 31 & 1) != 0;
    }
    if (__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx)) {
        host->cpu_svm = (ecx >> 2 & 1) != 0;
    }
}

struct absence {
    const char *why;
    const char *remedy;
};

static struct absence explain_absence(const struct kvm_host *host)
{
    if (host->registered) {
        return (struct absence){
            "the kernel offers KVM, but the device is not in this container or chroot",
            "pass it in (docker run --device /dev/kvm), or: sudo mknod -m 0660 /dev/kvm c 10 "
            "232"};
    }
    if (host->intel || host->amd || host->pvm) {
        return (struct absence){
            host->pvm     ? "module kvm_pvm is there, but did not bind"
            : host->intel ? "module kvm_intel is there, but did not bind"
                          : "module kvm_amd is there, but did not bind",
            "the kernel log says why: sudo dmesg | grep -i kvm"};
    }
    if (host->cpu_vmx) {
        return (struct absence){"module kvm_intel is not loaded", "sudo modprobe kvm_intel"};
    }
    if (host->cpu_svm) {
        return (struct absence){"module kvm_amd is not loaded", "sudo modprobe kvm_amd"};
    }
    if (host->in_guest) {
        return (struct absence){
            "this host is a virtual machine that is not offered VMX or SVM",
            "switch nested virtualization on where it is hosted, or, on a kernel with PVM: "
            "sudo "
            "modprobe kvm_pvm"};
    }
    return (struct absence){
        "the CPU offers neither VMX nor SVM", "switch virtualization on in the firmware's "
                                              "setup (it may be called VT-x, AMD-V or SVM)"};
}

void kvm_explain_absence(
    const struct kvm_host *host, const char *path, struct kvm_diagnosis *diagnosis)
{
    struct absence absence = explain_absence(host);

    say(diagnosis, KVM_DEVICE_ABSENT, "", absence.remedy);
    snprintf(
        diagnosis->trouble, sizeof(diagnosis->trouble), "%s does not exist: %s", path,
        absence.why);
}

/* --- no permission --- */

/* Names, or numbers in decimal where there is no name. */
static void name_user(uid_t uid, char name[NAME_BYTES])
{
    const struct passwd *user = getpwuid(uid);

    if (user != NULL) {
        snprintf(name, NAME_BYTES, "%s", user->pw_name);
    } else {
        snprintf(name, NAME_BYTES, "%u", (unsigned)uid);
    }
}

static void name_group(gid_t gid, char name[NAME_BYTES])
{
    const struct group *group = getgrgid(gid);

    if (group != NULL) {
        snprintf(name, NAME_BYTES, "%s", group->gr_name);
    } else {
        snprintf(name, NAME_BYTES, "%u", (unsigned)gid);
    }
}

/* Whether this process is in the group. */
static bool in_group(gid_t gid)
{
    gid_t *groups;
    int count = getgroups(0, NULL);
    bool found = getegid() == gid;

    if (found || count <= 0) {
        return found;
    }
    groups = calloc((size_t)count, sizeof(*groups));
    count = groups == NULL ? 0 : getgroups(count, groups);
    for (int i = 0; i < count; i++) {
        found = found || groups[i] == gid;
    }
    free(groups);
    return found;
}

/* Whether the group database has the user in the group: the next log-in will be. */
static bool listed_in_group(const char *user, gid_t gid)
{
    const struct group *group = getgrgid(gid);

    for (char **member = group == NULL ? NULL : group->gr_mem;
         member != NULL && *member != NULL; member++) {
        if (strcmp(*member, user) == 0) {
            return true;
        }
    }
    return false;
}

static void explain_forbidden(const char *path, struct kvm_diagnosis *diagnosis)
{
    char user[NAME_BYTES], owner[NAME_BYTES], group[NAME_BYTES];
    struct stat node;
    bool group_opens;

    say(diagnosis, KVM_DEVICE_FORBIDDEN, "", "");
    if (stat(path, &node) != 0) {
        snprintf(
            diagnosis->trouble, sizeof(diagnosis->trouble),
            "no permission to reach %s: a directory on the way is closed", path);
        return;
    }
    name_user(geteuid(), user);
    name_user(node.st_uid, owner);
    name_group(node.st_gid, group);
    snprintf(
        diagnosis->trouble, sizeof(diagnosis->trouble),
        "no permission on %s (%s:%s, mode %04o) for user %s", path, owner, group,
        (unsigned)node.st_mode & 07777u, user);
    group_opens = (node.st_mode & (S_IRGRP | S_IWGRP)) == (S_IRGRP | S_IWGRP);
    if (!group_opens) {
        snprintf(
            diagnosis->remedy, sizeof(diagnosis->remedy), "sudo setfacl -m u:%s:rw %s", user,
            path);
    } else if (in_group(node.st_gid)) {
        snprintf(
            diagnosis->remedy, sizeof(diagnosis->remedy),
            "group %s is this process's, so a container or a security module forbids it",
            group);
    } else if (listed_in_group(user, node.st_gid)) {
        snprintf(
            diagnosis->remedy, sizeof(diagnosis->remedy),
            "user %s is in group %s from the next log-in on; in this shell: newgrp %s", user,
            group, group);
    } else {
        snprintf(
            diagnosis->remedy, sizeof(diagnosis->remedy),
            "sudo usermod -aG %s %s, then log in again", group, user);
    }
}

/* --- opening --- */

static void explain_open(const char *path, int error, struct kvm_diagnosis *diagnosis)
{
    struct kvm_host host;

    switch (error) {
    case ENOENT:
    case ENOTDIR:
        kvm_host_gather(&host);
        kvm_explain_absence(&host, path, diagnosis);
        break;
    case EACCES:
    case EPERM:
        explain_forbidden(path, diagnosis);
        break;
    case ENODEV:
    case ENXIO:
        kvm_host_gather(&host);
        say(diagnosis, KVM_DEVICE_DEAD, "", explain_absence(&host).remedy);
        snprintf(
            diagnosis->trouble, sizeof(diagnosis->trouble),
            "%s is there, but no driver answers", path);
        break;
    default:
        say(diagnosis, KVM_DEVICE_BROKEN, "", "");
        snprintf(
            diagnosis->trouble, sizeof(diagnosis->trouble), "cannot open %s: %s", path,
            strerror(error));
        break;
    }
    diagnosis->errno_value = error;
}

/* Whether the open file is KVM of the right version. */
static bool check_version(int fd, const char *path, struct kvm_diagnosis *diagnosis)
{
    int version = ioctl(fd, KVM_GET_API_VERSION, 0);
    int error = errno;

    if (version < 0) {
        say(diagnosis, KVM_DEVICE_FOREIGN, "", "");
        diagnosis->errno_value = error;
        snprintf(
            diagnosis->trouble, sizeof(diagnosis->trouble), "%s is not KVM: %s", path,
            strerror(error));
        return false;
    }
    diagnosis->api_version = version;
    if (version != KVM_API_VERSION) {
        say(diagnosis, KVM_DEVICE_VERSION, "", "boot a Linux kernel from 2.6.22 on");
        snprintf(
            diagnosis->trouble, sizeof(diagnosis->trouble),
            "%s speaks KVM API version %d, but only %d is known", path, version,
            KVM_API_VERSION);
        return false;
    }
    return true;
}

bool kvm_open_diagnose(int *fd, const char *path, struct kvm_diagnosis *diagnosis)
{
    int opened = open(path, O_RDWR | O_CLOEXEC);

    memset(diagnosis, 0, sizeof(*diagnosis));
    if (opened < 0) {
        explain_open(path, errno, diagnosis);
        return false;
    }
    if (!check_version(opened, path, diagnosis)) {
        close(opened);
        return false;
    }
    *fd = opened;
    return true;
}

bool kvm_open(int *fd, const char *path, struct err *err)
{
    struct kvm_diagnosis diagnosis;

    if (kvm_open_diagnose(fd, path, &diagnosis)) {
        return true;
    }
    if (diagnosis.remedy[0] == '\0') {
        err_set(err, ERR_ENVIRONMENT, "%s", diagnosis.trouble);
    } else {
        err_set(err, ERR_ENVIRONMENT, "%s (%s)", diagnosis.trouble, diagnosis.remedy);
    }
    err->errno_value = diagnosis.errno_value;
    return false;
}
