/*
 * An area: pages that a program works on, apart from its own text, data and stack, so that the
 * faults on them can be told beforehand.  It refuses to know what an experiment expects.  Read
 * family.h next.
 */
#ifndef AREA_H
#define AREA_H

#include <stdbool.h>
#include <stdint.h>

#include "lab.h"

/* Fresh memory of so many 4 KiB pages, private or shared with children; ends the program where
 * there is none.  A plain Linux is asked not to put 2 MiB pages there. */
uintptr_t area_map(uint64_t pages);
uintptr_t area_map_shared(uint64_t pages);

/* Write value + n to the first eight bytes of page n, for each of `pages` pages. */
void area_write(uintptr_t base, uint64_t pages, uint64_t value);
/* How many of the pages hold what area_write() with this value leaves. */
uint64_t area_count(uintptr_t base, uint64_t pages, uint64_t value);

/* The same, and the faults that it took.  The caller's stack and the code must be in memory: see
 * area_warm_up. */
void area_write_counted(
    uintptr_t base, uint64_t pages, uint64_t value, struct lab_counts *faults);
uint64_t
area_count_counted(uintptr_t base, uint64_t pages, uint64_t value, struct lab_counts *faults);

/*
 * Bring in what the functions above need, and what a program uses of its own: everything from the
 * page that holds `top` (a variable of main) down to AREA_STACK_PAGES below the caller is written,
 * so that after a fork these pages belong to this process alone.
 */
#define AREA_STACK_PAGES 4
void area_warm_up(const void *top);

#endif
