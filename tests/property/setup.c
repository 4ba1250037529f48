/*
 * Setting a world up: files, a memory whose size, limit, swap, window and page size come from the
 * seed, and a stand between the memory and its policy, if there is one, that sees what it is told.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "world.h"

static void tell_mapped(void *context, uint32_t frame)
{
    struct world *world = context;
    const struct frame *record = frames_record(world->cpu->frames, frame);

    if (world->told[frame] != 0) {
        world_fail(world, "the policy is told twice that frame %u is mapped", frame);
    }
    world->told[frame] = (uint8_t)(record->order + 1);
    if (world->watch.mapped != NULL) {
        world->watch.mapped(world->watch.context, frame);
    }
}

static void tell_unmapped(void *context, uint32_t frame, bool evicted)
{
    struct world *world = context;
    const struct frame *record = frames_record(world->cpu->frames, frame);

    if (world->told[frame] != record->order + 1) {
        world_fail(world, "the policy is told that frame %u goes, which had not come", frame);
    }
    world->told[frame] = 0;
    if (world->watch.unmapped != NULL) {
        world->watch.unmapped(world->watch.context, frame, evicted);
    }
}

static uint64_t pick(struct world *world, const uint64_t *choices, unsigned count)
{
    return choices[world_random(world, count)];
}

static bool make_memory(struct world *world, struct err *err)
{
    static const uint64_t limits[] = {UINT64_MAX, UINT64_MAX, 5, 8, 12, 20, 40, 700};
    static const uint64_t windows[] = {1, 1, 4, 16, 512};
    static const uint64_t swaps[] = {0, 4, 32, 2048, 2048, 2048, 2048, 2048};
    static const uint64_t sizes[] = {
        MEMORY_PAGES_4K, MEMORY_PAGES_4K, MEMORY_PAGES_AUTO, MEMORY_PAGES_2M};
    uint64_t swap_pages = pick(world, swaps, 8);

    if (swap_pages != 0 && !swap_create(&world->swap, NULL, swap_pages * PAGE_BYTES, err)) {
        return false;
    }
    const struct memory_config memory = {
        .frames = world->cpu->frames,
        .pool = world->cpu->pool,
        .edits = world->cpu->edits,
        .drain = world->cpu->drain,
        .context = world->cpu,
        .no_execute = world->cpu->no_execute,
        .swap = world->swap,
        .limit_frames = pick(world, limits, 8),
        .spaces = MODEL_SPACES,
        .page_size = (enum memory_page_size)pick(world, sizes, 4)};
    if (!memory_create(&world->memory, &memory, err)) {
        return false;
    }
    const struct pager_config pager = {
        .memory = world->memory,
        .policy = world->policy,
        .around_pages = (uint32_t)pick(world, windows, 5),
        .around_adaptive = world_random(world, 2) == 0};
    world_note(
        world, "limit %lld, swap %llu, window %u%s, page size %d",
        (long long)memory.limit_frames, (unsigned long long)swap_pages, pager.around_pages,
        pager.around_adaptive ? " adaptive" : "", (int)memory.page_size);
    if (!pager_create(&world->pager, &pager, err)) {
        return false;
    }
    /* Without a policy nobody is told, and a first touch does not even look. */
    world->watch = world->memory->watch;
    world->is_watched = world->policy != NULL;
    if (world->is_watched) {
        world->memory->watch = (struct memory_watch){
            .context = world, .mapped = tell_mapped, .unmapped = tell_unmapped};
    }
    return true;
}

static int make_file(void)
{
    return memfd_create("property", MFD_CLOEXEC);
}

static void write_page(struct world *world, int fd, unsigned index, const uint8_t *page)
{
    if (pwrite(fd, page, PAGE_BYTES, (off_t)(index * PAGE_BYTES)) != (ssize_t)PAGE_BYTES) {
        world_fail(world, "no temporary file");
    }
}

static void make_files(struct world *world)
{
    struct model_object *file = &world->model->object[MODEL_FILE_OBJECT];

    world->shared_fd = make_file();
    world->private_fd = make_file();
    world->code_fd = make_file();
    file->in_use = true;
    for (unsigned i = 0; i < MODEL_FILE_PAGES; i++) {
        memset(world->model->file[i], (int)(0x80 + i), PAGE_BYTES);
        write_page(world, world->private_fd, i, world->model->file[i]);
        file->bytes[i] = malloc(PAGE_BYTES);
        if (file->bytes[i] == NULL) {
            abort();
        }
        memset(file->bytes[i], (int)(0xc0 + i), PAGE_BYTES);
        write_page(world, world->shared_fd, i, file->bytes[i]);
    }
    cpu_code(world->model->code);
    write_page(world, world->code_fd, 0, world->model->code);
}

bool world_set_up(struct world *world, const struct world_config *config)
{
    struct err err;

    world_seed_step(world, config->seed, 0);
    uint64_t blocks = 4 + world_random(world, 5);
    world->model = calloc(1, sizeof(*world->model));
    world->cpu = config->make_cpu(blocks * LARGE_BYTES, config->seed);
    if (world->model == NULL || world->cpu == NULL) {
        return world_fail(world, "no CPU or no model");
    }
    world->told = calloc(frames_total(world->cpu->frames), 1);
    make_files(world);
    if (config->policy != NULL && !policy_load(&world->policy, config->policy, &err)) {
        return world_fail(world, "policy %s: %s", config->policy, err.text);
    }
    if (!make_memory(world, &err)) {
        return world_fail(world, "%s", err.text);
    }
    world->base_tables = ptab_pool_tables(world->cpu->pool);
    return !world_has_failed(world);
}
