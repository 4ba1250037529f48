/*
 * Answers to faults: first all that can be wrong with one, then its few steps.  Taking permissions
 * from other mappings goes by the edit list, so what is shared here is seen as shared before ring 3
 * runs again.  Read bring.c and cow.c for the steps.
 */
#include "fault/answer.h"

#include <signal.h>
#include <string.h>

#include "fault/bring.h"
#include "fault/cow.h"
#include "fault/preview.h"
#include "space/leaf.h"
#include "space/range.h"
#include "space/rmap.h"

/* Mappings of one frame that ANSWER_MAP makes at most: many more are slow on hosts that shadow page
 * tables. */
#define ALIASES_MAX 128

const char *answer_name(enum answer_kind kind)
{
    static const char *const names[ANSWER_KINDS] = {
        [ANSWER_DEFAULT] = "default", [ANSWER_ZERO] = "zero",   [ANSWER_COPY] = "copy",
        [ANSWER_MAP] = "map",         [ANSWER_SHARE] = "share", [ANSWER_REFUSE] = "refuse",
        [ANSWER_SIGNAL] = "signal"};

    return kind < ANSWER_KINDS ? names[kind] : "";
}

/* --- what can be wrong --- */

static bool count_mapping(void *context, const struct rmap_mapping *mapping)
{
    unsigned *count = context;

    (void)mapping;
    return ++*count <= ALIASES_MAX;
}

bool answer_check_frame(struct memory *memory, uint64_t frame, struct err *err)
{
    const unsigned long long number = frame;
    unsigned mappings = 0;

    if (frame >= frames_touched(memory->config.frames)) {
        return err_set(err, ERR_INPUT, "frame %llu was never handed out", number);
    }
    const struct frame *record = frames_record(memory->config.frames, (uint32_t)frame);
    if (record->use == FRAME_KERNEL || record->use == FRAME_TABLE) {
        return err_set(
            err, ERR_INPUT, "frame %llu holds %s, which no program may see", number,
            record->use == FRAME_TABLE ? "a page table" : "the guest kernel");
    }
    if (record->use == FRAME_SHARED) {
        return err_set(
            err, ERR_INPUT, "frame %llu belongs to a shared mapping, and is shown only there",
            number);
    }
    if (record->use != FRAME_DATA || record->references == 0) {
        return err_set(err, ERR_INPUT, "frame %llu holds no page", number);
    }
    if (record->order != 0) {
        return err_set(err, ERR_INPUT, "frame %llu is part of a 2 MiB page", number);
    }
    rmap_visit(memory, (uint32_t)frame, count_mapping, &mappings);
    if (mappings > ALIASES_MAX || mappings != record->references) {
        return err_set(
            err, ERR_INPUT, "frame %llu has %u mappings already, or waits to be given back",
            number, mappings);
    }
    return true;
}

static bool misfit(const struct answer *answer, const char *why, struct err *err)
{
    return err_set(err, ERR_INPUT, "cannot decide %s: %s", answer_name(answer->kind), why);
}

static bool
check_present(const struct answer *answer, const struct preview *preview, struct err *err)
{
    if (preview->kind == FAULT_SPURIOUS) {
        return misfit(
            answer, "the page is there and the region allows the access: default", err);
    }
    if (answer->kind != ANSWER_COPY && answer->kind != ANSWER_SHARE) {
        return misfit(
            answer, "the page is there, and its write is copy-on-write: copy, share or default",
            err);
    }
    if (answer->kind == ANSWER_COPY && preview->slot.level > 1 &&
        preview->kind == FAULT_COW_REUSE) {
        return misfit(answer, "a 2 MiB page that nobody shares is not copied: default", err);
    }
    return true;
}

static bool check_absent(
    const struct space *space,
    const struct answer *answer,
    const struct preview *preview,
    struct err *err)
{
    const struct region_spec *spec = &preview->region->spec;

    if (spec->object != NULL) {
        return answer->kind == ANSWER_SHARE ||
               misfit(answer, "the page belongs to a shared mapping: share or default", err);
    }
    if (answer->kind == ANSWER_SHARE) {
        bool elsewhere =
            preview->kind == FAULT_SWAP_IN &&
            swap_frame(space->memory->config.swap, leaf_slot(preview->entry)) != FRAMES_NONE;
        return elsewhere || misfit(answer, "nobody else has this page in memory", err);
    }
    if (spec->page_shift != PAGE_SHIFT) {
        return misfit(answer, "the region has pages of 2 MiB only: default", err);
    }
    if (answer->kind == ANSWER_COPY && preview->kind != FAULT_FILE_LOAD &&
        preview->kind != FAULT_SWAP_IN) {
        return misfit(answer, "the page has no contents to copy: zero, map or default", err);
    }
    return answer->kind != ANSWER_MAP || answer_check_frame(space->memory, answer->frame, err);
}

/* Default and what ends in a signal are always possible. */
static bool check(
    const struct space *space,
    const struct answer *answer,
    const struct preview *preview,
    struct err *err)
{
    if (answer->kind == ANSWER_DEFAULT || answer->kind == ANSWER_REFUSE ||
        answer->kind == ANSWER_SIGNAL) {
        return true;
    }
    if (preview_is_forbidden(preview->kind)) {
        return misfit(
            answer,
            preview->region == NULL ? "no region holds the address"
                                    : "the region does not allow the access (see protect)",
            err);
    }
    return leaf_is_present(preview->entry) ? check_present(answer, preview, err)
                                           : check_absent(space, answer, preview, err);
}

/* --- the steps --- */

/* A place for another entry than the one that says where the page is in swap. */
static bool make_place(const struct bring *bring, struct ptab_slot *slot)
{
    struct space *space = bring->space;

    if (bring->has_table && leaf_is_swapped(*bring->slot.entry)) {
        space_remove_leaf(space, gva_page(bring->address), bring->slot);
        space_settle(space);
    }
    return ptab_prepare(&space->ptab, bring->address, 1, slot);
}

static enum bring_result bring_zeros(const struct bring *bring)
{
    struct memory *memory = bring->space->memory;
    struct bring fresh = *bring;
    uint32_t frame = bring_frame(bring, FRAME_DATA, true, &bring->record->evicted);

    if (frame == FRAMES_NONE) {
        return BRING_NO_FRAME;
    }
    if (!make_place(bring, &fresh.slot)) {
        frames_release(memory->config.frames, frame);
        return BRING_NO_TABLE;
    }
    bring_install_new(&fresh, fresh.slot, frame, ACTION_MAP_ZERO);
    if (bring->record->kind != FAULT_DEMAND_ZERO && bring->record->kind != FAULT_STACK_GROWTH) {
        /* A first touch would bring something else: this page must not be dropped unwritten. */
        frames_record(memory->config.frames, frame)->flags &= (uint8_t)~FRAME_FRESH;
    }
    return BRING_DONE;
}

static bool take_write(void *context, const struct rmap_mapping *mapping)
{
    (void)context;
    if ((*mapping->slot.entry & PTE_WRITABLE) != 0) {
        space_edit_leaf(
            mapping->space, mapping->address, mapping->slot,
            *mapping->slot.entry & ~PTE_WRITABLE);
    }
    return true;
}

static enum bring_result bring_alias(const struct bring *bring, uint32_t frame)
{
    struct space *space = bring->space;
    struct memory *memory = space->memory;
    struct bring reading = *bring;

    if (!make_place(bring, &reading.slot)) {
        return BRING_NO_TABLE;
    }
    /* What a first touch brings to one of its pages is not what it brings to the other. */
    frames_record(memory->config.frames, frame)->flags &= (uint8_t)~FRAME_FRESH;
    range_make_room(space, ALIASES_MAX, 0);
    rmap_visit(memory, frame, take_write, NULL);
    memory_add_mapping(memory, space, gva_page(bring->address), frame, false);
    reading.write = false;
    bring_install(&reading, reading.slot, frame, ACTION_SHARE);
    return BRING_DONE;
}

/* Everything of one page that is not there. */
static enum bring_result bring_absent(const struct bring *bring, const struct answer *answer)
{
    switch (answer->kind) {
    case ANSWER_ZERO:
        return bring_zeros(bring);
    case ANSWER_MAP:
        return bring_alias(bring, answer->frame);
    case ANSWER_DEFAULT:
    case ANSWER_COPY:
    case ANSWER_SHARE:
    case ANSWER_REFUSE:
    case ANSWER_SIGNAL:
    case ANSWER_KINDS:
        break;
    }
    return bring_page(bring);
}

static enum bring_result bring_present(const struct bring *bring, const struct answer *answer)
{
    if (answer->kind == ANSWER_SHARE) {
        return cow_share(bring, bring->slot);
    }
    return bring->slot.level > 1 ? cow_write(bring, bring->slot) : cow_copy(bring, bring->slot);
}

static const char *why_not(enum bring_result result)
{
    switch (result) {
    case BRING_NO_FRAME:
        return "no frame is left, and nothing can go";
    case BRING_NO_TABLE:
        return "no frame is left for a page table";
    case BRING_BEHIND:
        return "the page lies behind the end of its file";
    case BRING_IO_ERROR:
        return "the file or the swap file cannot be read";
    case BRING_DONE:
    case BRING_PRESENT:
        break;
    }
    return "the page is there already";
}

static enum answer_result
tell(struct fault_record *record, struct pager_signal *signal, enum fault_kind kind, int number)
{
    record->kind = (uint8_t)kind;
    record->action = (uint8_t)(number == SIGKILL ? ACTION_KILL : ACTION_SIGNAL);
    *signal = (struct pager_signal){
        .number = number, .code = kind == FAULT_NO_ACCESS ? SEGV_ACCERR : 0};
    return ANSWER_TOLD;
}

static enum answer_result bring_answer(
    struct space *space,
    struct fault_record *record,
    const struct answer *answer,
    const struct preview *preview,
    struct err *err)
{
    struct bring bring = {
        .pager = space->memory->pager,
        .space = space,
        .region = preview->region,
        .address = gva_of(record->address),
        .write = (record->access & RECORD_WRITE) != 0,
        .has_table = preview->has_table,
        .slot = preview->slot,
        .record = record};

    if (preview->grows &&
        regions_move_begin(space->regions, preview->region, gva_page(bring.address)) !=
            REGION_OK) {
        misfit(answer, "the stack cannot grow there", err);
        return ANSWER_REFUSED;
    }
    enum bring_result result = leaf_is_present(preview->entry) ? bring_present(&bring, answer)
                                                               : bring_absent(&bring, answer);
    if (result != BRING_DONE) {
        misfit(answer, why_not(result), err);
        return ANSWER_REFUSED;
    }
    if ((record->access & RECORD_HOST) == 0) {
        pager_hold(space->memory->pager, record->frame);
    }
    return ANSWER_RESOLVED;
}

enum answer_result answer_fault(
    struct space *space,
    struct fault_record *record,
    const struct answer *answer,
    struct pager_signal *signal,
    struct region **region,
    struct err *err)
{
    struct preview preview;

    if (answer->kind == ANSWER_DEFAULT) {
        return pager_fault(space, record, signal, region) ? ANSWER_RESOLVED : ANSWER_TOLD;
    }
    /* What is being changed by edits is changed first: then tables can be filled at once. */
    space_settle(space);
    preview_fault(space, gva_of(record->address), record->access, &preview);
    if (!check(space, answer, &preview, err)) {
        return ANSWER_REFUSED;
    }
    *region = preview.region;
    record->frame = RECORD_NO_FRAME;
    record->evicted = RECORD_NO_FRAME;
    record->region = preview.region != NULL ? preview.region->id : RECORD_NO_REGION;
    record->process = space->process;
    record->kind = (uint8_t)preview.kind;
    record->entry_before = record->entry_after = preview.entry;
    if (answer->kind == ANSWER_REFUSE) {
        return tell(record, signal, FAULT_NO_ACCESS, SIGSEGV);
    }
    if (answer->kind == ANSWER_SIGNAL) {
        return tell(record, signal, preview.kind, answer->signal);
    }
    return bring_answer(space, record, answer, &preview, err);
}
