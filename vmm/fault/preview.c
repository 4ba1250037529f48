/* What a fault would be; see preview.h.  Each function here stands beside one of pager.c or bring.c. */
#include "fault/preview.h"

#include "space/leaf.h"

static void find_region(const struct space *space, struct gva address, struct preview *out)
{
    struct region *region = regions_first_from(space->regions, address);

    if (region == NULL || region->begin.value <= address.value) {
        out->region = region;
        return;
    }
    const struct region *before = regions_previous(region);
    if (region->spec.kind == REGION_STACK && address.value >= space->stack_lowest.value &&
        (before == NULL || before->end.value <= gva_page(address).value)) {
        out->region = region;
        out->grows = true;
    }
}

static enum fault_kind forbidden_kind(const struct region *region, uint8_t access)
{
    uint8_t permissions = region->spec.permissions;

    if (permissions == 0) {
        return region->spec.kind == REGION_GUARD ? FAULT_STACK_LIMIT : FAULT_NO_ACCESS;
    }
    if ((access & RECORD_WRITE) != 0 && (permissions & REGION_WRITE) == 0) {
        return FAULT_READ_ONLY;
    }
    return (access & RECORD_FETCH) != 0 && (permissions & REGION_EXEC) == 0 ? FAULT_NO_EXECUTE
                                                                            : FAULT_KINDS;
}

static enum fault_kind
present_kind(const struct space *space, const struct preview *preview, uint8_t access)
{
    const struct memory *memory = space->memory;
    uint32_t frame = frames_index(gpa_of(preview->entry & PTE_ADDRESS));
    const struct frame *record = frames_record(memory->config.frames, frame);

    if ((access & RECORD_WRITE) == 0 || record->use == FRAME_SHARED ||
        (preview->entry & PTE_WRITABLE) != 0) {
        return FAULT_SPURIOUS;
    }
    bool alone =
        preview->slot.level > 1 ? memory_is_sole(memory, frame) : record->references == 1;
    return alone ? FAULT_COW_REUSE : FAULT_COW_COPY;
}

static enum fault_kind
object_kind(const struct preview *preview, struct gva address, enum fault_kind fresh)
{
    const struct region *region = preview->region;
    const struct object *object = region->spec.object;
    uint64_t offset = gva_page(address).value - region->begin.value;
    const struct object_page *page =
        object_find(object, (region->spec.file_offset + offset) >> PAGE_SHIFT);

    if (page != NULL && page->frame != FRAMES_NONE) {
        return FAULT_SHARED;
    }
    if (page != NULL && page->slot != SWAP_NONE) {
        return FAULT_SWAP_IN;
    }
    return object->fd >= 0 ? FAULT_FILE_LOAD : fresh;
}

static enum fault_kind absent_kind(const struct preview *preview, struct gva address)
{
    const struct region_spec *spec = &preview->region->spec;
    enum fault_kind fresh = preview->grows ? FAULT_STACK_GROWTH : FAULT_DEMAND_ZERO;

    if (leaf_is_swapped(preview->entry)) {
        return FAULT_SWAP_IN;
    }
    if (spec->object != NULL) {
        return object_kind(preview, address, fresh);
    }
    uint64_t offset = gva_page(address).value - preview->region->begin.value;
    bool from_file = spec->backing != NULL && (spec->strict || spec->file_bytes > offset);
    return from_file ? FAULT_FILE_LOAD : fresh;
}

void preview_fault(
    const struct space *space, struct gva address, uint8_t access, struct preview *preview)
{
    *preview = (struct preview){.kind = FAULT_KERNEL_PAGE};
    if (address.value >= LAYOUT_USER_END) {
        return;
    }
    preview->has_table = ptab_find_leaf(&space->ptab, address, &preview->slot);
    preview->entry = preview->has_table ? *preview->slot.entry : 0;
    preview->kind = FAULT_UNMAPPED;
    find_region(space, address, preview);
    if (preview->region == NULL) {
        return;
    }
    preview->kind = forbidden_kind(preview->region, access);
    if (preview->kind == FAULT_KINDS) {
        preview->kind = leaf_is_present(preview->entry) ? present_kind(space, preview, access)
                                                        : absent_kind(preview, address);
    }
}

bool preview_is_forbidden(enum fault_kind kind)
{
    return kind == FAULT_KERNEL_PAGE || kind == FAULT_UNMAPPED || kind == FAULT_READ_ONLY ||
           kind == FAULT_NO_EXECUTE || kind == FAULT_NO_ACCESS || kind == FAULT_STACK_LIMIT;
}
