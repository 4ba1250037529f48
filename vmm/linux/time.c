/*
 * Requests on time.  The guest reads the host's clocks: nothing virtual stands between.  A
 * process that sleeps is blocked until a deadline on CLOCK_MONOTONIC (run/schedule.c).
 */
#include <errno.h>
#include <sys/time.h>
#include <time.h>

#include "base/clock.h"
#include "linux/requests.h"
#include "linux/table.h"

#define NS_PER_S NS_PER_SECOND

/* Clocks of a process or a thread would be vmm's own: those that mean the guest's time do. */
static bool clock_is_known(uint64_t clock)
{
    return (int)clock >= CLOCK_REALTIME && (int)clock <= CLOCK_BOOTTIME;
}

int64_t request_clock_gettime(struct process *process, const uint64_t argument[6])
{
    struct timespec now;

    if (!clock_is_known(argument[0]) || clock_gettime((clockid_t)argument[0], &now) != 0) {
        return -EINVAL;
    }
    return -access_write(&process->access, gva_of(argument[1]), &now, sizeof(now));
}

int64_t request_clock_getres(struct process *process, const uint64_t argument[6])
{
    struct timespec resolution;

    if (!clock_is_known(argument[0]) ||
        clock_getres((clockid_t)argument[0], &resolution) != 0) {
        return -EINVAL;
    }
    return argument[1] == 0
               ? 0
               : -access_write(
                     &process->access, gva_of(argument[1]), &resolution, sizeof(resolution));
}

int64_t request_gettimeofday(struct process *process, const uint64_t argument[6])
{
    struct timeval now;

    gettimeofday(&now, NULL);
    return argument[0] == 0
               ? 0
               : -access_write(&process->access, gva_of(argument[0]), &now, sizeof(now));
}

int64_t request_time(struct process *process, const uint64_t argument[6])
{
    time_t now = time(NULL);

    if (argument[0] != 0 &&
        access_write(&process->access, gva_of(argument[0]), &now, sizeof(now)) != 0) {
        return -EFAULT;
    }
    return now;
}

bool request_deadline(const struct timespec *wait, uint64_t from_ns, uint64_t *deadline_ns)
{
    if (wait->tv_sec < 0 || wait->tv_nsec < 0 || wait->tv_nsec >= (long)NS_PER_S) {
        return false;
    }
    if (wait->tv_sec > INT32_MAX) { /* 68 years */
        *deadline_ns = WAIT_FOR_EVER;
        return true;
    }
    *deadline_ns = from_ns + (uint64_t)wait->tv_sec * NS_PER_S + (uint64_t)wait->tv_nsec;
    return true;
}

/* --- sleeping --- */

/* Where a signal ends the sleep, request_tell_time_left() says how much was left. */
static int64_t sleep_until(struct process *process)
{
    uint64_t deadline_ns = process->progress.deadline_ns;

    if (clock_now_ns() >= deadline_ns) {
        return 0;
    }
    return request_wait(process, WAIT_EVENT, deadline_ns, -EINTR);
}

int64_t request_nanosleep(struct process *process, const uint64_t argument[6])
{
    struct timespec wanted;

    if (!process->progress.started) {
        if (access_read(&process->access, &wanted, gva_of(argument[0]), sizeof(wanted)) != 0) {
            return -EFAULT;
        }
        if (!request_deadline(&wanted, clock_now_ns(), &process->progress.deadline_ns)) {
            return -EINVAL;
        }
        process->progress.started = true;
        process->progress.left_at = argument[1];
    }
    return sleep_until(process);
}

/* CLOCK_MONOTONIC at the given time of another clock; a time that is past is now. */
static uint64_t carry_over(const struct timespec *wanted, const struct timespec *now)
{
    int64_t seconds = wanted->tv_sec - now->tv_sec;

    if (seconds > INT32_MAX) {
        return WAIT_FOR_EVER;
    }
    int64_t left_ns = seconds * (int64_t)NS_PER_S + wanted->tv_nsec - now->tv_nsec;
    return left_ns <= 0 || seconds < 0 ? 0 : clock_now_ns() + (uint64_t)left_ns;
}

int64_t request_clock_nanosleep(struct process *process, const uint64_t argument[6])
{
    struct timespec now, wanted;

    if (!clock_is_known(argument[0]) || clock_gettime((clockid_t)argument[0], &now) != 0) {
        return -EINVAL;
    }
    if (!process->progress.started) {
        if (access_read(&process->access, &wanted, gva_of(argument[2]), sizeof(wanted)) != 0) {
            return -EFAULT;
        }
        if (!request_deadline(&wanted, clock_now_ns(), &process->progress.deadline_ns)) {
            return -EINVAL;
        }
        if ((argument[1] & TIMER_ABSTIME) != 0) {
            process->progress.deadline_ns = carry_over(&wanted, &now);
        } else {
            process->progress.left_at = argument[3];
        }
        process->progress.started = true;
    }
    return sleep_until(process);
}

void request_tell_time_left(struct process *process)
{
    struct progress *progress = &process->progress;
    uint64_t now_ns = clock_now_ns();
    uint64_t left_ns = progress->deadline_ns > now_ns ? progress->deadline_ns - now_ns : 0;
    const struct timespec left = {
        .tv_sec = (time_t)(left_ns / NS_PER_S), .tv_nsec = (long)(left_ns % NS_PER_S)};

    if (progress->left_at != 0 &&
        access_write(&process->access, gva_of(progress->left_at), &left, sizeof(left)) != 0) {
        process->result = -EFAULT;
    }
}

/* --- ITIMER_REAL --- */

static struct timeval timeval_of(uint64_t ns)
{
    return (struct timeval){
        .tv_sec = (time_t)(ns / NS_PER_S), .tv_usec = (suseconds_t)(ns % NS_PER_S / 1000)};
}

static struct itimerval current_timer(const struct process *process)
{
    uint64_t now_ns = clock_now_ns();
    uint64_t left_ns = 0;

    if (process->alarm_ns != 0) {
        /* A timer that is set never reads zero. */
        left_ns = process->alarm_ns > now_ns + 1000 ? process->alarm_ns - now_ns : 1000;
    }
    return (struct itimerval){
        .it_value = timeval_of(left_ns), .it_interval = timeval_of(process->alarm_interval_ns)};
}

int64_t request_getitimer(struct process *process, const uint64_t argument[6])
{
    struct itimerval now = current_timer(process);

    if ((int)argument[0] != ITIMER_REAL) {
        return -EINVAL;
    }
    return -access_write(&process->access, gva_of(argument[1]), &now, sizeof(now));
}

/* 0 stays 0: not set. */
static bool ns_of_timeval(const struct timeval *time, uint64_t *ns)
{
    if (time->tv_sec < 0 || time->tv_usec < 0 || time->tv_usec >= 1000000) {
        return false;
    }
    uint64_t seconds = time->tv_sec < INT32_MAX ? (uint64_t)time->tv_sec : INT32_MAX;
    *ns = seconds * NS_PER_S + (uint64_t)time->tv_usec * 1000;
    return true;
}

/* The timers of processor time (ITIMER_VIRTUAL, ITIMER_PROF) are not offered. */
int64_t request_setitimer(struct process *process, const uint64_t argument[6])
{
    struct itimerval old = current_timer(process);
    struct itimerval wanted = {0};
    uint64_t value_ns, interval_ns;

    if ((int)argument[0] != ITIMER_REAL) {
        return -EINVAL;
    }
    if (argument[1] != 0 &&
        access_read(&process->access, &wanted, gva_of(argument[1]), sizeof(wanted)) != 0) {
        return -EFAULT;
    }
    if (!ns_of_timeval(&wanted.it_value, &value_ns) ||
        !ns_of_timeval(&wanted.it_interval, &interval_ns)) {
        return -EINVAL;
    }
    process->alarm_ns = value_ns != 0 ? clock_now_ns() + value_ns : 0;
    process->alarm_interval_ns = interval_ns;
    process->table->attention = true;
    return argument[2] == 0
               ? 0
               : -access_write(&process->access, gva_of(argument[2]), &old, sizeof(old));
}

int64_t request_alarm(struct process *process, const uint64_t argument[6])
{
    struct itimerval old = current_timer(process);
    uint64_t seconds = (uint32_t)argument[0];

    process->alarm_ns = seconds != 0 ? clock_now_ns() + seconds * NS_PER_S : 0;
    process->alarm_interval_ns = 0;
    process->table->attention = true;
    /* Rounded to the nearest second, but a timer that is set never reads zero. */
    int64_t left = old.it_value.tv_sec + (old.it_value.tv_usec >= 500000 ? 1 : 0);
    return left == 0 && old.it_value.tv_usec != 0 ? 1 : left;
}
