/*
 * Pages to work on; see area.h.  The measured loops are functions of their own, which are not
 * inlined, so that the warm-up runs the very same code.
 */
#include "area.h"

#include "check.h"
#include "print.h"
#include "sys.h"

static uintptr_t map(uint64_t pages, int sharing)
{
    int64_t base = sys_mmap_file(
        0, pages * PAGE_BYTES, SYS_PROT_READ | SYS_PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);

    CHECK(!sys_failed(base));
    if (!lab_present()) {
        sys_madvise((uintptr_t)base, pages * PAGE_BYTES, MADV_NOHUGEPAGE);
    }
    return (uintptr_t)base;
}

uintptr_t area_map(uint64_t pages)
{
    return map(pages, MAP_PRIVATE);
}

uintptr_t area_map_shared(uint64_t pages)
{
    return map(pages, MAP_SHARED);
}

static volatile uint64_t *word_of(uintptr_t base, uint64_t page)
{
    return (volatile uint64_t *)(base + page * PAGE_BYTES); // NOLINT: an address by number
}

__attribute__((noinline)) void area_write(uintptr_t base, uint64_t pages, uint64_t value)
{
    for (uint64_t i = 0; i < pages; i++) {
        *word_of(base, i) = value + i;
    }
}

__attribute__((noinline)) uint64_t area_count(uintptr_t base, uint64_t pages, uint64_t value)
{
    uint64_t right = 0;

    for (uint64_t i = 0; i < pages; i++) {
        right += *word_of(base, i) == value + i;
    }
    return right;
}

__attribute__((noinline)) void
area_write_counted(uintptr_t base, uint64_t pages, uint64_t value, struct lab_counts *faults)
{
    struct lab_counts before;
    struct lab_counts after;

    lab_counts(&before);
    area_write(base, pages, value);
    lab_counts(&after);
    lab_counts_subtract(&after, &before, faults);
}

__attribute__((noinline)) uint64_t
area_count_counted(uintptr_t base, uint64_t pages, uint64_t value, struct lab_counts *faults)
{
    struct lab_counts before;
    struct lab_counts after;
    uint64_t right;

    lab_counts(&before);
    right = area_count(base, pages, value);
    lab_counts(&after);
    lab_counts_subtract(&after, &before, faults);
    return right;
}

__attribute__((noinline)) void area_warm_up(const void *top)
{
    uint64_t word = 0;
    struct lab_counts faults;
    uintptr_t here = (uintptr_t)&word / PAGE_BYTES * PAGE_BYTES;

    /* From above, as a stack grows; only the address of top counts. */
    /* cppcheck-suppress ctuuninitvar */
    for (uintptr_t page = (uintptr_t)top / PAGE_BYTES * PAGE_BYTES;
         page >= here - AREA_STACK_PAGES * PAGE_BYTES; page -= PAGE_BYTES) {
        volatile uint8_t *byte = (volatile uint8_t *)page; // NOLINT: an address by number

        uint8_t value = *byte;

        *byte = value;
    }
    area_write_counted((uintptr_t)&word, 1, 1, &faults);
    CHECK_EQ(area_count_counted((uintptr_t)&word, 1, 1, &faults), 1);
}
