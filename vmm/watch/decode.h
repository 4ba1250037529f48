/*
 * What one instruction does to memory: every access with address, size and direction, computed from
 * its bytes and the registers before it.  A page fault tells only the first touch of a page; the
 * rest is here.  It knows the decoder (Zydis); no fault, page or guest.
 */
#ifndef WATCH_DECODE_H
#define WATCH_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/registers.h"

#define DECODE_ACCESSES  12
#define DECODE_MAX_BYTES 15 /* of an instruction */

struct decode_access {
    uint64_t address;
    uint32_t bytes; /* 0: not known */
    bool write, fetch;
};

/* What an instruction does to the flags register as a whole. */
enum decode_flags {
    DECODE_FLAGS_NONE,
    DECODE_FLAGS_PUSH, /* pushf: the flags go to the first access that is a write */
    DECODE_FLAGS_LOAD, /* popf, iret: the flags are the program's own afterwards */
    DECODE_FLAGS_SAVE, /* syscall: they go to r11, and what comes next is the kernel's */
};

struct decode_instruction {
    /* In order: the fetch, then reads as the operands stand, then writes.  Of a string instruction
     * with a repeat prefix: one iteration. */
    struct decode_access access[DECODE_ACCESSES];
    unsigned count;
    enum decode_flags flags;
};

/* What the decoder must ask for: the base of FS, or (gs) of GS. */
struct decode_bases {
    uint64_t (*base)(void *context, bool gs);
    void *context;
};

/*
 * Decode the instruction at registers->rip.  code: its first `bytes`, as many as could be read.
 * False, and *out is empty: they are no whole instruction.  Left out are operands whose address is
 * in vector registers (gather, scatter).
 */
bool decode_instruction(
    const uint8_t *code,
    size_t bytes,
    const struct registers *registers,
    const struct decode_bases *bases,
    struct decode_instruction *out);

#endif
