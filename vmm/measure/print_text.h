/* The table for people, on a terminal or in a file. */
#ifndef MEASURE_PRINT_TEXT_H
#define MEASURE_PRINT_TEXT_H

#include <stdio.h>

#include "measure/session.h"

void print_text_list(FILE *out); /* --list */
void print_text_session(FILE *out, const struct session *session);

/* How the machine pages, in words; by the functional test if it was made, else by its module. */
const char *print_text_paging(const struct session *session);
/* "4K", "2M as 4K" …; text: room for the line. */
void print_text_page_sizes(const struct session *session, char *text, size_t bytes);

/* What else this machine did during the run; text: room for the line. */
void print_text_noise(const struct session *session, char *text, size_t bytes);

#endif
