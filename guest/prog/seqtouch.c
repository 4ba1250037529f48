/*
 * Question: how many faults does the first touch of an area in sequence take, when a fault brings in
 * more than its page?
 * Method: `seqtouch MODE [PAGES]` writes to each page in turn; MODE says what vmm was told, and by
 * that the prediction:
 *   one       one page a fault
 *   fixed N   --fault-around=N: aligned windows of N pages, cut at the ends of the area
 *   auto MAX  --fault-around=auto: 1, 2, 4... up to MAX pages, as long as it goes on
 *   large     --page-size=2m or auto: 2 MiB where they fit, single pages before and behind
 * A plain Linux takes one fault a page, so only `one` has the figure `faults`.
 *
 * Exit 0: as predicted, 1: different, 2: usage.
 *
 * expect: seqtouch one 0 300 | exit=0 | predicted=300 | faults=300 | total=300 | demand-zero=300
 * expect: seqtouch auto 64 511 | options=--fault-around=auto | exit=0 | predicted=13 | total=13
 *   | demand-zero=13
 * expect: seqtouch auto 64 1 | options=--fault-around=auto | exit=0 | predicted=1 | total=1
 *   | demand-zero=1
 * expect: seqtouch auto 64 2 | options=--fault-around=auto | exit=0 | predicted=2 | total=2
 *   | demand-zero=2
 * expect: seqtouch auto 64 8192 | emulated=no | options=--fault-around=auto | exit=0 | predicted=134
 *   | total=134 | demand-zero=134
 * expect: seqtouch fixed 16 1024 | options=--fault-around=16 | exit=0 | total=64 | demand-zero=64
 * expect: seqtouch fixed 512 2048 | options=--fault-around=512 | exit=0 | total=4 | demand-zero=4
 * expect: seqtouch fixed 1 64 | options=--fault-around=1 | exit=0 | total=64 | demand-zero=64
 * expect: seqtouch large 0 2048 | options=--page-size=auto | exit=0 | total=4 | demand-zero=4
 * expect: seqtouch large 0 1536 | options=--page-size=2m | exit=0 | total=3 | demand-zero=3
 * expect: seqtouch large 0 600 | options=--page-size=auto | exit=0 | total=89 | demand-zero=89
 * expect: seqtouch large 0 511 | options=--page-size=auto | exit=0 | total=511 | demand-zero=511
 * expect: seqtouch large 0 0 | exit=2
 */
#include "area.h"
#include "check.h"
#include "mem.h"
#include "print.h"
#include "start.h"
#include "sys.h"

#define LARGE_PAGES (LARGE_BYTES / PAGE_BYTES)
#define PAGES_MAX   (UINT64_C(1) << 24)

struct plan {
    const char *mode;
    uint64_t window, pages;
    uintptr_t base;
};

static uint64_t predict_fixed(uint64_t first, uint64_t end, uint64_t window)
{
    CHECK(window != 0);
    return (end - 1) / window - first / window + 1;
}

static uint64_t predict_auto(uint64_t pages, uint64_t most)
{
    uint64_t faults = 0;
    uint64_t window = 1;

    for (uint64_t done = 0; done < pages; done += window) {
        window = faults == 0 ? 1 : 2 * window < most ? 2 * window : most;
        faults++;
    }
    return faults;
}

static uint64_t predict_large(uint64_t first, uint64_t end)
{
    uint64_t large_first = (first + LARGE_PAGES - 1) / LARGE_PAGES;
    uint64_t large_end = end / LARGE_PAGES;

    if (large_first >= large_end) {
        return end - first;
    }
    return large_end - large_first + (large_first * LARGE_PAGES - first) +
           (end - large_end * LARGE_PAGES);
}

static uint64_t predict(const struct plan *plan)
{
    uint64_t first = plan->base / PAGE_BYTES;

    if (strcmp(plan->mode, "fixed") == 0) {
        return predict_fixed(first, first + plan->pages, plan->window);
    }
    if (strcmp(plan->mode, "auto") == 0) {
        return predict_auto(plan->pages, plan->window);
    }
    if (strcmp(plan->mode, "large") == 0) {
        return predict_large(first, first + plan->pages);
    }
    return plan->pages;
}

/* At the start of 2 MiB, so that the numbers do not depend on where mmap puts it; nothing around
 * it is mapped. */
static uintptr_t map_aligned(uint64_t pages)
{
    uint64_t bytes = (pages + 3 * LARGE_PAGES) * PAGE_BYTES;
    int64_t room = sys_mmap(0, bytes, SYS_PROT_NONE, 0);

    CHECK(!sys_failed(room));
    CHECK_EQ(sys_munmap((uintptr_t)room, bytes), 0);
    uintptr_t base = ((uintptr_t)room + 2 * LARGE_BYTES - 1) / LARGE_BYTES * LARGE_BYTES;
    CHECK_EQ(
        sys_mmap(base, pages * PAGE_BYTES, SYS_PROT_READ | SYS_PROT_WRITE, MAP_FIXED_NOREPLACE),
        base);
    if (!lab_present()) {
        sys_madvise(base, pages * PAGE_BYTES, MADV_NOHUGEPAGE);
    }
    return base;
}

static bool is_mode(const char *mode)
{
    return strcmp(mode, "one") == 0 || strcmp(mode, "fixed") == 0 ||
           strcmp(mode, "auto") == 0 || strcmp(mode, "large") == 0;
}

int main(int argc, char **argv, char **envp)
{
    struct plan plan = {.mode = argc > 1 ? argv[1] : "", .pages = 1024};
    struct lab_counts faults;
    struct print out;

    (void)envp;
    if (argc < 3 || argc > 4 || !is_mode(plan.mode) ||
        mem_parse_number(argv[2], &plan.window) != 0 ||
        (argc == 4 && mem_parse_number(argv[3], &plan.pages) != 0) || plan.pages == 0 ||
        plan.pages > PAGES_MAX ||
        (plan.window == 0 && (plan.mode[0] == 'f' || plan.mode[0] == 'a'))) {
        print_to(2, "usage: seqtouch one|fixed|auto|large WINDOW [PAGES]\n");
        return 2;
    }
    plan.base = map_aligned(plan.pages);
    area_warm_up(&plan);
    area_write_counted(plan.base, plan.pages, 1, &faults);
    uint64_t predicted = predict(&plan);
    lab_result("predicted", (int64_t)predicted);
    lab_report_total("", &faults);
    lab_result("faults", (int64_t)faults.total);
    CHECK_EQ(area_count(plan.base, plan.pages, 1), plan.pages);

    print_begin(&out, 1);
    print_format(
        &out, "%lu pages in sequence: predicted %lu faults, took %lu", plan.pages, predicted,
        faults.total);
    lab_print_kinds(&out, &faults);
    print_format(&out, "\n");
    print_flush(&out);
    return lab_present() && faults.total != predicted ? 1 : 0;
}
