/*
 * What happens in a world: one of everything that programs, the pager and policies may do to memory,
 * chosen by weight.  Read operations.h for where each is.
 */
#include "operations.h"

/* --- processes --- */

static unsigned free_space(const struct world *world)
{
    unsigned space = 0;

    while (space < MODEL_SPACES && world->space[space] != NULL) {
        space++;
    }
    return space;
}

static void do_fork(struct world *world)
{
    unsigned parent = choose_space(world), child = free_space(world);
    struct err err;

    if (child == MODEL_SPACES) {
        return;
    }
    world_note(world, "process %u forks %u", parent, child);
    if (!space_fork(world->space[parent], &world->space[child], &err)) {
        world_fail(world, "fork: %s", err.text);
        return;
    }
    world->space[child]->process = (uint16_t)(child + 1);
    model_fork(world->model, parent, child);
}

static void do_exit(struct world *world)
{
    unsigned space = choose_space(world);

    world_note(world, "process %u exits", space);
    world_end_space(world, space);
}

/* --- a step --- */

static const struct {
    unsigned weight;
    void (*run)(struct world *world);
} operations[] = {
    {10, operation_map_anonymous},
    {4, operation_map_private_file},
    {3, operation_map_shared_file},
    {4, operation_map_shared},
    {4, operation_map_again},
    {4, operation_unmap},
    {8, operation_protect},
    {4, operation_discard},
    {2, operation_advise},
    {6, operation_move},
    {10, do_fork},
    {1, do_exit},
    {12, operation_read},
    {20, operation_write},
    {10, operation_fill},
    {6, operation_sum},
    {2, operation_fetch},
    {12, operation_sweep},
    {4, operation_host_read},
    {4, operation_host_write},
    {10, operation_evict},
    {2, operation_limit},
    {3, operation_lock},
    {2, operation_unlock},
    {4, operation_upgrade},
    {3, operation_sample},
    {2, operation_sync_file},
    {2, operation_write_file},
};
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

/* The first process begins with memory everywhere, mostly. */
static void begin(struct world *world)
{
    const struct region_spec spec = {
        .kind = REGION_ANONYMOUS,
        .permissions = REGION_READ | REGION_WRITE,
        .page_shift = PAGE_SHIFT};
    const struct model_page like = {
        .source = MODEL_ZERO, .permissions = MODEL_READ | MODEL_WRITE};

    for (unsigned s = 0; s < MODEL_SPACES; s++) {
        if (world->space[s] != NULL) {
            return;
        }
    }
    world_note(world, "process 0 begins");
    world_new_space(world, 0);
    for (unsigned i = 0; i < MODEL_CODE_AREA && !world_has_failed(world); i++) {
        if (world_random(world, 4) != 0) {
            world_map(world, 0, model_areas[i].first, model_areas[i].pages, &spec, &like);
        }
    }
}

void operations_step(struct world *world)
{
    unsigned sum = 0;

    begin(world);
    for (unsigned i = 0; i < OPERATIONS; i++) {
        sum += operations[i].weight;
    }
    unsigned at = (unsigned)world_random(world, sum), nth = 0;
    while (at >= operations[nth].weight) {
        at -= operations[nth++].weight;
    }
    operations[nth].run(world);
}
