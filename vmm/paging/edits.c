/*
 * Owns the list of downgrades, the announcements, and the frames that wait for them.  It refuses
 * to know what an entry means, and how the guest kernel is made to carry them out
 * (guest/kernel/kernel.S does it).  Read ptab.c for the upgrades, which need neither.
 */
#include "paging/edits.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool edits_create(struct edits *edits, struct abi_edit *list, struct err *err)
{
    *edits = (struct edits){.list = list};
    edits->released = calloc(EDITS_RELEASED, sizeof(*edits->released));
    edits->announced = calloc(EDITS_ANNOUNCED, sizeof(*edits->announced));
    if (edits->released == NULL || edits->announced == NULL) {
        edits_destroy(edits);
        return err_set_errno(err, ERR_ENVIRONMENT, "allocating the list of entry edits");
    }
    list[0] = (struct abi_edit){0};
    return true;
}

void edits_destroy(struct edits *edits)
{
    free(edits->released);
    free(edits->announced);
    *edits = (struct edits){0};
}

void edits_set_release(struct edits *edits, edits_release_fn *release, void *context)
{
    edits->release = release;
    edits->context = context;
}

#define ANNOUNCEMENTS 4 /* a table, and those above it */

bool edits_have_room(const struct edits *edits, unsigned more_edits, unsigned more_releases)
{
    return more_edits <= ABI_EDIT_CAPACITY - edits->count &&
           more_releases <= EDITS_RELEASED - edits->released_count &&
           ANNOUNCEMENTS <= EDITS_ANNOUNCED - edits->announced_count;
}

void edits_add(struct edits *edits, struct ptab_slot slot, uint64_t value, struct gva address)
{
    assert(edits->count < ABI_EDIT_CAPACITY);
    *slot.entry = value;
    edits->list[edits->count + 1] = (struct abi_edit){0};
    edits->list[edits->count] = (struct abi_edit){
        .entry = ptab_entry_window(slot.entry_gpa).value,
        .value = value,
        .address = address.value};
    edits->count++;
}

bool edits_hold(const struct edits *edits, struct gpa entry_gpa)
{
    uint64_t entry = ptab_entry_window(entry_gpa).value;

    for (unsigned i = 0; i < edits->count; i++) {
        if (edits->list[i].entry == entry) {
            return true;
        }
    }
    return false;
}

void edits_announce(struct edits *edits, struct gpa gpa)
{
    uint64_t table = ptab_entry_window(gpa_of(round_down(gpa.value, PAGE_BYTES))).value;

    /* Changes come table by table. */
    if (edits->announced_count > 0 && edits->announced[edits->announced_count - 1] == table) {
        return;
    }
    assert(edits->announced_count < EDITS_ANNOUNCED);
    edits->announced[edits->announced_count++] = table;
}

void edits_release(struct edits *edits, uint32_t frame)
{
    assert(edits->released_count < EDITS_RELEASED);
    edits->released[edits->released_count++] = frame;
}

void edits_write_announcements(struct edits *edits)
{
    uint64_t *words = (uint64_t *)(void *)edits->list;

    memcpy(words, edits->announced, edits->announced_count * sizeof(*words));
    words[edits->announced_count] = 0;
}

void edits_done(struct edits *edits)
{
    edits->total += edits->count + edits->announced_count;
    edits->count = 0;
    edits->announced_count = 0;
    edits->list[0] = (struct abi_edit){0};
    for (unsigned i = 0; i < edits->released_count && edits->release != NULL; i++) {
        edits->release(edits->context, edits->released[i]);
    }
    edits->released_count = 0;
}
