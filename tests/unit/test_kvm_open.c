/*
 * Opening the KVM device: every way in which it fails, by files that are no KVM and by an
 * ioctl() of our own that answers for one.
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
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kvm/probe.h"

#define NOBODY 65534

/* What ioctl() answers to KVM_GET_API_VERSION and, by capability, to KVM_CHECK_EXTENSION. */
static struct {
    bool active;
    int version;
    int missing;   /* the capability that is not there; -1: none */
    int sync_regs; /* the answer for KVM_CAP_SYNC_REGS */
} fake;

/* Stands before the C library's. */
int ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    unsigned long argument;

    va_start(args, request);
    argument = va_arg(args, unsigned long);
    va_end(args);
    if (fake.active && request == KVM_GET_API_VERSION) {
        return fake.version;
    }
    if (fake.active && request == KVM_CHECK_EXTENSION) {
        if ((int)argument == fake.missing) {
            return 0;
        }
        return argument == KVM_CAP_SYNC_REGS ? fake.sync_regs : 1;
    }
    return (int)syscall(SYS_ioctl, fd, request, argument);
}

static int reset_fake(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof(fake));
    fake.missing = -1;
    fake.sync_regs = 7;
    return 0;
}

/* Opening fails, with this state and this beginning of the text. */
static void assert_fails(const char *path, enum kvm_device device, const char *text)
{
    struct kvm_diagnosis diagnosis;
    struct err err;
    int fd = -7;

    assert_false(kvm_open_diagnose(&fd, path, &diagnosis));
    assert_int_equal(diagnosis.device, device);
    assert_int_equal(fd, -7);
    assert_false(kvm_open(&fd, path, &err));
    assert_int_equal(fd, -7);
    assert_int_equal(err.kind, ERR_ENVIRONMENT);
    assert_int_equal(err.errno_value, diagnosis.errno_value);
    assert_memory_equal(err.text, text, strlen(text));
    assert_null(strchr(err.text, '\n'));
}

static void test_kvm_open_reports_absent_device(void **state)
{
    (void)state;
    assert_fails("/nonexistent/kvm", KVM_DEVICE_ABSENT, "/nonexistent/kvm does not exist: ");
    assert_fails("/dev/null/kvm", KVM_DEVICE_ABSENT, "/dev/null/kvm does not exist: ");
}

static void test_kvm_open_refuses_what_is_not_kvm(void **state)
{
    (void)state;
    assert_fails(
        "/dev/null", KVM_DEVICE_FOREIGN,
        "/dev/null is not KVM: Inappropriate ioctl for device");
}

static void test_kvm_open_reports_other_errors(void **state)
{
    (void)state;
    assert_fails("/dev", KVM_DEVICE_BROKEN, "cannot open /dev: Is a directory");
}

static void test_kvm_open_refuses_other_version(void **state)
{
    (void)state;
    fake.active = true;
    fake.version = 11;
    assert_fails(
        "/dev/null", KVM_DEVICE_VERSION,
        "/dev/null speaks KVM API version 11, but only 12 is known");
}

static void test_kvm_open_hands_descriptor_over(void **state)
{
    struct kvm_diagnosis diagnosis;
    int fd = -1;

    (void)state;
    fake.active = true;
    fake.version = 12;
    assert_true(kvm_open_diagnose(&fd, "/dev/null", &diagnosis));
    assert_int_equal(diagnosis.device, KVM_DEVICE_READY);
    assert_int_equal(diagnosis.api_version, 12);
    assert_string_equal(diagnosis.trouble, "");
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(close(fd), 0);
}

/* A file of this owner and mode in a folder that everyone can enter. */
struct node {
    char folder[64];
    char path[80];
};

static void make_node(struct node *node, mode_t mode, gid_t gid)
{
    int fd;

    snprintf(node->folder, sizeof(node->folder), "/tmp/vmm-test-XXXXXX");
    assert_non_null(mkdtemp(node->folder));
    assert_int_equal(chmod(node->folder, 0755), 0);
    snprintf(node->path, sizeof(node->path), "%s/kvm", node->folder);
    fd = open(node->path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(node->path, 0, gid), 0);
    }
    assert_int_equal(chmod(node->path, mode), 0);
}

static void remove_node(struct node *node)
{
    assert_int_equal(unlink(node->path), 0);
    assert_int_equal(rmdir(node->folder), 0);
}

/* Root may open everything: be nobody for a moment.  Others are refused by mode 0000. */
static void diagnose_as_nobody(const char *path, struct kvm_diagnosis *diagnosis)
{
    bool root = geteuid() == 0;
    int fd;

    if (root) {
        assert_int_equal(setegid(NOBODY), 0);
        assert_int_equal(seteuid(NOBODY), 0);
    }
    bool opened = kvm_open_diagnose(&fd, path, diagnosis);
    if (root) {
        assert_int_equal(seteuid(0), 0);
        assert_int_equal(setegid(0), 0);
    }
    assert_false(opened);
}

static void test_kvm_open_says_who_may(void **state)
{
    struct kvm_diagnosis diagnosis;
    struct node node = {0};

    (void)state;
    make_node(&node, geteuid() == 0 ? 0600 : 0000, 0);
    diagnose_as_nobody(node.path, &diagnosis);
    assert_int_equal(diagnosis.device, KVM_DEVICE_FORBIDDEN);
    assert_int_equal(diagnosis.errno_value, EACCES);
    assert_non_null(strstr(diagnosis.trouble, "no permission on "));
    assert_non_null(strstr(diagnosis.trouble, geteuid() == 0 ? "mode 0600" : "mode 0000"));
    assert_non_null(strstr(diagnosis.remedy, "sudo setfacl -m u:"));
    remove_node(&node);
}

/* The group exists by number only, so that no membership of this host's can interfere. */
static void test_kvm_open_names_group_to_join(void **state)
{
    struct kvm_diagnosis diagnosis;
    struct node node = {0};

    (void)state;
    if (geteuid() != 0) {
        skip(); /* a file of another group cannot be made */
    }
    make_node(&node, 0660, 54321);
    diagnose_as_nobody(node.path, &diagnosis);
    assert_int_equal(diagnosis.device, KVM_DEVICE_FORBIDDEN);
    assert_non_null(strstr(diagnosis.trouble, ":54321, mode 0660) for user "));
    assert_non_null(strstr(diagnosis.remedy, "sudo usermod -aG 54321 "));
    assert_non_null(strstr(diagnosis.remedy, ", then log in again"));
    remove_node(&node);
}

static void test_kvm_absence_is_explained_by_host(void **state)
{
    static const struct {
        struct kvm_host host;
        const char *trouble;
        const char *remedy;
    } cases[] = {
        {{.registered = true, .amd = true}, "container", "docker run --device"},
        {{.module = true, .pvm = true, .in_guest = true}, "kvm_pvm is there", "sudo dmesg"},
        {{.module = true, .intel = true, .cpu_vmx = true}, "kvm_intel is there", "sudo dmesg"},
        {{.module = true, .amd = true}, "kvm_amd is there", "sudo dmesg"},
        {{.cpu_vmx = true}, "kvm_intel is not loaded", "sudo modprobe kvm_intel"},
        {{.cpu_svm = true}, "kvm_amd is not loaded", "sudo modprobe kvm_amd"},
        {{.in_guest = true}, "a virtual machine", "nested virtualization"},
        {{.module = false}, "neither VMX nor SVM", "firmware"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct kvm_diagnosis diagnosis;

        memset(&diagnosis, 0, sizeof(diagnosis));
        kvm_explain_absence(&cases[i].host, "/dev/kvm", &diagnosis);
        assert_int_equal(diagnosis.device, KVM_DEVICE_ABSENT);
        assert_non_null(strstr(diagnosis.trouble, "/dev/kvm does not exist: "));
        assert_non_null(strstr(diagnosis.trouble, cases[i].trouble));
        assert_non_null(strstr(diagnosis.remedy, cases[i].remedy));
    }
}

static void test_kvm_require_names_missing_capability(void **state)
{
    static const int required[] = {
        KVM_CAP_USER_MEMORY, KVM_CAP_EXT_CPUID, KVM_CAP_SYNC_REGS, KVM_CAP_IMMEDIATE_EXIT};
    static const char *const names[] = {
        "USER_MEMORY", "EXT_CPUID", "SYNC_REGS", "IMMEDIATE_EXIT"};
    char expected[64];
    struct err err;

    (void)state;
    fake.active = true;
    assert_true(kvm_require_capabilities(-1, &err));
    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
        fake.missing = required[i];
        assert_false(kvm_require_capabilities(-1, &err));
        assert_int_equal(err.kind, ERR_ENVIRONMENT);
        snprintf(expected, sizeof(expected), "lacks KVM_CAP_%s (", names[i]);
        assert_non_null(strstr(err.text, expected));
    }
    fake.missing = KVM_CAP_XSAVE;
    assert_true(kvm_require_capabilities(-1, &err));
    /* Synchronised special registers and events are of no use without the general ones. */
    fake.missing = -1;
    fake.sync_regs = KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;
    assert_false(kvm_require_capabilities(-1, &err));
}

static void test_kvm_probe_survives_anything(void **state)
{
    static const char *const paths[] = {"/dev/null", "/nonexistent", "/dev", "/dev/kvm"};

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct kvm_facts facts;

        kvm_probe(&facts, paths[i]);
        if (facts.diagnosis.device != KVM_DEVICE_READY) {
            assert_string_not_equal(facts.diagnosis.trouble, "");
            assert_false(facts.machine);
            assert_false(facts.cpuid);
        }
    }
    /* A device that claims to be KVM and can then do nothing. */
    struct kvm_facts facts;
    fake.active = true;
    fake.version = 12;
    kvm_probe(&facts, "/dev/null");
    assert_int_equal(facts.diagnosis.device, KVM_DEVICE_READY);
    assert_false(facts.machine);
    assert_non_null(strstr(facts.machine_err.text, "KVM_CREATE_VM: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_kvm_open_reports_absent_device, reset_fake),
        cmocka_unit_test_setup(test_kvm_open_refuses_what_is_not_kvm, reset_fake),
        cmocka_unit_test_setup(test_kvm_open_reports_other_errors, reset_fake),
        cmocka_unit_test_setup(test_kvm_open_refuses_other_version, reset_fake),
        cmocka_unit_test_setup(test_kvm_open_hands_descriptor_over, reset_fake),
        cmocka_unit_test_setup(test_kvm_open_says_who_may, reset_fake),
        cmocka_unit_test_setup(test_kvm_open_names_group_to_join, reset_fake),
        cmocka_unit_test_setup(test_kvm_absence_is_explained_by_host, reset_fake),
        cmocka_unit_test_setup(test_kvm_require_names_missing_capability, reset_fake),
        cmocka_unit_test_setup(test_kvm_probe_survives_anything, reset_fake),
    };

    return cmocka_run_group_tests_name("kvm_open", tests, NULL, NULL);
}
