/*
 * The table of processes, its signals and its turns, with no machine behind it: hooks that only
 * count, and address spaces that nobody looks into.
 */
/* cmocka.h wants the four in front of it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "linux/requests.h"
#include "linux/signals.h"
#include "linux/table.h"

#define MAX 5

struct fixture {
    struct process_table table;
    struct outcome outcome;
    struct registers registers;
    unsigned killed, released;
};

static void free_cpu(void *context, struct process *process)
{
    (void)context;
    (void)process;
}

static void release_space(void *context, struct space *space)
{
    struct fixture *f = context;

    f->released++;
    free(space);
}

static void killed(
    void *context,
    const struct process *process,
    const struct signal_info *info,
    const char *text)
{
    struct fixture *f = context;

    (void)process;
    assert_true(info->number > 0 && text[0] != '\0');
    f->killed++;
}

static void get_registers(void *context, struct registers *registers)
{
    *registers = ((struct fixture *)context)->registers;
}

static void set_registers(void *context, const struct registers *registers)
{
    ((struct fixture *)context)->registers = *registers;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct err err;

    assert_non_null(f);
    assert_true(process_table_create(&f->table, MAX, &err));
    f->table.hooks = (struct process_hooks){
        .context = f,
        .free_cpu = free_cpu,
        .release_space = release_space,
        .killed = killed,
        .get_registers = get_registers,
        .set_registers = set_registers};
    f->table.outcome = &f->outcome;
    f->table.current = process_create_first(&f->table);
    assert_non_null(f->table.current);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    for (unsigned i = 0; i < MAX; i++) {
        if (f->table.slot[i] != NULL) {
            free(f->table.slot[i]->access.space);
        }
    }
    process_table_destroy(&f->table);
    free(f);
    return 0;
}

static struct process *bear(struct fixture *f, struct process *parent)
{
    struct process *child = process_create_child(&f->table, parent);

    assert_non_null(child);
    child->access.space = calloc(1, sizeof(*child->access.space));
    assert_non_null(child->access.space);
    child->access.space->users = 1;
    child->exit_signal = SIGCHLD;
    return child;
}

static void block(struct process *process, enum wait_kind kind, int64_t interrupted)
{
    process->state = PROCESS_BLOCKED;
    assert_true(request_wait(process, kind, WAIT_FOR_EVER, interrupted) == REQUEST_BLOCKED);
}

static void send(struct process *to, int number)
{
    const struct signal_info info = {.number = number, .pid = 1};

    signal_send(to, &info);
}

static void test_processes_have_numbers_and_a_limit(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(f->table.first->pid, 1);
    for (int pid = 2; pid <= MAX; pid++) {
        assert_int_equal(bear(f, f->table.first)->pid, pid);
    }
    assert_null(process_create_child(&f->table, f->table.first));
    process_end(process_find(&f->table, 3), 0);
    assert_null(process_create_child(&f->table, f->table.first)); /* a zombie counts */
    process_reap(process_find(&f->table, 3));
    assert_int_equal(
        bear(f, f->table.first)->pid, MAX + 1); /* numbers are not used again soon */
    assert_null(process_find(&f->table, 3));
}

static void test_processes_take_turns(void **state)
{
    struct fixture *f = *state;
    struct process *first = f->table.first;
    struct process *second = bear(f, first);
    struct process *third = bear(f, first);

    assert_ptr_equal(process_next_ready(&f->table, first), second);
    assert_ptr_equal(process_next_ready(&f->table, second), third);
    assert_ptr_equal(process_next_ready(&f->table, third), first);
    block(second, WAIT_EVENT, -EINTR);
    assert_ptr_equal(process_next_ready(&f->table, first), third);
    third->stopped = true;
    assert_ptr_equal(process_next_ready(&f->table, first), first);
    assert_int_equal(process_count_ready(&f->table), 1);
    block(first, WAIT_EVENT, -EINTR);
    assert_null(process_next_ready(&f->table, first));
    process_wake(second);
    assert_ptr_equal(process_next_ready(&f->table, first), second);
    assert_int_equal(second->resume, RESUME_REQUEST);
}

static void test_processes_wake_the_parent_that_waits(void **state)
{
    struct fixture *f = *state;
    struct process *first = f->table.first;
    struct process *child = bear(f, first);

    block(first, WAIT_CHILD, REQUEST_RESTART);
    process_end(child, 7 << 8);
    assert_int_equal(child->state, PROCESS_ZOMBIE);
    assert_int_equal(f->released, 1);
    assert_int_equal(first->state, PROCESS_READY);
    assert_int_equal(first->resume, RESUME_REQUEST);
    assert_int_equal(first->signals.pending, 0); /* SIGCHLD means nothing by default */
}

static void test_processes_leave_no_zombie_where_nobody_waits(void **state)
{
    struct fixture *f = *state;
    struct process *first = f->table.first;
    struct process *child = bear(f, first);
    struct process *orphan = bear(f, child);
    struct process *zombie = bear(f, child);

    process_end(zombie, 0);
    process_end(child, 0);
    assert_null(orphan->parent);
    assert_int_equal(f->table.count, 3); /* the zombie has gone with its parent */
    process_end(orphan, 0);
    assert_int_equal(f->table.count, 2);
    first->signals.action[SIGCHLD].handler = SIGNAL_IGNORE;
    process_end(bear(f, first), 0);
    assert_int_equal(f->table.count, 2);
    assert_int_equal(f->released, 4);
}

static void test_processes_vfork_parent_goes_on_with_the_childs_number(void **state)
{
    struct fixture *f = *state;
    struct process *first = f->table.first;
    struct process *child = bear(f, first);

    block(first, WAIT_VFORK, child->pid);
    child->vfork_parent = first;
    first->signals.action[SIGUSR1].handler = 0x10000;
    send(first, SIGUSR1);
    assert_int_equal(first->state, PROCESS_BLOCKED); /* no signal ends this wait */
    process_end(child, 0);
    assert_int_equal(first->state, PROCESS_READY);
    assert_int_equal(first->result, child->pid);
}

static void test_signals_end_others_at_once_and_the_first_with_the_run(void **state)
{
    struct fixture *f = *state;
    struct process *child = bear(f, f->table.first);

    send(child, SIGCHLD); /* ignored by default */
    assert_int_equal(child->state, PROCESS_READY);
    send(child, SIGTERM);
    assert_int_equal(child->state, PROCESS_ZOMBIE);
    assert_true(WIFSIGNALED(child->wait_status) && WTERMSIG(child->wait_status) == SIGTERM);
    assert_int_equal(f->outcome.kind, OUTCOME_RUNNING);
    send(f->table.first, SIGTERM); /* the current one: at its next delivery */
    assert_int_equal(f->outcome.kind, OUTCOME_RUNNING);
    signals_deliver(f->table.first);
    assert_int_equal(f->outcome.kind, OUTCOME_SIGNALLED);
    assert_int_equal(f->outcome.status, SIGTERM);
    assert_int_equal(f->killed, 2);
}

static void test_signals_interrupt_a_wait_unless_blocked(void **state)
{
    struct fixture *f = *state;
    struct process *child = bear(f, f->table.first);

    child->signals.action[SIGUSR1].handler = 0x10000;
    child->signals.blocked = signal_bit(SIGUSR1);
    block(child, WAIT_EVENT, -EINTR);
    send(child, SIGUSR1);
    assert_int_equal(child->state, PROCESS_BLOCKED);
    assert_int_equal(child->signals.pending, signal_bit(SIGUSR1));
    child->signals.blocked = 0;
    child->signals.pending = 0;
    send(child, SIGUSR1);
    assert_int_equal(child->state, PROCESS_READY);
    assert_int_equal(child->resume, RESUME_RESULT);
    assert_int_equal(child->result, -EINTR);
}

static void test_signals_stop_and_continue(void **state)
{
    struct fixture *f = *state;
    struct process *child = bear(f, f->table.first);

    send(child, SIGSTOP);
    assert_true(child->stopped);
    send(child, SIGCONT);
    assert_false(child->stopped);
    send(child, SIGSTOP);
    send(child, SIGKILL);
    assert_int_equal(child->state, PROCESS_ZOMBIE);
}

/* A request that a signal interrupted, but nothing came of the signal. */
static void test_signals_make_a_request_again(void **state)
{
    struct fixture *f = *state;
    struct process *first = f->table.first;

    f->registers = (struct registers){.rip = 0x401002, .rax = (uint64_t)-EINTR};
    first->request.number = 61;
    first->restart = true;
    assert_true(signals_are_due(first));
    signals_deliver(first);
    assert_int_equal(f->registers.rip, 0x401000);
    assert_int_equal(f->registers.rax, 61);
    assert_false(signals_are_due(first));
}

static void test_signals_forced_while_blocked_end_the_process(void **state)
{
    struct fixture *f = *state;
    struct process *first = f->table.first;
    const struct signal_info fault = {.number = SIGSEGV, .code = SEGV_MAPERR};

    first->signals.action[SIGSEGV].handler = 0x10000;
    first->signals.blocked = signal_bit(SIGSEGV);
    signal_force(first, &fault, "a reason");
    signals_deliver(first);
    assert_int_equal(f->outcome.kind, OUTCOME_SIGNALLED);
    assert_string_equal(f->outcome.reason, "a reason");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_processes_have_numbers_and_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_processes_take_turns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_processes_wake_the_parent_that_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_processes_leave_no_zombie_where_nobody_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_processes_vfork_parent_goes_on_with_the_childs_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_signals_end_others_at_once_and_the_first_with_the_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_signals_interrupt_a_wait_unless_blocked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_signals_stop_and_continue, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_signals_make_a_request_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_signals_forced_while_blocked_end_the_process, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("processes", tests, NULL, NULL);
}
