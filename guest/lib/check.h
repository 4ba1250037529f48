/*
 * Assertions of guest programs: a failed one travels to the host as one line on stderr, with
 * the expression, file, line and both values, and ends the program with status 1.  It refuses
 * to know tests; the harness sees the line and the status.  Read guest/prog/README.md next.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdint.h>

/* The condition holds. */
#define CHECK(condition)                                                                       \
    ((condition) ? (void)0 : check_fail(#condition, __FILE__, __LINE__, 0, 1))

/* Two integers or two pointers compare so; each is evaluated once, as a 64-bit number. */
#define CHECK_EQ(a, b) CHECK_COMPARE(a, ==, b, uint64_t)
#define CHECK_NE(a, b) CHECK_COMPARE(a, !=, b, uint64_t)
#define CHECK_LE(a, b) CHECK_COMPARE(a, <=, b, int64_t)

#define CHECK_COMPARE(a, operator, b, type)                                                    \
    do {                                                                                       \
        type check_a = (type)(a);                                                              \
        type check_b = (type)(b);                                                              \
                                                                                               \
        if (!(check_a operator check_b)) {                                                     \
            check_fail(                                                                        \
                #a " " #operator" " #b, __FILE__, __LINE__, (uint64_t)check_a,                 \
                (uint64_t)check_b);                                                            \
        }                                                                                      \
    } while (0)

/* Says which expression failed, where, and what its two sides were; then exits with 1. */
_Noreturn void
check_fail(const char *expression, const char *file, int line, uint64_t a, uint64_t b);

#endif
