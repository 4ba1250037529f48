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

#include "report/program_source.h"
#include "session/runfile.h"

struct lookup {
    const struct report *report;
    const char *file;                      /* base name of the program, as regions have it */
    const struct session_region **regions; /* owns the array: those of the program's file */
    size_t region_count;
    struct program_source *source; /* owns; NULL: nothing can be looked up */
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

/* --- from the file to the source --- */

static void find_place(struct lookup *lookup, uint64_t rip, struct report_place *place)
{
    const struct session_region *region =
        lookup->source != NULL ? find_region(lookup, rip) : NULL;
    struct program_place found;

    if (region == NULL ||
        !program_source_find(
            lookup->source, rip - region->begin + region->file_offset, &found)) {
        return;
    }
    if (found.function[0] != '\0') {
        memcpy(place->function, found.function, sizeof(place->function));
        lookup->any_symbol = true;
    }
    if (found.file[0] != '\0') {
        memcpy(place->file, found.file, sizeof(place->file));
        place->line = found.line;
        lookup->any_line = true;
    }
}
_Static_assert(REPORT_PLACE_BYTES == PROGRAM_PLACE_BYTES, "names of one length");

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
    struct err err;
    lookup->source = program_source_open(info->program, &err);
    if (lookup->source == NULL) {
        return err.kind == ERR_ENVIRONMENT ? REPORT_SOURCE_NO_TOOL : REPORT_SOURCE_GONE;
    }
    return REPORT_SOURCE_NONE;
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
    program_source_close(lookup.source);
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
    case REPORT_SOURCE_NO_TOOL:
        return "libdw.so.1 is not installed (Debian: libdw1): addresses only";
    }
    return NULL;
}
