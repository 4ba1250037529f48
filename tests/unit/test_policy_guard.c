/*
 * Crashes: by each function of a policy and each signal, on a stack that has run over, in an
 * endless loop; and that all signals outside a guarded call do what they did before.
 */
/* cmocka.h wants the four in front of it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_memory.h"
#include "policy/guard.h"
#include "policy/state.h"
#include "policy_path.h"

#define LOOK_NS UINT64_C(10000000)
#define LOOKS   3

/* --- the guard alone --- */

static struct guard *make_guard(void *owner)
{
    struct guard *guard;
    struct err err;

    assert_true(guard_create(&guard, owner, LOOK_NS, LOOKS, &err));
    return guard;
}

static void count(void *argument)
{
    ++*(unsigned *)argument;
}

static void raise_in(void *argument)
{
    raise(*(int *)argument);
}

static void loop(void *argument)
{
    for (;;) {
        ++*(volatile unsigned *)argument;
    }
}

static void test_guard_calls_and_says_whose(void **state)
{
    struct guard *guard = make_guard(state);
    unsigned counter = 0;

    for (unsigned i = 0; i < 1000; i++) {
        assert_true(guard_call(guard, count, &counter));
    }
    assert_int_equal(counter, 1000);
    assert_int_equal(guard_last_crash(guard)->signal, 0);
    assert_null(guard_owner());
    guard_destroy(guard);
    guard_destroy(NULL);
}

static void test_guard_survives_each_signal_repeatedly(void **state)
{
    static const int all[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    struct guard *guard = make_guard(NULL);
    sigset_t before, after;

    (void)state;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    for (unsigned i = 0; i < 50; i++) {
        int signal = all[i % 5];

        assert_false(guard_call(guard, raise_in, &signal));
        assert_int_equal(guard_last_crash(guard)->signal, signal);
        assert_false(guard_last_crash(guard)->has_address);
        assert_null(guard_owner());
    }
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int signal = 1; signal < 32; signal++) {
        assert_int_equal(sigismember(&before, signal), sigismember(&after, signal));
    }
    guard_destroy(guard);
}

static void test_guard_ends_a_loop(void **state)
{
    struct guard *guard = make_guard(NULL);
    unsigned counter = 0;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_false(guard_call(guard, loop, &counter));
        assert_int_equal(guard_last_crash(guard)->signal, SIGVTALRM);
    }
    assert_true(guard_call(guard, count, &counter));
    guard_destroy(guard);
}

/* In a child under strict seccomp any system call but read, write and exit kills. */
static void test_guard_call_makes_no_system_call(void **state)
{
    int status;
    struct guard *guard = make_guard(NULL);
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        unsigned counter = 0;

        prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
        for (unsigned i = 0; i < 1000; i++) {
            if (!guard_call(guard, count, &counter)) {
                break;
            }
        }
        syscall(SYS_exit, counter == 1000 ? 42 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
    guard_destroy(guard);
}

/* --- what is not for the guard --- */

static sigjmp_buf elsewhere;
static volatile sig_atomic_t caught;

static void catch_elsewhere(int signal)
{
    caught = signal;
    siglongjmp(elsewhere, 1);
}

static void crash_in_host(void *argument)
{
    struct guard *guard = argument;

    guard_enter_host(guard);
    raise(SIGSEGV);
    guard_leave_host(guard);
}

static void test_guard_leaves_other_crashes_to_their_handler(void **state)
{
    struct sigaction mine = {.sa_handler = catch_elsewhere}, before, now;
    struct guard *guard;

    (void)state;
    sigaction(SIGSEGV, &mine, &before);
    guard = make_guard(NULL);
    if (sigsetjmp(elsewhere, 1) == 0) {
        raise(SIGSEGV);
    }
    assert_int_equal(caught, SIGSEGV);
    caught = 0;
    if (sigsetjmp(elsewhere, 1) == 0) {
        (void)guard_call(guard, crash_in_host, guard);
    }
    assert_int_equal(caught, SIGSEGV);
    assert_int_equal(guard_last_crash(guard)->signal, 0);
    guard_destroy(guard);
    sigaction(SIGSEGV, &before, &now);
    assert_ptr_equal(now.sa_handler, catch_elsewhere);
}

static void test_guard_leaves_other_crashes_deadly(void **state)
{
    static const int all[] = {SIGSEGV, SIGFPE, SIGABRT, SIGVTALRM};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        int status;
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0) {
            /* cmocka has handlers of its own. */
            signal(all[i], SIG_DFL);
            (void)make_guard(NULL);
            kill(getpid(), all[i]);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), all[i]);
    }
}

static void test_guard_puts_back_what_it_found(void **state)
{
    struct sigaction before, after;
    stack_t stack_before, stack_after;

    (void)state;
    sigaction(SIGSEGV, NULL, &before);
    sigaltstack(NULL, &stack_before);
    struct guard *one = make_guard(NULL);
    struct guard *two = make_guard(NULL);
    guard_destroy(one);
    int signal = SIGSEGV;
    assert_false(guard_call(two, raise_in, &signal));
    guard_destroy(two);
    sigaction(SIGSEGV, NULL, &after);
    sigaltstack(NULL, &stack_after);
    assert_ptr_equal(before.sa_sigaction, after.sa_sigaction);
    assert_int_equal(stack_before.ss_flags, stack_after.ss_flags);
    assert_ptr_equal(stack_before.ss_sp, stack_after.ss_sp);
}

/* --- a policy that crashes --- */

static const char *const functions[] = {"create",        "choose_sample", "on_fault",
                                        "on_map",        "on_unmap",      "on_sample",
                                        "choose_victim", "destroy"};
#define FUNCTION_COUNT (sizeof(functions) / sizeof(functions[0]))

struct scene {
    struct fake fake;
    struct policy *policy;
    char path[300], spec[400];
    struct err err;
};

/* Load crash.so, give it a guard that is quick to lose patience, and start it. */
static bool start(struct scene *scene, const char *function, const char *way)
{
    memset(scene, 0, sizeof(*scene));
    fake_create_memory(&scene->fake, 16, 32);
    scene->fake.frame[0] = (struct fake_frame){.key = 1, .bytes = 4096};
    policy_path(scene->path, sizeof(scene->path), "crash.so");
    snprintf(scene->spec, sizeof(scene->spec), "%s,in=%s,how=%s", scene->path, function, way);
    assert_true(policy_load(&scene->policy, scene->spec, &scene->err));
    guard_destroy(scene->policy->guard);
    scene->policy->guard = make_guard(scene->policy);
    return policy_start(scene->policy, &scene->fake.host, &scene->err);
}

static void finish(struct scene *scene)
{
    policy_destroy(scene->policy);
    fake_destroy(&scene->fake);
}

/* Each call in turn; what crashed is named "destroy" at the latest. */
static void call_all(struct scene *scene)
{
    struct policy *policy = scene->policy;
    struct vmm_fault fault = fake_fault(&scene->fake, 3);
    struct vmm_decision decision = {.map_begin = 1};
    struct vmm_page page = {.key = 1, .bytes = 4096};
    uint32_t frame = 99;
    bool good = policy_on_fault(policy, &fault, &decision);

    assert_false(decision.refuse);
    assert_int_equal(decision.map_begin, 1);
    good = policy_on_map(policy, &page) && good;
    good = policy_on_unmap(policy, &page, true) && good;
    good = policy_on_sample(policy, 1, true) && good;
    bool chosen = policy_choose_victim(policy, &fault, &frame);
    assert_int_equal(frame, chosen ? 7 : 99);
    assert_true(good || !chosen);
    assert_true(chosen == (policy_crash(policy) == NULL));
    assert_true(policy_stop(policy) == (policy_crash(policy) == NULL));
}

static void expect_crash(const char *function, const char *way, const char *reason)
{
    struct scene scene;
    char expected[400];

    if (start(&scene, function, way)) {
        call_all(&scene);
    } else {
        assert_int_equal(scene.err.kind, ERR_INPUT);
        assert_string_equal(scene.err.text, policy_crash(scene.policy));
    }
    snprintf(expected, sizeof(expected), "policy %s %s", scene.path, reason);
    if (policy_crash(scene.policy) == NULL) {
        fail_msg("nothing crashed, but expected was '%s'", expected);
    }
    if (strncmp(policy_crash(scene.policy), expected, strlen(expected)) != 0) {
        fail_msg("'%s' does not begin with '%s'", policy_crash(scene.policy), expected);
    }
    finish(&scene);
}

static void test_policy_crash_names_function_signal_and_address(void **state)
{
    static const char *const ways[][2] = {
        {"segv", "SIGSEGV at address 0x10, instruction 0x"},
        {"wild", "SIGSEGV, instruction 0x"},
        {"bus", "SIGBUS at address 0x7"},
        {"fpe", "SIGFPE at address 0x"},
        {"ill", "SIGILL at address 0x"},
        {"abort", "SIGABRT)"},
        {"overflow", "SIGSEGV at address 0x7"},
        {"hostpage", "SIGSEGV at address 0x18)"},
    };
    char reason[128];

    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        for (size_t j = 0; j < FUNCTION_COUNT; j++) {
            snprintf(reason, sizeof(reason), "crashed in %s (%s", functions[j], ways[i][1]);
            expect_crash(functions[j], ways[i][0], reason);
        }
    }
}

static void test_policy_crash_names_a_loop(void **state)
{
    static const char *const ways[] = {"loop", "hostloop"};
    char reason[128];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < FUNCTION_COUNT; j++) {
            snprintf(reason, sizeof(reason), "did not return from %s within 5 s", functions[j]);
            expect_crash(functions[j], ways[i], reason);
        }
    }
}

static void test_policy_without_a_crash_has_no_sentence(void **state)
{
    struct scene scene;

    (void)state;
    assert_true(start(&scene, "nowhere", "segv"));
    assert_int_equal(policy_sample_pages(scene.policy), 3);
    call_all(&scene);
    assert_null(policy_crash(scene.policy));
    finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guard_calls_and_says_whose),
        cmocka_unit_test(test_guard_survives_each_signal_repeatedly),
        cmocka_unit_test(test_guard_ends_a_loop),
        cmocka_unit_test(test_guard_call_makes_no_system_call),
        cmocka_unit_test(test_guard_leaves_other_crashes_to_their_handler),
        cmocka_unit_test(test_guard_leaves_other_crashes_deadly),
        cmocka_unit_test(test_guard_puts_back_what_it_found),
        cmocka_unit_test(test_policy_crash_names_function_signal_and_address),
        cmocka_unit_test(test_policy_crash_names_a_loop),
        cmocka_unit_test(test_policy_without_a_crash_has_no_sentence),
    };

    return cmocka_run_group_tests_name("policy_guard", tests, NULL, NULL);
}
