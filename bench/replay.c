/*
 * How many references a second each policy, the curve and a TLB replay, and what memory that
 * takes, on made-up reference strings: nothing is read from a disk, so this is the replay alone.
 * It refuses to judge correctness: the unit tests do.
 *
 *   replay [MILLIONS [PAGES [FRAMES]]]     default 100 million touches, 65536 pages, half frames
 *
 * Strings: "loops" walks arrays of changing place and length word by word, as programs do;
 * "skewed" picks pages with probability falling as 1/rank; "uniform" picks any page each time,
 * the worst for every cache of the host.
 */
#include "replay/replay.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"

enum shape { SHAPE_LOOPS, SHAPE_SKEWED, SHAPE_UNIFORM, SHAPES };

static const char *const shape_names[SHAPES] = {"loops", "skewed", "uniform"};

struct generator {
    enum shape shape;
    uint64_t random;
    uint64_t left;
    uint64_t total;
    uint64_t pages;
    uint64_t at, end; /* of the current walk, in bytes */
};

static uint64_t next_random(struct generator *generator)
{
    generator->random ^= generator->random >> 12;
    generator->random ^= generator->random << 25;
    generator->random ^= generator->random >> 27;
    return generator->random * UINT64_C(2685821657736338717);
}

static uint64_t next_address(struct generator *generator)
{
    double unit;

    switch (generator->shape) {
    case SHAPE_LOOPS:
        if (generator->at >= generator->end) {
            uint64_t bytes = (UINT64_C(1) << next_random(generator) % 16) * 64;

            generator->at = next_random(generator) % generator->pages << 12;
            generator->end = generator->at + bytes;
        }
        generator->at += 8;
        return generator->at % (generator->pages << 12);
    case SHAPE_SKEWED:
        unit = (double)(next_random(generator) >> 11) / 9007199254740992.0;
        /* Spread neighbouring ranks over the address space. */
        return ((uint64_t)pow((double)generator->pages, unit) * 40503 % generator->pages) << 12;
    case SHAPE_UNIFORM:
    case SHAPES:
        break;
    }
    return next_random(generator) % generator->pages << 12;
}

static bool
read_made_up(void *state, struct reference *out, size_t room, size_t *count, struct err *err)
{
    struct generator *generator = state;

    (void)err;
    while (*count < room && generator->left > 0) {
        out[(*count)++] = (struct reference){
            .address = next_address(generator),
            .bytes = 1,
            .access = REFERENCE_READ,
        };
        generator->left--;
    }
    return true;
}

static void close_made_up(void *state)
{
    (void)state;
}

static const struct references_ops made_up = {read_made_up, NULL, close_made_up};

/* Seconds that a plan takes on a string, and the faults of its first policy. */
static double time_plan(
    const struct replay_plan *plan, const struct generator *like, struct replay_result *result)
{
    struct generator generator = *like;
    struct references references = {
        .ops = &made_up, .state = &generator, .about = {.name = "made up"}};
    struct err err = {0};
    uint64_t start = clock_now_ns();

    if (!replay_run(plan, &references, result, &err)) {
        fprintf(stderr, "replay: %s\n", err.text);
        exit(1);
    }
    return (double)(clock_now_ns() - start) / 1e9;
}

static long peak_kib(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void time_one(
    const char *name, const struct replay_plan *plan, const struct generator *like, double base)
{
    struct replay_result result;
    double seconds = time_plan(plan, like, &result);
    double millions = (double)like->total / 1e6;

    printf(
        "%-8s %-8s %12" PRIu64 " faults %8.2f s %7.1f M/s, without the generator %7.1f M/s; "
        "peak %ld MiB\n",
        shape_names[like->shape], name, result.sizes[0].faults[0][0], seconds,
        millions / seconds, millions / (seconds - base), peak_kib() / 1024);
    fflush(stdout);
    replay_destroy(&result);
}

/* The generator alone: references that no lane looks at. */
static double time_generator(const struct generator *like)
{
    struct replay_plan nothing = {.size_count = 1, .page_shifts = {12}, .last = UINT64_MAX};
    struct replay_result result;
    double seconds = time_plan(&nothing, like, &result);

    replay_destroy(&result);
    return seconds;
}

static void time_shape(const struct generator *like, uint32_t frames)
{
    struct replay_plan plan = {
        .frames = {frames},
        .frame_count = 1,
        .page_shifts = {12},
        .size_count = 1,
        .seed = 1,
        .last = UINT64_MAX,
        .access = REFERENCE_ANY,
    };
    double base = time_generator(like);

    time_one("none", &plan, like, base);
    plan.policy_count = 1;
    for (size_t i = 0; i < SIM_COUNT; i++) {
        plan.policies[0] = sim_all[i];
        time_one(sim_all[i]->name, &plan, like, base);
    }
    plan.policy_count = 0;
    plan.curve = true;
    time_one("curve", &plan, like, base);
    plan.curve = false;
    plan.tlb_count = 1;
    plan.tlbs[0] = (struct tlb_shape){.entries = 1536, .ways = 12};
    time_one("tlb", &plan, like, base);
}

static uint64_t argument(int argc, char **argv, int index, uint64_t otherwise)
{
    return argc > index ? strtoull(argv[index], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    uint64_t touches = argument(argc, argv, 1, 100) * 1000000;
    uint64_t pages = argument(argc, argv, 2, 65536);
    uint64_t frames = argument(argc, argv, 3, pages / 2);

    if (touches == 0 || pages == 0 || frames == 0 || frames > SIM_FRAMES_MAX) {
        fprintf(stderr, "usage: replay [MILLIONS [PAGES [FRAMES]]], each at least 1\n");
        return 2;
    }
    printf(
        "%" PRIu64 " touches, up to %" PRIu64 " pages, %" PRIu64 " frames\n", touches, pages,
        frames);
    for (unsigned i = 0; i < SHAPES; i++) {
        const struct generator generator = {
            .shape = (enum shape)i,
            .random = 88172645463325252,
            .left = touches,
            .total = touches,
            .pages = pages,
        };

        time_shape(&generator, (uint32_t)frames);
    }
    return 0;
}
