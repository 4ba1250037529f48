/*
 * Where commands come from: a script, then standard input, line by line.  A terminal is read by
 * terminal.h, with history and completion; from anything else each line is echoed behind the prompt,
 * so that a script's output reads like a session.  It refuses to know what a line means.
 */
#ifndef INTERACTIVE_READER_H
#define INTERACTIVE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "interactive/terminal.h"

#define READER_PROMPT "(vmm) "

/* Waits until fd can be read; false: the reading is over, as something ended the run. */
struct reader_wait {
    bool (*ready)(void *context, int fd);
    void *context;
};

struct reader {
    FILE *out;        /* borrows: where prompts and echoes go */
    char *script;     /* owns: the whole script, or NULL */
    const char *name; /* borrows: its path */
    size_t script_bytes, script_at;
    unsigned line_number;      /* of the line read last, in the script */
    bool in_script;            /* the line read last came from there */
    int fd;                    /* borrows: standard input; -1: not read */
    struct terminal *terminal; /* owns; NULL: fd is no terminal, or not opened yet */
    bool looked;               /* whether fd is a terminal is known */
    struct reader_wait wait;
    char *line; /* owns: the line read last */
    size_t used, capacity;
};

/* script: a path, borrowed, or NULL.  fd: borrowed, or -1.  ERR_INPUT: the script cannot be read. */
MUST_CHECK bool
reader_create(struct reader *reader, const char *script, int fd, FILE *out, struct err *err);
void reader_destroy(struct reader *reader); /* accepts a zeroed struct */

/* The next line, without its end; valid until the next call.  NULL: the end of all input, or
 * wait->ready said so.  Empty lines and those that begin with # are left out of a script. */
char *reader_next(struct reader *reader);

/* Whether a person types. */
bool reader_is_terminal(const struct reader *reader);

/* The number of the first command of the script that was not read; 0: there is none. */
unsigned reader_unread(struct reader *reader);

#endif
