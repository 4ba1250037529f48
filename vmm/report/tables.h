/*
 * The four levels of page tables as they lie in guest memory, as a tree.  It reads entries and
 * nothing else: no walker, pool or region, so it shows what the CPU would see even where those
 * are wrong.  Read paging/ptab.h for who writes the entries.
 */
#ifndef REPORT_TABLES_H
#define REPORT_TABLES_H

#include <stdio.h>

#include "base/addr.h"
#include "memory/gmem.h"

/*
 * Print every table under root (the PML4), with the number of its entries in use (not zero),
 * and below it its leaves: neighbours of equal permissions, which are those of the whole path,
 * in one line with their number, size, and how many have the accessed and the dirty bit.  An
 * entry that leads outside guest RAM is said to, and not followed.  A failure to write is left
 * in ferror(out).
 */
void tables_print(FILE *out, const struct gmem *mem, struct gpa root);

/* The same for the entries that map any of [begin, end), begin below end. */
void tables_print_range(
    FILE *out, const struct gmem *mem, struct gpa root, struct gva begin, struct gva end);

#endif
