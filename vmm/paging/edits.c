/*
 * Owns the list of downgrades and the frames that wait for it.  It refuses to know what an
 * entry means, and how the guest kernel is made to carry the list out (guest/kernel/kernel.S
 * does it). Read ptab.c for the upgrades, which need no list.
 */
#include "paging/edits.h"

#include <assert.h>
#include <stdlib.h>

bool edits_create(struct edits *edits, struct abi_edit *list, struct err *err)
{
    *edits = (struct edits){.list = list, .released_capacity = ABI_EDIT_CAPACITY};
    edits->released = calloc(edits->released_capacity, sizeof(*edits->released));
    if (edits->released == NULL) {
        edits->released_capacity = 0;
        return err_set_errno(err, ERR_ENVIRONMENT, "allocating the list of entry edits");
    }
    list[0] = (struct abi_edit){0};
    return true;
}

void edits_destroy(struct edits *edits)
{
    free(edits->released);
    *edits = (struct edits){0};
}

bool edits_have_room(const struct edits *edits, unsigned more)
{
    return more <= ABI_EDIT_CAPACITY - edits->count &&
           more <= edits->released_capacity - edits->released_count;
}

void edits_add(struct edits *edits, struct gpa entry_gpa, uint64_t value, struct gva address)
{
    assert(edits->count < ABI_EDIT_CAPACITY);
    edits->list[edits->count + 1] = (struct abi_edit){0};
    edits->list[edits->count] = (struct abi_edit){
        .entry = ptab_entry_window(entry_gpa).value, .value = value, .address = address.value};
    edits->count++;
}

void edits_release(struct edits *edits, uint32_t frame)
{
    assert(edits->released_count < edits->released_capacity);
    edits->released[edits->released_count++] = frame;
}

void edits_done(struct edits *edits, struct frames *frames, struct ptab_pool *pool)
{
    for (unsigned i = 0; i < edits->released_count; i++) {
        uint32_t frame = edits->released[i];
        if (frames_record(frames, frame)->use == FRAME_TABLE) {
            ptab_release_table(pool, frame);
        } else {
            frames_release(frames, frame);
        }
    }
    edits->total += edits->count;
    edits->count = 0;
    edits->released_count = 0;
    edits->list[0] = (struct abi_edit){0};
}
