/*
 * What this host offers beside KVM, as plain facts: counters, huge pages, clock, memory, tools,
 * limits.  It refuses to judge or to print; read cli/doctor.c for that.
 */
#ifndef CLI_HOST_H
#define CLI_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "measure/counters.h"

#define HOST_WORD_BYTES 64
#define HOST_PATH_BYTES 256
#define HOST_POOLS      2

enum host_counters {
    HOST_COUNTERS_WORK,
    HOST_COUNTERS_NONE,      /* no PMU here */
    HOST_COUNTERS_FORBIDDEN, /* by perf_event_paranoid, or by a container's filter */
    HOST_COUNTERS_DEAD,      /* opens, but does not count */
};

/* A pool of hugetlb pages; kilobytes is the size of one page. */
struct host_pool {
    uint64_t page_kilobytes; /* 2048, 1048576 */
    bool exists;
    uint64_t total, free; /* in pages */
};

struct host_facts {
    enum host_counters counters;
    int counters_errno;                /* of perf_event_open; 0 where it worked */
    int paranoid;                      /* kernel.perf_event_paranoid; INT32_MIN: unknown */
    struct counters_probe translation; /* what vmm measure can count */

    char
        thp[HOST_WORD_BYTES]; /* the selected word of transparent_hugepage/enabled; may be "" */
    char shmem[HOST_WORD_BYTES];        /* likewise shmem_enabled */
    struct host_pool pools[HOST_POOLS]; /* 2 MiB, 1 GiB */

    char clocksource[HOST_WORD_BYTES]; /* may be "" */
    uint64_t clock_ns;                 /* one clock_gettime(CLOCK_MONOTONIC) */
    uint64_t syscall_ns;               /* the same by a system call */
    uint64_t tsc_khz;                  /* measured against CLOCK_MONOTONIC_RAW */
    bool tsc_constant;                 /* flags of /proc/cpuinfo */
    bool tsc_nonstop;

    uint64_t memory_bytes, available_bytes, swap_bytes; /* 0: unknown */
    int overcommit;      /* vm.overcommit_memory; INT32_MIN: unknown */
    uint64_t processors; /* that this process may use */

    char gnuplot[HOST_PATH_BYTES]; /* "" when not on the PATH */

    uint64_t address_limit; /* RLIMIT_AS; UINT64_MAX: none */
    uint64_t file_limit;    /* RLIMIT_FSIZE, likewise */
    uint64_t descriptor_limit;
};

/* Gather all facts; takes some 20 ms, most of them for the frequency of the TSC. */
void host_gather(struct host_facts *facts);

#endif
