/* What programs touch, and what the host touches for them.  See operations.h. */
#include <errno.h>
#include <string.h>

#include "fault/access.h"
#include "operations.h"

static void access_words(struct world *world, enum cpu_verb verb)
{
    static const char *const names[] = {"reads", "writes", "fills", "sums up", "executes"};
    unsigned space = choose_space(world), page = choose_page(world, space);
    bool whole = verb == CPU_FILL || verb == CPU_SUM;
    struct cpu_access access = {
        .verb = verb,
        .address =
            gva_of(model_address(page) + (whole ? 0 : 8 * world_random(world, CPU_WORDS))),
        .value = world_random(world, UINT64_MAX)};

    world_note(
        world, "process %u %s page %u, 0x%llx", space, names[verb], page,
        (unsigned long long)access.address.value);
    world_access(world, space, page, &access);
}

void operation_read(struct world *world)
{
    access_words(world, CPU_READ);
}

void operation_write(struct world *world)
{
    access_words(world, CPU_WRITE);
}

void operation_fill(struct world *world)
{
    access_words(world, CPU_FILL);
}

void operation_sum(struct world *world)
{
    access_words(world, CPU_SUM);
}

void operation_fetch(struct world *world)
{
    if (world->cpu->can_fetch) {
        access_words(world, CPU_FETCH);
    }
}

/* Every page of a range, in order: what fault-around goes by. */
void operation_sweep(struct world *world)
{
    unsigned space = choose_space(world);
    struct range range = {.first = choose_page(world, space)};
    bool write = world_random(world, 2) == 0;
    unsigned most = 1 + (unsigned)world_random(world, 16);

    while (range.count < most && range.first + range.count < MODEL_PAGES &&
           model_area_of(range.first + range.count) == model_area_of(range.first)) {
        range.count++;
    }

    world_note(
        world, "process %u %s %u+%u", space, write ? "writes" : "reads", range.first,
        range.count);
    for (unsigned i = 0; i < range.count && !world_has_failed(world); i++) {
        struct cpu_access access = {
            .verb = write ? CPU_WRITE : CPU_READ,
            .address = gva_of(model_address(range.first + i)),
            .value = world_random(world, UINT64_MAX)};
        if (world->space[space] != NULL) {
            world_access(world, space, range.first + i, &access);
        }
    }
}

/* A page that is in use is given to write to: no downgrade, so the CPU may know of less than the
 * tables allow. */
void operation_upgrade(struct world *world)
{
    unsigned space = choose_space(world), page = choose_page(world, space);
    struct gva at = gva_of(model_address(page));
    struct cpu_access read = {.verb = CPU_READ, .address = at};
    struct cpu_access write = {
        .verb = CPU_WRITE, .address = at, .value = world_random(world, UINT64_MAX)};
    const uint8_t both[] = {MODEL_READ, MODEL_READ | MODEL_WRITE};

    if (world->model->page[space][page].source == MODEL_UNMAPPED) {
        return;
    }
    world_note(world, "process %u reads page %u, may write, and does", space, page);
    for (unsigned i = 0; i < 2 && world->space[space] != NULL; i++) {
        expect(
            world, "mprotect",
            space_protect(world->space[space], at, gva_add(at, PAGE_BYTES), both[i]), 0);
        (void)!model_protect(world->model, space, page, 1, both[i]);
        world_access(world, space, page, i == 0 ? &read : &write);
    }
}

/* The host on behalf of a request, within one page, so that a refusal changes nothing. */
static void host_access(struct world *world, bool write)
{
    unsigned space = choose_space(world), page = choose_page(world, space);
    unsigned offset = (unsigned)world_random(world, PAGE_BYTES);
    unsigned bytes = 1 + (unsigned)world_random(world, PAGE_BYTES - offset);
    struct access access = {.space = world->space[space]};
    struct gva address = gva_of(model_address(page) + offset);
    uint8_t buffer[PAGE_BYTES];

    world_note(
        world, "the host %s page %u of process %u", write ? "writes" : "reads", page, space);
    memset(buffer, (int)world_random(world, 256), bytes);
    int error = write ? access_write(&access, address, buffer, bytes)
                      : access_read(&access, buffer, address, bytes);
    bool allowed =
        model_judge(world->model, space, page, write ? MODEL_WRITE : MODEL_READ) == MODEL_OK;
    if (error != 0 && allowed && world_is_full(world)) {
        return;
    }
    expect(world, "host access", error, allowed ? 0 : EFAULT);
    if (error != 0) {
        return;
    }
    if (write) {
        memcpy(model_write(world->model, space, page) + offset, buffer, bytes);
    } else if (memcmp(model_read(world->model, space, page) + offset, buffer, bytes) != 0) {
        world_fail(world, "the host reads something else");
    }
}

void operation_host_read(struct world *world)
{
    host_access(world, false);
}

void operation_host_write(struct world *world)
{
    host_access(world, true);
}
