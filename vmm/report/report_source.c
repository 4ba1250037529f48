/*
 * Addresses to source by libdw; see report_source.h.  An address of the run becomes one of the
 * file by the region that it lies in, which says its place in the file: so nothing needs to be
 * known of where a position-independent program was put.
 */
#include "report/report_source.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session/runfile.h"

struct lookup {
    const struct report *report;
    const char *file;                      /* base name of the program, as regions have it */
    const struct session_region **regions; /* owns the array: those of the program's file */
    size_t region_count;
    Dwfl *dwfl; /* owns */
    Dwfl_Module *module;
    bool any_symbol, any_line;
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* --- from the run to the file --- */

static bool list_regions(struct lookup *lookup)
{
    const struct report *report = lookup->report;

    lookup->regions = calloc(report->region_count + 1, sizeof(const struct session_region *));
    for (size_t i = 0; lookup->regions != NULL && i < report->region_count; i++) {
        const struct session_region *said = &report->regions[i].said;
        if (said->file[0] != '\0' &&
            strncmp(said->file, lookup->file, sizeof(said->file) - 1) == 0) {
            lookup->regions[lookup->region_count++] = said;
        }
    }
    return lookup->regions != NULL;
}

/* The region of the program's file that held the address: any that was said to, as programs
 * keep their code where it is. */
static const struct session_region *find_region(const struct lookup *lookup, uint64_t rip)
{
    for (size_t i = 0; i < lookup->region_count; i++) {
        if (rip >= lookup->regions[i]->begin && rip < lookup->regions[i]->end) {
            return lookup->regions[i];
        }
    }
    return NULL;
}

/* The address that the file's own headers give to a place in it. */
static bool find_link_address(const struct lookup *lookup, uint64_t offset, uint64_t *address)
{
    GElf_Addr bias;
    GElf_Phdr header;
    size_t count;
    Elf *elf = dwfl_module_getelf(lookup->module, &bias);

    if (elf == NULL || elf_getphdrnum(elf, &count) != 0) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (gelf_getphdr(elf, (int)i, &header) != NULL && header.p_type == PT_LOAD &&
            offset >= header.p_offset && offset < header.p_offset + header.p_filesz) {
            *address = offset - header.p_offset + header.p_vaddr + bias;
            return true;
        }
    }
    return false;
}

/* --- from the file to the source --- */

/* The innermost function at the address, also one that was compiled into another. */
static const char *find_inline_name(Dwarf_Die *unit, Dwarf_Addr address)
{
    Dwarf_Die *scopes = NULL;
    const char *name = NULL;
    int count = dwarf_getscopes(unit, address, &scopes);

    for (int i = 0; i < count && name == NULL; i++) {
        int tag = dwarf_tag(&scopes[i]);
        if (tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine) {
            name = dwarf_diename(&scopes[i]);
        }
    }
    free(scopes);
    return name;
}

static void find_place(struct lookup *lookup, uint64_t rip, struct report_place *place)
{
    const struct session_region *region =
        lookup->module != NULL ? find_region(lookup, rip) : NULL;
    uint64_t address;
    Dwarf_Addr bias;

    if (region == NULL ||
        !find_link_address(lookup, rip - region->begin + region->file_offset, &address)) {
        return;
    }
    /* What lies between two parts of a unit is found as being in it: ask the unit itself. */
    Dwarf_Die *unit = dwfl_module_addrdie(lookup->module, address, &bias);
    unit = unit != NULL && dwarf_haspc(unit, address - bias) == 1 ? unit : NULL;
    const char *name = unit != NULL ? find_inline_name(unit, address - bias) : NULL;
    name = name != NULL ? name : dwfl_module_addrname(lookup->module, address);
    if (name != NULL) {
        snprintf(place->function, sizeof(place->function), "%s", name);
        lookup->any_symbol = true;
    }
    Dwfl_Line *line = unit != NULL ? dwfl_module_getsrc(lookup->module, address) : NULL;
    const char *source =
        line != NULL ? dwfl_lineinfo(line, NULL, &place->line, NULL, NULL, NULL) : NULL;
    if (source != NULL) {
        snprintf(place->file, sizeof(place->file), "%s", base_name(source));
        lookup->any_line = true;
    }
}

static struct report_place make_place(struct lookup *lookup, const struct report_site *site)
{
    struct report_place place = {.share = site->share};

    if (site->rip == REPORT_SITE_OTHER) {
        snprintf(place.function, sizeof(place.function), REPORT_OTHER);
        return place;
    }
    if (site->rip == 0 && !site->by_program) {
        snprintf(place.function, sizeof(place.function), REPORT_LOADING);
        return place;
    }
    snprintf(place.function, sizeof(place.function), "0x%" PRIx64, site->rip);
    find_place(lookup, site->rip, &place);
    return place;
}

/* --- sums --- */

static int compare_names(const void *a, const void *b)
{
    const struct report_place *one = a, *other = b;
    int order = strcmp(one->function, other->function);

    if (order == 0) {
        order = strcmp(one->file, other->file);
    }
    return order != 0 ? order : (one->line > other->line) - (one->line < other->line);
}

static int compare_faults(const void *a, const void *b)
{
    const struct report_place *one = a, *other = b;

    if (one->share.faults != other->share.faults) {
        return one->share.faults > other->share.faults ? -1 : 1;
    }
    return compare_names(a, b);
}

/* Put places of one name together, and sort by faults; returns how many are left. */
static size_t merge(struct report_place *places, size_t count)
{
    size_t kept = 0;

    if (count == 0) {
        return 0;
    }
    qsort(places, count, sizeof(*places), compare_names);
    for (size_t i = 1; i < count; i++) {
        if (compare_names(&places[kept], &places[i]) == 0) {
            struct report_share *share = &places[kept].share;
            share->faults += places[i].share.faults;
            share->minor += places[i].share.minor;
            share->major += places[i].share.major;
            share->service_ns += places[i].share.service_ns;
        } else {
            places[++kept] = places[i];
        }
    }
    kept++;
    qsort(places, kept, sizeof(*places), compare_faults);
    return kept;
}

/* --- opening --- */

static bool open_program(struct lookup *lookup, const char *path)
{
    static const Dwfl_Callbacks callbacks = {
        .find_elf = dwfl_build_id_find_elf,
        .find_debuginfo = dwfl_standard_find_debuginfo,
        .section_address = dwfl_offline_section_address};

    lookup->dwfl = dwfl_begin(&callbacks);
    if (lookup->dwfl == NULL) {
        return false;
    }
    lookup->module = dwfl_report_offline(lookup->dwfl, "program", path, -1);
    dwfl_report_end(lookup->dwfl, NULL, NULL);
    return lookup->module != NULL;
}

static enum report_source_state open_lookup(struct lookup *lookup)
{
    const struct session_info *info = lookup->report->info;
    uint64_t hash = runfile_hash(info->program);

    if (hash == 0) {
        return REPORT_SOURCE_GONE;
    }
    if (info->program_hash != 0 && info->program_hash != hash) {
        return REPORT_SOURCE_CHANGED;
    }
    return open_program(lookup, info->program) ? REPORT_SOURCE_NONE : REPORT_SOURCE_GONE;
}

bool report_source_find(
    struct report_source *source, const struct report *report, struct err *err)
{
    struct lookup lookup = {.report = report, .file = base_name(report->info->program)};
    size_t count = report->site_count;

    *source = (struct report_source){
        .functions = calloc(count + 1, sizeof(*source->functions)),
        .lines = calloc(count + 1, sizeof(*source->lines))};
    if (source->functions == NULL || source->lines == NULL || !list_regions(&lookup)) {
        report_source_destroy(source);
        return err_set(err, ERR_ENVIRONMENT, "no memory for places in the source");
    }
    source->state = open_lookup(&lookup);
    for (size_t i = 0; i < count; i++) {
        struct report_place place = make_place(&lookup, &report->sites[i]);
        source->lines[i] = place;
        place.line = 0;
        place.file[0] = '\0';
        source->functions[i] = place;
    }
    if (lookup.any_symbol) {
        source->state = lookup.any_line ? REPORT_SOURCE_LINES : REPORT_SOURCE_SYMBOLS;
    }
    source->function_count = merge(source->functions, count);
    source->line_count = lookup.any_line ? merge(source->lines, count) : 0;
    dwfl_end(lookup.dwfl);
    free(lookup.regions);
    return true;
}

void report_source_destroy(struct report_source *source)
{
    free(source->functions);
    free(source->lines);
    *source = (struct report_source){0};
}

const char *report_source_remedy(enum report_source_state state)
{
    switch (state) {
    case REPORT_SOURCE_LINES:
        return NULL;
    case REPORT_SOURCE_SYMBOLS:
        return "no lines: compile the program with -g and record it again";
    case REPORT_SOURCE_NONE:
        return "the program has no symbols: do not strip it, compile it with -g";
    case REPORT_SOURCE_CHANGED:
        return "the program changed since it was recorded: addresses only; record it again";
    case REPORT_SOURCE_GONE:
        return "the program cannot be read any more: addresses only";
    }
    return NULL;
}
