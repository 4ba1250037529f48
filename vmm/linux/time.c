/*
 * Requests on time.  The guest reads the host's clocks: nothing virtual stands between.
 * A signal that ends the run ends a sleep.
 */
#include <errno.h>
#include <sys/time.h>
#include <time.h>

#include "linux/requests.h"

#define NS_PER_S INT64_C(1000000000)

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

static int64_t ns_of(const struct timespec *time)
{
    return time->tv_sec > INT64_MAX / NS_PER_S - 1 ? INT64_MAX
                                                   : time->tv_sec * NS_PER_S + time->tv_nsec;
}

static struct timespec timespec_of(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

int64_t request_sleep_until(struct process *process, const struct timespec *deadline)
{
    struct timespec now;

    for (;;) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        int64_t left = ns_of(deadline) - ns_of(&now);
        if (left <= 0) {
            return 0;
        }
        struct timespec wait = timespec_of(left);
        struct pollfd none;
        if (request_wait(process, &none, 0, &wait) == -EINTR) {
            return -EINTR;
        }
    }
}

/* base_ns: what the wanted time counts from, on CLOCK_MONOTONIC. */
static int64_t sleep_wanted(struct process *process, uint64_t wanted_at, int64_t base_ns)
{
    struct timespec wanted;

    if (access_read(&process->access, &wanted, gva_of(wanted_at), sizeof(wanted)) != 0) {
        return -EFAULT;
    }
    if (wanted.tv_sec < 0 || wanted.tv_nsec < 0 || wanted.tv_nsec >= NS_PER_S) {
        return -EINVAL;
    }
    int64_t ns = ns_of(&wanted);
    ns = base_ns > 0 && ns > INT64_MAX - base_ns ? INT64_MAX : ns + base_ns;
    struct timespec deadline = timespec_of(ns);
    return request_sleep_until(process, &deadline);
}

static int64_t monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return ns_of(&now);
}

/* A sleep ends early only together with the run, so the remaining time is never written. */
int64_t request_nanosleep(struct process *process, const uint64_t argument[6])
{
    return sleep_wanted(process, argument[0], monotonic_ns());
}

int64_t request_clock_nanosleep(struct process *process, const uint64_t argument[6])
{
    struct timespec now;

    if (!clock_is_known(argument[0]) || clock_gettime((clockid_t)argument[0], &now) != 0) {
        return -EINVAL;
    }
    /* An absolute time of any clock is carried over to CLOCK_MONOTONIC. */
    int64_t base_ns =
        (argument[1] & TIMER_ABSTIME) != 0 ? monotonic_ns() - ns_of(&now) : monotonic_ns();
    return sleep_wanted(process, argument[2], base_ns);
}
