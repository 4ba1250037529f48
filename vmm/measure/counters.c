/* Opens, groups and reads counters; see counters.h. */
#include "measure/counters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define GROUP_HEADER  3 /* members, time enabled, time running */
#define GROUP_WORDS   (GROUP_HEADER + COUNTER_EVENTS)
#define RUNNING_SHARE 0.99 /* of the time that a counter must have been on the processor */

/* --- opening --- */

static bool is_refused(int errno_value)
{
    return errno_value == EACCES || errno_value == EPERM;
}

/* In the group of `leader`, or by itself where it does not fit; errno as of the last attempt. */
static bool open_slot(
    const struct counter_source *source,
    const struct counter_code *code,
    enum side side,
    int leader,
    struct counter_slot *slot)
{
    slot->leader = leader;
    slot->fd = source->open(source->context, code, side, leader);
    if (slot->fd < 0 && leader >= 0 && (errno == EINVAL || errno == ENOSPC)) {
        slot->leader = -1;
        slot->fd = source->open(source->context, code, side, -1);
    }
    slot->open = slot->fd >= 0;
    slot->errno_value = slot->open ? 0 : errno;
    if (slot->leader < 0) {
        slot->leader = slot->fd;
    }
    return slot->open;
}

/* By each of its names, then by the kernel's.  Names that the library does not know leave ENOENT. */
static void
open_event(struct counters *counters, enum side side, enum counter_event event, int leader)
{
    const struct counter_event_row *row = &counter_events[event];
    const struct counter_source *source = counters->source;
    struct counter_slot *slot = &counters->slot[side][event];
    struct counter_code code;

    *slot = (struct counter_slot){.fd = -1, .leader = -1, .errno_value = ENOENT};
    for (unsigned i = 0; i < COUNTER_NAMES_MAX && row->names[i] != NULL; i++) {
        if (source->encode(source->context, row->names[i], &code) &&
            open_slot(source, &code, side, leader, slot)) {
            return;
        }
    }
    if (row->has_generic && !is_refused(slot->errno_value)) {
        code = (struct counter_code){.type = PERF_TYPE_HW_CACHE, .config = row->generic};
        slot->generic = open_slot(source, &code, side, leader, slot);
    }
}

static void
open_set(struct counters *counters, enum side side, enum counter_set set, bool grouped)
{
    int leader = -1;
    unsigned members = 0;

    for (enum counter_event event = 0; event < COUNTER_EVENTS; event++) {
        struct counter_slot *slot = &counters->slot[side][event];
        if (counter_events[event].set != set) {
            continue;
        }
        open_event(counters, side, event, leader);
        if (grouped && slot->open && (leader < 0 || slot->leader == leader)) {
            leader = slot->leader;
            slot->member = members++;
        }
    }
}

static void close_slot(const struct counters *counters, struct counter_slot *slot)
{
    if (slot->open) {
        counters->source->close(counters->source->context, slot->fd);
    }
    slot->open = false;
}

/* Members before their leaders, which were opened first. */
static void close_set(struct counters *counters, enum side side, enum counter_set set)
{
    for (unsigned i = COUNTER_EVENTS; i-- > 0;) {
        if (counter_events[i].set == set) {
            close_slot(counters, &counters->slot[side][i]);
        }
    }
}

/* Whether a set was ever on the processor when it could be, and how many walks it saw there. */
static bool
try_set(const struct counters *counters, enum side side, enum counter_set set, double *walks)
{
    double count[COUNTER_KINDS];
    struct counters_run run;
    bool ran = false;
    bool any = false;

    if (counters->source->exercise == NULL) {
        return true;
    }
    counters_begin(counters, side, set, &run);
    for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
        any = any || run.read[i];
    }
    if (!any) {
        return true;
    }
    counters->source->exercise(counters->source->context);
    counters_end(counters, side, set, &run, count);
    for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
        ran = ran || (run.read[i] && run.running[i] > 0);
    }
    *walks = count[COUNTER_DATA_WALKS];
    return ran;
}

void counters_open(struct counters *counters, const struct counter_source *source)
{
    double walks = NAN;

    *counters = (struct counters){.source = source};
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        for (enum counter_set set = 0; set < COUNTER_SETS; set++) {
            open_set(counters, side, set, true);
            if (!try_set(counters, side, set, &walks)) {
                close_set(counters, side, set);
                open_set(counters, side, set, false);
            }
            if (side == SIDE_NATIVE && set == COUNTER_SET_DATA && walks == 0) {
                counters->dead = true;
            }
        }
    }
    for (enum side side = 0; counters->dead && side < SIDE_COUNT; side++) {
        close_set(counters, side, COUNTER_SET_DATA);
        close_set(counters, side, COUNTER_SET_CODE);
    }
}

void counters_close(struct counters *counters)
{
    for (enum side side = 0; counters->source != NULL && side < SIDE_COUNT; side++) {
        close_set(counters, side, COUNTER_SET_DATA);
        close_set(counters, side, COUNTER_SET_CODE);
    }
    *counters = (struct counters){0};
}

/* --- counting --- */

static bool
is_of(const struct counters *counters, enum side side, unsigned i, enum counter_set set)
{
    return counters->source != NULL && counter_events[i].set == set &&
           counters->slot[side][i].open;
}

static bool is_leader(const struct counter_slot *slot)
{
    return slot->leader == slot->fd;
}

/* Every group of the set, each member's numbers into `run`. */
static void read_set(
    const struct counters *counters,
    enum side side,
    enum counter_set set,
    struct counters_run *run)
{
    const struct counter_source *source = counters->source;
    const struct counter_slot *slots = counters->slot[side];

    for (unsigned l = 0; l < COUNTER_EVENTS; l++) {
        uint64_t words[GROUP_WORDS] = {0};
        if (!is_of(counters, side, l, set) || !is_leader(&slots[l])) {
            continue;
        }
        long bytes = source->read(source->context, slots[l].fd, words, GROUP_WORDS);
        for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
            if (!is_of(counters, side, i, set) || slots[i].leader != slots[l].fd) {
                continue;
            }
            size_t at = GROUP_HEADER + slots[i].member;
            run->read[i] =
                bytes >= (long)((at + 1) * sizeof(words[0])) && slots[i].member < words[0];
            run->enabled[i] = words[1];
            run->running[i] = words[2];
            run->count[i] = words[at];
        }
    }
}

static void
run_set(const struct counters *counters, enum side side, enum counter_set set, bool on)
{
    for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
        const struct counter_slot *slot = &counters->slot[side][i];
        if (is_of(counters, side, i, set) && is_leader(slot)) {
            counters->source->run(counters->source->context, slot->fd, on);
        }
    }
}

void counters_begin(
    const struct counters *counters,
    enum side side,
    enum counter_set set,
    struct counters_run *run)
{
    *run = (struct counters_run){0};
    read_set(counters, side, set, run);
    run_set(counters, side, set, true);
}

/* NAN where one of the events is not there, or was not counted all the time. */
static double
sum_kind(enum counter_kind kind, enum counter_set set, const struct counters_run *run)
{
    double sum = 0;

    for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
        if (counter_kinds[kind].sums[i] &&
            (!run->read[i] || run->enabled[i] == 0 ||
             (double)run->running[i] < RUNNING_SHARE * (double)run->enabled[i])) {
            return NAN;
        }
        sum += counter_kinds[kind].sums[i] ? (double)run->count[i] : 0;
    }
    return counter_kinds[kind].set == set ? sum : NAN;
}

void counters_end(
    const struct counters *counters,
    enum side side,
    enum counter_set set,
    struct counters_run *run,
    double count[COUNTER_KINDS])
{
    struct counters_run now = {0};

    run_set(counters, side, set, false);
    read_set(counters, side, set, &now);
    for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
        run->read[i] = run->read[i] && now.read[i];
        run->count[i] = now.count[i] - run->count[i];
        run->enabled[i] = now.enabled[i] - run->enabled[i];
        run->running[i] = now.running[i] - run->running[i];
    }
    for (enum counter_kind kind = 0; kind < COUNTER_KINDS; kind++) {
        count[kind] = sum_kind(kind, set, run);
    }
}

/* --- describing --- */

static bool has_kind(const struct counters *counters, enum side side, enum counter_kind kind)
{
    bool has = counters->source != NULL;

    for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
        has = has && (!counter_kinds[kind].sums[i] || counters->slot[side][i].open);
    }
    return has;
}

static void append(struct counters_probe *probe, const char *separator, const char *word)
{
    size_t used = strlen(probe->text);

    snprintf(
        probe->text + used, sizeof(probe->text) - used, "%s%s", used == 0 ? "" : separator,
        word);
}

/* Why there is none: that it was refused comes before that it is not there. */
static int find_reason(const struct counters *counters)
{
    int reason = counters->dead || counters->source == NULL ? ENOENT : 0;

    for (unsigned i = 0; i < COUNTER_EVENTS && reason == 0; i++) {
        int value = counters->slot[SIDE_NATIVE][i].errno_value;
        reason = is_refused(value) ? value : reason;
    }
    return reason != 0 ? reason
                       : counters->slot[SIDE_NATIVE][COUNTER_EVENT_DATA_WALKS].errno_value;
}

static void describe_absence(const struct counters *counters, struct counters_probe *probe)
{
    probe->errno_value = find_reason(counters);
    if (is_refused(probe->errno_value)) {
        /* The sysctl refuses with EACCES, a filter of system calls with EPERM. */
        snprintf(
            probe->text, sizeof(probe->text), "no permission (%s)",
            probe->errno_value == EACCES ? "sudo sysctl kernel.perf_event_paranoid=2"
                                         : "in a container: docker run --cap-add PERFMON");
    } else if (counters->dead) {
        snprintf(
            probe->text, sizeof(probe->text), "no PMU here (events open, but count nothing)");
    } else {
        snprintf(
            probe->text, sizeof(probe->text), "no PMU here (%s%s)",
            /* What perf says of an event that the processor lacks is worded for files. */
            probe->errno_value == ENOENT ? "the kernel offers no such events"
                                         : strerror(probe->errno_value),
            probe->library[0] == '\0' ? "; no libpfm4: generic events only" : "");
    }
}

static void describe_presence(const struct counters *counters, struct counters_probe *probe)
{
    static const char *const only[SIDE_COUNT] = {" (native only)", " (guest only)"};
    bool generic = false;

    for (enum counter_kind kind = 0; kind < COUNTER_KINDS; kind++) {
        const bool has[SIDE_COUNT] = {
            probe->has[SIDE_NATIVE][kind], probe->has[SIDE_GUEST][kind]};
        if (has[SIDE_NATIVE] || has[SIDE_GUEST]) {
            append(probe, ", ", counter_kinds[kind].name);
        }
        if (has[SIDE_NATIVE] != has[SIDE_GUEST]) {
            append(probe, "", only[has[SIDE_NATIVE] ? SIDE_NATIVE : SIDE_GUEST]);
        }
    }
    for (enum counter_kind kind = 0, first = true; kind < COUNTER_KINDS; kind++) {
        if (!probe->has[SIDE_NATIVE][kind] && !probe->has[SIDE_GUEST][kind]) {
            append(probe, first ? "; no " : ", ", counter_kinds[kind].name);
            first = false;
        }
    }
    for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
        generic = generic || counters->slot[SIDE_NATIVE][i].generic;
    }
    if (probe->library[0] == '\0') {
        append(probe, "; ", "no libpfm4: generic events only");
    } else {
        append(probe, "; by ", probe->library);
        append(probe, "", generic ? " and the kernel's names" : "");
    }
}

void counters_describe(const struct counters *counters, struct counters_probe *probe)
{
    *probe = (struct counters_probe){0};
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        for (enum counter_kind kind = 0; kind < COUNTER_KINDS; kind++) {
            probe->has[side][kind] = has_kind(counters, side, kind);
            probe->present = probe->present || probe->has[side][kind];
        }
    }
    if (counters->source != NULL) {
        memcpy(probe->library, counters->source->library, sizeof(probe->library));
    }
    if (probe->present) {
        describe_presence(counters, probe);
    } else {
        describe_absence(counters, probe);
    }
}

void counters_find(struct counters_probe *probe)
{
    struct counter_source source;
    struct counters counters;

    counter_source_begin(&source);
    counters_open(&counters, &source);
    counters_describe(&counters, probe);
    counters_close(&counters);
    counter_source_end(&source);
}
