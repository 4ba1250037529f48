/* Opens the generic data-TLB miss event of perf; see counters.h. */
#include "measure/counters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_counter(enum side side)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_HW_CACHE,
        .size = sizeof(attr),
        .config = PERF_COUNT_HW_CACHE_DTLB | PERF_COUNT_HW_CACHE_OP_READ << 8 |
                  PERF_COUNT_HW_CACHE_RESULT_MISS << 16,
        .exclude_kernel = side == SIDE_NATIVE,
        .exclude_hv = 1,
        .exclude_host = side == SIDE_GUEST,
        .exclude_guest = side == SIDE_NATIVE};

    return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

void counters_open(struct counters *counters)
{
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        counters->fd[side] = open_counter(side);
    }
}

void counters_close(struct counters *counters)
{
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        if (counters->fd[side] >= 0) {
            close(counters->fd[side]);
        }
        counters->fd[side] = -1;
    }
}

bool counters_read(const struct counters *counters, enum side side, uint64_t *misses)
{
    return counters->fd[side] >= 0 &&
           read(counters->fd[side], misses, sizeof(*misses)) == sizeof(*misses);
}

bool counters_agree(double misses_fit, double misses_beyond)
{
    return misses_fit < 0.1 && misses_beyond >= 0.5;
}

void counters_find(struct counters_probe *probe)
{
    counters_find_by(open_counter, probe);
}

void counters_find_by(int (*open_one)(enum side side), struct counters_probe *probe)
{
    int fd = open_one(SIDE_NATIVE);

    *probe = (struct counters_probe){.present = fd >= 0, .errno_value = fd < 0 ? errno : 0};
    if (fd >= 0) {
        close(fd);
        snprintf(probe->text, sizeof(probe->text), "data-TLB misses by perf");
    } else if (probe->errno_value == EACCES || probe->errno_value == EPERM) {
        snprintf(
            probe->text, sizeof(probe->text),
            "no permission (sudo sysctl kernel.perf_event_paranoid=1)");
    } else {
        snprintf(
            probe->text, sizeof(probe->text), "no PMU here (%s)", strerror(probe->errno_value));
    }
}
