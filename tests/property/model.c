/* The reference model: arrays and loops; see model.h. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

/* The second cluster lies across the end of a page table, and shares one with the first. */
const struct model_area model_areas[MODEL_AREAS] = {
    {.address = 0x40000000, .first = 0, .pages = 8},
    {.address = 0x401fc000, .first = 8, .pages = 8},
    {.address = 0x7f5500000000, .first = 16, .pages = 8},
    {.address = 0x60000000, .first = 24, .pages = 512},
    {.address = 0x10000, .first = 536, .pages = 1},
};

static const uint8_t zero_page[MODEL_PAGE_BYTES];

unsigned model_area_of(unsigned page)
{
    unsigned area = 0;

    while (page >= model_areas[area].first + model_areas[area].pages) {
        area++;
    }
    return area;
}

uint64_t model_address(unsigned page)
{
    const struct model_area *area = &model_areas[model_area_of(page)];

    return area->address + (uint64_t)(page - area->first) * MODEL_PAGE_BYTES;
}

unsigned model_page_at(uint64_t address)
{
    for (unsigned i = 0; i < MODEL_AREAS; i++) {
        uint64_t offset = address - model_areas[i].address;
        if (address >= model_areas[i].address &&
            offset / MODEL_PAGE_BYTES < model_areas[i].pages) {
            return model_areas[i].first + (unsigned)(offset / MODEL_PAGE_BYTES);
        }
    }
    return MODEL_PAGES;
}

enum model_verdict
model_judge(const struct model *model, unsigned space, unsigned page, uint8_t wanted)
{
    const struct model_page *p = &model->page[space][page];
    bool file = p->source == MODEL_FILE ||
                (p->source == MODEL_OBJECT && p->object == MODEL_FILE_OBJECT);

    if (p->source == MODEL_UNMAPPED) {
        return MODEL_MAPERR;
    }
    /* Each permission implies reading. */
    if (p->permissions == 0 || (wanted != MODEL_READ && (p->permissions & wanted) == 0)) {
        return MODEL_ACCERR;
    }
    return file && p->index >= MODEL_FILE_PAGES ? MODEL_BUS : MODEL_OK;
}

const uint8_t *model_read(const struct model *model, unsigned space, unsigned page)
{
    const struct model_page *p = &model->page[space][page];
    const uint8_t *bytes = p->bytes;

    if (p->source == MODEL_OBJECT) {
        bytes = model->object[p->object].bytes[p->index];
    }
    if (bytes != NULL) {
        return bytes;
    }
    if (p->source == MODEL_FILE) {
        return model->file[p->index];
    }
    return p->source == MODEL_CODE ? model->code : zero_page;
}

uint8_t *model_write(struct model *model, unsigned space, unsigned page)
{
    struct model_page *p = &model->page[space][page];
    uint8_t **bytes =
        p->source == MODEL_OBJECT ? &model->object[p->object].bytes[p->index] : &p->bytes;

    if (*bytes == NULL) {
        const uint8_t *first = model_read(model, space, page);
        uint8_t *made = malloc(MODEL_PAGE_BYTES);
        if (made == NULL) {
            abort();
        }
        memcpy(made, first, MODEL_PAGE_BYTES);
        *bytes = made;
    }
    return *bytes;
}

/* Objects that no page shows are gone; the file stays. */
static void collect(struct model *model)
{
    bool shown[MODEL_OBJECTS] = {[MODEL_FILE_OBJECT] = true};

    for (unsigned s = 0; s < MODEL_SPACES; s++) {
        for (unsigned i = 0; i < MODEL_PAGES; i++) {
            if (model->page[s][i].source == MODEL_OBJECT) {
                shown[model->page[s][i].object] = true;
            }
        }
    }
    for (unsigned o = 0; o < MODEL_OBJECTS; o++) {
        if (!shown[o] && model->object[o].in_use) {
            for (unsigned i = 0; i < MODEL_OBJECT_PAGES; i++) {
                free(model->object[o].bytes[i]);
            }
            model->object[o] = (struct model_object){.in_use = false};
        }
    }
}

static void clear(struct model *model, unsigned space, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        free(model->page[space][i].bytes);
        model->page[space][i] = (struct model_page){.source = MODEL_UNMAPPED};
    }
}

void model_map(
    struct model *model,
    unsigned space,
    unsigned first,
    unsigned count,
    const struct model_page *like)
{
    clear(model, space, first, count);
    for (unsigned i = 0; i < count; i++) {
        model->page[space][first + i] = *like;
        model->page[space][first + i].bytes = NULL;
        model->page[space][first + i].index = (uint8_t)(like->index + i);
    }
    collect(model);
}

void model_unmap(struct model *model, unsigned space, unsigned first, unsigned count)
{
    clear(model, space, first, count);
    collect(model);
}

bool model_protect(
    struct model *model, unsigned space, unsigned first, unsigned count, uint8_t permissions)
{
    for (unsigned i = first; i < first + count; i++) {
        if (model->page[space][i].source == MODEL_UNMAPPED) {
            return false;
        }
    }
    for (unsigned i = first; i < first + count; i++) {
        model->page[space][i].permissions = permissions;
    }
    return true;
}

void model_discard(struct model *model, unsigned space, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        free(model->page[space][i].bytes);
        model->page[space][i].bytes = NULL;
    }
}

void model_move(struct model *model, unsigned space, unsigned from, unsigned to, unsigned count)
{
    clear(model, space, to, count);
    for (unsigned i = 0; i < count; i++) {
        model->page[space][to + i] = model->page[space][from + i];
        model->page[space][from + i] = (struct model_page){.source = MODEL_UNMAPPED};
    }
    collect(model);
}

void model_fork(struct model *model, unsigned parent, unsigned child)
{
    model->alive[child] = true;
    for (unsigned i = 0; i < MODEL_PAGES; i++) {
        struct model_page *copy = &model->page[child][i];
        *copy = model->page[parent][i];
        if (copy->bytes != NULL) {
            copy->bytes = malloc(MODEL_PAGE_BYTES);
            if (copy->bytes == NULL) {
                abort();
            }
            memcpy(copy->bytes, model->page[parent][i].bytes, MODEL_PAGE_BYTES);
        }
    }
}

void model_destroy_space(struct model *model, unsigned space)
{
    model_unmap(model, space, 0, MODEL_PAGES);
    model->alive[space] = false;
}

unsigned model_new_object(struct model *model)
{
    for (unsigned o = MODEL_FILE_OBJECT + 1; o < MODEL_OBJECTS; o++) {
        if (!model->object[o].in_use) {
            model->object[o].in_use = true;
            return o;
        }
    }
    return MODEL_OBJECTS;
}

void model_free(struct model *model)
{
    for (unsigned s = 0; s < MODEL_SPACES; s++) {
        clear(model, s, 0, MODEL_PAGES);
    }
    collect(model);
    for (unsigned i = 0; i < MODEL_OBJECT_PAGES; i++) {
        free(model->object[MODEL_FILE_OBJECT].bytes[i]);
    }
}
