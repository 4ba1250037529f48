/*
 * Chains of jumps: the instruction side's pointer chain, in two kinds (guest/exp/itlb.c says why).  The same:
 * each word of a field becomes a jump to the next one, and the last counts rounds.  At random: the
 * line of each word becomes eight equal places that jump to the next address of a list, which says
 * which word comes next, and at random which of its places.
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

#define JUMPS_PLACES      8
#define JUMPS_PLACE_BYTES 8 /* places fill a line of LAYOUT_LINE_BYTES */

/* The code of a place: exactly JUMPS_PLACE_BYTES. */
extern const uint8_t jumps_place_code[JUMPS_PLACE_BYTES];

/* Write the code into the line of every word, on every side.  Both sets of a layout of kind uniq show
 * the same lines.  The layout is executable. */
void jumps_write_code(struct field *field);

/*
 * List the jumps of a run on every side: a random cycle through words 0 … count - 1, gone through as
 * often as args->warm and args->windows x args->loads ask for, with the free words that the routine wants.
 * Both are cut so that the list holds them; at least one window fits for count up to EXP_LIST_COUNT / 4.
 */
void jumps_list(struct field *field, enum layout_set set, size_t count, struct exp_args *args);

#endif
