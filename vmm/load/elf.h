/*
 * Reads a static x86-64 ELF executable and says what regions it wants, where it is entered, and
 * what its auxiliary vector must say of it.  Nothing is mapped or copied here: pages come in by
 * faults.
 *
 * Format: System V ABI, "Program Header"; AMD64 supplement.  What the kernel does with it:
 * fs/binfmt_elf.c.  Files are read with libelf.
 */
#ifndef LOAD_ELF_H
#define LOAD_ELF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "space/region.h"

#define ELF_RANGES_MAX 128

struct elf_range {
    struct gva begin, end;   /* page aligned */
    struct region_spec spec; /* spec.backing is borrowed from the image */
};

struct elf_image {
    struct backing *backing; /* owns one reference */
    struct gva entry;
    struct gva
        headers; /* the program headers in memory (AT_PHDR); 0 if no segment holds them */
    unsigned header_count;
    unsigned header_bytes;
    struct gva break_begin; /* behind the last segment, page aligned */
    unsigned count;
    struct elf_range range[ELF_RANGES_MAX]; /* ascending, without overlaps */
};

/*
 * Read the file at path.  top: end of what the program may claim (the stack's guard lies
 * above). Fails with ERR_INPUT and one line that names the file, what is wrong and, where there
 * is one, the remedy: cannot be opened, is no regular file, no ELF, of another class, byte
 * order or machine, not executable, dynamic, truncated, or has headers that make no sense
 * (elf.c lists each). On success release with elf_release.
 */
MUST_CHECK bool
elf_read(struct elf_image *image, const char *path, struct gva top, struct err *err);
/* The same for an open file, which is taken over, also on failure; path: its name, for messages. */
MUST_CHECK bool elf_read_file(
    struct elf_image *image, int fd, const char *path, struct gva top, struct err *err);
void elf_release(struct elf_image *image); /* accepts a zeroed struct */

#endif
