/* Arguments of operations, at random from a universe so small that they meet; see operations.h. */
#include "operations.h"

/* Mostly the one that ran last: what the CPU keeps of it is still there. */
unsigned choose_space(struct world *world)
{
    unsigned space = world_random(world, 4) != 0 ? world->current
                                                 : (unsigned)world_random(world, MODEL_SPACES);

    while (world->space[space] == NULL) {
        space = (space + 1) % MODEL_SPACES;
    }
    world->current = space;
    return space;
}

static unsigned choose_area(struct world *world)
{
    return (unsigned)world_random(world, MODEL_CODE_AREA);
}

static unsigned any_page(struct world *world)
{
    static const unsigned places[] = {0, 1, 2, 127, 128, 255, 256, 257, 510, 511};
    const struct model_area *area = &model_areas[choose_area(world)];

    if (area->pages > 8 && world_random(world, 8) != 0) {
        return area->first + places[world_random(world, 10)];
    }
    return area->first + (unsigned)world_random(world, area->pages);
}

static bool is_written(const struct model_page *page)
{
    return page->bytes != NULL || page->source == MODEL_OBJECT;
}

/* Mostly one that is mapped, and half of the time one that was written to. */
unsigned choose_page(struct world *world, unsigned space)
{
    const struct model_page *pages = world->model->page[space];
    bool written = world_random(world, 2) == 0;
    unsigned page = any_page(world);

    for (unsigned tries = 0; tries < 12 && (pages[page].source == MODEL_UNMAPPED ||
                                            (written && !is_written(&pages[page])));
         tries++) {
        page = any_page(world);
    }
    return page;
}

struct range choose_range(struct world *world, unsigned most)
{
    static const unsigned edges[] = {0, 1, 2, 16, 128, 255, 256, 257, 510, 511, 512};
    const struct model_area *area = &model_areas[choose_area(world)];
    unsigned first, end;

    if (area->pages > 8) {
        unsigned nth = (unsigned)world_random(world, 10);
        first = edges[nth];
        end = edges[nth + 1 + world_random(world, 10 - nth)];
    } else {
        first = (unsigned)world_random(world, area->pages);
        end = first + 1 + (unsigned)world_random(world, area->pages - first);
    }
    unsigned count = end - first < most ? end - first : most;
    return (struct range){.first = area->first + first, .count = count};
}

uint8_t choose_permissions(struct world *world)
{
    static const uint8_t choices[] = {
        MODEL_READ | MODEL_WRITE,
        MODEL_READ | MODEL_WRITE,
        MODEL_READ | MODEL_WRITE,
        MODEL_READ | MODEL_WRITE,
        MODEL_READ | MODEL_WRITE,
        MODEL_READ,
        0,
        MODEL_READ | MODEL_EXEC};

    return choices[world_random(world, 8)];
}

void expect(struct world *world, const char *call, int have, int want)
{
    if (have != want) {
        world_fail(world, "%s gives errno %d, not %d", call, have, want);
    }
}
