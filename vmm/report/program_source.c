/*
 * Places in a program's file to its source by libdw; see program_source.h.  An offset becomes the
 * address that the file's own headers give it, so nothing depends on where the program ran.
 */
#include "report/program_source.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/library.h"
#include "base/path.h"

/* clang-format off */
#define FUNCTIONS(f)                                                                           \
    f(dwarf_diename) f(dwarf_getscopes) f(dwarf_haspc) f(dwarf_tag) f(dwfl_begin)              \
    f(dwfl_build_id_find_elf) f(dwfl_end) f(dwfl_lineinfo) f(dwfl_module_addrdie)              \
    f(dwfl_module_addrname) f(dwfl_module_getelf) f(dwfl_module_getsrc)                        \
    f(dwfl_module_getsym_info) f(dwfl_module_getsymtab) f(dwfl_offline_section_address)        \
    f(dwfl_report_end) f(dwfl_report_offline) f(dwfl_standard_find_debuginfo)
/* clang-format on */

struct libdw {
    FUNCTIONS(LIBRARY_MEMBER)
};

static const char *const functions[] = {FUNCTIONS(LIBRARY_NAME) NULL};
static const char *const files[] = {"libdw.so.1", NULL};

struct program_source {
    struct libdw libdw;
    Dwfl_Callbacks callbacks;
    Dwfl *dwfl; /* owns */
    Dwfl_Module *module;
};

struct program_source *program_source_open(const char *path, struct err *err)
{
    struct program_source *source = calloc(1, sizeof(*source));

    if (source == NULL) {
        err_set(err, ERR_ENVIRONMENT, "no memory for the source of %s", path);
        return NULL;
    }
    const struct libdw *libdw = &source->libdw;
    if (!library_load(files, functions, &source->libdw, err)) {
        free(source);
        return NULL;
    }
    source->callbacks = (Dwfl_Callbacks){
        .find_elf = libdw->dwfl_build_id_find_elf,
        .find_debuginfo = libdw->dwfl_standard_find_debuginfo,
        .section_address = libdw->dwfl_offline_section_address};
    source->dwfl = libdw->dwfl_begin(&source->callbacks);
    if (source->dwfl != NULL) {
        source->module = libdw->dwfl_report_offline(source->dwfl, "program", path, -1);
        libdw->dwfl_report_end(source->dwfl, NULL, NULL);
    }
    if (source->module == NULL) {
        program_source_close(source);
        err_set(err, ERR_INPUT, "%s cannot be read as a program", path);
        return NULL;
    }
    return source;
}

void program_source_close(struct program_source *source)
{
    if (source != NULL) {
        source->libdw.dwfl_end(source->dwfl);
        free(source);
    }
}

/* --- between offsets and the file's own addresses --- */

/* The nth program header, if it loads something. */
static bool get_segment(Elf *elf, size_t nth, GElf_Phdr *header)
{
    return gelf_getphdr(elf, (int)nth, header) != NULL && header->p_type == PT_LOAD;
}

static bool
find_link_address(const struct program_source *source, uint64_t offset, uint64_t *address)
{
    GElf_Addr bias;
    GElf_Phdr header;
    size_t count;
    Elf *elf = source->libdw.dwfl_module_getelf(source->module, &bias);

    if (elf == NULL || elf_getphdrnum(elf, &count) != 0) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (get_segment(elf, i, &header) && offset >= header.p_offset &&
            offset < header.p_offset + header.p_filesz) {
            *address = offset - header.p_offset + header.p_vaddr + bias;
            return true;
        }
    }
    return false;
}

static bool find_offset(const struct program_source *source, uint64_t address, uint64_t *offset)
{
    GElf_Addr bias;
    GElf_Phdr header;
    size_t count;
    Elf *elf = source->libdw.dwfl_module_getelf(source->module, &bias);

    if (elf == NULL || elf_getphdrnum(elf, &count) != 0) {
        return false;
    }
    address -= bias;
    for (size_t i = 0; i < count; i++) {
        if (get_segment(elf, i, &header) && address >= header.p_vaddr &&
            address < header.p_vaddr + header.p_filesz) {
            *offset = address - header.p_vaddr + header.p_offset;
            return true;
        }
    }
    return false;
}

/* --- places --- */

/* The innermost function at the address, also one that was compiled into another. */
static const char *
find_inline_name(const struct libdw *libdw, Dwarf_Die *unit, Dwarf_Addr address)
{
    Dwarf_Die *scopes = NULL;
    const char *name = NULL;
    int count = libdw->dwarf_getscopes(unit, address, &scopes);

    for (int i = 0; i < count && name == NULL; i++) {
        int tag = libdw->dwarf_tag(&scopes[i]);
        if (tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine) {
            name = libdw->dwarf_diename(&scopes[i]);
        }
    }
    free(scopes);
    return name;
}

bool program_source_find(
    const struct program_source *source, uint64_t file_offset, struct program_place *place)
{
    const struct libdw *libdw = &source->libdw;
    uint64_t address;
    Dwarf_Addr bias;

    *place = (struct program_place){.line = 0};
    if (!find_link_address(source, file_offset, &address)) {
        return false;
    }
    /* What lies between two parts of a unit is found as being in it: ask the unit itself. */
    Dwarf_Die *unit = libdw->dwfl_module_addrdie(source->module, address, &bias);
    unit = unit != NULL && libdw->dwarf_haspc(unit, address - bias) == 1 ? unit : NULL;
    const char *name = unit != NULL ? find_inline_name(libdw, unit, address - bias) : NULL;
    name = name != NULL ? name : libdw->dwfl_module_addrname(source->module, address);
    if (name != NULL) {
        snprintf(place->function, sizeof(place->function), "%s", name);
    }
    Dwfl_Line *line = unit != NULL ? libdw->dwfl_module_getsrc(source->module, address) : NULL;
    const char *file =
        line != NULL ? libdw->dwfl_lineinfo(line, NULL, &place->line, NULL, NULL, NULL) : NULL;
    if (file != NULL) {
        snprintf(place->file, sizeof(place->file), "%s", path_base_name(file));
    }
    return name != NULL || file != NULL;
}

bool program_source_find_symbol(
    const struct program_source *source, const char *name, uint64_t *file_offset)
{
    const struct libdw *libdw = &source->libdw;
    int count = libdw->dwfl_module_getsymtab(source->module);

    for (int i = 1; i < count; i++) {
        GElf_Sym symbol;
        GElf_Addr address;
        const char *found = libdw->dwfl_module_getsym_info(
            source->module, i, &symbol, &address, NULL, NULL, NULL);
        int type = GELF_ST_TYPE(symbol.st_info);
        if (found != NULL && symbol.st_shndx != SHN_UNDEF && type != STT_FILE &&
            type != STT_TLS && type != STT_SECTION && strcmp(found, name) == 0) {
            return find_offset(source, address, file_offset);
        }
    }
    return false;
}
