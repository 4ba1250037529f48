/* Shared file mappings and their files; see writeback.h.  Read memory/object.h for what a page of a
 * file is. */
#include "fault/writeback.h"

#include <string.h>

#include "fault/evict.h"
#include "space/range.h"
#include "space/rmap.h"

static bool clean_entry(void *context, const struct rmap_mapping *mapping)
{
    bool *dirty = context;

    if ((*mapping->slot.entry & PTE_DIRTY) != 0) {
        *dirty = true;
        space_edit_leaf(
            mapping->space, mapping->address, mapping->slot, *mapping->slot.entry & ~PTE_DIRTY);
    }
    return true;
}

static int
write_page(struct pager *pager, struct object *object, const struct object_page *page)
{
    struct memory *memory = pager->config.memory;
    struct frame *record = frames_record(memory->config.frames, page->frame);
    bool dirty = (record->flags & FRAME_DIRTY) != 0;

    rmap_visit(memory, page->frame, clean_entry, &dirty);
    if (!dirty) {
        return 0;
    }
    int error =
        object_write(object, page->index, frames_hva(memory->config.frames, page->frame));
    if (error != 0) {
        record->flags |= FRAME_DIRTY;
        return error;
    }
    record->flags &= (uint8_t)~FRAME_DIRTY;
    pager->write_backs++;
    return 0;
}

/* By number: for a range that is shorter than the table of pages. */
static int write_range(struct pager *pager, struct object *object, uint64_t first, uint64_t end)
{
    int error = 0;

    for (uint64_t index = first; index < end; index++) {
        const struct object_page *page = object_find(object, index);
        if (page != NULL && page->frame != FRAMES_NONE) {
            int failed = write_page(pager, object, page);
            error = error != 0 ? error : failed;
        }
    }
    return error;
}

int writeback_pages(struct pager *pager, struct object *object, uint64_t first, uint64_t end)
{
    int error = 0;

    if (end - first < object->capacity) {
        return write_range(pager, object, first, end);
    }
    for (uint32_t i = 0; i < object->capacity; i++) {
        const struct object_page *page = &object->page[i];
        if (page->in_use && page->frame != FRAMES_NONE && page->index >= first &&
            page->index < end) {
            int failed = write_page(pager, object, page);
            error = error != 0 ? error : failed;
        }
    }
    return error;
}

void writeback_reload(
    struct pager *pager, struct object *object, uint64_t offset, uint64_t bytes)
{
    struct memory *memory = pager->config.memory;
    uint64_t first = offset >> PAGE_SHIFT;
    uint64_t end = (offset + bytes + PAGE_BYTES - 1) >> PAGE_SHIFT;

    for (uint64_t index = first; index < end; index++) {
        const struct object_page *page = object_find(object, index);
        if (page != NULL && page->frame != FRAMES_NONE) {
            /* A page that cannot be read keeps what it has. */
            (void)!object_read(object, index, frames_hva(memory->config.frames, page->frame));
        }
    }
}

void writeback_cut(struct pager *pager, struct object *object, uint64_t size)
{
    struct frames *frames = pager->config.memory->config.frames;
    uint64_t whole = size >> PAGE_SHIFT;

    for (uint32_t i = 0; i < object->capacity; i++) {
        struct object_page *page = &object->page[i];
        if (!page->in_use || page->frame == FRAMES_NONE || page->index < whole) {
            continue;
        }
        if (page->index == whole && size % PAGE_BYTES != 0) {
            uint8_t *bytes = frames_hva(frames, page->frame);
            memset(bytes + size % PAGE_BYTES, 0, PAGE_BYTES - size % PAGE_BYTES);
        } else {
            uint32_t frame = page->frame;
            page->frame = FRAMES_NONE;
            evict_forget_page(pager, frame);
        }
    }
}

int writeback_all(struct pager *pager)
{
    struct objects *objects = &pager->config.memory->objects;
    int error = 0;

    for (uint32_t i = 0; i < objects->count; i++) {
        if (objects->object[i] != NULL && objects->object[i]->fd >= 0 &&
            objects->object[i]->writable) {
            int failed = writeback_pages(pager, objects->object[i], 0, UINT64_MAX);
            error = error != 0 ? error : failed;
        }
    }
    return error;
}
