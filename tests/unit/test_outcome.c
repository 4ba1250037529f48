/*
 * How ends of a run become exit statuses (docs/vmm.1, "Exit status"), and that the first end is
 * the one that counts.
 */
/* cmocka.h needs the four before it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <signal.h>
#include <string.h>

#include "run/outcome.h"

static int status_of(enum outcome_kind kind, int status)
{
    struct outcome outcome = {0};

    outcome_set(&outcome, kind, status, "because");
    assert_string_equal(outcome.reason, "because");
    return outcome_exit_status(&outcome);
}

static void test_outcome_exit_status_is_as_documented(void **state)
{
    const struct outcome running = {0};

    (void)state;
    assert_int_equal(status_of(OUTCOME_EXITED, 0), 0);
    assert_int_equal(status_of(OUTCOME_EXITED, 255), 255);
    assert_int_equal(status_of(OUTCOME_EXITED, 300), 300 % 256);
    assert_int_equal(status_of(OUTCOME_EXITED, -1), 255);
    assert_int_equal(status_of(OUTCOME_SIGNALLED, SIGSEGV), 139);
    assert_int_equal(status_of(OUTCOME_SIGNALLED, SIGKILL), 137);
    assert_int_equal(status_of(OUTCOME_INTERRUPTED, SIGINT), 130);
    assert_int_equal(status_of(OUTCOME_INTERRUPTED, SIGTERM), 143);
    assert_int_equal(status_of(OUTCOME_TIMED_OUT, 0), 124);
    assert_int_equal(status_of(OUTCOME_STOPPED, 0), 125);
    assert_int_equal(outcome_exit_status(&running), 125);
}

static void test_outcome_set_keeps_the_first_end(void **state)
{
    struct outcome outcome = {0};

    (void)state;
    outcome_set(&outcome, OUTCOME_EXITED, 7, "exited with status %d", 7);
    outcome_set(&outcome, OUTCOME_TIMED_OUT, 0, "timed out");
    outcome_set(&outcome, OUTCOME_SIGNALLED, SIGSEGV, "segmentation fault");
    assert_int_equal(outcome.kind, OUTCOME_EXITED);
    assert_int_equal(outcome_exit_status(&outcome), 7);
    assert_string_equal(outcome.reason, "exited with status 7");
}

static void test_outcome_set_cuts_a_long_reason(void **state)
{
    struct outcome outcome = {0};
    char text[2 * OUTCOME_REASON_BYTES];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    outcome_set(&outcome, OUTCOME_STOPPED, 0, "%s", text);
    assert_int_equal(strlen(outcome.reason), OUTCOME_REASON_BYTES - 1);
}

static void test_outcome_signal_names_are_those_of_the_system(void **state)
{
    static const int known[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGILL,  SIGTRAP,
                                SIGABRT, SIGBUS,  SIGFPE,  SIGKILL, SIGUSR1,
                                SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM};

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const char *name = outcome_signal_name(known[i]);
        assert_int_equal(strncmp(name, "SIG", 3), 0);
        assert_string_equal(name + 3, sigabbrev_np(known[i]));
    }
    assert_string_equal(outcome_signal_name(0), "signal");
    assert_string_equal(outcome_signal_name(-5), "signal");
    assert_string_equal(outcome_signal_name(SIGCHLD), "signal");
    assert_string_equal(outcome_signal_name(4711), "signal");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcome_exit_status_is_as_documented),
        cmocka_unit_test(test_outcome_set_keeps_the_first_end),
        cmocka_unit_test(test_outcome_set_cuts_a_long_reason),
        cmocka_unit_test(test_outcome_signal_names_are_those_of_the_system),
    };

    return cmocka_run_group_tests_name("outcome", tests, NULL, NULL);
}
