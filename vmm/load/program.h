/*
 * A program put into an empty address space: its ELF segments as regions, its stack with arguments
 * and environment, written as any other access.  Nothing else is brought in: the first instruction is the
 * first fault.  It refuses to know who starts: run/start.c does for the first program, linux/exec.c for
 * each further one.  Read elf.h and stack.h for the two halves.
 */
#ifndef LOAD_PROGRAM_H
#define LOAD_PROGRAM_H

#include "fault/access.h"
#include "load/elf.h"

/* What a program is told of the machine, and may have of it. */
struct program_machine {
    uint64_t stack_bytes; /* limit of the stack, a multiple of PAGE_BYTES */
    uint32_t hwcap, hwcap2;
    uint32_t xstate_bytes; /* of the state that a signal's frame keeps */
};

struct program_start {
    const char *const *arguments;   /* NULL-terminated */
    const char *const *environment; /* NULL-terminated */
    const char *name;               /* AT_EXECFN, and for messages */
};

/* Where the program begins. */
struct program_entry {
    struct gva rip, rsp;
};

/* Bytes that arguments, environment and what the stack begins with may take together. */
size_t program_room(const struct program_machine *machine);

/* elf_read_file's and elf_read's `top` for this machine. */
struct gva program_top(const struct program_machine *machine);

/*
 * Load image into the address space of access, which must be empty.  Fails with ERR_USAGE: arguments
 * and environment do not fit; ERR_INPUT: a range cannot be mapped; ERR_ENVIRONMENT: no memory.  What was
 * mapped until then stays: the caller destroys the address space.
 */
MUST_CHECK bool program_load(
    struct program_entry *entry,
    struct access *access,
    const struct elf_image *image,
    const struct program_machine *machine,
    const struct program_start *start,
    struct err *err);

#endif
