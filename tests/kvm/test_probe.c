/* The least that every other test of the KVM ring stands on: /dev/kvm opens, speaks the one API
 * version there is, and has the capabilities that the machine is built with.  Refuses to know
 * how they are used and which back end provides them.  Read vmm/machine/ next, and
 * tests/backends/ for the emulated machines this runs in. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

struct probe {
    int kvm_fd; /* -1 where /dev/kvm cannot be opened */
};

/* Returns the descriptor of /dev/kvm, or skips the calling test where there is none. */
static int require_kvm(void **state)
{
    const struct probe *probe = *state;
    if (probe->kvm_fd < 0) {
        skip();
    }
    return probe->kvm_fd;
}

static int check_extension(int kvm_fd, int capability)
{
    return ioctl(kvm_fd, KVM_CHECK_EXTENSION, capability);
}

static void test_kvm_has_stable_api_version(void **state)
{
    assert_int_equal(ioctl(require_kvm(state), KVM_GET_API_VERSION, 0), 12);
}

static void test_kvm_takes_user_memory(void **state)
{
    assert_true(check_extension(require_kvm(state), KVM_CAP_USER_MEMORY) > 0);
}

static void test_kvm_syncs_general_registers(void **state)
{
    int fields = check_extension(require_kvm(state), KVM_CAP_SYNC_REGS);
    assert_true(fields > 0);
    assert_true((fields & KVM_SYNC_X86_REGS) != 0);
}

static void test_kvm_exits_immediately_on_request(void **state)
{
    assert_true(check_extension(require_kvm(state), KVM_CAP_IMMEDIATE_EXIT) > 0);
}

int main(void)
{
    struct probe probe = {.kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC)};
    if (probe.kvm_fd < 0) {
        print_message(
            "kvm/probe: skipped: /dev/kvm: %s (make test-backends has one)\n", strerror(errno));
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_kvm_has_stable_api_version, &probe),
        cmocka_unit_test_prestate(test_kvm_takes_user_memory, &probe),
        cmocka_unit_test_prestate(test_kvm_syncs_general_registers, &probe),
        cmocka_unit_test_prestate(test_kvm_exits_immediately_on_request, &probe),
    };
    int failed = cmocka_run_group_tests_name("kvm/probe", tests, NULL, NULL);
    if (probe.kvm_fd >= 0) {
        close(probe.kvm_fd);
    }
    return failed;
}
