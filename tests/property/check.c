/*
 * What must hold whatever happens: every count that the code under test keeps is counted again
 * here, from the bytes of all page tables, and the contents are what the model has.
 */
#include <string.h>
#include <unistd.h>

#include "../unit/naive_walk.h"
#include "fault/writeback.h"
#include "space/leaf.h"
#include "space/rmap.h"
#include "world.h"

#define FRAMES_MAX 4096 /* of guest memory */
#define SLOTS_MAX  2048

struct census {
    struct world *world;
    uint32_t mappings[FRAMES_MAX]; /* leaves that map the frame (of a run: its first) */
    uint32_t away[FRAMES_MAX];     /* of them not at its home address */
    uint32_t writable[FRAMES_MAX];
    uint32_t shown[FRAMES_MAX]; /* by objects */
    uint32_t slots[SLOTS_MAX];
    uint64_t tables;
    uint64_t resident; /* of the space in hand */
    unsigned space;
};

static const uint64_t *table_at(const struct census *census, uint64_t entry)
{
    return gmem_hva(census->world->cpu->mem, gpa_of(entry & PTE_ADDRESS));
}

/* A leaf allows no more than the model. */
static void
check_permissions(struct census *census, uint64_t va, uint64_t entry, uint64_t bytes)
{
    struct world *world = census->world;

    for (uint64_t at = va; at < va + bytes; at += PAGE_BYTES) {
        unsigned page = model_page_at(at);
        const struct model_page *p =
            page < MODEL_PAGES ? &world->model->page[census->space][page] : NULL;
        if (p == NULL || p->source == MODEL_UNMAPPED ||
            ((entry & PTE_WRITABLE) != 0 && (p->permissions & MODEL_WRITE) == 0) ||
            ((entry & PTE_USER) != 0 && p->permissions == 0) ||
            ((entry & PTE_NO_EXECUTE) == 0 && world->cpu->no_execute &&
             (p->permissions & MODEL_EXEC) == 0)) {
            world_fail(
                world, "process %u: the entry of 0x%llx is 0x%llx, the model allows %d",
                census->space, (unsigned long long)at, (unsigned long long)entry,
                p == NULL ? -1 : p->permissions);
            return;
        }
    }
}

static void count_leaf(struct census *census, uint64_t va, uint64_t entry, unsigned level)
{
    struct world *world = census->world;
    uint32_t frame = frames_index(gpa_of(entry & PTE_ADDRESS));
    const struct frame *record = frames_record(world->cpu->frames, frame);
    uint64_t bytes = level == 1 ? PAGE_BYTES : LARGE_BYTES;

    if ((record->use != FRAME_DATA && record->use != FRAME_SHARED) ||
        (record->order != 0) != (level == 2)) {
        world_fail(
            world, "process %u: 0x%llx maps frame %u of use %u, order %u", census->space,
            (unsigned long long)va, frame, record->use, record->order);
        return;
    }
    census->mappings[frame]++;
    census->away[frame] += rmap_home(record).value != va ? 1 : 0;
    census->writable[frame] += (entry & PTE_WRITABLE) != 0 ? 1 : 0;
    census->resident += bytes / PAGE_BYTES;
    check_permissions(census, va, entry, bytes);
}

/* The lower half alone, for the PML4. */
static void count_table(struct census *census, uint64_t entry, unsigned level, uint64_t base)
{
    const uint64_t *table = table_at(census, entry);
    unsigned used = 0, shift = 12 + 9 * (level - 1);

    census->tables++;
    for (unsigned i = 0; i < PTE_ENTRIES; i++) {
        uint64_t va = base + ((uint64_t)i << shift);
        used += table[i] != 0 ? 1 : 0;
        if (table[i] == 0 || (level == 4 && i >= PTE_ENTRIES / 2)) {
            continue;
        }
        if ((table[i] & PTE_PRESENT) == 0) {
            if (level > 1 || !leaf_is_swapped(table[i]) || leaf_slot(table[i]) >= SLOTS_MAX) {
                world_fail(
                    census->world, "an absent entry at level %u is 0x%llx", level,
                    (unsigned long long)table[i]);
                return;
            }
            census->slots[leaf_slot(table[i])]++;
        } else if (level == 1 || (table[i] & PTE_PAGE_SIZE) != 0) {
            count_leaf(census, va, table[i], level);
        } else {
            count_table(census, table[i], level - 1, va);
        }
    }
    const struct frame *record =
        frames_record(census->world->cpu->frames, frames_index(gpa_of(entry & PTE_ADDRESS)));
    if (record->used != used || record->use != FRAME_TABLE) {
        world_fail(
            census->world, "the table of 0x%llx at level %u has %u entries and counts %u",
            (unsigned long long)base, level, used, record->used);
    }
}

static void count_spaces(struct census *census)
{
    struct world *world = census->world;

    for (unsigned s = 0; s < MODEL_SPACES; s++) {
        if (world->space[s] == NULL) {
            continue;
        }
        census->space = s;
        census->resident = 0;
        count_table(census, world->space[s]->ptab.root.value, 4, 0);
        if (census->resident != world->space[s]->resident) {
            world_fail(
                world, "process %u has %llu pages resident and counts %llu", s,
                (unsigned long long)census->resident,
                (unsigned long long)world->space[s]->resident);
        }
    }
}

static void count_object(struct census *census, const struct object *object)
{
    struct world *world = census->world;

    for (uint32_t i = 0; i < object->capacity; i++) {
        const struct object_page *page = &object->page[i];
        if (!page->in_use) {
            continue;
        }
        if (page->slot != SWAP_NONE) {
            census->slots[page->slot]++;
        }
        if (page->frame == FRAMES_NONE) {
            continue;
        }
        const struct frame *record = frames_record(world->cpu->frames, page->frame);
        census->shown[page->frame]++;
        if (record->use != FRAME_SHARED || record->object != object->number ||
            record->index != page->index) {
            world_fail(
                world, "page %llu of object %u is in frame %u, which knows nothing of it",
                (unsigned long long)page->index, object->number, page->frame);
        }
    }
}

static bool count_visit(void *context, const struct rmap_mapping *mapping)
{
    (void)mapping;
    ++*(uint32_t *)context;
    return true;
}

static void check_frame(struct census *census, uint32_t frame, const struct frame *record)
{
    struct world *world = census->world;
    uint32_t own = record->use == FRAME_SHARED ? 1 : 0;
    uint32_t found = 0;

    if (record->references != census->mappings[frame] + own || census->shown[frame] != own) {
        world_fail(
            world, "frame %u has %u references, %u mappings and %u objects that show it", frame,
            record->references, census->mappings[frame], census->shown[frame]);
        return;
    }
    rmap_visit(world->memory, frame, count_visit, &found);
    if (found != census->mappings[frame]) {
        world_fail(
            world, "frame %u is mapped %u times, the reverse map finds %u", frame,
            census->mappings[frame], found);
    }
    if (record->use == FRAME_DATA && record->references > 1 && census->writable[frame] > 0) {
        world_fail(world, "frame %u is private, shared and writable", frame);
    }
    if ((record->flags & FRAME_HELD) != 0) {
        world_fail(world, "frame %u is held, and nothing is in service", frame);
    }
    if (world->is_watched && world->told[frame] != record->order + 1) {
        world_fail(world, "frame %u came, and the policy was not told", frame);
    }
    if (record->use == FRAME_DATA && record->slot != 0) {
        census->slots[record->slot - 1]++;
        if (swap_frame(world->swap, record->slot - 1) != frame) {
            world_fail(world, "frame %u and swap slot %u disagree", frame, record->slot - 1);
        }
    }
}

static void check_frames(struct census *census)
{
    struct world *world = census->world;
    struct frames *frames = world->cpu->frames;
    const struct frame *all = frames_record(frames, 0);
    uint64_t data = 0, shared = 0, locked = 0, away = 0;

    for (uint32_t frame = 0; frame < frames_total(frames) && !world_has_failed(world);
         frame++) {
        const struct frame *record = &all[frame];
        uint64_t pages = record->order != 0 ? PTE_ENTRIES : 1;
        if (record->use != FRAME_DATA && record->use != FRAME_SHARED) {
            continue;
        }
        if (record->references == 0) {
            continue; /* within a run */
        }
        check_frame(census, frame, record);
        data += record->use == FRAME_DATA ? pages : 0;
        shared += record->use == FRAME_SHARED ? pages : 0;
        locked += (record->flags & FRAME_LOCKED) != 0 ? pages : 0;
        away += census->away[frame];
    }
    if (!world_has_failed(world) &&
        (data != frames_used_as(frames, FRAME_DATA) ||
         shared != frames_used_as(frames, FRAME_SHARED) || locked != world->memory->locked ||
         away != world->memory->extra_count)) {
        world_fail(
            world,
            "counted: %llu private, %llu shared, %llu locked, %llu away from home; kept: %llu, "
            "%llu, %llu, %u",
            (unsigned long long)data, (unsigned long long)shared, (unsigned long long)locked,
            (unsigned long long)away, (unsigned long long)frames_used_as(frames, FRAME_DATA),
            (unsigned long long)frames_used_as(frames, FRAME_SHARED),
            (unsigned long long)world->memory->locked, world->memory->extra_count);
    }
}

static void check_swap(struct census *census)
{
    struct world *world = census->world;
    uint32_t used = 0;

    for (uint32_t slot = 0; slot < swap_total(world->swap); slot++) {
        used += census->slots[slot] != 0 ? 1 : 0;
        if (census->slots[slot] != swap_references(world->swap, slot)) {
            world_fail(
                world, "swap slot %u has %u references, and %u things refer to it", slot,
                swap_references(world->swap, slot), census->slots[slot]);
            return;
        }
    }
    if (used != swap_used(world->swap)) {
        world_fail(world, "%u swap slots are in use, %u counted", used, swap_used(world->swap));
    }
}

void check_accounts(struct world *world)
{
    struct census census = {.world = world};

    pager_let_go(world->pager);
    memory_settle(world->memory);
    if (world->cpu->violation[0] != '\0') {
        world_fail(world, "%s", world->cpu->violation);
    }
    count_spaces(&census);
    for (uint32_t i = 0; i < world->memory->objects.count; i++) {
        if (world->memory->objects.object[i] != NULL) {
            count_object(&census, world->memory->objects.object[i]);
        }
    }
    if (!world_has_failed(world)) {
        check_frames(&census);
    }
    if (!world_has_failed(world) && world->swap != NULL) {
        check_swap(&census);
    }
    if (!world_has_failed(world) &&
        world->base_tables + census.tables != ptab_pool_tables(world->cpu->pool)) {
        world_fail(
            world, "%llu page tables are in use, %llu are reachable",
            (unsigned long long)(ptab_pool_tables(world->cpu->pool) - world->base_tables),
            (unsigned long long)census.tables);
    }
}

/* --- contents --- */

void check_page(struct world *world, unsigned space, unsigned page)
{
    const struct gmem *mem = world->cpu->mem;
    uint64_t va = model_address(page);
    struct naive_walk w = naive_walk(
        mem->hva, LAYOUT_RAM_BASE, mem->bytes, world->space[space]->ptab.root.value, va);
    const uint8_t *want = model_read(world->model, space, page);

    if (!w.present) {
        world_fail(world, "0x%llx was read and is not there", (unsigned long long)va);
        return;
    }
    const uint8_t *have = gmem_hva(mem, gpa_of(w.pa));
    if (memcmp(have, want, PAGE_BYTES) == 0) {
        return;
    }
    for (unsigned i = 0; i < PAGE_BYTES; i++) {
        if (have[i] != want[i]) {
            world_fail(
                world, "process %u: byte %u at 0x%llx is 0x%02x and must be 0x%02x", space, i,
                (unsigned long long)va, have[i], want[i]);
            return;
        }
    }
}

/* Of the large area those that something is known of, and a few. */
static bool is_worth_reading(const struct world *world, unsigned space, unsigned page)
{
    const struct model_page *p = &world->model->page[space][page];

    if (p->source == MODEL_UNMAPPED) {
        return page % (page < MODEL_CLUSTERED ? 8 : 64) == space;
    }
    return page < MODEL_CLUSTERED || p->bytes != NULL || p->source == MODEL_OBJECT ||
           page % 128 == MODEL_CLUSTERED;
}

static void make_readable(struct world *world, unsigned space, unsigned page)
{
    struct gva at = gva_of(model_address(page));
    const struct model_page *p = &world->model->page[space][page];

    if (p->source == MODEL_UNMAPPED || p->permissions != 0) {
        return;
    }
    int error = space_protect(world->space[space], at, gva_add(at, PAGE_BYTES), REGION_READ);
    if (error != 0) {
        world_fail(world, "mprotect to read: %s", strerror(error));
    }
    (void)!model_protect(world->model, space, page, 1, MODEL_READ);
}

void check_contents(struct world *world)
{
    world_note(world, "all contents are read");
    for (unsigned s = 0; s < MODEL_SPACES; s++) {
        for (unsigned page = 0; page < MODEL_PAGES && world->space[s] != NULL; page++) {
            struct cpu_access access = {
                .verb = CPU_SUM, .address = gva_of(model_address(page))};
            if (is_worth_reading(world, s, page) && !world_has_failed(world)) {
                make_readable(world, s, page);
                world_access(world, s, page, &access);
            }
        }
    }
}

static void check_file(struct world *world)
{
    uint8_t page[PAGE_BYTES];

    for (unsigned i = 0; i < MODEL_FILE_PAGES; i++) {
        if (pread(world->shared_fd, page, PAGE_BYTES, (off_t)(i * PAGE_BYTES)) !=
                (ssize_t)PAGE_BYTES ||
            memcmp(page, world->model->object[MODEL_FILE_OBJECT].bytes[i], PAGE_BYTES) != 0) {
            world_fail(world, "page %u of the shared file is not what was written", i);
            return;
        }
    }
}

void check_nothing_left(struct world *world)
{
    const struct memory *memory = world->memory;

    if (memory_resident(memory) != 0 || memory->extra_count != 0 || memory->locked != 0) {
        world_fail(world, "all processes are gone, and pages are left");
    }
    for (uint32_t i = 0; i < memory->objects.count; i++) {
        if (memory->objects.object[i] != NULL) {
            world_fail(world, "all processes are gone, and object %u is left", i);
        }
    }
    check_file(world);
}
