/*
 * One step between two plateaus: bracket, kind, onset.  Internal to knee.c.  Read knee.h for the
 * formulas.
 */
#ifndef ANALYSE_KNEE_LOCATE_H
#define ANALYSE_KNEE_LOCATE_H

#include "measure/analyse/plateau.h"

/* Describe the step from plateau `lower` up to plateau `upper` of a prepared series; the levels
 * differ, upper's is the greater.  resolution: see struct knee_options. */
void knee_locate(
    const struct plateau_series *series,
    const struct plateau *lower,
    const struct plateau *upper,
    double resolution,
    struct knee *knee);

#endif
