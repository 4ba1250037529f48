/*
 * Finds the word that was probably meant, by counting edits between two words.  It refuses to
 * know what the words are: options, subcommands, policies or their keys.  Read base/nearest.h.
 */
#include "base/nearest.h"

#include <stdbool.h>
#include <string.h>

#define WORD_MAX 64 /* letters that are compared; longer words are near to nothing */

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Edits between two words (optimal string alignment); WORD_MAX when either is too long. */
static unsigned edit_distance(const char *a, const char *b)
{
    size_t a_length = strlen(a);
    size_t b_length = strlen(b);
    unsigned row[WORD_MAX][WORD_MAX];

    if (a_length >= WORD_MAX || b_length >= WORD_MAX) {
        return WORD_MAX;
    }
    for (size_t i = 0; i <= a_length; i++) {
        for (size_t j = 0; j <= b_length; j++) {
            if (i == 0 || j == 0) {
                row[i][j] = (unsigned)(i + j);
                continue;
            }
            row[i][j] = row[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            row[i][j] = smaller(row[i][j], smaller(row[i - 1][j], row[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[i][j] = smaller(row[i][j], row[i - 2][j - 2] + 1);
            }
        }
    }
    return row[a_length][b_length];
}

static bool begins_with(const char *word, const char *beginning)
{
    return strncmp(word, beginning, strlen(beginning)) == 0;
}

const char *nearest_word(const char *word, const char *const *words, size_t count)
{
    size_t half = strlen(word) / 2;
    unsigned best = (half > 2 ? (half < WORD_MAX ? (unsigned)half : WORD_MAX - 1) : 2) + 1;
    const char *nearest = NULL;

    for (size_t i = 0; i < count; i++) {
        unsigned distance = edit_distance(word, words[i]);

        /* Of equally near ones, the one that was written out too long. */
        if (distance < best || (distance == best && nearest != NULL &&
                                begins_with(word, words[i]) && !begins_with(word, nearest))) {
            best = distance;
            nearest = words[i];
        }
    }
    return nearest;
}
