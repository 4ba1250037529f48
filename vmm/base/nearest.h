/*
 * The word that was probably meant, for messages about a wrong one.  It refuses to phrase the
 * message, which is its callers' business.  Read cli/usage.c for one of them.
 */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

/*
 * The word of words[0 … count) nearest to word, by edits (insert, delete, change, swap
 * neighbours); NULL when none is near enough to be what was meant: more than 2 edits, and more
 * than half the letters of word.  The first wins a tie.
 */
const char *nearest_word(const char *word, const char *const *words, size_t count);

#endif
