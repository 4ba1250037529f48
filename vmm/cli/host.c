/*
 * Asks the host for what vmm can use beside KVM: small reads of /proc and /sys, one try of a
 * hardware counter, two short timings.  It refuses to judge: what is missing is stored as
 * missing. Read cli/doctor.c next.
 */
#include "cli/host.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define CLOCK_CALLS  1000
#define CLOCK_ROUNDS 5
#define TSC_SPAN_NS  UINT64_C(10000000)

/* --- small files --- */

/* The start of a file as text; "" when it cannot be read. */
static void read_text(const char *path, char *text, size_t bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count = 0;

    if (fd >= 0) {
        count = read(fd, text, bytes - 1);
        close(fd);
    }
    text[count > 0 ? count : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

static bool read_number(const char *path, int64_t *number)
{
    char text[HOST_WORD_BYTES];
    char *end;

    read_text(path, text, sizeof(text));
    *number = strtoll(text, &end, 10);
    return end != text;
}

static int read_setting(const char *path)
{
    int64_t number;

    if (!read_number(path, &number) || number < INT32_MIN || number > INT32_MAX) {
        return INT32_MIN;
    }
    return (int)number;
}

/* The word in brackets: "always [madvise] never". */
static void read_selected(const char *path, char word[HOST_WORD_BYTES])
{
    char text[HOST_PATH_BYTES];
    char *open_bracket;

    read_text(path, text, sizeof(text));
    open_bracket = strchr(text, '[');
    if (open_bracket == NULL) {
        word[0] = '\0';
        return;
    }
    snprintf(
        word, HOST_WORD_BYTES, "%.*s", (int)strcspn(open_bracket + 1, "]"), open_bracket + 1);
}

/* --- counters --- */

/* Whether the counter counts: a loop that takes cycles must show some. */
static bool counts(int fd)
{
    uint64_t cycles = 0;

    for (volatile int i = 0; i < 1000; i++) {
    }
    return read(fd, &cycles, sizeof(cycles)) == (ssize_t)sizeof(cycles) && cycles > 0;
}

static void gather_counters(struct host_facts *facts)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_HARDWARE,
        .size = sizeof(attr),
        .config = PERF_COUNT_HW_CPU_CYCLES,
        .exclude_kernel = 1, /* what paranoid 2, the usual value, still allows */
        .exclude_hv = 1,
    };
    int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

    facts->paranoid = read_setting("/proc/sys/kernel/perf_event_paranoid");
    counters_find(&facts->translation);
    if (fd < 0) {
        facts->counters_errno = errno;
        facts->counters =
            errno == EACCES || errno == EPERM ? HOST_COUNTERS_FORBIDDEN : HOST_COUNTERS_NONE;
        return;
    }
    facts->counters = counts(fd) ? HOST_COUNTERS_WORK : HOST_COUNTERS_DEAD;
    close(fd);
}

/* --- huge pages --- */

static void gather_pool(struct host_pool *pool, uint64_t page_kilobytes)
{
    char path[HOST_PATH_BYTES];
    int64_t number = 0;

    pool->page_kilobytes = page_kilobytes;
    snprintf(
        path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%" PRIu64 "kB/nr_hugepages",
        page_kilobytes);
    pool->exists = read_number(path, &number) && number >= 0;
    if (!pool->exists) {
        return;
    }
    pool->total = (uint64_t)number;
    snprintf(
        path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%" PRIu64 "kB/free_hugepages",
        page_kilobytes);
    pool->free = read_number(path, &number) && number > 0 ? (uint64_t)number : 0;
}

static void gather_huge_pages(struct host_facts *facts)
{
    read_selected("/sys/kernel/mm/transparent_hugepage/enabled", facts->thp);
    read_selected("/sys/kernel/mm/transparent_hugepage/shmem_enabled", facts->shmem);
    gather_pool(&facts->pools[0], 2048);
    gather_pool(&facts->pools[1], 1048576);
}

/* --- clock --- */

static uint64_t read_clock(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void call_library(struct timespec *now)
{
    clock_gettime(CLOCK_MONOTONIC, now);
}

static void call_kernel(struct timespec *now)
{
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, now);
}

/* Nanoseconds of one call: the best of some rounds, so that no interrupt is taken for the call. */
static uint64_t time_call(void (*call)(struct timespec *))
{
    uint64_t best = UINT64_MAX;
    struct timespec now;

    for (int round = 0; round < CLOCK_ROUNDS; round++) {
        uint64_t begin = read_clock(CLOCK_MONOTONIC);
        uint64_t spent;

        for (int i = 0; i < CLOCK_CALLS / CLOCK_ROUNDS; i++) {
            call(&now);
        }
        spent = read_clock(CLOCK_MONOTONIC) - begin;
        best = spent < best ? spent : best;
    }
    return best / (CLOCK_CALLS / CLOCK_ROUNDS);
}

static uint64_t measure_tsc_khz(void)
{
    uint64_t begin_ns = read_clock(CLOCK_MONOTONIC_RAW);
    uint64_t begin = __rdtsc();
    uint64_t span_ns;

    do {
        span_ns = read_clock(CLOCK_MONOTONIC_RAW) - begin_ns;
    } while (span_ns < TSC_SPAN_NS);
    return (__rdtsc() - begin) * UINT64_C(1000000) / span_ns;
}

/* Whether a blank-separated line has the word. */
static bool has_word(const char *line, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = strstr(line, word); at != NULL; at = strstr(at + 1, word)) {
        if ((at == line || at[-1] == ' ') && strchr(" \n", at[length]) != NULL) {
            return true;
        }
    }
    return false;
}

static void gather_tsc_flags(struct host_facts *facts)
{
    FILE *stream = fopen("/proc/cpuinfo", "re");
    char *line = NULL;
    size_t bytes = 0;

    while (stream != NULL && getline(&line, &bytes, stream) > 0) {
        if (strncmp(line, "flags", 5) == 0) {
            facts->tsc_constant = has_word(line, "constant_tsc");
            facts->tsc_nonstop = has_word(line, "nonstop_tsc");
            break;
        }
    }
    free(line);
    if (stream != NULL) {
        fclose(stream);
    }
}

static void gather_clock(struct host_facts *facts)
{
    read_text(
        "/sys/devices/system/clocksource/clocksource0/current_clocksource", facts->clocksource,
        sizeof(facts->clocksource));
    facts->clock_ns = time_call(call_library);
    facts->syscall_ns = time_call(call_kernel);
    facts->tsc_khz = measure_tsc_khz();
    gather_tsc_flags(facts);
}

/* --- memory, tools, limits --- */

static void gather_memory(struct host_facts *facts)
{
    FILE *stream = fopen("/proc/meminfo", "re");
    char line[HOST_PATH_BYTES];
    uint64_t kilobytes;

    while (stream != NULL && fgets(line, sizeof(line), stream) != NULL) {
        if (sscanf(line, "MemTotal: %" SCNu64, &kilobytes) == 1) {
            facts->memory_bytes = kilobytes * 1024;
        } else if (sscanf(line, "MemAvailable: %" SCNu64, &kilobytes) == 1) {
            facts->available_bytes = kilobytes * 1024;
        } else if (sscanf(line, "SwapTotal: %" SCNu64, &kilobytes) == 1) {
            facts->swap_bytes = kilobytes * 1024;
        }
    }
    if (stream != NULL) {
        fclose(stream);
    }
    facts->overcommit = read_setting("/proc/sys/vm/overcommit_memory");
}

static uint64_t count_processors(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof(set), &set) == 0 ? (uint64_t)CPU_COUNT(&set) : 0;
}

/* Find a program as execvp would, without an empty entry standing for the working directory. */
static void find_program(const char *name, char path[HOST_PATH_BYTES])
{
    const char *folders = getenv("PATH");

    for (const char *at = folders == NULL ? "" : folders; *at != '\0';) {
        size_t length = strcspn(at, ":");
        int written = snprintf(path, HOST_PATH_BYTES, "%.*s/%s", (int)length, at, name);

        if (length > 0 && written < HOST_PATH_BYTES && access(path, X_OK) == 0) {
            return;
        }
        at += length + (at[length] == ':');
    }
    path[0] = '\0';
}

static uint64_t read_limit(__rlimit_resource_t resource)
{
    struct rlimit limit;

    if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return UINT64_MAX;
    }
    return limit.rlim_cur;
}

void host_gather(struct host_facts *facts)
{
    memset(facts, 0, sizeof(*facts));
    gather_counters(facts);
    gather_huge_pages(facts);
    gather_clock(facts);
    gather_memory(facts);
    facts->processors = count_processors();
    find_program("gnuplot", facts->gnuplot);
    facts->address_limit = read_limit(RLIMIT_AS);
    facts->file_limit = read_limit(RLIMIT_FSIZE);
    facts->descriptor_limit = read_limit(RLIMIT_NOFILE);
}
