/*
 * The commands as a table, and how a typed word finds its row: whole, by its letter, or as the only
 * one that begins like that.  It refuses to know what a command does: handlers.h lists the functions,
 * and their files carry them out.
 */
#ifndef INTERACTIVE_COMMANDS_H
#define INTERACTIVE_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

struct console;

enum command_result {
    COMMAND_STAY, /* at the prompt */
    COMMAND_GO,   /* the program goes on, or the run is over */
};

#define COMMAND_WORDS 3

/* What was typed behind the name; NULL where nothing was. */
struct command_words {
    char *format; /* behind the slash of x/ */
    char *word[COMMAND_WORDS];
    unsigned count;
};

typedef enum command_result
command_fn(struct console *console, const struct command_words *words);

struct command {
    const char *name;
    char letter;          /* a short form, or 0 */
    const char *usage;    /* the arguments, "" for none */
    unsigned least, most; /* how many arguments */
    bool takes_format;
    const char *summary; /* one line */
    const char *more;    /* further lines of help, or NULL */
    command_fn *run;
};

const struct command *commands_all(size_t *count);

/* ERR_INPUT: there is no such command (the nearest is named), or several begin like that. */
MUST_CHECK bool
commands_find(const char *word, const struct command **command, struct err *err);

/* Take a line apart, in place.  ERR_INPUT: no such command, too few or too many words. */
MUST_CHECK bool commands_read(
    char *line, const struct command **command, struct command_words *words, struct err *err);

/* The list of all, or all about one. */
void commands_print(FILE *out);
void commands_print_one(FILE *out, const struct command *command);

#endif
