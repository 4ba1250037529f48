/*
 * One instruction as text, in the AT&T syntax that gdb and the kernel use.  It refuses to know what the
 * instruction does: watch/decode.h, on the same decoder (Zydis), does.
 */
#ifndef INTERACTIVE_DISASM_H
#define INTERACTIVE_DISASM_H

#include <stddef.h>
#include <stdint.h>

#define DISASM_MAX_BYTES 15 /* of an instruction */

struct disasm; /* opaque */

struct disasm *disasm_create(void);         /* NULL: no memory */
void disasm_destroy(struct disasm *disasm); /* accepts NULL */

/* The instruction at `code`, which lies at `address` in the program; its length, or 0 where the
 * bytes are no whole instruction. */
size_t disasm_one(
    struct disasm *disasm,
    const uint8_t *code,
    size_t code_bytes,
    uint64_t address,
    char *text,
    size_t bytes);

#endif
