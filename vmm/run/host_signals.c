/* One set of signals, blocked from begin to end; see host_signals.h. */
#include "run/host_signals.h"

#include <signal.h>
#include <sys/time.h>

#include "base/clock.h"
#include "run/lab.h"

static void fill(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGQUIT);
    sigaddset(set, SIGALRM);
    sigaddset(set, schedule_signal());
    sigaddset(set, sampling_signal());
}

/* Blocked in this thread: they make KVM_RUN return (its own mask lets them through) and the
 * scheduler's descriptor readable, and stay pending meanwhile.  So none is lost and none needs a
 * handler; ppoll with a mask would not do, as it delivers them. */
static bool block(struct lab *lab, struct err *err)
{
    sigset_t ending, waiting;

    fill(&ending);
    if (sigprocmask(SIG_BLOCK, &ending, &lab->outer_mask) != 0) {
        return err_set_errno(err, ERR_ENVIRONMENT, "blocking signals");
    }
    waiting = lab->outer_mask;
    sigdelset(&waiting, SIGINT);
    sigdelset(&waiting, SIGTERM);
    sigdelset(&waiting, SIGHUP);
    sigdelset(&waiting, SIGQUIT);
    sigdelset(&waiting, SIGALRM);
    sigdelset(&waiting, schedule_signal());
    sigdelset(&waiting, sampling_signal());
    return schedule_create(&lab->schedule, &ending, err) &&
           machine_set_signal_mask(lab->machine, &waiting, err);
}

void host_signals_take(struct lab *lab)
{
    const struct timespec at_once = {0};
    sigset_t ending;

    fill(&ending);
    int signal = sigtimedwait(&ending, NULL, &at_once);
    if (signal == schedule_signal()) {
        lab->schedule.tick = true;
    } else if (signal == sampling_signal() && lab->sampling != NULL) {
        lab->sampling->due = true;
    } else if (signal == SIGALRM) {
        outcome_set(
            &lab->outcome, OUTCOME_TIMED_OUT, 0, "timed out after %.3f s",
            (double)lab->config->timeout_ns / (double)NS_PER_SECOND);
    } else if (signal > 0) {
        outcome_set(
            &lab->outcome, OUTCOME_INTERRUPTED, signal, "interrupted by %s",
            outcome_signal_name(signal));
    }
}

/* Leave no signal behind that came in between. */
static void take_leftovers(void)
{
    const struct timespec at_once = {0};
    sigset_t signals;

    fill(&signals);
    while (sigtimedwait(&signals, NULL, &at_once) > 0) {
    }
}

static bool set_timer(uint64_t ns, struct err *err)
{
    /* Rounded up: 0 would mean "never". */
    struct itimerval timer = {
        .it_value = {
            .tv_sec = (time_t)(ns / NS_PER_SECOND),
            .tv_usec = (suseconds_t)((ns % NS_PER_SECOND + 999) / 1000)}};

    if (timer.it_value.tv_usec == 1000000) {
        timer.it_value.tv_sec++;
        timer.it_value.tv_usec = 0;
    }
    return setitimer(ITIMER_REAL, &timer, NULL) == 0 ||
           err_set_errno(err, ERR_ENVIRONMENT, "setting the time limit");
}

bool host_signals_begin(struct lab *lab, struct err *err)
{
    return block(lab, err) && set_timer(lab->config->timeout_ns, err);
}

bool host_signals_end(struct lab *lab, struct err *err)
{
    schedule_destroy(&lab->schedule);
    if (!set_timer(0, err)) {
        return false;
    }
    take_leftovers();
    return sigprocmask(SIG_SETMASK, &lab->outer_mask, NULL) == 0 ||
           err_set_errno(err, ERR_ENVIRONMENT, "restoring the signal mask");
}
