/*
 * Question: does a program that touches four times the memory it gets end with the same output?
 * Method: `bigtouch PAGES FRAMES` writes PAGES pages, reads them all, changes them all and reads them
 * again, in sequence; what it has beside them is locked, and it gets FRAMES frames (0: no limit).
 * Under fifo no page is still there when the sequence comes round again, so that each pass takes a
 * fault a page: demand-zero in the first, swap-in in the others.
 *
 * Exit 0: all contents right, 1: not, 2: usage.
 *
 * expect: bigtouch 256 0 | exit=0 | total=256 | demand-zero=256
 *   | stdout=256 pages: sums 32640 and 1081216
 * expect: bigtouch 256 64 | options=--swap=4M --policy=fifo | exit=0 | predicted=1024 | total=1024
 *   | demand-zero=256 | swap-in=768 | stdout=256 pages: sums 32640 and 1081216
 * expect: bigtouch 256 64 | options=--frames=64 --swap=4M --policy=lru | exit=0
 *   | stdout=256 pages: sums 32640 and 1081216
 * expect: bigtouch 256 64 | options=--frames=64 --swap=4M --policy=random | exit=0
 *   | stdout=256 pages: sums 32640 and 1081216
 * expect: bigtouch 256 64 | options=--frames=64 --swap=4M --policy=2q | exit=0
 *   | stdout=256 pages: sums 32640 and 1081216
 * expect: bigtouch 1024 256 | options=--frames=256 --swap=8M --policy=clock | exit=0
 * expect: bigtouch 4096 0 | emulated=no | options=--frames=1024 --swap=32M | exit=0
 * expect: bigtouch 4096 0 | emulated=no | options=--resident=4M --swap=32M --policy=arc | exit=0
 * expect: bigtouch 256 0 | options=--frames=64 --swap=64K | exit=137 | linux=0
 *   | run.out-of-memory=1
 * expect: bigtouch | exit=2
 */
#include "area.h"
#include "check.h"
#include "mem.h"
#include "print.h"
#include "start.h"
#include "sys.h"

#define PAGES_MAX 1000000

static volatile uint64_t *word_of(uintptr_t base, uint64_t page)
{
    return (volatile uint64_t *)(base + page * PAGE_BYTES); // NOLINT: an address by number
}

static uint64_t sum(uintptr_t base, uint64_t pages)
{
    uint64_t total = 0;

    for (uint64_t i = 0; i < pages; i++) {
        total += *word_of(base, i);
    }
    return total;
}

__attribute__((noinline)) static void
run(uintptr_t base, uint64_t pages, uint64_t sums[2], struct lab_counts *faults)
{
    struct lab_counts before;

    lab_counts(&before);
    area_write(base, pages, 0);
    sums[0] = sum(base, pages);
    for (uint64_t i = 0; i < pages; i++) {
        *word_of(base, i) += 4096;
    }
    sums[1] = sum(base, pages);
    lab_counts(faults);
    lab_counts_subtract(faults, &before, faults);
}

int main(int argc, char **argv, char **envp)
{
    uint64_t pages = 0;
    uint64_t frames = 0;
    uint64_t sums[2];
    uint64_t word;
    struct lab_counts faults;

    (void)envp;
    if (argc != 3 || mem_parse_number(argv[1], &pages) != 0 || pages == 0 ||
        pages > PAGES_MAX || mem_parse_number(argv[2], &frames) != 0) {
        print_to(2, "usage: bigtouch PAGES FRAMES, PAGES to %d\n", PAGES_MAX);
        return 2;
    }
    area_warm_up(&pages);
    run((uintptr_t)&word, 1, sums, &faults);
    uintptr_t base = area_map(pages);
    if (frames != 0) {
        CHECK_EQ(sys_mlockall(MCL_CURRENT | MCL_ONFAULT), 0);
        CHECK(!lab_present() || sys_call(LAB_FRAMES, frames, 0, 0, 0, 0, 0) == 0);
    }
    lab_result("predicted", (int64_t)(frames != 0 && frames < pages ? 4 * pages : pages));
    run(base, pages, sums, &faults);
    lab_report_total("", &faults);
    print_to(1, "%lu pages: sums %lu and %lu\n", pages, sums[0], sums[1]);
    CHECK_EQ(sums[0], pages * (pages - 1) / 2);
    CHECK_EQ(sums[1], sums[0] + 4096 * pages);
    return 0;
}
