/*
 * The data TLB's levels for pages of 2 MiB.  It takes the memory that `pagesize` found to act as such, and
 * says what stands in the way where there is none.
 */
#ifndef MEASURE_LARGE_LEVELS_H
#define MEASURE_LARGE_LEVELS_H

#include "measure/lab.h"

/* Beyond every known second level, and each a name of one of few frames. */
#define LARGE_LEVELS_SHARED 8192
/* With memory of their own: beyond every known first level, and far below the second. */
#define LARGE_LEVELS_OWN 192

/*
 * The backings on which pages of 2 MiB act as such on any wanted side, those of most sides first, of
 * these the pool's first, because it alone can always be shared.  Returns how many there are.
 */
size_t large_levels_backings(const struct lab *lab, enum layout_backing order[LAYOUT_BACKINGS]);

/* Figures, controls and series into the result; what cannot be is refused there, with the reason. */
void large_levels_measure(struct lab *lab, struct result *result);

#endif
