/*
 * A terminal as commands are typed on it: line editing, history and completion, by libedit.  It is
 * the one file that knows that library, and knows nothing of commands but what complete.h tells.
 */
#ifndef INTERACTIVE_TERMINAL_H
#define INTERACTIVE_TERMINAL_H

#include <stdio.h>

struct terminal;    /* opaque */
struct reader_wait; /* reader.h */

/* fd: borrowed; wait: borrowed, asked before each byte.  NULL: fd or out is no terminal, or there is
 * no libedit, or no memory: lines can be read as they are then. */
struct terminal *terminal_create(int fd, FILE *out, const struct reader_wait *wait);
void terminal_destroy(struct terminal *terminal); /* puts the terminal right; accepts NULL */

/* The next line, without its end, valid until the next call; NULL: its end, or wait said so. */
char *terminal_next(struct terminal *terminal, const char *prompt);

#endif
