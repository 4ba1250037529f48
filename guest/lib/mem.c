/*
 * Memory and string functions of a freestanding program.  It refuses to be fast, and it is
 * compiled without loop-idiom recognition, by which gcc would turn memcpy's loop into a call of
 * memcpy. Read print.c next.
 */
#include "mem.h"

void *memcpy(void *to, const void *from, size_t bytes)
{
    unsigned char *t = to;
    const unsigned char *f = from;

    for (size_t i = 0; i < bytes; i++) {
        t[i] = f[i];
    }
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    unsigned char *t = to;
    const unsigned char *f = from;

    if (t <= f) {
        return memcpy(to, from, bytes);
    }
    for (size_t i = bytes; i > 0; i--) {
        t[i - 1] = f[i - 1];
    }
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    unsigned char *t = to;

    for (size_t i = 0; i < bytes; i++) {
        t[i] = (unsigned char)value;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const unsigned char *x = a;
    const unsigned char *y = b;

    for (size_t i = 0; i < bytes; i++) {
        if (x[i] != y[i]) {
            return x[i] < y[i] ? -1 : 1;
        }
    }
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0') {
        length++;
    }
    return length;
}

int strcmp(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

/* The digit's value, or 16 where c is no digit at all. */
static unsigned int digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned int)(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return (unsigned int)(c - 'a') + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return (unsigned int)(c - 'A') + 10;
    }
    return 16;
}

int mem_parse_number(const char *text, unsigned long *value)
{
    unsigned int base = 10;
    unsigned long result = 0;

    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    if (*text == '\0') {
        return -1;
    }
    for (; *text != '\0'; text++) {
        unsigned int digit = digit_value(*text);

        if (digit >= base || __builtin_mul_overflow(result, base, &result) ||
            __builtin_add_overflow(result, digit, &result)) {
            return -1;
        }
    }
    *value = result;
    return 0;
}
