/*
 * The initial stack of a program: argument count, arguments, environment, auxiliary vector and
 * the strings that they point to.  Pure: bytes into a buffer.
 *
 * Source: System V ABI, AMD64 supplement, "Initial Stack and Register State"; getauxval(3).
 */
#ifndef LOAD_STACK_H
#define LOAD_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

struct stack_input {
    const char *const *arguments;   /* NULL-terminated; the first is the program's name */
    const char *const *environment; /* NULL-terminated */
    const char *exe;                /* AT_EXECFN */
    struct gva headers;             /* AT_PHDR, left out if 0 */
    unsigned header_count, header_bytes;
    struct gva entry;
    uint32_t hwcap, hwcap2;
    uint64_t minimum_signal_bytes; /* AT_MINSIGSTKSZ */
    uint8_t random[16];            /* AT_RANDOM */
};

/*
 * Lay the stack out in buffer, whose end will be at the address `top` (page aligned).  *rsp:
 * the program's first stack pointer, 16-byte aligned, within the buffer.  What the buffer holds
 * below rsp is left alone.  ERR_USAGE: arguments and environment do not fit.
 */
MUST_CHECK bool stack_build(
    const struct stack_input *input,
    uint8_t *buffer,
    size_t bytes,
    struct gva top,
    struct gva *rsp,
    struct err *err);

#endif
