/*
 * The commands as a table, and how a typed word finds its row: whole, by its letter, or as the only
 * one that begins like that.  It refuses to know what a command does: handlers.h lists the functions,
 * and their files carry them out.
 */
#ifndef INTERACTIVE_VERBS_H
#define INTERACTIVE_VERBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

struct console;

enum verb_result {
    VERB_STAY, /* at the prompt */
    VERB_GO,   /* the program goes on, or the run is over */
};

#define VERB_WORDS 3

/* What was typed behind the name; NULL where nothing was. */
struct verb_words {
    char *format; /* behind the slash of x/ */
    char *word[VERB_WORDS];
    unsigned count;
};

typedef enum verb_result verb_fn(struct console *console, const struct verb_words *words);

struct verb {
    const char *name;
    char letter;          /* a short form, or 0 */
    const char *usage;    /* the arguments, "" for none */
    unsigned least, most; /* how many arguments */
    bool takes_format;
    const char *summary; /* one line */
    const char *more;    /* further lines of help, or NULL */
    verb_fn *run;
};

const struct verb *verbs_all(size_t *count);

/* ERR_INPUT: there is no such command (the nearest is named), or several begin like that. */
MUST_CHECK bool verbs_find(const char *word, const struct verb **command, struct err *err);

/* Take a line apart, in place.  ERR_INPUT: no such command, too few or too many words. */
MUST_CHECK bool
verbs_read(char *line, const struct verb **command, struct verb_words *words, struct err *err);

/* The list of all, or all about one. */
void verbs_print(FILE *out);
void verbs_print_one(FILE *out, const struct verb *command);

#endif
