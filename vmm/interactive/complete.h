/*
 * What can follow in a line of commands that is being typed: names of commands, of kinds, of answers.
 * It refuses to know a terminal.  Read terminal.h for one.
 */
#ifndef INTERACTIVE_COMPLETE_H
#define INTERACTIVE_COMPLETE_H

#define COMPLETE_WORDS 40
#define COMPLETE_BYTES 64

struct complete {
    const char *word[COMPLETE_WORDS]; /* borrow static strings: what the last word can become */
    unsigned count;
    /* What can be put behind the cursor without a choice: the rest that all words share, with a
     * space where it is whole. */
    char insert[COMPLETE_BYTES];
};

/* line: up to the cursor. */
void complete_line(const char *line, struct complete *found);

#endif
