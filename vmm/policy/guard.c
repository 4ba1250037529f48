/*
 * The guarded call and the signal handlers behind it.  It owns the dispositions of six signals
 * while a guard exists, an alternate stack and a watching thread; it refuses to phrase what
 * happened.  Read policy/guard.h for how it works.
 */
#include "policy/guard.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>

#include "base/clock.h"

#define STACK_BYTES  (UINT64_C(64) << 10)
#define SIGNAL_COUNT 6
#define WATCH_SIGNAL SIGVTALRM

static const int signals[SIGNAL_COUNT] = {SIGSEGV, SIGBUS,  SIGFPE,
                                          SIGILL,  SIGABRT, WATCH_SIGNAL};

struct guard {
    void *owner; /* borrows */
    struct guard_crash crash;
    sigjmp_buf out;
    /* Even: no call; odd: the number of the one that runs. */
    _Atomic uint64_t call;
    _Atomic uint64_t expired; /* the call that took too long */
    volatile sig_atomic_t in_host;
    pthread_t caller;

    void *stack;          /* owns: the alternate stack, where the thread had none */
    stack_t stack_before; /* of this thread */

    pthread_t watcher;
    bool watching;
    pthread_mutex_t mutex; /* over ending, with its condition */
    pthread_cond_t changed;
    bool ending;
    uint64_t look_ns;
    unsigned looks;
};

/* A signal handler is given nothing of the program's own: which call of this thread is guarded
 * now, it can know only from here. */
static _Thread_local struct guard *active;

/* Dispositions belong to the process: they are changed by the first guard and put back behind the
 * last one. */
static struct {
    pthread_mutex_t mutex;
    unsigned users;
    struct sigaction before[SIGNAL_COUNT];
} installed = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static uint64_t now_running(const struct guard *guard)
{
    return atomic_load_explicit(&guard->call, memory_order_relaxed);
}

static bool took_too_long(const struct guard *guard)
{
    return atomic_load_explicit(&guard->expired, memory_order_relaxed) == now_running(guard);
}

/* --- the handlers --- */

/* A signal that is not for a guard: what would have happened without one. */
static void pass_on(int signal, siginfo_t *info, void *context)
{
    const struct sigaction *before = installed.before;

    for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
        if (signals[i] == signal) {
            before = &installed.before[i];
        }
    }
    if ((before->sa_flags & SA_SIGINFO) != 0) {
        before->sa_sigaction(signal, info, context);
    } else if (before->sa_handler == SIG_DFL) {
        /* Raised again: by the same instruction, or else by hand.  It is blocked until then. */
        sigaction(signal, before, NULL);
        if (info->si_code <= 0) {
            raise(signal);
        }
    } else if (before->sa_handler != SIG_IGN) {
        before->sa_handler(signal);
    }
}

/* Leave the call.  mask: of signals, as it was when the call was interrupted; NULL: as it is. */
static void __attribute__((noreturn)) jump_out(struct guard *guard, const sigset_t *mask)
{
    active = NULL;
    if (mask != NULL) {
        pthread_sigmask(SIG_SETMASK, mask, NULL);
    }
    siglongjmp(guard->out, 1);
}

static uintptr_t instruction_of(const ucontext_t *context)
{
    return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
}

static void on_crash(int signal, siginfo_t *info, void *context)
{
    const ucontext_t *interrupted = context;
    struct guard *guard = active;

    /* SI_USER: sent by somebody with kill. */
    if (guard == NULL || guard->in_host || info->si_code == SI_USER) {
        pass_on(signal, info, context);
        return;
    }
    guard->crash = (struct guard_crash){
        .signal = signal,
        /* SI_KERNEL: an address that is not canonical, which the CPU does not tell. */
        .has_address = info->si_code > 0 && info->si_code != SI_KERNEL,
        .address = (uintptr_t)info->si_addr,
        .instruction = instruction_of(interrupted),
    };
    jump_out(guard, &interrupted->uc_sigmask);
}

static void on_watch(int signal, siginfo_t *info, void *context)
{
    const ucontext_t *interrupted = context;
    struct guard *guard = active;

    if (info->si_code != SI_TKILL) {
        pass_on(signal, info, context); /* not from a watcher */
        return;
    }
    /* It may arrive late, when the call that it was meant for has ended. */
    if (guard == NULL || !took_too_long(guard) || guard->in_host) {
        return;
    }
    guard->crash =
        (struct guard_crash){.signal = signal, .instruction = instruction_of(interrupted)};
    jump_out(guard, &interrupted->uc_sigmask);
}

static bool set_handlers(struct err *err)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    bool good = true;

    /* None of them interrupts the handler of another one. */
    sigemptyset(&action.sa_mask);
    for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
        sigaddset(&action.sa_mask, signals[i]);
    }
    pthread_mutex_lock(&installed.mutex);
    if (installed.users++ == 0) {
        for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
            action.sa_sigaction = signals[i] == WATCH_SIGNAL ? on_watch : on_crash;
            good = sigaction(signals[i], &action, &installed.before[i]) == 0 && good;
        }
    }
    pthread_mutex_unlock(&installed.mutex);
    return good || err_set_errno(err, ERR_ENVIRONMENT, "setting a signal's handler");
}

/* One that somebody else has changed since is left alone. */
static void reset_handlers(void)
{
    pthread_mutex_lock(&installed.mutex);
    if (--installed.users == 0) {
        for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
            struct sigaction now;

            if (sigaction(signals[i], NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) != 0 &&
                (now.sa_sigaction == on_crash || now.sa_sigaction == on_watch)) {
                sigaction(signals[i], &installed.before[i], NULL);
            }
        }
    }
    pthread_mutex_unlock(&installed.mutex);
}

/* --- the watching thread --- */

/* Sleep for one look; false: the guard ends. */
static bool wait_one_look(struct guard *guard)
{
    uint64_t until = clock_now_ns() + guard->look_ns;
    const struct timespec end = {
        .tv_sec = (time_t)(until / NS_PER_SECOND), .tv_nsec = (long)(until % NS_PER_SECOND)};
    int result = 0;

    pthread_mutex_lock(&guard->mutex);
    while (!guard->ending && result == 0) {
        result = pthread_cond_timedwait(&guard->changed, &guard->mutex, &end);
    }
    bool ending = guard->ending;
    pthread_mutex_unlock(&guard->mutex);
    return !ending;
}

static void *watch(void *argument)
{
    struct guard *guard = argument;
    uint64_t last = 0;
    unsigned seen = 0;

    while (wait_one_look(guard)) {
        uint64_t call = now_running(guard);

        seen = call == last && call % 2 == 1 ? seen + 1 : 0;
        last = call;
        /* Again at each look: the first signal can find the call in its host. */
        if (seen >= guard->looks) {
            atomic_store_explicit(&guard->expired, call, memory_order_relaxed);
            pthread_kill(guard->caller, WATCH_SIGNAL);
        }
    }
    return NULL;
}

/* All signals stay blocked in the watcher: those for the process are the callers' business. */
static bool start_watcher(struct guard *guard, struct err *err)
{
    pthread_condattr_t attributes;
    sigset_t all, before;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&guard->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&guard->mutex, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&guard->watcher, NULL, watch, guard);
    guard->watching = errno == 0;
    bool good = guard->watching ||
                err_set_errno(err, ERR_ENVIRONMENT, "starting the thread that watches a call");
    for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
        sigdelset(&before, signals[i]); /* a blocked one could not be caught */
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return good;
}

static void stop_watcher(struct guard *guard)
{
    if (guard->watching) {
        pthread_mutex_lock(&guard->mutex);
        guard->ending = true;
        pthread_cond_signal(&guard->changed);
        pthread_mutex_unlock(&guard->mutex);
        pthread_join(guard->watcher, NULL);
    }
    pthread_cond_destroy(&guard->changed);
    pthread_mutex_destroy(&guard->mutex);
}

/* --- life --- */

/* A thread that has an alternate stack already (a sanitizer's) keeps it. */
static bool set_stack(struct guard *guard, struct err *err)
{
    stack_t stack = {.ss_size = STACK_BYTES};

    if (sigaltstack(NULL, &guard->stack_before) != 0) {
        return err_set_errno(err, ERR_ENVIRONMENT, "asking for the alternate signal stack");
    }
    if ((guard->stack_before.ss_flags & SS_DISABLE) == 0) {
        return true;
    }
    stack.ss_sp = guard->stack = malloc(STACK_BYTES);
    if (guard->stack == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for a signal stack");
    }
    return sigaltstack(&stack, NULL) == 0 ||
           err_set_errno(err, ERR_ENVIRONMENT, "setting the alternate signal stack");
}

static void reset_stack(struct guard *guard)
{
    if (guard->stack != NULL) {
        sigaltstack(&guard->stack_before, NULL);
        free(guard->stack);
    }
}

bool guard_create(
    struct guard **guard, void *owner, uint64_t look_ns, unsigned looks, struct err *err)
{
    struct guard *made = calloc(1, sizeof(*made));

    *guard = NULL;
    if (made == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for a guard");
    }
    made->owner = owner;
    made->caller = pthread_self();
    made->look_ns = look_ns;
    made->looks = looks;
    if (!set_stack(made, err)) {
        reset_stack(made);
        free(made);
        return false;
    }
    if (!set_handlers(err) || !start_watcher(made, err)) {
        reset_handlers();
        reset_stack(made);
        free(made);
        return false;
    }
    *guard = made;
    return true;
}

void guard_destroy(struct guard *guard)
{
    if (guard == NULL) {
        return;
    }
    /* A handler of the host's may have jumped out of a call in its place. */
    if (active == guard) {
        active = NULL;
    }
    stop_watcher(guard);
    reset_handlers();
    reset_stack(guard);
    free(guard);
}

/* --- the call --- */

static void step_call(struct guard *guard)
{
    atomic_store_explicit(&guard->call, now_running(guard) + 1, memory_order_relaxed);
}

bool guard_call(struct guard *guard, void (*body)(void *argument), void *argument)
{
    /* Nothing local is used behind the jump. */
    if (sigsetjmp(guard->out, 0) != 0) {
        guard->in_host = 0;
        step_call(guard);
        return false;
    }
    guard->in_host = 0;
    step_call(guard);
    atomic_signal_fence(memory_order_seq_cst);
    active = guard;
    body(argument);
    active = NULL;
    atomic_signal_fence(memory_order_seq_cst);
    step_call(guard);
    return true;
}

const struct guard_crash *guard_last_crash(const struct guard *guard)
{
    return &guard->crash;
}

void *guard_owner(void)
{
    return active == NULL ? NULL : active->owner;
}

void guard_enter_host(struct guard *guard)
{
    guard->in_host = 1;
    atomic_signal_fence(memory_order_seq_cst);
}

void guard_leave_host(struct guard *guard)
{
    atomic_signal_fence(memory_order_seq_cst);
    guard->in_host = 0;
    if (took_too_long(guard)) {
        guard->crash = (struct guard_crash){.signal = WATCH_SIGNAL};
        jump_out(guard, NULL);
    }
}
