/*
 * Figures as text: as many digits as the uncertainty allows, and the same in every form of output.
 */
#ifndef MEASURE_FORMAT_H
#define MEASURE_FORMAT_H

#include "measure/result.h"

#define FORMAT_BYTES 48

/* "72", "7.02 ±0.03", "3080 (2900 to 3210)"; exact values that are whole have no decimals. */
void format_estimate(char text[FORMAT_BYTES], const struct estimate *estimate);

/* The estimate, "undecided", or "-" where the side was not measured. */
void format_side(char text[FORMAT_BYTES], const struct figure_side *side);

/* "agrees: 72", "disagrees: 64", "hidden", "says 72" or "". */
void format_claim(char text[FORMAT_BYTES], const struct result_figure *figure);

/* What the counters say of the measured sides: "72" where they say the same, else "72 / 70" (native,
 * guest), with "-" for a side that was not counted; "" where none was. */
#define FORMAT_COUNTER_BYTES 96
void format_counter(char text[FORMAT_COUNTER_BYTES], const struct result_figure *figure);

/* Columns that a terminal shows for UTF-8 text. */
size_t format_columns(const char *text);

#endif
