/* Runs sequences, and makes those that fail shorter; see batch.h. */
#include "batch.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ADVERSARY "adversary"

const char *const batch_policies[] = {
    "none",
    "fifo",
    "clock",
    "lru",
    "random",
    "2q",
    "arc",
    ADVERSARY ",delay=0",
    ADVERSARY ",delay=0,nonsense=1",
};

/* What policy_load() is to load: the adversary is in policies/ beside the folder of the tests. */
static const char *spec_of(const char *policy, char *spec, size_t bytes)
{
    char self[256] = "";

    if (strcmp(policy, "none") == 0) {
        return NULL;
    }
    if (strncmp(policy, ADVERSARY, strlen(ADVERSARY)) != 0 ||
        readlink("/proc/self/exe", self, sizeof(self) - 1) < 0) {
        return policy;
    }
    snprintf(
        spec, bytes, "%s/policies/%s.so%s", dirname(dirname(dirname(self))), ADVERSARY,
        policy + strlen(ADVERSARY));
    return spec;
}

/* What the policies have to complain of is no news here, and there is much of it. */
static int hush(void)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

    fflush(stderr);
    if (null >= 0) {
        dup2(null, STDERR_FILENO);
        close(null);
    }
    return kept;
}

static void unhush(int kept)
{
    fflush(stderr);
    if (kept >= 0) {
        dup2(kept, STDERR_FILENO);
        close(kept);
    }
}

static bool run_one(struct world *world, const struct world_config *config)
{
    int kept = hush();
    bool ok = world_run(world, config);

    unhush(kept);
    return ok;
}

static bool still_fails(const struct world_config *config)
{
    struct world *world = malloc(sizeof(*world));

    if (world == NULL) {
        abort();
    }
    bool ok = run_one(world, config);
    world_destroy(world);
    free(world);
    return !ok;
}

/* Leave out as many steps as can be, halves first. */
static void shorten(struct world_config *config, uint8_t *skip)
{
    config->skip = skip;
    for (unsigned length = config->steps / 2; length > 0; length /= 2) {
        for (unsigned at = 0; at < config->steps; at += length) {
            uint8_t before[1024];
            unsigned end = at + length < config->steps ? at + length : config->steps;
            memcpy(before, skip, config->steps);
            memset(skip + at, 1, end - at);
            if (!still_fails(config)) {
                memcpy(skip, before, config->steps);
            }
        }
    }
}

static void print_failure(const struct world *world, const struct world_config *config)
{
    unsigned first = world->notes > WORLD_NOTES ? world->notes - WORLD_NOTES : 0;

    fprintf(
        stderr, "policy %s, PROPERTY_SEED=%llu, step %u of %u: %s\n",
        config->policy == NULL ? "none" : config->policy, (unsigned long long)config->seed,
        world->step, config->steps, world->failure);
    for (unsigned i = first; i < world->notes; i++) {
        fprintf(stderr, "  %s\n", world->note[i % WORLD_NOTES]);
    }
}

static void report(struct world *world, struct world_config config)
{
    uint8_t *skip = calloc(config.steps, 1);
    unsigned failed_at = world->step;

    print_failure(world, &config);
    world_destroy(world);
    if (skip == NULL || config.steps > 1024) {
        free(skip);
        return;
    }
    if (failed_at < config.steps) {
        config.steps = failed_at;
    }
    /* What goes wrong here may need the whole sequence. */
    if (still_fails(&config)) {
        shorten(&config, skip);
        if (!run_one(world, &config)) {
            fprintf(stderr, "and with as few steps as it takes:\n");
            print_failure(world, &config);
        }
        world_destroy(world);
    }
    free(skip);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

bool batch_run(struct batch *batch)
{
    uint64_t only = from_environment("PROPERTY_SEED", UINT64_MAX);
    uint64_t count = from_environment("PROPERTY_SEQUENCES", batch->sequences);
    struct world *world = malloc(sizeof(*world));
    char spec[512];
    bool ok = true;

    if (world == NULL) {
        abort();
    }
    for (uint64_t i = 0; i < (only != UINT64_MAX ? 1 : count) && ok; i++) {
        const struct world_config config = {
            .policy = spec_of(batch->policy, spec, sizeof(spec)),
            .seed = only != UINT64_MAX ? only : batch->first_seed + i,
            .steps = batch->steps,
            .make_cpu = batch->make_cpu};
        ok = run_one(world, &config);
        batch->faults += world->faults;
        batch->accesses += world->accesses;
        batch->done++;
        for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
            batch->kinds[kind] += world->kinds[kind];
        }
        if (ok) {
            world_destroy(world);
        } else {
            report(world, config);
        }
    }
    free(world);
    return ok;
}

void batch_print(const struct batch *batch)
{
    printf(
        "%u sequences, %llu accesses, %llu faults:", batch->done,
        (unsigned long long)batch->accesses, (unsigned long long)batch->faults);
    for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
        if (batch->kinds[kind] != 0) {
            printf(
                " %s %llu", record_kind_name((enum fault_kind)kind),
                (unsigned long long)batch->kinds[kind]);
        }
    }
    printf("\n");
}
