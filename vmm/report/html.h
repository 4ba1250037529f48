/*
 * The smallest parts of a page: text, numbers, tables.  It refuses to know what they are about.
 * Read report_html.c for the page.
 */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "report/report_share.h"

/* One byte of a text, with the characters of markup escaped. */
void html_put_char(FILE *out, char byte);

/* Text from outside, with nothing of HTML left in it. */
void html_put_text(FILE *out, const char *text);

/* A cell with a number in groups of three digits. */
void html_put_number(FILE *out, uint64_t value);

/* The last cells of a row, and its end: faults, minor, major, and the part of a whole. */
void html_put_share(FILE *out, const struct report_share *share, uint64_t whole);

/* A section of that id with a heading and the first row of its table; columns: "a|b|c". */
void html_begin_table(FILE *out, const char *id, const char *title, const char *columns);

/* The end of a table and its section. */
void html_end_table(FILE *out);

/* The same for a list of which only the first `rows` were shown. */
void html_end_list(FILE *out, size_t count, size_t rows);

#endif
