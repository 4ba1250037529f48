/* Small ELF files made to measure; see elf_file.h. */
#include "elf_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void require(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        abort();
    }
}

void elf_file_make(struct elf_file *file)
{
    const Elf64_Phdr segments[] = {
        {.p_type = PT_LOAD,
         .p_flags = PF_R | PF_X,
         .p_offset = 0,
         .p_vaddr = 0x400000,
         .p_paddr = 0x400000,
         .p_filesz = 0x1000,
         .p_memsz = 0x1000,
         .p_align = 0x1000},
        {.p_type = PT_LOAD,
         .p_flags = PF_R,
         .p_offset = 0x1000,
         .p_vaddr = 0x401000,
         .p_paddr = 0x401000,
         .p_filesz = 0x800,
         .p_memsz = 0x800,
         .p_align = 0x1000},
        {.p_type = PT_LOAD,
         .p_flags = PF_R | PF_W,
         .p_offset = 0x2000,
         .p_vaddr = 0x402000,
         .p_paddr = 0x402000,
         .p_filesz = 0x100,
         .p_memsz = 0x2800,
         .p_align = 0x1000},
        {.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W, .p_align = 16}};

    *file = (struct elf_file){
        .header =
            {.e_ident =
                 {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT,
                  ELFOSABI_NONE},
             .e_type = ET_EXEC,
             .e_machine = EM_X86_64,
             .e_version = EV_CURRENT,
             .e_entry = 0x400800,
             .e_phoff = sizeof(Elf64_Ehdr),
             .e_ehsize = sizeof(Elf64_Ehdr),
             .e_phentsize = sizeof(Elf64_Phdr),
             .e_phnum = sizeof(segments) / sizeof(segments[0]),
             .e_shentsize = sizeof(Elf64_Shdr)},
        .bytes = 0x2100};
    memcpy(file->segment, segments, sizeof(segments));
}

void elf_file_image(const struct elf_file *file, uint8_t *image)
{
    memset(image, 0x90, ELF_FILE_BYTES);
    memcpy(image, &file->header, sizeof(file->header));
    memcpy(image + sizeof(file->header), file->segment, sizeof(file->segment));
}

int elf_file_open(char path[ELF_FILE_PATH_BYTES])
{
    int fd = memfd_create("elf", MFD_CLOEXEC);

    require(fd >= 0, "memfd_create");
    snprintf(path, ELF_FILE_PATH_BYTES, "/proc/self/fd/%d", fd);
    return fd;
}

void elf_file_write(int fd, const void *image, size_t bytes)
{
    require(ftruncate(fd, (off_t)bytes) == 0, "ftruncate");
    require(pwrite(fd, image, bytes, 0) == (ssize_t)bytes, "pwrite");
}
