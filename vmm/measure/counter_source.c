/*
 * Perf events by the kernel's interface and libpfm4 by dlopen, so that vmm starts without the
 * library; see counter_source.h.  Counters count ring 3 alone: the routines run there, and that is
 * what kernel.perf_event_paranoid=2, the usual value, allows to anyone.
 */
#include "measure/counter_source.h"

#include <dlfcn.h>
#include <linux/perf_event.h>
#include <perfmon/pfmlib_perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LIBRARY        "libpfm.so.4"
#define EXERCISE_PAGES 16384 /* beyond every second level */
#define PAGE_STEP      4096

struct library {
    void *object; /* owns: of dlopen */
    __typeof__(pfm_initialize) *initialize;
    __typeof__(pfm_terminate) *terminate;
    __typeof__(pfm_get_pmu_info) *get_pmu_info;
    __typeof__(pfm_get_os_event_encoding) *get_encoding;
};

/* --- libpfm4 --- */

/* A pointer to a function is no pointer to an object in C, though dlsym hands out both. */
static bool find(const struct library *library, const char *name, void *pointer, size_t bytes)
{
    void *symbol = dlsym(library->object, name);

    memcpy(pointer, &symbol, bytes);
    return symbol != NULL;
}

static bool load(struct library *library)
{
    library->object = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    return library->object != NULL &&
           find(library, "pfm_initialize", &library->initialize, sizeof(library->initialize)) &&
           find(library, "pfm_terminate", &library->terminate, sizeof(library->terminate)) &&
           find(
               library, "pfm_get_pmu_info", &library->get_pmu_info,
               sizeof(library->get_pmu_info)) &&
           find(
               library, "pfm_get_os_event_encoding", &library->get_encoding,
               sizeof(library->get_encoding)) &&
           library->initialize() == PFM_SUCCESS;
}

static void unload(struct library *library)
{
    if (library->object != NULL) {
        dlclose(library->object);
    }
    free(library);
}

static bool encode_event(void *context, const char *event, struct counter_code *code)
{
    const struct library *library = context;
    struct perf_event_attr attr = {0};
    pfm_perf_encode_arg_t request = {.attr = &attr, .size = sizeof(request)};

    if (library == NULL ||
        library->get_encoding(event, PFM_PLM3, PFM_OS_PERF_EVENT, &request) != PFM_SUCCESS) {
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
static void name_library(const struct library *library, char name[COUNTER_LIBRARY_BYTES])
{
    snprintf(name, COUNTER_LIBRARY_BYTES, "libpfm4 (core unknown)");
    for (int pmu = PFM_PMU_NONE; pmu < PFM_PMU_MAX; pmu++) {
        pfm_pmu_info_t info = {.size = sizeof(info)};
        if (library->get_pmu_info((pfm_pmu_t)pmu, &info) == PFM_SUCCESS && info.is_present &&
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
    struct library *library = calloc(1, sizeof(*library));

    *source = (struct counter_source){
        .encode = encode_event,
        .open = open_event,
        .run = run_group,
        .read = read_group,
        .close = close_event,
        .exercise = walk_much};
    if (library == NULL) {
        return;
    }
    if (!load(library)) {
        unload(library);
        return;
    }
    name_library(library, source->library);
    source->context = library;
}

void counter_source_end(struct counter_source *source)
{
    struct library *library = source->context;

    if (library != NULL) {
        library->terminate();
        unload(library);
    }
    *source = (struct counter_source){0};
}
