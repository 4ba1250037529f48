/*
 * Small ELF files made to measure, byte by byte from the System V ABI: a good one to begin with,
 * which a test then damages.  It refuses to use the loader's own ideas of what is good.  Read
 * test_elf.c for what is done with it.
 */
#ifndef ELF_FILE_H
#define ELF_FILE_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_FILE_SEGMENTS 8
#define ELF_FILE_BYTES    0x3000

struct elf_file {
    Elf64_Ehdr header;
    Elf64_Phdr segment[ELF_FILE_SEGMENTS]; /* header.e_phnum of them are part of the file */
    size_t bytes;                          /* of the file; what the headers leave reads 0x90 */
};

/*
 * A static program as a linker makes it: three PT_LOAD (text with the headers at 0x400000, r-x;
 * rodata at 0x401000, r--; data at 0x402000, rw-, 0x100 bytes of it in the file and 0x2800 in
 * memory) and a PT_GNU_STACK.
 */
void elf_file_make(struct elf_file *file);

/* The bytes of the file as they would be on disk; image has room for ELF_FILE_BYTES. */
void elf_file_image(const struct elf_file *file, uint8_t *image);

/*
 * An unnamed file whose path is written into `path`.  Returns its descriptor; close it.  Aborts
 * the test program when the host cannot do it.
 */
#define ELF_FILE_PATH_BYTES 64
int elf_file_open(char path[ELF_FILE_PATH_BYTES]);
/* Give that file these contents and no others. */
void elf_file_write(int fd, const void *image, size_t bytes);

#endif
