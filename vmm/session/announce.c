/* A hash table of regions; see announce.h. */
#include "session/announce.h"

#include <stdlib.h>

#define CAPACITY_FIRST 64

void announce_release(struct announce *announce)
{
    free(announce->entries);
    *announce = (struct announce){0};
}

static size_t place_of(const struct announce *announce, uint16_t process, uint32_t id)
{
    uint64_t key = (uint64_t)process << 32 | id;
    size_t place =
        (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (announce->capacity - 1);

    while (announce->entries[place].used &&
           (announce->entries[place].id != id || announce->entries[place].process != process)) {
        place = (place + 1) & (announce->capacity - 1);
    }
    return place;
}

static bool grow(struct announce *announce)
{
    struct announce bigger = {
        .capacity = announce->capacity > 0 ? announce->capacity * 2 : CAPACITY_FIRST};

    bigger.entries = calloc(bigger.capacity, sizeof(*bigger.entries));
    if (bigger.entries == NULL) {
        return false;
    }
    for (size_t i = 0; i < announce->capacity; i++) {
        const struct announce_entry *entry = &announce->entries[i];
        if (entry->used) {
            bigger.entries[place_of(&bigger, entry->process, entry->id)] = *entry;
            bigger.count++;
        }
    }
    free(announce->entries);
    announce->entries = bigger.entries;
    announce->capacity = bigger.capacity;
    return true;
}

/* Begin and end may have moved apart or together: as long as the address is in what was said,
 * the reader of the session takes the fault for what it is. */
static bool
fits(const struct announce_entry *said, const struct announce_entry *now, uint64_t address)
{
    return said->used && said->id == now->id && said->process == now->process &&
           said->permissions == now->permissions && said->file_delta == now->file_delta &&
           address >= said->begin && address < said->end;
}

bool announce_is_due(
    struct announce *announce, uint16_t process, struct region *region, uint64_t address)
{
    const struct announce_entry now = {
        .begin = region->begin.value,
        .end = region->end.value,
        .file_delta =
            region->spec.backing != NULL ? region->spec.file_offset - region->begin.value : 0,
        .id = region->id,
        .process = process,
        .permissions = region->spec.permissions,
        .used = true};

    if (announce->count * 2 >= announce->capacity && !grow(announce)) {
        return true;
    }
    struct announce_entry *entry = &announce->entries[place_of(announce, process, region->id)];
    bool due = !fits(entry, &now, address);
    if (due) {
        announce->count += entry->used ? 0 : 1;
        *entry = now;
    }
    region->described = entry->begin == now.begin && entry->end == now.end;
    return due;
}
