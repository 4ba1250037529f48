/*
 * Question: does the stack grow by itself, and by exactly the pages that are touched?
 * Method: `stackgrow [PAGES]` (64 by default) recurses, with frames smaller than a page so that
 * none is skipped, until it stands PAGES pages below the lowest page touched before.  That
 * lowest page is known because a first descent, which also warms up the code, goes below
 * everything the library uses.
 *
 * Exit 0: as predicted, 1: different, 2: usage.
 *
 * expect: stackgrow | exit=0 | faults=64 | stack-growth=64
 * expect: stackgrow 1 | exit=0 | faults=1 | stack-growth=1
 * expect: stackgrow 1000 | exit=0 | faults=1000 | stack-growth=1000
 * expect: stackgrow 0 | exit=0 | faults=0
 */
#include <stdint.h>

#include "lab.h"
#include "mem.h"
#include "print.h"
#include "start.h"
#include "sys.h"

#define WARM_UP_PAGES 4
#define FRAME_BYTES   1024

/*
 * Recurses until a byte of page `target` is touched, and of no page below: the touched byte is
 * the frame's lowest, and the next frame is not made.  Returns the depth.  The value of the
 * inner call is used after it, and another store follows, so that it cannot become a jump.
 */
__attribute__((noinline, noclone)) static uint64_t descend(uint64_t target)
{
    volatile uint8_t frame[FRAME_BYTES];
    uint64_t depth = 1;

    frame[0] = 1;
    if ((uintptr_t)frame / PAGE_BYTES > target) {
        depth += descend(target);
        frame[0] = 2;
    }
    return depth;
}

__attribute__((noinline)) static void
count_descent(uint64_t target, struct lab_counts *faults, uint64_t *depth)
{
    struct lab_counts before;
    struct lab_counts after;

    lab_counts(&before);
    *depth = descend(target);
    lab_counts(&after);
    lab_counts_subtract(&after, &before, faults);
}

int main(int argc, char **argv, char **envp)
{
    uint64_t pages = 64;
    uint64_t start;
    uint64_t depth;
    struct lab_counts faults;
    struct print out;

    (void)envp;
    if (argc > 2 || (argc == 2 && (mem_parse_number(argv[1], &pages) != 0 || pages > 65536))) {
        print_to(2, "usage: stackgrow [PAGES], PAGES up to 65536\n");
        return 2;
    }
    start = (uintptr_t)&out / PAGE_BYTES - WARM_UP_PAGES;
    count_descent(start, &faults, &depth);

    count_descent(start - pages, &faults, &depth);
    lab_report_faults("", &faults);
    print_begin(&out, 1);
    print_format(
        &out, "%lu calls deep, %lu pages further down: took %lu faults", depth, pages,
        faults.total);
    lab_print_kinds(&out, &faults);
    print_format(&out, "%s\n", faults.total == pages ? "" : ": DIFFERENT");
    print_flush(&out);
    return faults.total == pages ? 0 : 1;
}
