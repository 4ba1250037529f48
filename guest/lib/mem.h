/*
 * The four functions that gcc may call of its own accord even in freestanding code, and strlen.
 * They refuse to be fast: a guest program's own loops are what is measured, not these.
 * Read print.h next.
 */
#ifndef MEM_H
#define MEM_H

#include <stddef.h>

/* As in C's <string.h>. */
void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);

/*
 * Reads an unsigned number, decimal or with 0x hexadecimal, that is all of text.  Returns 0 and
 * sets *value, or -1 and leaves it where text is empty, has another character, or the number
 * does not fit.
 */
int mem_parse_number(const char *text, unsigned long *value);

#endif
