/*
 * Question: an array of 8192 bytes, none of it in memory, every 4th byte touched once: how many
 * page faults?
 * Method: map fresh memory, count faults around the 2048 touches, and compare with what the
 * page size predicts: 8192 / 4096 = 2 for 4 KiB pages, 1 for a 2 MiB page.  The same code first
 * runs on memory that is there, so that its own text, data and stack take no fault in between.
 *
 * Exit 0: as predicted, 1: different.
 *
 * expect: guest | exit=0 | 4k.predicted=2 | 4k.faults=2 | 4k.demand-zero=2
 *   | 2m.predicted=1 | 2m.faults=1 | 2m.demand-zero=1
 */
#include <stdint.h>

#include "lab.h"
#include "print.h"
#include "start.h"
#include "sys.h"

#define ARRAY_BYTES  8192
#define STRIDE_BYTES 4
#define TOUCHES      (ARRAY_BYTES / STRIDE_BYTES)

/* One way of paging the array. */
struct paging {
    const char *name;   /* for people */
    const char *figure; /* for lab_result */
    uint64_t page_bytes;
    uint64_t map_bytes;
    int map_flags;
};

static const struct paging pagings[] = {
    {"4 KiB", "4k", PAGE_BYTES, ARRAY_BYTES, 0},
    {"2 MiB", "2m", LARGE_BYTES, LARGE_BYTES, MAP_HUGETLB | MAP_HUGE_2MB},
};

/* What was seen of the array. */
struct observation {
    struct lab_counts faults;
    struct lab_walk before;
    struct lab_walk after;
    bool walked;
};

static uint64_t predict_faults(const struct paging *paging)
{
    return (ARRAY_BYTES + paging->page_bytes - 1) / paging->page_bytes;
}

/* The experiment.  noinline: warm-up and measurement must run the same instructions. */
__attribute__((noinline)) static void observe(volatile uint8_t *array, struct observation *seen)
{
    struct lab_counts before;
    struct lab_counts after;

    seen->walked = lab_walk((uintptr_t)array, &seen->before);
    lab_counts(&before);
    for (uint64_t i = 0; i < ARRAY_BYTES; i += STRIDE_BYTES) {
        array[i] = 1;
    }
    lab_counts(&after);
    seen->walked = seen->walked && lab_walk((uintptr_t)array, &seen->after);
    lab_counts_subtract(&after, &before, &seen->faults);
}

/* Level 4 - i of a walk. */
static void print_entry(struct print *out, const struct lab_walk *walk, uint32_t i)
{
    if (i >= walk->levels) {
        print_format(out, "%-25s", "-");
    } else if ((walk->level[i].entry & PTE_PRESENT) == 0) {
        print_format(out, "%016lx absent  ", walk->level[i].entry);
    } else {
        print_format(
            out, "%016lx %-8s", walk->level[i].entry,
            i + 1 == walk->levels ? "the page" : "table");
    }
}

/* The walk of the array's first byte, level by level, before and after the touches. */
static void print_walk(struct print *out, uintptr_t address, const struct observation *seen)
{
    if (!seen->walked) {
        print_format(out, "  (not in the laboratory: nobody here can show the page tables)\n");
        return;
    }
    print_format(out, "  walk of %#lx    before                    after\n", address);
    for (uint32_t i = 0; i < 4 && (i < seen->before.levels || i < seen->after.levels); i++) {
        uint32_t level = 4 - i;
        uint64_t index = (address >> (PAGE_SHIFT + 9 * (level - 1))) % PTE_ENTRIES;

        print_format(out, "    level %u, entry %3lu    ", level, index);
        print_entry(out, &seen->before, i);
        print_format(out, " ");
        print_entry(out, &seen->after, i);
        print_format(out, "\n");
    }
}

static void print_reading(
    struct print *out,
    const struct paging *paging,
    uintptr_t address,
    const struct observation *seen)
{
    uint64_t predicted = predict_faults(paging);
    bool same = seen->faults.total == predicted;

    print_format(
        out, "\n%s pages: %u / %lu, rounded up, is %lu, so %lu fault%s predicted; %lu taken",
        paging->name, ARRAY_BYTES, paging->page_bytes, predicted, predicted,
        predicted == 1 ? "" : "s", seen->faults.total);
    lab_print_kinds(out, &seen->faults);
    print_format(out, "%s.\n", same ? ": as predicted" : ": DIFFERENT");
    if (same) {
        print_format(
            out,
            "  A fault brings in a whole page: the other %lu touches found theirs there.\n",
            TOUCHES - predicted);
    }
    print_walk(out, address, seen);
}

/* Runs the experiment with one page size; true if it went as predicted. */
static bool try_paging(struct print *out, const struct paging *paging)
{
    struct observation seen;
    int64_t base =
        sys_mmap(0, paging->map_bytes, SYS_PROT_READ | SYS_PROT_WRITE, paging->map_flags);

    if (sys_failed(base)) {
        print_format(
            out, "\n%s pages: none to be had here (mmap: error %ld).\n", paging->name, -base);
        return !lab_present(); /* a Linux has them only where an administrator reserved some */
    }
    lab_phase(paging->figure);
    observe((volatile uint8_t *)base, &seen); // NOLINT: an address by number
    lab_result(
        paging->page_bytes == PAGE_BYTES ? "4k.predicted" : "2m.predicted",
        (int64_t)predict_faults(paging));
    lab_report_faults(paging->figure, &seen.faults);
    print_reading(out, paging, (uintptr_t)base, &seen);
    print_flush(out); /* here, as a live trace may stand between the lines */
    return seen.faults.total == predict_faults(paging);
}

int main(int argc, char **argv, char **envp)
{
    static uint8_t present[ARRAY_BYTES];
    struct observation warm_up;
    struct print out;
    bool as_predicted = true;

    (void)argc;
    (void)argv;
    (void)envp;
    observe(present, &warm_up);
    observe(present, &warm_up);

    print_begin(&out, 1);
    print_format(
        &out, "An array of %u bytes, none of it in memory; every %uth byte is touched once.\n",
        ARRAY_BYTES, STRIDE_BYTES);
    print_format(&out, "How many page faults do these %u touches take?\n", TOUCHES);
    for (size_t i = 0; i < sizeof(pagings) / sizeof(pagings[0]); i++) {
        as_predicted = try_paging(&out, &pagings[i]) && as_predicted;
    }
    print_flush(&out);
    return as_predicted ? 0 : 1;
}
