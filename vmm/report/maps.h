/*
 * The regions of an address space as /proc/PID/maps shows them, with the pages of each that are
 * present.  It reads regions and page tables and changes neither.  Read tables.h for the tables
 * themselves.
 */
#ifndef REPORT_MAPS_H
#define REPORT_MAPS_H

#include <stdio.h>

#include "paging/ptab.h"
#include "space/region.h"

/* One line a region, in ascending order; a failure to write is left in ferror(out).  Pages are
 * of 4 KiB, so a leaf of 2 MiB counts 512. */
void maps_print(FILE *out, const struct regions *regions, const struct ptab *ptab);

#endif
