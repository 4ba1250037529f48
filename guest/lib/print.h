/*
 * Formatted output of freestanding programs, gathered in a small buffer so that a line is one
 * system call.  It refuses to know floating point, locales and input.  Read check.h next.
 */
#ifndef PRINT_H
#define PRINT_H

#include <stdarg.h>
#include <stddef.h>

#define PRINT_BUFFER_BYTES 1024

/* A stream: lives on its user's stack.  What is in the buffer is lost unless it is flushed. */
struct print {
    int fd;
    size_t used;
    char buffer[PRINT_BUFFER_BYTES];
};

/* Begins an empty stream to fd. */
void print_begin(struct print *out, int fd);

/*
 * Appends text, and writes whenever the buffer is full.  Knows %s %c %d %u %x %p and %%, each
 * number also with l or ll, a width in digits, and the flags 0 - and # (0x before the number).
 * Any other conversion is copied as it stands.  Write errors are ignored: there is nobody to
 * tell.
 */
void print_format(struct print *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void print_format_list(struct print *out, const char *format, va_list list)
    __attribute__((format(printf, 2, 0)));

/* Writes what the buffer holds and empties it. */
void print_flush(struct print *out);

/* One message to fd, by one system call if it fits the buffer. */
void print_to(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
