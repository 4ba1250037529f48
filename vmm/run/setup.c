/*
 * The memory of a laboratory as its options want it: swap, limit, policy, page size.  Everything is
 * made before the machine runs, so that a wrong file or policy is told before the program starts.
 */
#include "run/setup.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "run/recording.h"

#define DEFAULT_POLICY "clock"
/* With swap, all of memory would go to pages, and page tables would find none: one frame in 64 for
 * them, 2 MiB at least, as they are taken by 2 MiB. */
#define TABLES_SHARE 64

static void drain(void *context)
{
    machine_drain_edits(((struct lab *)context)->machine);
}

static bool make_swap(struct lab *lab, struct err *err)
{
    const struct lab_config *config = lab->config;

    if (config->swap_file == NULL && config->swap_bytes == 0) {
        return true;
    }
    return swap_create(&lab->swap, config->swap_file, config->swap_bytes, err);
}

/* A limit or swap means that pages will have to go: somebody must choose. */
static bool make_policy(struct lab *lab, struct err *err)
{
    const char *name = lab->config->policy;

    if (name == NULL && (lab->config->limit_frames != 0 || lab->swap != NULL)) {
        name = DEFAULT_POLICY;
    }
    return name == NULL || policy_load(&lab->policy, name, err);
}

static uint64_t limit_of(const struct lab *lab)
{
    uint64_t total = frames_total(machine_frames(lab->machine));
    uint64_t tables = total / TABLES_SHARE > PTE_ENTRIES ? total / TABLES_SHARE : PTE_ENTRIES;

    if (lab->config->limit_frames != 0) {
        return lab->config->limit_frames;
    }
    return lab->swap != NULL && total > 4 * tables ? total - 2 * tables : UINT64_MAX;
}

/* Who sees more of the program than its faults. */
static bool make_watch(struct lab *lab, struct err *err)
{
    const struct lab_config *config = lab->config;

    switch (config->record) {
    case LAB_RECORD_FAULTS:
        return true;
    case LAB_RECORD_ACCESSES:
        assert(config->watch.ops == NULL);
        return recording_create(&lab->watch, config->record_regions, err);
    case LAB_RECORD_SAMPLED:
        return sampling_create(
            &lab->sampling, config->record_regions, config->record_period_ns, err);
    }
    return true;
}

bool setup_memory(struct lab *lab, unsigned spaces, struct err *err)
{
    const struct lab_config *config = lab->config;

    if (!make_swap(lab, err) || !make_policy(lab, err)) {
        return false;
    }
    if (!make_watch(lab, err)) {
        return false;
    }
    if (config->page_size != MEMORY_PAGES_4K) {
        gmem_prefer_large(machine_mem(lab->machine));
    }
    const struct memory_config memory = {
        .frames = machine_frames(lab->machine),
        .pool = machine_pool(lab->machine),
        .edits = machine_edits(lab->machine),
        .drain = drain,
        .context = lab,
        .no_execute = machine_cpu(lab->machine)->no_execute,
        .swap = lab->swap,
        .limit_frames = limit_of(lab),
        .spaces = spaces,
        .page_size = config->page_size};
    if (!memory_create(&lab->memory, &memory, err)) {
        return false;
    }
    const struct pager_config pager = {
        .memory = lab->memory,
        .policy = lab->policy,
        .around_pages = config->around_pages != 0 ? config->around_pages : 1,
        .around_adaptive = config->around_adaptive,
        /* Watchers have plans of their own for what runs next. */
        .retries = lab->watch.ops == NULL};
    return pager_create(&lab->pager, &pager, err);
}

static void add(char *text, size_t bytes, const char *more)
{
    size_t used = strlen(text);

    snprintf(text + used, bytes - used, "%s", more);
}

void setup_describe_shortage(const struct lab *lab, char *text, size_t bytes)
{
    const char *trouble = pager_trouble(lab->pager);
    char part[96];

    if (trouble != NULL) {
        add(text, bytes, "; ");
        add(text, bytes, trouble);
    } else if (lab->swap != NULL) {
        snprintf(
            part, sizeof(part), "; swap has %u of %u pages in use", swap_used(lab->swap),
            swap_total(lab->swap));
        add(text, bytes, part);
    } else {
        add(text, bytes,
            lab->memory->config.limit_frames == UINT64_MAX ? "; give more --mem, or --swap"
                                                           : "; give more --frames, or --swap");
    }
    for (unsigned i = 0; i < lab->memory->space_count; i++) {
        const struct space *space = lab->memory->spaces[i];
        if (space != NULL) {
            snprintf(
                part, sizeof(part), "; process %u holds %llu pages", space->process,
                (unsigned long long)space->resident);
            add(text, bytes, part);
        }
    }
}
