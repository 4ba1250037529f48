/*
 * Question: what does recording a fault cost, and how do reports do on long sessions?  Method:
 * `make_session DIR COUNT [PAGES]` records COUNT synthetic faults over PAGES distinct pages (a
 * quarter of COUNT if it is not given) in four regions, two phases and several kinds, and
 * prints ns a record: all of it, and the median of 1,000 batches, which leaves the growing of
 * the file out.
 *
 * Exit 0: recorded, 1: not, 2: usage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "session/recorder.h"

#define REGIONS 4
#define BATCHES 1000

struct plan {
    uint64_t count, pages;
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static struct region make_region(uint32_t id, uint64_t pages)
{
    static const char *const labels[REGIONS] = {"bss", "heap", "stack", NULL};
    uint64_t begin = 0x400000 + (uint64_t)id * 0x10000000000;

    return (struct region){
        .begin = gva_of(begin),
        .end = gva_of(begin + (pages / REGIONS + 1) * PAGE_BYTES),
        .id = id,
        .spec = {
            .kind = REGION_ANONYMOUS,
            .permissions = REGION_READ | REGION_WRITE,
            .page_shift = PAGE_SHIFT,
            .label = labels[id]}};
}

static struct fault_record make_fault(const struct plan *plan, uint64_t index, uint64_t *state)
{
    uint64_t page = index < plan->pages ? index : next_random(state) % plan->pages;
    uint32_t region = (uint32_t)(page % REGIONS);
    bool first = index < plan->pages;

    return (struct fault_record){
        .time_ns = index * 40,
        .address = 0x400000 + region * UINT64_C(0x10000000000) + page / REGIONS * PAGE_BYTES,
        .rip = 0x401000 + next_random(state) % 64 * 16,
        .entry_after = page << 12 | 0x67,
        .service_ns = (uint32_t)(200 + next_random(state) % 1000),
        .frame = (uint32_t)page,
        .evicted = first ? RECORD_NO_FRAME : (uint32_t)(page ^ 1),
        .region = region,
        .kind = first ? FAULT_DEMAND_ZERO : FAULT_SWAP_IN,
        .action = first ? ACTION_MAP_ZERO : ACTION_SWAP_IN,
        .access = RECORD_USER | (page % 3 ? RECORD_WRITE : 0),
        .level = 1};
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* The faults of a batch are made before its clock starts. */
static void record_all(struct recorder *recorder, const struct plan *plan)
{
    struct region regions[REGIONS];
    uint64_t size = (plan->count + BATCHES - 1) / BATCHES, state = 88172645463325252u;
    struct fault_record *batch = calloc(size, sizeof(*batch));
    double each[BATCHES] = {0}, total = 0;
    uint64_t done = 0;
    unsigned batches = 0;

    for (uint32_t i = 0; i < REGIONS; i++) {
        regions[i] = make_region(i, plan->pages);
    }
    recorder_phase(recorder, 0, "first");
    while (batch != NULL && done < plan->count) {
        uint64_t now = plan->count - done < size ? plan->count - done : size;
        for (uint64_t i = 0; i < now; i++) {
            batch[i] = make_fault(plan, done + i, &state);
        }
        uint64_t begin = clock_now_ns();
        for (uint64_t i = 0; i < now; i++) {
            recorder_fault(recorder, &batch[i], &regions[batch[i].region]);
        }
        double ns = (double)(clock_now_ns() - begin);
        total += ns;
        each[batches++] = ns / (double)now;
        done += now;
        if (batches == BATCHES / 2) {
            recorder_phase(recorder, done * 40, "second");
        }
    }
    free(batch);
    qsort(each, batches, sizeof(each[0]), compare);
    printf("ns a record: %.1f, median %.1f\n", total / (double)done, each[batches / 2]);
}

int main(int argc, char **argv)
{
    static const char *const arguments[] = {"synthetic", NULL};
    struct plan plan = {0};
    struct recorder *recorder;
    struct err err;

    if (argc >= 3) {
        plan.count = strtoull(argv[2], NULL, 10);
        plan.pages = argc > 3 ? strtoull(argv[3], NULL, 10) : plan.count / 4;
    }
    if (plan.count == 0 || plan.pages == 0) {
        fprintf(stderr, "usage: make_session DIR COUNT [PAGES]\n");
        return 2;
    }
    const struct recorder_setup setup = {
        .folder = argv[1],
        .program = "/proc/self/exe",
        .argv = arguments,
        .mem_bytes = UINT64_C(1) << 30,
        .stack_bytes = UINT64_C(1) << 20};
    bool ok = recorder_create(&recorder, &setup, &err);
    if (ok) {
        record_all(recorder, &plan);
        recorder_end(recorder, plan.count * 40, 0, "exited with status 0");
        ok = recorder_close(recorder, "{}", &err);
    }
    if (!ok) {
        fprintf(stderr, "make_session: %s\n", err.text);
    }
    return ok ? 0 : 1;
}
