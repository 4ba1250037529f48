/*
 * Addresses to source; see report_source.h.  An address of the run becomes one of the
 * file by the region that it lies in, which says its place in the file: so nothing needs to be
 * known of where a position-independent program was put.  Read program_source.h for the rest.
 */
#include "report/report_source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "report/program_source.h"
#include "session/runfile.h"

/* One program, opened when the first instruction of it is asked for. */
struct program {
    const struct session_region **regions; /* owns the array: those of the program's file */
    size_t region_count;
    struct program_source *source; /* owns; NULL: nothing can be looked up */
    enum report_source_state state;
    bool open;
};

struct lookup {
    const struct report *report;
    struct program *programs; /* owns: as report->programs has them */
    bool no_memory, any_line;
};

/* --- from the run to the file --- */

static void list_regions(struct lookup *lookup, struct program *program, size_t number)
{
    const struct report *report = lookup->report;
    const char *file = path_base_name(report->programs.list[number].path);

    program->regions = calloc(report->region_count + 1, sizeof(const struct session_region *));
    lookup->no_memory |= program->regions == NULL;
    for (size_t i = 0; program->regions != NULL && i < report->region_count; i++) {
        const struct session_region *said = &report->regions[i].said;
        if (report->regions[i].program == number && said->file[0] != '\0' &&
            strncmp(said->file, file, sizeof(said->file) - 1) == 0) {
            program->regions[program->region_count++] = said;
        }
    }
}

/* The region of the program's file that held the address: any that was said to, as programs
 * keep their code where it is. */
static const struct session_region *find_region(const struct program *program, uint64_t rip)
{
    for (size_t i = 0; i < program->region_count; i++) {
        const struct session_region *said = program->regions[i];
        if (said != NULL && rip >= said->begin && rip < said->end) {
            return said;
        }
    }
    return NULL;
}

/* --- opening --- */

static enum report_source_state
open_source(struct program *program, const struct report_program *recorded)
{
    uint64_t hash = runfile_hash(recorded->path);
    struct err err;

    if (hash == 0) {
        return REPORT_SOURCE_GONE;
    }
    if (recorded->hash != 0 && recorded->hash != hash) {
        return REPORT_SOURCE_CHANGED;
    }
    program->source = program_source_open(recorded->path, &err);
    if (program->source == NULL) {
        return err.kind == ERR_ENVIRONMENT ? REPORT_SOURCE_NO_TOOL : REPORT_SOURCE_GONE;
    }
    return REPORT_SOURCE_NONE;
}

static struct program *open_program(struct lookup *lookup, size_t number)
{
    struct program *program = &lookup->programs[number];

    if (!program->open) {
        program->open = true;
        program->state = open_source(program, &lookup->report->programs.list[number]);
        list_regions(lookup, program, number);
    }
    return program;
}

static void close_programs(struct lookup *lookup)
{
    for (size_t i = 0; i < lookup->report->programs.count; i++) {
        program_source_close(lookup->programs[i].source);
        free(lookup->programs[i].regions);
    }
    free(lookup->programs);
}

/* --- from the file to the source --- */

static void find_place(
    struct lookup *lookup, struct program *program, uint64_t rip, struct report_place *place)
{
    const struct session_region *region =
        program->source != NULL ? find_region(program, rip) : NULL;
    struct program_place found;

    if (region == NULL ||
        !program_source_find(
            program->source, rip - region->begin + region->file_offset, &found)) {
        return;
    }
    if (found.function[0] != '\0') {
        memcpy(place->function, found.function, sizeof(place->function));
        program->state =
            program->state == REPORT_SOURCE_NONE ? REPORT_SOURCE_SYMBOLS : program->state;
    }
    if (found.file[0] != '\0') {
        memcpy(place->file, found.file, sizeof(place->file));
        place->line = found.line;
        program->state = REPORT_SOURCE_LINES;
        lookup->any_line = true;
    }
}
_Static_assert(REPORT_PLACE_BYTES == PROGRAM_PLACE_BYTES, "names of one length");

static void
name_program(const struct lookup *lookup, size_t number, char name[REPORT_PROGRAM_BYTES])
{
    const char *file = path_base_name(lookup->report->programs.list[number].path);
    enum report_source_state state = lookup->programs[number].state;
    const char *why = state == REPORT_SOURCE_CHANGED ? ", changed since"
                      : state == REPORT_SOURCE_GONE  ? ", cannot be read"
                                                     : "";

    if (number != 0) {
        snprintf(
            name, REPORT_PROGRAM_BYTES, "%.64s%s", file[0] != '\0' ? file : "another program",
            why);
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
    find_place(lookup, open_program(lookup, site->program), site->rip, &place);
    name_program(lookup, site->program, place.program);
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
    if (order == 0) {
        order = strcmp(one->program, other->program);
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

/* --- all of it --- */

static bool find_places(struct lookup *lookup, struct report_source *source)
{
    const struct report *report = lookup->report;

    source->state = open_program(lookup, 0)->state;
    for (size_t i = 0; i < report->site_count; i++) {
        struct report_place place = make_place(lookup, &report->sites[i]);
        source->lines[i] = place;
        place.line = 0;
        place.file[0] = '\0';
        source->functions[i] = place;
    }
    source->state = lookup->programs[0].state;
    source->function_count = merge(source->functions, report->site_count);
    source->line_count = lookup->any_line ? merge(source->lines, report->site_count) : 0;
    return !lookup->no_memory;
}

bool report_source_find(
    struct report_source *source, const struct report *report, struct err *err)
{
    size_t count = report->site_count;
    struct lookup lookup = {
        .report = report, .programs = calloc(report->programs.count, sizeof(*lookup.programs))};

    *source = (struct report_source){
        .functions = calloc(count + 1, sizeof(*source->functions)),
        .lines = calloc(count + 1, sizeof(*source->lines))};
    bool ok = source->functions != NULL && source->lines != NULL && lookup.programs != NULL &&
              find_places(&lookup, source);
    if (lookup.programs != NULL) {
        close_programs(&lookup);
    }
    if (!ok) {
        report_source_destroy(source);
        return err_set(err, ERR_ENVIRONMENT, "no memory for places in the source");
    }
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
    case REPORT_SOURCE_NO_TOOL:
        return "libdw.so.1 is not installed (Debian: libdw1): addresses only";
    }
    return NULL;
}
