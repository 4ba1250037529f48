/*
 * Question: is memory that was given back and taken again new memory?
 * Method: grow the heap by brk, write to each page, shrink and grow it again; map, write, unmap
 * and map again at the same address.  Each time each page must read zero and take a fault of
 * its own.  The second round reads only, so a page that came back without a fault shows as a
 * missing one.
 *
 * expect: heap | exit=0 | brk.faults=8 | brk.demand-zero=8
 *   | brk-again.faults=8 | brk-again.demand-zero=8
 *   | mmap.faults=8 | mmap.demand-zero=8
 *   | mmap-again.faults=8 | mmap-again.demand-zero=8
 *   | stdout=heap: ok
 */
#include <stdint.h>

#include "check.h"
#include "lab.h"
#include "print.h"
#include "start.h"
#include "sys.h"

#define PAGES 8
#define BYTES (PAGES * PAGE_BYTES)

/* Reads the first byte of each page, which must be zero, and writes there where write is set. */
__attribute__((noinline)) static void
count_pages(uintptr_t base, uint64_t pages, bool write, struct lab_counts *faults)
{
    struct lab_counts before;
    struct lab_counts after;
    uint64_t sum = 0;

    lab_counts(&before);
    for (uint64_t i = 0; i < pages; i++) {
        volatile uint8_t *byte = (volatile uint8_t *)(base + i * PAGE_BYTES);

        if (write) {
            byte[0] = 0xff; /* first, as Linux would take a read and a write for two faults */
            sum += byte[1];
        } else {
            sum += byte[0];
        }
    }
    lab_counts(&after);
    lab_counts_subtract(&after, &before, faults);
    CHECK_EQ(sum, 0);
}

static void measure(const char *phase, uintptr_t base, bool write)
{
    struct lab_counts faults;
    struct print out;

    lab_phase(phase);
    count_pages(base, PAGES, write, &faults);
    lab_report_faults(phase, &faults);
    print_begin(&out, 1);
    print_format(&out, "%s: %d pages, %lu faults", phase, PAGES, faults.total);
    lab_print_kinds(&out, &faults);
    print_format(&out, "\n");
    print_flush(&out);
    CHECK_EQ(faults.total, PAGES);
}

int main(int argc, char **argv, char **envp)
{
    static uint8_t warm[2] = {0};
    struct lab_counts faults;
    uintptr_t base;
    int64_t area;

    (void)argc;
    (void)argv;
    (void)envp;
    warm[0] = 0;
    count_pages((uintptr_t)warm, 1, false, &faults);

    base = (sys_brk(0) + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    CHECK_EQ(sys_brk(base + BYTES), base + BYTES);
    measure("brk", base, true);
    CHECK_EQ(sys_brk(base), base);
    CHECK_EQ(sys_brk(base + BYTES), base + BYTES);
    measure("brk-again", base, false);

    area = sys_mmap(0, BYTES, SYS_PROT_READ | SYS_PROT_WRITE, 0);
    CHECK(!sys_failed(area));
    measure("mmap", (uintptr_t)area, true);
    CHECK_EQ(sys_munmap((uintptr_t)area, BYTES), 0);
    CHECK_EQ(
        sys_mmap((uintptr_t)area, BYTES, SYS_PROT_READ | SYS_PROT_WRITE, MAP_FIXED_NOREPLACE),
        area);
    measure("mmap-again", (uintptr_t)area, false);
    print_to(1, "heap: ok\n");
    return 0;
}
