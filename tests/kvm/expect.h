/*
 * The `expect:` lines of guest programs (guest/prog/README.md has the syntax), as data.  It
 * reads files and knows nothing of how a program is run.
 */
#ifndef EXPECT_H
#define EXPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPECT_WORDS 16
#define EXPECT_ITEMS 32

struct expect_item {
    char *key, *value; /* borrow from expect.text */
    int64_t number;    /* the value, where it is one */
};

struct expect {
    char *text;               /* owns: the line, cut into strings */
    char *name;               /* owns: the line as it was, for messages */
    char *word[EXPECT_WORDS]; /* program and arguments; borrow from text */
    unsigned words;
    struct expect_item item[EXPECT_ITEMS];
    unsigned items;
};

struct expect_list {
    struct expect *expect; /* owns */
    size_t count;
};

/* Read all lines of all *.c files in a folder, in the order of their names.  Returns false,
 * with the place and the reason on stderr, when a line is not well-formed or there is none. */
bool expect_read(struct expect_list *list, const char *folder);
void expect_free(struct expect_list *list);

/* The value of the first item with this key, or NULL. */
const char *expect_find(const struct expect *expect, const char *key);

#endif
