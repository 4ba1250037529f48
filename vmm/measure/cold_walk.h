/*
 * Cold walks: one load whose translation and tables were driven out of the core's own caches, from each level
 * on.  Which levels are cold is chosen by a neighbour that is touched just before: it brings back
 * the tables that both share.  It works wherever tables are walked, shadows included.
 */
#ifndef MEASURE_COLD_WALK_H
#define MEASURE_COLD_WALK_H

#include "measure/lab.h"

/* Kinds of window beside the control, the load with its translation in the TLB: kind k reads the tables
 * of level 1 to k - 1 cold. */
#define COLD_WALK_LEVELS 5

/*
 * By what the neighbour's address differs that leaves the levels below `cold` cold.  cold 1: another page
 * with its entry in the same line, so that the whole walk is warm; 2 to 4: all entries of levels
 * `cold` and above are shared, and that of the level below lies at least two lines away.
 */
uint64_t cold_walk_mask(unsigned cold);

/* Figures, control and series into the result.  ERR_ENVIRONMENT as lab_make_field. */
MUST_CHECK bool cold_walk_measure(struct lab *lab, struct result *result, struct err *err);

#endif
