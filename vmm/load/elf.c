/*
 * From an ELF file to a list of ranges, checking each header field before it is used; see
 * elf.h. libelf reads and swaps, the checks are ours.  Read stack.h for the other half of a
 * program start.
 */
#include "load/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layout.h"

struct reader {
    const char *path;
    uint64_t file_bytes;
    uint64_t top;
    uint64_t bias; /* added to every address: 0 but for a static PIE */
    GElf_Ehdr header;
    Elf *elf;
    struct elf_image *image;
    struct err *err;
};

#define REFUSE(reader, ...) err_set_input((reader), __VA_ARGS__)

static bool err_set_input(struct reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool err_set_input(struct reader *reader, const char *format, ...)
{
    char text[ERR_TEXT_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return err_set(reader->err, ERR_INPUT, "%s: %s", reader->path, text);
}

/* --- the file --- */

static bool check_file(struct reader *reader, int fd)
{
    struct stat status;

    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        return REFUSE(
            reader, "is %s, not a program",
            S_ISDIR(status.st_mode) ? "a directory" : "not a regular file");
    }
    reader->file_bytes = (uint64_t)status.st_size;
    return true;
}

/* --- the ELF header --- */

static const char *machine_name(unsigned machine)
{
    switch (machine) {
    case EM_386:
        return "32-bit x86 (i386)";
    case EM_AARCH64:
        return "AArch64";
    case EM_ARM:
        return "ARM";
    case EM_RISCV:
        return "RISC-V";
    case EM_PPC64:
        return "PowerPC 64";
    case EM_S390:
        return "S/390";
    default:
        return "another machine";
    }
}

static bool check_magic(struct reader *reader, int fd)
{
    unsigned char ident[EI_NIDENT] = {0};
    ssize_t n = pread(fd, ident, sizeof(ident), 0);

    if (n >= 2 && memcmp(ident, "#!", 2) == 0) {
        return REFUSE(reader, "is a script; vmm runs static x86-64 ELF programs");
    }
    if (n < SELFMAG || memcmp(ident, ELFMAG, SELFMAG) != 0) {
        return REFUSE(reader, "is not an ELF file; vmm runs what `gcc -static` makes");
    }
    if (n < EI_NIDENT) {
        return REFUSE(reader, "is truncated: %zd bytes do not hold an ELF header", n);
    }
    if (ident[EI_CLASS] != ELFCLASS64) {
        return REFUSE(reader, "is a 32-bit program; vmm runs 64-bit ones (gcc -m64)");
    }
    if (ident[EI_DATA] != ELFDATA2LSB) {
        return REFUSE(reader, "is big-endian; vmm runs x86-64 programs");
    }
    return true;
}

static bool check_type(struct reader *reader)
{
    switch (reader->header.e_type) {
    case ET_EXEC:
        return true;
    case ET_DYN:
        reader->bias = LAYOUT_PIE_BASE;
        return true;
    case ET_REL:
        return REFUSE(reader, "is an object file, not a program: link it first");
    case ET_CORE:
        return REFUSE(reader, "is a core dump, not a program");
    default:
        return REFUSE(reader, "has ELF type %u, not an executable", reader->header.e_type);
    }
}

static bool check_header(struct reader *reader)
{
    if (gelf_getehdr(reader->elf, &reader->header) == NULL) {
        return REFUSE(
            reader, "is truncated: %" PRIu64 " bytes do not hold an ELF header",
            reader->file_bytes);
    }
    const GElf_Ehdr *header = &reader->header;
    if (header->e_machine != EM_X86_64) {
        return REFUSE(
            reader, "is for %s (ELF machine %u); vmm runs x86-64 programs",
            machine_name(header->e_machine), header->e_machine);
    }
    if (!check_type(reader)) {
        return false;
    }
    if (header->e_phnum == 0 || header->e_phentsize != sizeof(Elf64_Phdr)) {
        return REFUSE(
            reader, "has %u program headers of %u bytes: nothing that can be loaded",
            header->e_phnum, header->e_phentsize);
    }
    uint64_t table = (uint64_t)header->e_phnum * sizeof(Elf64_Phdr);
    if (header->e_phoff > reader->file_bytes || table > reader->file_bytes - header->e_phoff) {
        return REFUSE(
            reader,
            "is truncated: program headers end at 0x%" PRIx64 ", the file at 0x%" PRIx64,
            header->e_phoff + table, reader->file_bytes);
    }
    return true;
}

/* --- program headers --- */

static bool get_segment(struct reader *reader, unsigned index, GElf_Phdr *segment)
{
    if (gelf_getphdr(reader->elf, (int)index, segment) == NULL) {
        return REFUSE(reader, "has an unreadable program header %u", index);
    }
    return true;
}

static bool refuse_dynamic(struct reader *reader, const GElf_Phdr *segment)
{
    char interpreter[256] = "";
    int fd = reader->image->backing->fd;
    size_t want = segment->p_filesz < sizeof(interpreter) - 1 ? segment->p_filesz
                                                              : sizeof(interpreter) - 1;

    if (pread(fd, interpreter, want, (off_t)segment->p_offset) < 0) {
        interpreter[0] = '\0';
    }
    return REFUSE(
        reader, "is dynamically linked (wants %s): link it with `gcc -static`",
        interpreter[0] != '\0' ? interpreter : "an interpreter");
}

/* A shared library has no interpreter, but needs or soname entries give it away. */
static bool check_dynamic_section(struct reader *reader, const GElf_Phdr *segment)
{
    int fd = reader->image->backing->fd;

    for (uint64_t at = 0; at + sizeof(Elf64_Dyn) <= segment->p_filesz;
         at += sizeof(Elf64_Dyn)) {
        Elf64_Dyn entry;
        if (pread(fd, &entry, sizeof(entry), (off_t)(segment->p_offset + at)) !=
                (ssize_t)sizeof(entry) ||
            entry.d_tag == DT_NULL) {
            return true;
        }
        if (entry.d_tag == DT_NEEDED || entry.d_tag == DT_SONAME) {
            return REFUSE(
                reader, "is a shared library or needs one: link a program with `gcc -static`");
        }
    }
    return true;
}

static bool check_sizes(struct reader *reader, unsigned index, const GElf_Phdr *segment)
{
    if (segment->p_memsz < segment->p_filesz) {
        return REFUSE(
            reader,
            "segment %u has %" PRIu64 " bytes in the file but only %" PRIu64 " in memory",
            index, segment->p_filesz, segment->p_memsz);
    }
    if (segment->p_offset > reader->file_bytes ||
        segment->p_filesz > reader->file_bytes - segment->p_offset) {
        return REFUSE(
            reader,
            "is truncated: segment %u is %" PRIu64 " bytes at 0x%" PRIx64
            ", the file ends at 0x%" PRIx64,
            index, segment->p_filesz, segment->p_offset, reader->file_bytes);
    }
    if (((segment->p_offset ^ segment->p_vaddr) & (PAGE_BYTES - 1)) != 0) {
        return REFUSE(
            reader,
            "segment %u lies at file offset 0x%" PRIx64 " and address 0x%" PRIx64
            ", which differ within a page",
            index, segment->p_offset, segment->p_vaddr);
    }
    return true;
}

static bool check_place(struct reader *reader, unsigned index, const GElf_Phdr *segment)
{
    uint64_t begin = segment->p_vaddr + reader->bias;
    uint64_t end = begin + segment->p_memsz;

    if (begin < segment->p_vaddr || end < begin) {
        return REFUSE(
            reader, "segment %u wraps around: 0x%" PRIx64 " bytes at 0x%" PRIx64, index,
            segment->p_memsz, segment->p_vaddr);
    }
    if (begin < LAYOUT_USER_BEGIN || end > reader->top) {
        return REFUSE(
            reader,
            "segment %u, 0x%" PRIx64 "-0x%" PRIx64 ", is outside of what a program may use "
            "(0x%" PRIx64 "-0x%" PRIx64 ")%s",
            index, begin, end, (uint64_t)LAYOUT_USER_BEGIN, reader->top,
            end > LAYOUT_USER_END ? ": it reaches the kernel window" : "");
    }
    if ((segment->p_flags & (PF_W | PF_X)) == (PF_W | PF_X)) {
        return REFUSE(
            reader,
            "segment %u is writable and executable, which the laboratory's tables never are: "
            "link without -N or -z execstack",
            index);
    }
    return true;
}

/* --- ranges --- */

static uint8_t permissions_of(const GElf_Phdr *segment)
{
    return (uint8_t)(((segment->p_flags & PF_R) != 0 ? REGION_READ : 0) |
                     ((segment->p_flags & PF_W) != 0 ? REGION_WRITE : 0) |
                     ((segment->p_flags & PF_X) != 0 ? REGION_EXEC : 0));
}

static const char *label_of(uint8_t permissions)
{
    if ((permissions & REGION_EXEC) != 0) {
        return "text";
    }
    return (permissions & REGION_WRITE) != 0 ? "data" : "rodata";
}

static bool
add_range(struct reader *reader, uint64_t begin, uint64_t end, const struct region_spec *spec)
{
    struct elf_image *image = reader->image;

    if (begin == end) {
        return true;
    }
    if (image->count == ELF_RANGES_MAX) {
        return REFUSE(reader, "has more than %d loadable ranges", ELF_RANGES_MAX);
    }
    if (image->count > 0 && image->range[image->count - 1].end.value > begin) {
        return REFUSE(
            reader,
            "segments overlap: one begins in page 0x%" PRIx64
            ", the one before ends at 0x%" PRIx64,
            begin, image->range[image->count - 1].end.value);
    }
    image->range[image->count++] =
        (struct elf_range){.begin = gva_of(begin), .end = gva_of(end), .spec = *spec};
    return true;
}

/* The pages with bytes of the file, then the pages without. */
static bool add_segment(struct reader *reader, const GElf_Phdr *segment)
{
    uint64_t begin = segment->p_vaddr + reader->bias;
    uint64_t page = round_down(begin, PAGE_BYTES);
    uint64_t file_end = begin + segment->p_filesz;
    uint64_t file_pages_end = segment->p_filesz == 0 ? page : round_up(file_end, PAGE_BYTES);
    uint64_t end = round_up(begin + segment->p_memsz, PAGE_BYTES);
    uint8_t permissions = permissions_of(segment);
    const struct region_spec from_file = {
        .kind = REGION_FILE,
        .permissions = permissions,
        .page_shift = PAGE_SHIFT,
        .backing = reader->image->backing,
        .file_offset = round_down(segment->p_offset, PAGE_BYTES),
        .file_bytes = file_end - page,
        .label = label_of(permissions)};
    const struct region_spec zero = {
        .kind = REGION_ANONYMOUS,
        .permissions = permissions,
        .page_shift = PAGE_SHIFT,
        .label = "bss"};

    return add_range(reader, page, file_pages_end, &from_file) &&
           add_range(reader, file_pages_end, end, &zero);
}

static bool load_segment(struct reader *reader, unsigned index, const GElf_Phdr *segment)
{
    struct elf_image *image = reader->image;
    uint64_t headers = reader->header.e_phoff;

    if (segment->p_memsz == 0) {
        return true; /* as Linux: nothing to map */
    }
    if (!check_sizes(reader, index, segment) || !check_place(reader, index, segment) ||
        !add_segment(reader, segment)) {
        return false;
    }
    if (headers >= segment->p_offset && headers - segment->p_offset < segment->p_filesz) {
        image->headers =
            gva_of(segment->p_vaddr + reader->bias + (headers - segment->p_offset));
    }
    uint64_t end = round_up(segment->p_vaddr + reader->bias + segment->p_memsz, PAGE_BYTES);
    if (end > image->break_begin.value) {
        image->break_begin = gva_of(end);
    }
    return true;
}

static bool read_segment(struct reader *reader, unsigned index)
{
    GElf_Phdr segment;

    if (!get_segment(reader, index, &segment)) {
        return false;
    }
    switch (segment.p_type) {
    case PT_INTERP:
        return refuse_dynamic(reader, &segment);
    case PT_DYNAMIC:
        return check_dynamic_section(reader, &segment);
    case PT_LOAD:
        return load_segment(reader, index, &segment);
    default:
        return true;
    }
}

static bool check_entry(struct reader *reader)
{
    struct elf_image *image = reader->image;
    uint64_t entry = reader->header.e_entry + reader->bias;

    if (image->count == 0) {
        return REFUSE(reader, "has no segment to load");
    }
    for (unsigned i = 0; i < image->count; i++) {
        if (entry >= image->range[i].begin.value && entry < image->range[i].end.value &&
            (image->range[i].spec.permissions & REGION_EXEC) != 0) {
            image->entry = gva_of(entry);
            return true;
        }
    }
    return REFUSE(reader, "entry point 0x%" PRIx64 " is in no executable segment", entry);
}

static bool read_image(struct reader *reader)
{
    struct elf_image *image = reader->image;

    if (!check_magic(reader, image->backing->fd)) {
        return false;
    }
    elf_version(EV_CURRENT);
    reader->elf = elf_begin(image->backing->fd, ELF_C_READ, NULL);
    if (reader->elf == NULL) {
        return REFUSE(reader, "libelf: %s", elf_errmsg(-1));
    }
    if (!check_header(reader)) {
        return false;
    }
    image->header_count = reader->header.e_phnum;
    image->header_bytes = reader->header.e_phentsize;
    for (unsigned i = 0; i < reader->header.e_phnum; i++) {
        if (!read_segment(reader, i)) {
            return false;
        }
    }
    return check_entry(reader);
}

bool elf_read(struct elf_image *image, const char *path, struct gva top, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    *image = (struct elf_image){0};
    if (fd < 0) {
        return err_set_errno(err, ERR_INPUT, "cannot open %s", path);
    }
    return elf_read_file(image, fd, path, top, err);
}

bool elf_read_file(
    struct elf_image *image, int fd, const char *path, struct gva top, struct err *err)
{
    struct reader reader = {.path = path, .top = top.value, .image = image, .err = err};

    *image = (struct elf_image){0};
    if (!check_file(&reader, fd) || !backing_create(&image->backing, fd, path, err)) {
        return false;
    }
    bool ok = read_image(&reader);
    elf_end(reader.elf);
    if (!ok) {
        elf_release(image);
    }
    return ok;
}

void elf_release(struct elf_image *image)
{
    backing_put(image->backing);
    image->backing = NULL;
}
