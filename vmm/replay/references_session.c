/*
 * References from a recorded session.  A first look through the events finds out which kind of
 * references it has; then they are handed on one by one.  It refuses to make up accesses that
 * were not recorded: references_about says what is missing.  Read session/reader.h for the
 * events.
 */
#include <stdlib.h>
#include <string.h>

#include "replay/references.h"
#include "replay/references_programs.h"
#include "session/reader.h"

#define UNTOUCHED_SHIFT 12 /* page size of a session without a single mapping fault */

/* What the references are taken from: the best that the session has. */
enum string_kind {
    STRING_ACCESSES, /* an event for each access */
    STRING_SAMPLES,  /* page-reference faults: each access of the regions that have any */
    STRING_FAULTS,   /* what else faulted */
};

/* What a region of a process saw. */
struct region_tally {
    uint64_t name;  /* process and region in one number */
    uint64_t taken; /* faults that gave the program access */
    bool sampled;   /* FAULT_SAMPLING was among them */
};

struct tallies {
    struct region_tally *of; /* owns: sorted by name */
    size_t count, room;
};

struct session_source {
    struct session_reader *reader; /* owns */
    struct references_programs programs;
    enum string_kind kind;
    struct tallies regions;
    const char *phase; /* borrows; NULL: all */
    bool in_phase;     /* while reading */
};

static uint64_t region_name(const struct fault_record *fault)
{
    return (uint64_t)fault->process << 32 | fault->region;
}

/* Where the region of that name is, or belongs. */
static size_t find_place(const struct tallies *regions, uint64_t name)
{
    size_t low = 0;
    size_t high = regions->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (regions->of[middle].name < name) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The region of that name, or NULL. */
static struct region_tally *find_region(const struct tallies *regions, uint64_t name)
{
    size_t place = find_place(regions, name);

    return place < regions->count && regions->of[place].name == name ? &regions->of[place]
                                                                     : NULL;
}

/* The same, put in if it is not there; NULL: no memory. */
static struct region_tally *add_region(struct tallies *regions, uint64_t name)
{
    size_t place = find_place(regions, name);
    struct region_tally *at;

    if (place < regions->count && regions->of[place].name == name) {
        return &regions->of[place];
    }
    if (regions->count == regions->room) {
        size_t room = regions->room > 0 ? regions->room * 2 : 64;

        at = realloc(regions->of, room * sizeof(*at));
        if (at == NULL) {
            return NULL;
        }
        regions->of = at;
        regions->room = room;
    }
    at = &regions->of[place];
    memmove(at + 1, at, (regions->count - place) * sizeof(*at));
    *at = (struct region_tally){.name = name};
    regions->count++;
    return at;
}

/* Faults that ended in a signal or the program's end touched nothing. */
static bool gave_access(const struct fault_record *fault)
{
    return fault->action != ACTION_SIGNAL && fault->action != ACTION_KILL;
}

static uint8_t access_of(uint8_t recorded)
{
    if ((recorded & RECORD_FETCH) != 0) {
        return REFERENCE_FETCH;
    }
    return (recorded & RECORD_WRITE) != 0 ? REFERENCE_WRITE : REFERENCE_READ;
}

static bool enter_phase(struct session_source *source, const struct session_event *event)
{
    if (event->kind == SESSION_PHASE && source->phase != NULL) {
        source->in_phase = strcmp(event->of.phase->name, source->phase) == 0;
    }
    return source->in_phase;
}

static bool fault_counts(const struct session_source *source, const struct fault_record *fault)
{
    const struct region_tally *region;

    if (source->kind == STRING_ACCESSES || !gave_access(fault)) {
        return false;
    }
    if (source->kind == STRING_FAULTS) {
        return true;
    }
    region = find_region(&source->regions, region_name(fault));
    return region != NULL && region->sampled;
}

/* The reference that an event is, if it is one. */
static bool take_event(
    const struct session_source *source,
    const struct session_event *event,
    struct reference *out)
{
    if (event->kind == SESSION_FAULT && fault_counts(source, event->of.fault)) {
        *out = (struct reference){
            .address = event->of.fault->address,
            .bytes = 1,
            .process = references_programs_process(&source->programs, event->of.fault->process),
            .access = access_of(event->of.fault->access),
        };
        return true;
    }
    if (event->kind == SESSION_ACCESS && source->kind == STRING_ACCESSES) {
        const struct session_access *access = event->of.access;
        uint64_t last;

        *out = (struct reference){
            .address = access->address,
            .bytes = access->bytes > 0 ? access->bytes : 1,
            .process = references_programs_process(&source->programs, access->process),
            .access = access_of(access->access),
        };
        if (__builtin_add_overflow(out->address, out->bytes - 1, &last)) {
            out->bytes = 1;
        }
        return true;
    }
    return false;
}

static bool
session_read(void *state, struct reference *out, size_t room, size_t *count, struct err *err)
{
    struct session_source *source = state;
    struct session_event event;

    while (*count < room) {
        switch (session_next(source->reader, &event, err)) {
        case SESSION_DONE:
            return true;
        case SESSION_FAILED:
            return false;
        case SESSION_NEXT:
            break;
        }
        if (!references_programs_see(&source->programs, &event)) {
            return err_set(err, ERR_ENVIRONMENT, "no memory for the programs of a session");
        }
        if (enter_phase(source, &event)) {
            *count += take_event(source, &event, &out[*count]);
        }
    }
    return true;
}

static bool session_read_again(void *state, struct err *err)
{
    struct session_source *source = state;

    (void)err;
    session_rewind(source->reader);
    references_programs_forget(&source->programs);
    source->in_phase = source->phase == NULL;
    return true;
}

static void session_source_close(void *state)
{
    struct session_source *source = state;

    session_close(source->reader);
    free(source->regions.of);
    references_programs_destroy(&source->programs);
    free(source);
}

static const struct references_ops session_ops = {
    session_read,
    session_read_again,
    session_source_close,
};

/* What a first look through the events finds. */
struct survey {
    uint64_t accesses; /* or samples of pages */
    bool sampled;      /* some of them are */
    uint64_t faults;
    uint64_t refused; /* faults that gave no access */
    uint64_t samples;
    uint8_t level; /* the highest that a fault mapped */
    bool evicting;
    bool saw_phase;
};

static bool survey_fault(
    struct session_source *source,
    struct survey *survey,
    const struct fault_record *fault,
    struct err *err)
{
    struct region_tally *region = add_region(&source->regions, region_name(fault));

    if (region == NULL) {
        return err_set(
            err, ERR_ENVIRONMENT, "no memory for %zu regions", source->regions.count);
    }
    survey->faults++;
    survey->evicting = survey->evicting || fault->evicted != RECORD_NO_FRAME;
    survey->level = fault->level > survey->level ? fault->level : survey->level;
    if (!gave_access(fault)) {
        survey->refused++;
        return true;
    }
    region->taken++;
    if (fault->kind == FAULT_SAMPLING) {
        region->sampled = true;
        survey->samples++;
    }
    return true;
}

static bool survey_event(
    struct session_source *source,
    struct survey *survey,
    const struct session_event *event,
    struct err *err)
{
    switch (event->kind) {
    case SESSION_FAULT:
        return survey_fault(source, survey, event->of.fault, err);
    case SESSION_ACCESS:
        survey->accesses++;
        survey->sampled = survey->sampled || (event->of.access->access & RECORD_SAMPLED) != 0;
        return true;
    case SESSION_PHASE:
        survey->saw_phase = enter_phase(source, event) || survey->saw_phase;
        return true;
    case SESSION_RESULT:
    case SESSION_REGION:
    case SESSION_PROCESS_START:
    case SESSION_PROCESS_END:
    case SESSION_SIGNAL:
    case SESSION_EXEC:
    case SESSION_END:
    case SESSION_EVENTS:
        return true;
    }
    return true;
}

static bool survey_events(struct session_source *source, struct survey *survey, struct err *err)
{
    struct session_event event;

    for (;;) {
        switch (session_next(source->reader, &event, err)) {
        case SESSION_DONE:
            return session_read_again(source, err);
        case SESSION_FAILED:
            return false;
        case SESSION_NEXT:
            break;
        }
        if (!survey_event(source, survey, &event, err)) {
            return false;
        }
    }
}

/* Pick the kind of string; returns the faults that are no references of it. */
static uint64_t choose_kind(struct session_source *source, const struct survey *survey)
{
    uint64_t taken = 0;

    if (survey->accesses > 0) {
        source->kind = STRING_ACCESSES;
        return 0; /* each access has its event, whether it faulted or not */
    }
    if (survey->samples == 0) {
        source->kind = STRING_FAULTS;
        return survey->refused;
    }
    source->kind = STRING_SAMPLES;
    for (size_t i = 0; i < source->regions.count; i++) {
        taken += source->regions.of[i].sampled ? source->regions.of[i].taken : 0;
    }
    return survey->faults - taken;
}

/* log2 of the bytes that a leaf at a level maps. */
static unsigned shift_of_level(uint8_t level)
{
    return level > 1 ? UNTOUCHED_SHIFT + 9U * (level - 1U) : UNTOUCHED_SHIFT;
}

static bool
open_source(struct session_source *source, struct references_about *about, struct err *err)
{
    struct survey survey = {0};
    const struct session_info *info;

    if (!session_open(&source->reader, about->name, err)) {
        return false;
    }
    if (!survey_events(source, &survey, err)) {
        return false;
    }
    if (source->phase != NULL && !survey.saw_phase) {
        return err_set(
            err, ERR_INPUT, "%s: the program marked no phase '%s'", about->name, source->phase);
    }
    info = session_info(source->reader);
    about->left_out = choose_kind(source, &survey);
    about->kind = source->kind == STRING_FAULTS ? REFERENCES_FAULTS
                  : survey.sampled              ? REFERENCES_SAMPLED
                                                : REFERENCES_EXACT;
    about->page_shift = shift_of_level(survey.level);
    about->evicting = survey.evicting;
    about->torn = info->torn;
    about->tear = info->torn ? info->tear : NULL;
    about->discarded = info->discarded;
    return true;
}

bool references_open_session(
    struct references *references, const char *folder, const char *phase, struct err *err)
{
    struct session_source *source = calloc(1, sizeof(*source));

    *references = (struct references){.about = {.name = folder}};
    if (source == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory to read '%s'", folder);
    }
    source->phase = phase;
    source->in_phase = phase == NULL;
    if (!open_source(source, &references->about, err)) {
        session_source_close(source);
        return false;
    }
    references->ops = &session_ops;
    references->state = source;
    return true;
}
