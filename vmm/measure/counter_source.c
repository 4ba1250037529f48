/*
 * Perf events by the kernel's interface and libpfm4 where it is installed; see counter_source.h.  Counters count ring 3 alone: the routines run there, and that is
 * what kernel.perf_event_paranoid=2, the usual value, allows to anyone.
 */
#include "measure/counter_source.h"

#include <linux/perf_event.h>
#include <perfmon/pfmlib_perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/library.h"

#define EXERCISE_PAGES 16384 /* beyond every second level */
#define PAGE_STEP      4096

#define FUNCTIONS(f) f(pfm_initialize) f(pfm_get_pmu_info) f(pfm_get_os_event_encoding)

struct pfm {
    FUNCTIONS(LIBRARY_MEMBER)
};

/* --- libpfm4 --- */

static bool load(struct pfm *pfm)
{
    static const char *const files[] = {"libpfm.so.4", NULL};
    static const char *const functions[] = {FUNCTIONS(LIBRARY_NAME) NULL};
    struct err why;

    return library_load(files, functions, pfm, &why) && pfm->pfm_initialize() == PFM_SUCCESS;
}

static bool encode_event(void *context, const char *event, struct counter_code *code)
{
    const struct pfm *pfm = context;
    struct perf_event_attr attr = {0};
    pfm_perf_encode_arg_t request = {.attr = &attr, .size = sizeof(request)};

    if (pfm == NULL || pfm->pfm_get_os_event_encoding(
                           event, PFM_PLM3, PFM_OS_PERF_EVENT, &request) != PFM_SUCCESS) {
        return false;
    }
    *code = (struct counter_code){
        .type = attr.type,
        .config = attr.config,
        .config1 = attr.config1,
        .config2 = attr.config2};
    return true;
}

/* By the library's name for this core, which tells whether it is known. */
static void name_library(const struct pfm *pfm, char name[COUNTER_LIBRARY_BYTES])
{
    snprintf(name, COUNTER_LIBRARY_BYTES, "libpfm4 (core unknown)");
    for (int pmu = PFM_PMU_NONE; pmu < PFM_PMU_MAX; pmu++) {
        pfm_pmu_info_t info = {.size = sizeof(info)};
        if (pfm->pfm_get_pmu_info((pfm_pmu_t)pmu, &info) == PFM_SUCCESS && info.is_present &&
            info.type == PFM_PMU_TYPE_CORE) {
            snprintf(name, COUNTER_LIBRARY_BYTES, "libpfm4 (%s)", info.name);
            return;
        }
    }
}

/* --- perf --- */

static int
open_event(void *context, const struct counter_code *code, enum side side, int leader)
{
    struct perf_event_attr attr = {
        .type = code->type,
        .size = sizeof(attr),
        .config = code->config,
        .config1 = code->config1,
        .config2 = code->config2,
        .read_format =
            PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
        .disabled = leader < 0,
        .exclude_kernel = 1,
        .exclude_hv = 1,
        .exclude_host = side == SIDE_GUEST,
        .exclude_guest = side == SIDE_NATIVE};

    (void)context;
    return (int)syscall(SYS_perf_event_open, &attr, 0, -1, leader, PERF_FLAG_FD_CLOEXEC);
}

static void run_group(void *context, int leader, bool on)
{
    (void)context;
    (void)ioctl(leader, on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
}

static long read_group(void *context, int leader, uint64_t *values, size_t words)
{
    (void)context;
    return (long)read(leader, values, words * sizeof(*values));
}

static void close_event(void *context, int fd)
{
    (void)context;
    close(fd);
}

/* Reads are enough: the kernel maps the page of zeros everywhere, and takes no memory for it. */
static void walk_much(void *context)
{
    size_t bytes = (size_t)EXERCISE_PAGES * PAGE_STEP;
    const volatile char *pages =
        mmap(NULL, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    (void)context;
    if (pages == MAP_FAILED) {
        return;
    }
    (void)madvise((void *)pages, bytes, MADV_NOHUGEPAGE);
    for (unsigned pass = 0; pass < 2; pass++) {
        for (size_t at = 0; at < bytes; at += PAGE_STEP) {
            (void)pages[at];
        }
    }
    munmap((void *)pages, bytes);
}

/* --- both --- */

void counter_source_begin(struct counter_source *source)
{
    struct pfm *pfm = calloc(1, sizeof(*pfm));

    *source = (struct counter_source){
        .encode = encode_event,
        .open = open_event,
        .run = run_group,
        .read = read_group,
        .close = close_event,
        .exercise = walk_much};
    if (pfm == NULL || !load(pfm)) {
        free(pfm);
        return;
    }
    name_library(pfm, source->library);
    source->context = pfm;
}

/* The library stays as it was initialised: it takes no second time. */
void counter_source_end(struct counter_source *source)
{
    free(source->context);
    *source = (struct counter_source){0};
}
