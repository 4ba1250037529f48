/*
 * Question: whose is a page of the stack after a fork?
 * Method: `stacktouch [PAGES]` (8 by default).  PAGES pages far below the stack pointer are touched
 * before the fork, PAGES further ones are not.  After it the child, then the parent writes both:
 * what was there is shared, so the child copies and the parent takes it back; what was not there is
 * new to each of the two, and reads zero.
 *
 * Exit 0: all contents right, 1: not, 2: usage.
 *
 * expect: stacktouch | exit=0 | old.faults=8 | old.stack-growth=8
 *   | child-old.faults=8 | child-old.cow-copy=8 | child-new.faults=8 | child-new.stack-growth=8
 *   | parent-old.faults=8 | parent-old.cow-reuse=8
 *   | parent-new.faults=8 | parent-new.stack-growth=8
 * expect: stacktouch 200 | exit=0 | old.stack-growth=200
 *   | child-old.faults=200 | child-old.cow-copy=200
 *   | child-new.faults=200 | child-new.stack-growth=200
 *   | parent-old.faults=200 | parent-old.cow-reuse=200
 *   | parent-new.faults=200 | parent-new.stack-growth=200
 * expect: stacktouch 0 | exit=2
 */
#include "area.h"
#include "check.h"
#include "family.h"
#include "mem.h"
#include "print.h"
#include "start.h"

#define PAGES_MAX 500
#define DISTANCE  16 /* pages between main's frame and those that are touched */

/* Writes value to `pages` pages, the highest first as a stack grows; each held `before`. */
__attribute__((noinline)) static void
descend(uintptr_t end, uint64_t pages, uint64_t before, uint64_t value)
{
    for (uint64_t i = 1; i <= pages; i++) {
        volatile uint64_t *word =
            (volatile uint64_t *)(end - i * PAGE_BYTES); // NOLINT: an address by number
        word[1] = value;                                 /* first: one fault under Linux, too */
        CHECK_EQ(word[0], before);
        word[0] = value;
    }
}

static void
touch(const char *name, uintptr_t end, uint64_t pages, uint64_t before, uint64_t value)
{
    struct lab_counts start;
    struct lab_counts faults;

    lab_counts(&start);
    descend(end, pages, before, value);
    lab_counts(&faults);
    lab_counts_subtract(&faults, &start, &faults);
    lab_report_faults(name, &faults);
    print_to(1, "%s: %lu pages, %lu faults\n", name, pages, faults.total);
}

int main(int argc, char **argv, char **envp)
{
    uint64_t pages = 8;
    uint64_t warm[2] = {0};
    struct family family;

    (void)envp;
    if (argc > 2 || (argc == 2 && mem_parse_number(argv[1], &pages) != 0) || pages == 0 ||
        pages > PAGES_MAX) {
        print_to(2, "usage: stacktouch [PAGES], 1 to %d\n", PAGES_MAX);
        return 2;
    }
    uintptr_t old_end = ((uintptr_t)&pages / PAGE_BYTES - DISTANCE) * PAGE_BYTES;
    uintptr_t new_end = old_end - pages * PAGE_BYTES;

    area_warm_up(&family);
    descend((uintptr_t)warm + PAGE_BYTES, 1, 0, 0);
    touch("old", old_end, pages, 0, 1);
    if (!family_fork(&family, &family)) {
        touch("child-old", old_end, pages, 1, 2);
        touch("child-new", new_end, pages, 0, 2);
        family_leave(&family, 0);
    }
    CHECK_EQ(family_join(&family), 0);
    touch("parent-old", old_end, pages, 1, 3);
    touch("parent-new", new_end, pages, 0, 3);
    return 0;
}
