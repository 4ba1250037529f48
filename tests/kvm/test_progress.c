/*
 * A program that faults for ever at one place is ended, and said to.  No program can do that
 * while machine and pager are right, so the machine is made wrong: the linker gives this test's
 * machine_run to the run loop (--wrap), and that reports the same fault again and again.
 * Everything else is the real thing.  Runs in the stage: ./hello.elf.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kvm_ring.h"
#include "run/lab.h"

/* What the linker makes of a call of machine_run; the name is its. */
enum machine_event __wrap_machine_run(struct machine *machine, struct machine_trap *trap);

/* The machine's first traps are these: the run loop calls without a context of ours. */
static unsigned traps;

/* A read of the top of the stack, which is there: nothing but a stale translation. */
enum machine_event __wrap_machine_run(struct machine *machine, struct machine_trap *trap)
{
    (void)machine;
    traps++;
    *trap = (struct machine_trap){
        .rip = 0x401000, .error_code = 4, .address = gva_of(LAYOUT_STACK_TOP - 8)};
    return MACHINE_FAULT;
}

static void test_run_ends_a_program_that_faults_for_ever_at_one_address(void **state)
{
    char *const program[] = {"./hello.elf", NULL};
    const char *const environment[] = {NULL};
    struct trace trace = {0};
    const struct lab_config config = {
        .kvm_path = KVM_DEVICE_PATH,
        .program = program,
        .environment = environment,
        .mem_bytes = UINT64_C(64) << 20,
        .stack_bytes = UINT64_C(8) << 20,
        .timeout_ns = UINT64_C(60000000000),
        .trace = &trace};
    struct lab *lab;
    struct err err;

    (void)state;
    if (!lab_create(&lab, &config, &err)) {
        fail_msg("%s", err.text);
        return;
    }
    assert_true(lab_run(lab, &err));
    assert_int_equal(lab->outcome.kind, OUTCOME_SIGNALLED);
    assert_int_equal(outcome_exit_status(&lab->outcome), 128 + SIGKILL);
    assert_non_null(strstr(lab->outcome.reason, "no progress: "));
    assert_non_null(strstr(lab->outcome.reason, "at 0x7ffffffddff8, rip 0x401000"));
    assert_in_range(traps, 100, 100000);
    lab_destroy(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_ends_a_program_that_faults_for_ever_at_one_address),
    };

    return kvm_ring_run("kvm/progress", tests, sizeof(tests) / sizeof(tests[0]));
}
