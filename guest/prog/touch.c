/*
 * Question: how many faults do COUNT touches take that lie STRIDE bytes apart?
 * Method: `touch STRIDE COUNT [r|w|rw]` maps fresh memory, reads (r), writes (w, the default),
 * or reads and then writes (rw) the bytes 0, STRIDE, 2 STRIDE…; one fault is due for each
 * distinct page. A Linux that answers a read with its shared page of zeros takes two a page for
 * rw, hence linux=0,1.
 *
 * Exit 0: as predicted, 1: different, 2: usage.
 *
 * expect: touch 4096 8 | exit=0 | predicted=8 | faults=8 | demand-zero=8
 * expect: touch 4 2048 | exit=0 | predicted=2 | faults=2 | demand-zero=2
 * expect: touch 1 1 r | exit=0 | faults=1 | demand-zero=1
 * expect: touch 8192 16 r | exit=0 | faults=16 | demand-zero=16
 * expect: touch 4096 8 rw | exit=0 | linux=0,1 | faults=8 | demand-zero=8
 * expect: touch 4095 4097 | emulated=no | exit=0 | faults=4096 | demand-zero=4096
 * expect: touch 4096 1000000000000 | exit=2
 * expect: touch 4096 | exit=2
 * expect: touch 4096 65536 | options=--mem=16M | exit=137 | linux=0 | run.out-of-memory=1
 */
#include <stdint.h>

#include "check.h"
#include "lab.h"
#include "mem.h"
#include "print.h"
#include "start.h"
#include "sys.h"

struct plan {
    uint64_t stride_bytes;
    uint64_t count;
    bool read;
    bool write;
};

/* Distinct pages among `count` addresses from a page's first byte on. */
static uint64_t predict_pages(const struct plan *plan)
{
    if (plan->count == 0) {
        return 0;
    }
    if (plan->stride_bytes >= PAGE_BYTES) {
        return plan->count;
    }
    return (plan->count - 1) * plan->stride_bytes / PAGE_BYTES + 1;
}

/* The measured loop.  noinline: warm-up and experiment must run the same instructions. */
__attribute__((noinline)) static void
count_touches(const struct plan *plan, volatile uint8_t *base, struct lab_counts *faults)
{
    struct lab_counts before;
    struct lab_counts after;

    lab_counts(&before);
    for (uint64_t i = 0; i < plan->count; i++) {
        volatile uint8_t *byte = base + i * plan->stride_bytes;

        if (plan->read) {
            (void)*byte;
        }
        if (plan->write) {
            *byte = 1;
        }
    }
    lab_counts(&after);
    lab_counts_subtract(&after, &before, faults);
}

static bool parse_plan(int argc, char **argv, struct plan *plan)
{
    const char *access = argc > 3 ? argv[3] : "w";

    plan->read = strcmp(access, "r") == 0 || strcmp(access, "rw") == 0;
    plan->write = strcmp(access, "w") == 0 || strcmp(access, "rw") == 0;
    return argc >= 3 && argc <= 4 && (plan->read || plan->write) &&
           mem_parse_number(argv[1], &plan->stride_bytes) == 0 &&
           mem_parse_number(argv[2], &plan->count) == 0 && plan->stride_bytes > 0;
}

int main(int argc, char **argv, char **envp)
{
    struct plan plan;
    struct plan once;
    struct lab_counts faults;
    struct print out;
    uint64_t bytes;
    uint64_t pages;
    int64_t base;

    (void)envp;
    if (!parse_plan(argc, argv, &plan)) {
        print_to(2, "usage: touch STRIDE COUNT [r|w|rw], STRIDE and COUNT in bytes, > 0\n");
        return 2;
    }
    if (__builtin_mul_overflow(plan.stride_bytes, plan.count, &bytes) ||
        sys_failed(base = sys_mmap(0, bytes + 1, SYS_PROT_READ | SYS_PROT_WRITE, 0))) {
        print_to(2, "touch: no room for %lu times %lu bytes\n", plan.count, plan.stride_bytes);
        return 2;
    }

    if (!lab_present()) {
        /* Linux may put 2 MiB pages there; the laboratory does as its options say. */
        sys_call(__NR_madvise, (uint64_t)base, bytes + 1, MADV_NOHUGEPAGE, 0, 0, 0);
    }

    /* Warm up on a byte that is there. */
    once = plan;
    once.count = 1;
    count_touches(&once, &(volatile uint8_t){0}, &faults);

    count_touches(&plan, (volatile uint8_t *)base, &faults); // NOLINT: an address by number
    pages = predict_pages(&plan);
    lab_result("predicted", (int64_t)pages);
    lab_report_faults("", &faults);

    print_begin(&out, 1);
    print_format(
        &out, "%lu touches, %lu bytes apart: predicted %lu faults, took %lu", plan.count,
        plan.stride_bytes, pages, faults.total);
    lab_print_kinds(&out, &faults);
    print_format(&out, "%s\n", faults.total == pages ? "" : ": DIFFERENT");
    print_flush(&out);
    return faults.total == pages ? 0 : 1;
}
