/*
 * Chains of jumps: the instruction side's pointer chain.  Each word of a field becomes a jump to
 * the next one; the last counts rounds.
 */
#ifndef MEASURE_JUMPS_H
#define MEASURE_JUMPS_H

#include "measure/field.h"

/* The longest piece of code that a word becomes: less than LAYOUT_CONTROL_BYTES. */
#define JUMPS_BYTES_MAX 16

/* Link words 0 … count - 1 in one random cycle on every side; returns the address of the first.
 * The layout is executable, and all of its words are within 2 GiB of each other. */
uint64_t jumps_link(struct field *field, enum layout_set set, size_t count);

/* The code for a word at `at` that goes on at `next`; last: it counts rcx down first, and leaves by
 * rdx.  Returns its length. */
size_t jumps_encode(uint8_t code[JUMPS_BYTES_MAX], uint64_t at, uint64_t next, bool last);

#endif
