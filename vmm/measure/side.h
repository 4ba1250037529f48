/*
 * The two places where a routine can run: in the host process itself, and in ring 3 of a guest.
 * Everything that is measured is an array over them.
 */
#ifndef MEASURE_SIDE_H
#define MEASURE_SIDE_H

enum side { SIDE_NATIVE, SIDE_GUEST, SIDE_COUNT };

static inline const char *side_name(enum side side)
{
    return side == SIDE_NATIVE ? "native" : "guest";
}

#endif
