/* What the pager and policies do, and the shared file's way to disk.  See operations.h. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault/evict.h"
#include "fault/writeback.h"
#include "operations.h"
#include "space/leaf.h"

#define LOCKED_MAX 2

/* The frame behind a small page that is resident and free to go, or FRAMES_NONE. */
static uint32_t choose_frame(struct world *world, unsigned *page)
{
    unsigned space = choose_space(world);
    struct ptab_slot slot;

    *page = choose_page(world, space);
    if (!ptab_find_leaf(&world->space[space]->ptab, gva_of(model_address(*page)), &slot) ||
        !leaf_is_present(*slot.entry)) {
        return FRAMES_NONE;
    }
    return frames_index(gpa_of(*slot.entry & PTE_ADDRESS));
}

void operation_evict(struct world *world)
{
    unsigned page;
    uint32_t frame = choose_frame(world, &page);

    if (frame == FRAMES_NONE ||
        (frames_record(world->cpu->frames, frame)->flags & FRAME_LOCKED) != 0 ||
        frames_record(world->cpu->frames, frame)->references == 0) {
        return;
    }
    pager_let_go(world->pager);
    bool gone = evict_page(world->pager, frame);
    world_note(world, "page %u is evicted%s", page, gone ? "" : ": it cannot go");
}

void operation_limit(struct world *world)
{
    static const uint64_t limits[] = {5, 8, 12, 20, 40, 600, 4000};
    uint64_t frames = limits[world_random(world, 7)];
    bool done = pager_limit(world->pager, frames);

    world_note(
        world, "limit of %llu frames%s", (unsigned long long)frames, done ? "" : ": not yet");
    if (!done && !world_is_full(world)) {
        world_fail(world, "the limit cannot be reached, and there is swap");
    }
}

void operation_lock(struct world *world)
{
    unsigned page;
    uint32_t frame = choose_frame(world, &page);

    if (frame == FRAMES_NONE || frames_record(world->cpu->frames, frame)->order != 0 ||
        frames_record(world->cpu->frames, frame)->references == 0 ||
        world->memory->locked >= LOCKED_MAX) {
        return;
    }
    world_note(world, "page %u is locked", page);
    memory_lock_frame(world->memory, frame);
}

void operation_unlock(struct world *world)
{
    world_note(world, "all pages are unlocked");
    for (uint32_t frame = 0; frame < frames_total(world->cpu->frames); frame++) {
        memory_unlock_frame(world->memory, frame);
    }
}

/* What a policy does: look at accessed bits and clear them. */
void operation_sample(struct world *world)
{
    const struct vmm_policy_host *host = &world->pager->replace.host;

    world_note(world, "accessed bits are cleared");
    for (unsigned i = 0; i < 64; i++) {
        (void)!host->accessed(
            host, (uint32_t)world_random(world, frames_touched(world->cpu->frames)), true);
    }
}

/* --- the shared file --- */

static struct object *shared_object(struct world *world)
{
    struct stat status;

    return fstat(world->shared_fd, &status) == 0
               ? objects_find_file(&world->memory->objects, status.st_dev, status.st_ino)
               : NULL;
}

void operation_sync_file(struct world *world)
{
    struct object *object = shared_object(world);
    uint8_t page[PAGE_BYTES];

    if (object == NULL) {
        return;
    }
    world_note(world, "the shared file is synchronised");
    expect(world, "msync", writeback_pages(world->pager, object, 0, UINT64_MAX), 0);
    for (unsigned i = 0; i < MODEL_FILE_PAGES; i++) {
        if (pread(world->shared_fd, page, PAGE_BYTES, (off_t)(i * PAGE_BYTES)) !=
                (ssize_t)PAGE_BYTES ||
            memcmp(page, world->model->object[MODEL_FILE_OBJECT].bytes[i], PAGE_BYTES) != 0) {
            world_fail(world, "page %u of the file is not what was written", i);
            return;
        }
    }
}

/* write(2): what is dirty goes first, and then the pages in memory take the new bytes over. */
void operation_write_file(struct world *world)
{
    struct object *object = shared_object(world);
    unsigned index = (unsigned)world_random(world, MODEL_FILE_PAGES);
    unsigned offset = (unsigned)world_random(world, PAGE_BYTES - 100);
    uint64_t at = index * PAGE_BYTES + offset;
    uint8_t bytes[100];

    memset(bytes, (int)world_random(world, 256), sizeof(bytes));
    world_note(world, "the shared file is written, page %u", index);
    if (object != NULL) {
        expect(world, "msync", writeback_pages(world->pager, object, index, index + 1), 0);
    }
    if (pwrite(world->shared_fd, bytes, sizeof(bytes), (off_t)at) != (ssize_t)sizeof(bytes)) {
        world_fail(world, "pwrite to the shared file");
    }
    if (object != NULL) {
        writeback_reload(world->pager, object, at, sizeof(bytes));
    }
    memcpy(world->model->object[MODEL_FILE_OBJECT].bytes[index] + offset, bytes, sizeof(bytes));
}
