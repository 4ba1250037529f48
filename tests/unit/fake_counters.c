/* Opens, runs and reads counters that do not exist; see fake_counters.h. */
#include "fake_counters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>

#define FIRST_FD 1000
#define RUN_NS   1000000

static bool encode(void *context, const char *event, struct counter_code *code)
{
    const struct fake_counters *fake = context;

    for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
        if (!fake->unknown[i] && strcmp(event, counter_events[i].names[0]) == 0) {
            *code = (struct counter_code){.type = PERF_TYPE_RAW, .config = i};
            return true;
        }
    }
    return false;
}

static enum counter_event event_of(const struct counter_code *code)
{
    if (code->type == PERF_TYPE_RAW) {
        return (enum counter_event)code->config;
    }
    for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
        if (counter_events[i].has_generic && counter_events[i].generic == code->config) {
            return (enum counter_event)i;
        }
    }
    return COUNTER_EVENTS;
}

static unsigned members_of(const struct fake_counters *fake, int leader)
{
    unsigned members = 0;

    for (unsigned i = 0; i < fake->used; i++) {
        members += fake->at[i].open && fake->at[i].leader == leader;
    }
    return members;
}

static int open_one(void *context, const struct counter_code *code, enum side side, int leader)
{
    struct fake_counters *fake = context;
    enum counter_event event = event_of(code);

    errno = event == COUNTER_EVENTS       ? ENOENT
            : code->type == PERF_TYPE_RAW ? fake->refuse[side][event]
                                          : fake->refuse_generic;
    if (errno == 0 && leader >= 0 && fake->group_max > 0 &&
        members_of(fake, leader) >= fake->group_max) {
        errno = EINVAL;
    }
    if (errno != 0 || fake->used == FAKE_COUNTERS_MAX) {
        return -1;
    }
    int fd = FIRST_FD + (int)fake->used;
    fake->at[fake->used].open = true;
    fake->at[fake->used].side = side;
    fake->at[fake->used].event = event;
    fake->at[fake->used].leader = leader < 0 ? fd : leader;
    fake->used++;
    fake->open++;
    return fd;
}

/* What it counts in a run is added when the run ends. */
static void run(void *context, int leader, bool on)
{
    struct fake_counters *fake = context;
    bool fits = fake->scheduled_max == 0 || members_of(fake, leader) <= fake->scheduled_max;

    for (unsigned i = 0; i < fake->used; i++) {
        if (!fake->at[i].open || fake->at[i].leader != leader) {
            continue;
        }
        if (!on && fake->at[i].on) {
            fake->at[i].enabled += RUN_NS;
            fake->at[i].running += fits ? RUN_NS / 100 * fake->running_percent : 0;
            fake->at[i].count += fits ? fake->step[fake->at[i].side][fake->at[i].event] : 0;
        }
        fake->at[i].on = on;
    }
}

static long read_all(void *context, int leader, uint64_t *values, size_t words)
{
    const struct fake_counters *fake = context;
    size_t used = 3;

    values[0] = 0;
    for (unsigned i = 0; i < fake->used; i++) {
        if (fake->at[i].open && fake->at[i].leader == leader && used < words) {
            values[0]++;
            values[1] = fake->at[i].enabled;
            values[2] = fake->at[i].running;
            values[used++] = fake->at[i].count;
        }
    }
    return (long)(used * sizeof(*values));
}

static void close_one(void *context, int fd)
{
    struct fake_counters *fake = context;

    fake->open -= fake->at[fd - FIRST_FD].open;
    fake->at[fd - FIRST_FD].open = false;
}

static void exercise(void *context)
{
    struct fake_counters *fake = context;

    fake->exercised++;
}

void fake_counters_begin(struct fake_counters *fake)
{
    *fake = (struct fake_counters){
        .source =
            {.encode = encode,
             .open = open_one,
             .run = run,
             .read = read_all,
             .close = close_one,
             .exercise = exercise,
             .context = fake},
        .running_percent = 100};
    snprintf(fake->source.library, sizeof(fake->source.library), "libpfm4 (fake)");
}
