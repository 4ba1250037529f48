/*
 * Question: does a fault cost more where an address space has more regions?
 * Method: `regions COUNT FAULTS` maps 512 MiB, cuts it into COUNT regions by giving every other one
 * of them other permissions, reads FAULTS pages spread evenly over it, and prints what the reads
 * took.  The pages are the same whatever COUNT is, so that nothing but the regions differs.
 */
#include "lab.h"
#include "mem.h"
#include "print.h"
#include "series.h"
#include "start.h"
#include "sys.h"
#include "touch_pages.h"

#define SPAN_PAGES 131072ul

static uint64_t map_span(void)
{
    int64_t base = sys_mmap(0, SPAN_PAGES * 4096, SYS_PROT_READ | SYS_PROT_WRITE, 0);

    if (sys_failed(base)) {
        print_to(2, "regions: no room for %lu pages\n", SPAN_PAGES);
        sys_exit(2);
    }
    if (!lab_present()) {
        sys_call(__NR_madvise, (uint64_t)base, SPAN_PAGES * 4096, MADV_NOHUGEPAGE, 0, 0, 0);
    }
    return (uint64_t)base;
}

/* First page of region i of count. */
static uint64_t edge(uint64_t i, uint64_t count)
{
    return i * SPAN_PAGES / count;
}

static void cut(uint64_t base, uint64_t count)
{
    for (uint64_t i = 1; i < count; i += 2) {
        uint64_t begin = edge(i, count);
        uint64_t bytes = (edge(i + 1, count) - begin) * 4096;
        int64_t error = sys_mprotect(base + begin * 4096, bytes, SYS_PROT_READ);

        if (error != 0) {
            print_to(2, "regions: cutting region %lu: error %ld\n", i, (long)-error);
            sys_exit(2);
        }
    }
}

static void read_pages(uint64_t base, uint64_t faults, uint32_t *ticks)
{
    for (uint64_t i = 0; i < faults; i++) {
        uint64_t address = base + i * SPAN_PAGES / faults * 4096;
        uint64_t before = touch_pages_clock();

        (void)*(volatile uint8_t *)address; // NOLINT: an address by number
        ticks[i] = (uint32_t)(touch_pages_clock() - before);
    }
}

int main(int argc, char **argv, char **envp)
{
    uint64_t count;
    uint64_t faults;

    (void)envp;
    if (argc != 3 || mem_parse_number(argv[1], &count) != 0 ||
        mem_parse_number(argv[2], &faults) != 0 || count == 0 || count > SPAN_PAGES ||
        faults == 0 || faults > SPAN_PAGES) {
        print_to(2, "usage: regions COUNT FAULTS, each from 1 to %lu\n", SPAN_PAGES);
        return 2;
    }
    uint32_t *ticks = series_alloc(faults * sizeof(ticks[0]));
    uint64_t base = map_span();
    cut(base, count);
    struct series_span span = series_now();
    read_pages(base, faults, ticks);
    series_span_end(&span);
    series_print("pages", ticks, faults, &span);
    return 0;
}
