/*
 * The fault path told in order: find the region, see what kind of fault it is, ask the policy,
 * bring the page in (bring.c) or copy it (cow.c).  Each early return says what it means for the
 * program.  Read bring.c next.
 */
#include "fault/pager.h"

#include <signal.h>
#include <stdlib.h>

#include "fault/bring.h"
#include "fault/cow.h"
#include "fault/evict.h"
#include "space/leaf.h"

/* --- what must stay --- */

static void see_what_is_asked(struct pager *pager)
{
    uint64_t limit = pager->config.memory->config.limit_frames;

    /* Nothing has to go where there is no limit; else one page can always go. */
    pager->held_capacity =
        limit == UINT64_MAX ? 0 : (limit > PAGER_HELD ? PAGER_HELD : (unsigned)limit - 1);
    pager->plain = limit == UINT64_MAX && pager->config.policy == NULL &&
                   pager->config.around_pages == 1 &&
                   pager->config.memory->config.page_size == MEMORY_PAGES_4K;
}

void pager_let_go(struct pager *pager)
{
    for (unsigned i = 0; i < pager->held_count; i++) {
        frames_record(pager->config.memory->config.frames, pager->held[i])->flags &=
            (uint8_t)~FRAME_HELD;
    }
    pager->held_count = pager->held_next = 0;
}

void pager_hold(struct pager *pager, uint32_t frame)
{
    struct frames *frames = pager->config.memory->config.frames;
    struct frame *record = frames_record(frames, frame);

    if ((record->flags & FRAME_HELD) != 0 || pager->held_capacity == 0) {
        return;
    }
    if (pager->held_count == pager->held_capacity) {
        frames_record(frames, pager->held[pager->held_next])->flags &= (uint8_t)~FRAME_HELD;
    } else {
        pager->held_count++;
    }
    record->flags |= FRAME_HELD;
    pager->held[pager->held_next] = frame;
    pager->held_next = (pager->held_next + 1) % pager->held_capacity;
}

bool pager_limit(struct pager *pager, uint64_t frames)
{
    struct memory *memory = pager->config.memory;
    uint32_t evicted;

    pager_let_go(pager);
    memory->config.limit_frames = memory->locked + frames;
    see_what_is_asked(pager);
    /* Room for one more page, then for none: as many as fit stay. */
    while (memory_resident(memory) > memory->config.limit_frames) {
        if (!evict_make_room(pager, &evicted)) {
            return false;
        }
    }
    return true;
}

bool pager_create(struct pager **pager, const struct pager_config *config, struct err *err)
{
    struct pager *made = calloc(1, sizeof(*made));

    *pager = NULL;
    if (made == NULL) {
        return err_set_errno(err, ERR_ENVIRONMENT, "pager");
    }
    made->config = *config;
    see_what_is_asked(made);
    if (!replace_create(&made->replace, config->memory, config->policy, err)) {
        free(made);
        return false;
    }
    config->memory->pager = made;
    *pager = made;
    return true;
}

void pager_destroy(struct pager *pager)
{
    if (pager == NULL) {
        return;
    }
    replace_destroy(&pager->replace);
    pager->config.memory->pager = NULL;
    free(pager);
}

const char *pager_trouble(const struct pager *pager)
{
    const struct swap *swap = pager->config.memory->config.swap;

    if (pager->replace.trouble[0] != '\0') {
        return pager->replace.trouble;
    }
    return swap != NULL ? swap_error(swap) : NULL;
}

void pager_end_retry(struct pager *pager, bool made)
{
    const struct pager_retry retry = pager->retry;

    if (retry.space == NULL) {
        return;
    }
    pager->retry.space = NULL;
    if (!made) {
        space_edit_leaf(retry.space, retry.address, retry.slot, *retry.slot.entry);
    }
}

/* --- a fault --- */

static bool refuse(
    struct fault_record *record,
    struct pager_signal *signal,
    enum fault_kind kind,
    int number,
    int code)
{
    record->kind = (uint8_t)kind;
    record->action = (uint8_t)(number == SIGKILL ? ACTION_KILL : ACTION_SIGNAL);
    *signal = (struct pager_signal){.number = number, .code = code};
    return false;
}

/* 1. The region: the one at the address, or the stack if it may grow to it. */
static struct region *find_region(struct space *space, struct fault_record *record, bool *grown)
{
    struct gva address = gva_of(record->address);
    struct region *region = regions_first_from_recent(space->regions, address);

    *grown = false;
    if (region == NULL || region->begin.value <= address.value) {
        return region;
    }
    if (region->spec.kind != REGION_STACK || address.value < space->stack_lowest.value ||
        regions_move_begin(space->regions, region, gva_page(address)) != REGION_OK) {
        return NULL;
    }
    *grown = true;
    return region;
}

/* 2. May the region be touched like this?  FAULT_KINDS: yes.  Any permission implies reading,
 * as x86 entries have it. */
static enum fault_kind forbidden_kind(const struct region *region, uint8_t access)
{
    uint8_t permissions = region->spec.permissions;

    if (permissions == 0) {
        return region->spec.kind == REGION_GUARD ? FAULT_STACK_LIMIT : FAULT_NO_ACCESS;
    }
    if ((access & RECORD_WRITE) != 0 && (permissions & REGION_WRITE) == 0) {
        return FAULT_READ_ONLY;
    }
    if ((access & RECORD_FETCH) != 0 && (permissions & REGION_EXEC) == 0) {
        return FAULT_NO_EXECUTE;
    }
    return FAULT_KINDS;
}

/* What could not be done, as the program is told. */
static bool
finish(struct fault_record *record, struct pager_signal *signal, enum bring_result result)
{
    switch (result) {
    case BRING_DONE:
    case BRING_PRESENT:
        return true;
    case BRING_NO_FRAME:
    case BRING_NO_TABLE:
        return refuse(record, signal, FAULT_OUT_OF_MEMORY, SIGKILL, 0);
    case BRING_BEHIND:
    case BRING_IO_ERROR:
        return refuse(record, signal, (enum fault_kind)record->kind, SIGBUS, BUS_ADRERR);
    }
    return true;
}

/* 3. Something is mapped and the region allows the access: either the entry allows it too, and
 * the CPU used a stale translation, which the guest must flush; or it does not yet. */
static void retry_or_upgrade(const struct bring *bring, struct ptab_slot slot)
{
    struct fault_record *record = bring->record;
    uint8_t permissions = bring->region->spec.permissions;
    uint32_t frame = frames_index(gpa_of(*slot.entry & PTE_ADDRESS));
    uint64_t bits = space_frame_bits(bring->space, permissions, frame) &
                    (PTE_PRESENT | PTE_USER | PTE_WRITABLE | PTE_ACCESSED);
    uint64_t entry = *slot.entry | bits;

    if ((permissions & REGION_EXEC) != 0) {
        entry &= ~PTE_NO_EXECUTE;
    }
    record->kind = FAULT_SPURIOUS;
    record->level = (uint8_t)slot.level;
    record->frame = frame;
    record->entry_after = entry;
    record->action = entry == *slot.entry ? ACTION_RETRY : ACTION_UPGRADE;
    if (record->action == ACTION_UPGRADE) {
        space_upgrade_leaf(bring->space, slot, entry);
    } else if ((record->access & RECORD_HOST) == 0) {
        space_edit_leaf(bring->space, gva_page(bring->address), slot, entry);
    }
}

static bool
resolve_present(const struct bring *bring, struct ptab_slot slot, struct pager_signal *signal)
{
    uint32_t frame = frames_index(gpa_of(*slot.entry & PTE_ADDRESS));
    bool shared =
        frames_record(bring->space->memory->config.frames, frame)->use == FRAME_SHARED;

    bring->record->entry_before = *slot.entry;
    if (bring->write && !shared && (*slot.entry & PTE_WRITABLE) == 0) {
        return finish(bring->record, signal, cow_write(bring, slot));
    }
    retry_or_upgrade(bring, slot);
    return true;
}

/* 4. How much is brought in: the page alone, a window around it, or what the policy says. */
static void default_window(const struct bring *bring, struct vmm_decision *decision)
{
    const struct pager_config *config = &bring->pager->config;
    struct space *space = bring->space;
    uint64_t page = gva_page(bring->address).value;
    uint64_t begin = page, pages = config->around_pages;

    if (config->around_adaptive) {
        /* Twice as far each time that the program goes on where the last window ended. */
        pages = page == space->around_next ? 2 * (uint64_t)space->around_pages : 1;
        pages = pages < config->around_pages ? pages : config->around_pages;
        space->around_pages = (uint32_t)pages;
        space->around_next = page + pages * PAGE_BYTES;
    } else if (pages > 1) {
        begin = page - page % (pages * PAGE_BYTES);
    }
    uint64_t end = begin + pages * PAGE_BYTES;
    const struct region *region = bring->region;
    decision->map_begin = begin > region->begin.value ? begin : region->begin.value;
    decision->map_end = end < region->end.value ? end : region->end.value;
}

/* The pages beside the one that faulted, as far as free frames last. */
static void bring_around(const struct bring *bring, const struct vmm_decision *decision)
{
    uint64_t page = gva_page(bring->address).value;

    for (uint64_t at = decision->map_begin; at < decision->map_end; at += PAGE_BYTES) {
        struct fault_record scratch = *bring->record;
        struct bring beside = *bring;
        if (at == page) {
            continue;
        }
        beside.address = gva_of(at);
        beside.write = false;
        beside.around = true;
        beside.record = &scratch;
        beside.has_table = ptab_find_leaf(&bring->space->ptab, beside.address, &beside.slot);
        enum bring_result result = bring_page(&beside);
        if (result != BRING_DONE && result != BRING_PRESENT) {
            return;
        }
        bring->record->around = (uint16_t)(bring->record->around + (result == BRING_DONE));
    }
}

static bool resolve_absent(const struct bring *bring, struct pager_signal *signal)
{
    struct vmm_decision decision = {0};

    default_window(bring, &decision);
    replace_fault(&bring->pager->replace, bring->record, bring->region, &decision);
    if (decision.refuse) {
        return refuse(bring->record, signal, FAULT_NO_ACCESS, SIGSEGV, SEGV_ACCERR);
    }
    enum bring_result result = bring_page(bring);
    if (result != BRING_DONE) {
        return finish(bring->record, signal, result);
    }
    if (decision.map_end - decision.map_begin > PAGE_BYTES && bring->record->level == 1) {
        bring_around(bring, &decision);
    }
    return true;
}

/* Private memory that reads zero and whose pages are small. */
static bool is_plain(const struct region_spec *spec)
{
    return spec->backing == NULL && spec->object == NULL && spec->page_shift == PAGE_SHIFT &&
           spec->large != REGION_LARGE_ALWAYS;
}

static void start_record(struct space *space, struct fault_record *record)
{
    record->frame = RECORD_NO_FRAME;
    record->evicted = RECORD_NO_FRAME;
    record->region = RECORD_NO_REGION;
    record->process = space->process;
}

static bool decide(
    struct space *space,
    struct fault_record *record,
    struct pager_signal *signal,
    struct region **region)
{
    bool grown = false;

    start_record(space, record);
    *region = NULL;
    if (record->address >= LAYOUT_USER_END) {
        return refuse(record, signal, FAULT_KERNEL_PAGE, SIGSEGV, SEGV_MAPERR);
    }
    struct region *found = find_region(space, record, &grown);
    *region = found;
    if (found == NULL) {
        return refuse(record, signal, FAULT_UNMAPPED, SIGSEGV, SEGV_MAPERR);
    }
    record->region = found->id;
    enum fault_kind forbidden = forbidden_kind(found, record->access);
    if (forbidden != FAULT_KINDS) {
        return refuse(
            record, signal, forbidden, SIGSEGV,
            forbidden == FAULT_STACK_LIMIT ? SEGV_MAPERR : SEGV_ACCERR);
    }
    record->kind = (uint8_t)(grown ? FAULT_STACK_GROWTH : FAULT_DEMAND_ZERO);
    struct ptab_slot slot = {.entry = NULL};
    bool has_table = ptab_find_leaf(&space->ptab, gva_of(record->address), &slot);
    record->entry_before = has_table ? *slot.entry : 0;
    if (has_table && record->entry_before == 0 && space->memory->pager->plain &&
        is_plain(&found->spec) && slot.level == 1) {
        return finish(
            record, signal, bring_first_touch(space, found->spec.permissions, slot, record));
    }
    const struct bring bring = {
        .pager = space->memory->pager,
        .space = space,
        .region = found,
        .address = gva_of(record->address),
        .write = (record->access & RECORD_WRITE) != 0,
        .has_table = has_table,
        .slot = slot,
        .record = record};
    if (leaf_is_present(record->entry_before)) {
        return resolve_present(&bring, slot, signal);
    }
    return resolve_absent(&bring, signal);
}

bool pager_fault(
    struct space *space,
    struct fault_record *record,
    struct pager_signal *signal,
    struct region **region)
{
    bool resolved = decide(space, record, signal, region);

    struct pager *pager = space->memory->pager;
    if (resolved && pager->held_capacity != 0 && record->frame != RECORD_NO_FRAME &&
        (record->access & RECORD_HOST) == 0) {
        pager_hold(pager, record->frame);
    }
    return resolved;
}
