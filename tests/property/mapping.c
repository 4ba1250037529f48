/* What programs ask for: mmap, munmap, mprotect, madvise, mremap.  See operations.h. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "operations.h"

void operation_map_anonymous(struct world *world)
{
    unsigned space = choose_space(world);
    struct range range = choose_range(world, 512);
    uint8_t permissions = choose_permissions(world);
    const struct region_spec spec = {
        .kind = REGION_ANONYMOUS, .permissions = permissions, .page_shift = PAGE_SHIFT};
    const struct model_page like = {.source = MODEL_ZERO, .permissions = permissions};

    if (range.first >= MODEL_CLUSTERED && world_random(world, 2) == 0) {
        range = (struct range){.first = MODEL_CLUSTERED, .count = 512};
    }
    world_note(
        world, "process %u maps %u+%u anonymous, permissions %u", space, range.first,
        range.count, permissions);
    world_map(world, space, range.first, range.count, &spec, &like);
}

void operation_map_private_file(struct world *world)
{
    unsigned space = choose_space(world);
    struct range range = choose_range(world, 16);
    uint8_t permissions = choose_permissions(world);
    unsigned index = (unsigned)world_random(world, MODEL_FILE_PAGES + 1);
    struct region_spec spec = {
        .kind = REGION_FILE,
        .permissions = permissions,
        .page_shift = PAGE_SHIFT,
        .strict = true,
        .file_offset = index * PAGE_BYTES,
        .file_bytes = (MODEL_FILE_PAGES - index) * PAGE_BYTES};
    const struct model_page like = {
        .source = MODEL_FILE, .permissions = permissions, .index = (uint8_t)index};
    struct err err;

    if (!backing_create(&spec.backing, dup(world->private_fd), "file", &err)) {
        world_fail(world, "%s", err.text);
        return;
    }
    world_note(
        world, "process %u maps %u+%u private file page %u, permissions %u", space, range.first,
        range.count, index, permissions);
    world_map(world, space, range.first, range.count, &spec, &like);
    backing_put(spec.backing);
}

/* Takes over the reference of the object. */
static void map_object(
    struct world *world,
    unsigned space,
    struct range range,
    struct object *object,
    unsigned number,
    unsigned index)
{
    uint8_t permissions = choose_permissions(world);
    const struct region_spec spec = {
        .kind = object->fd >= 0 ? REGION_FILE : REGION_ANONYMOUS,
        .permissions = permissions,
        .page_shift = PAGE_SHIFT,
        .shared = true,
        .object = object,
        .file_offset = index * PAGE_BYTES};
    const struct model_page like = {
        .source = MODEL_OBJECT,
        .permissions = permissions,
        .object = (uint8_t)number,
        .index = (uint8_t)index};

    if (range.count > MODEL_OBJECT_PAGES - index) {
        range.count = MODEL_OBJECT_PAGES - index;
    }
    world_note(
        world, "process %u maps %u+%u object %u page %u, permissions %u", space, range.first,
        range.count, number, index, permissions);
    world_map(world, space, range.first, range.count, &spec, &like);
    object_put(object);
}

void operation_map_shared_file(struct world *world)
{
    struct object *object;
    int error = objects_open_file(&world->memory->objects, world->shared_fd, true, &object);

    if (error != 0) {
        world_fail(world, "objects_open_file: %s", strerror(error));
        return;
    }
    map_object(
        world, choose_space(world), choose_range(world, 16), object, MODEL_FILE_OBJECT,
        (unsigned)world_random(world, MODEL_FILE_PAGES));
}

void operation_map_shared(struct world *world)
{
    unsigned number = model_new_object(world->model);
    struct object *object;

    if (number == MODEL_OBJECTS) {
        return;
    }
    int error = objects_new_anonymous(&world->memory->objects, &object);
    if (error != 0) {
        world_fail(world, "objects_new_anonymous: %s", strerror(error));
        return;
    }
    map_object(
        world, choose_space(world), choose_range(world, MODEL_OBJECT_PAGES), object, number, 0);
}

/* What one mapping shows, once more, elsewhere. */
void operation_map_again(struct world *world)
{
    unsigned space = choose_space(world);
    unsigned page = choose_page(world, space);
    const struct model_page *p = &world->model->page[space][page];

    if (p->source != MODEL_OBJECT) {
        return;
    }
    const struct region *region =
        regions_find(world->space[space]->regions, gva_of(model_address(page)));
    if (region == NULL || region->spec.object == NULL) {
        world_fail(world, "no region shows page %u", page);
        return;
    }
    map_object(
        world, choose_space(world), choose_range(world, MODEL_OBJECT_PAGES),
        object_get(region->spec.object), p->object, p->index);
}

void operation_unmap(struct world *world)
{
    unsigned space = choose_space(world);
    struct range range = choose_range(world, 512);

    world_note(world, "process %u unmaps %u+%u", space, range.first, range.count);
    expect(
        world, "munmap", space_unmap(world->space[space], range_begin(range), range_end(range)),
        0);
    model_unmap(world->model, space, range.first, range.count);
}

void operation_protect(struct world *world)
{
    unsigned space = choose_space(world);
    struct range range = choose_range(world, 512);
    uint8_t permissions = choose_permissions(world);

    world_note(
        world, "process %u protects %u+%u, permissions %u", space, range.first, range.count,
        permissions);
    bool whole = model_protect(world->model, space, range.first, range.count, permissions);
    expect(
        world, "mprotect",
        space_protect(world->space[space], range_begin(range), range_end(range), permissions),
        whole ? 0 : ENOMEM);
}

void operation_discard(struct world *world)
{
    unsigned space = choose_space(world);
    struct range range = choose_range(world, 512);

    world_note(world, "process %u discards %u+%u", space, range.first, range.count);
    expect(
        world, "madvise",
        space_discard(world->space[space], range_begin(range), range_end(range)), 0);
    model_discard(world->model, space, range.first, range.count);
}

void operation_advise(struct world *world)
{
    unsigned space = choose_space(world);
    struct range range = choose_range(world, 512);
    enum region_large large = (enum region_large)world_random(world, 3);

    world_note(
        world, "process %u advises %u+%u: %d", space, range.first, range.count, (int)large);
    expect(
        world, "madvise",
        space_advise(world->space[space], range_begin(range), range_end(range), large), 0);
}

/* As mremap does it, MREMAP_FIXED. */
void operation_move(struct world *world)
{
    unsigned space = choose_space(world), from = choose_page(world, space);
    struct range to = choose_range(world, 128);
    struct space *s = world->space[space];
    struct gva begin = gva_of(model_address(from));
    const struct region *region = regions_find(s->regions, begin);

    if (region == NULL) {
        return;
    }
    uint64_t most = (region->end.value - begin.value) >> PAGE_SHIFT;
    to.count = to.count < most ? to.count : (unsigned)most;
    if (from < to.first + to.count && to.first < from + to.count) {
        return;
    }
    struct region_spec spec = region_spec_at(region, begin);
    uint64_t bytes = to.count * PAGE_BYTES;
    world_note(world, "process %u moves %u+%u to %u", space, from, to.count, to.first);
    expect(world, "mmap", space_map(s, range_begin(to), range_end(to), &spec), 0);
    expect(world, "mremap", space_move_pages(s, begin, range_begin(to), bytes), 0);
    expect(world, "munmap", space_unmap(s, begin, gva_add(begin, bytes)), 0);
    model_move(world->model, space, from, to.first, to.count);
}
