/*
 * A property test's world: a memory with its address spaces on a CPU, the model beside it, and
 * what is compared after each step.  All of it follows from one seed.  Read operations.c for what
 * happens in it, check.c for what must hold.
 */
#ifndef PROPERTY_WORLD_H
#define PROPERTY_WORLD_H

#include <setjmp.h>
#include <stdint.h>

#include "cpu.h"
#include "fault/pager.h"
#include "memory/swap.h"
#include "model.h"
#include "policy/policy.h"

#define WORLD_NOTES      48
#define WORLD_NOTE_BYTES 112

struct world_config {
    const char *policy; /* as --policy; NULL: none */
    uint64_t seed;
    unsigned steps;
    const uint8_t *skip; /* borrows: a byte for each step, 1: leave it out; or NULL */
    /* Makes the CPU; mem_bytes: of guest memory. */
    struct property_cpu *(*make_cpu)(uint64_t mem_bytes, uint64_t seed);
};

struct world {
    struct property_cpu *cpu; /* owns */
    struct memory *memory;    /* owns */
    struct pager *pager;      /* owns */
    struct policy *policy;    /* owns */
    struct swap *swap;        /* owns */
    struct space *space[MODEL_SPACES];
    struct model *model;       /* owns */
    struct memory_watch watch; /* the policy's, which is told through the world's own */
    bool is_watched;           /* there is a policy */
    uint8_t *told;        /* owns; by frame: order + 1 of a page that came and has not gone */
    uint64_t base_tables; /* of the pool, before the first space */
    int shared_fd, private_fd, code_fd; /* own */
    uint64_t random;
    unsigned step;
    unsigned current; /* the space that was chosen last */
    uint64_t faults, accesses;
    uint64_t kinds[FAULT_KINDS];              /* of faults, as the pager has them */
    char note[WORLD_NOTES][WORLD_NOTE_BYTES]; /* what was done last; a ring */
    unsigned notes;
    char failure[512]; /* the first thing that went wrong, or empty */
};

/* Run one sequence.  False: something is wrong, and *world, which is the caller's to destroy in
 * both cases, says what. */
bool world_run(struct world *world, const struct world_config *config);
void world_destroy(struct world *world);

/* --- for the files of this folder --- */

/* All of the world but processes; false: world_fail() was called. */
bool world_set_up(struct world *world, const struct world_config *config);
/* Draw from the stream of this step from now on. */
void world_seed_step(struct world *world, uint64_t seed, uint64_t step);

bool world_fail(struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void world_note(struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline bool world_has_failed(const struct world *world)
{
    return world->failure[0] != '\0';
}

/* The next random number, below `below`. */
uint64_t world_random(struct world *world, uint64_t below);

/* One access by ring 3, its faults served, its outcome held against the model. */
void world_access(
    struct world *world, unsigned space, unsigned page, struct cpu_access *access);
/* Whether the pager may say that memory is used up. */
bool world_is_full(const struct world *world);
/* A process ends. */
void world_end_space(struct world *world, unsigned space);
/* A new process with nothing but the code. */
void world_new_space(struct world *world, unsigned space);
/* Map like space_map, and in the model. */
void world_map(
    struct world *world,
    unsigned space,
    unsigned first,
    unsigned count,
    const struct region_spec *spec,
    const struct model_page *like);

/* A step: one operation, chosen at random. */
void operations_step(struct world *world);

/* What must hold between two steps. */
void check_accounts(struct world *world);
/* All pages of all processes are what the model has, read by ring 3 and compared by the host. */
void check_contents(struct world *world);
/* The page as the tables have it, byte by byte. */
void check_page(struct world *world, unsigned space, unsigned page);
/* All processes are gone: so is everything else. */
void check_nothing_left(struct world *world);

#endif
