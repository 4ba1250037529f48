/*
 * One ELF file under test, what the loader said of it, and the checks that every answer must
 * pass: an image that the rest of the laboratory can rely on, or one line that names the file.
 * Read elf_file.h for how the file is made.
 */
#ifndef ELF_FIXTURE_H
#define ELF_FIXTURE_H

#include "layout.h"

#include "elf_file.h"
#include "load/elf.h"

/* Where the program ends and the stack's guard begins, as for a stack of 8 MiB. */
#define ELF_TOP (LAYOUT_STACK_TOP - 0x800000 - LAYOUT_STACK_GAP_BYTES)

struct elf_fixture {
    int fd;
    char path[ELF_FILE_PATH_BYTES];
    struct elf_file file;
    uint8_t bytes[ELF_FILE_BYTES];
    struct elf_image image;
    struct err err;
};

/* cmocka's; *state is the fixture, with a good file. */
int elf_fixture_set_up(void **state);
int elf_fixture_tear_down(void **state);

/* Load the first bytes of f->bytes; f->file as it stands. */
bool elf_fixture_read_bytes(struct elf_fixture *f, size_t bytes);
bool elf_fixture_read_file(struct elf_fixture *f);

/* Fails the test unless regions and page tables can take the image for granted. */
void elf_fixture_check_image(const struct elf_image *image);
/* … unless the last read was refused with one line that names the file and has these words. */
void elf_fixture_check_refusal(const struct elf_fixture *f, const char *words);
/* Load f->file, check that it is refused, and make it a good one again. */
void elf_fixture_refuses(struct elf_fixture *f, const char *words);

#endif
