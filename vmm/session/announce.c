/* A hash table of regions; see announce.h. */
#include "session/announce.h"

#include <stdlib.h>

#define CAPACITY_FIRST 64

void announce_release(struct announce *announce)
{
    free(announce->entries);
    *announce = (struct announce){0};
}

static size_t place_of(const struct announce *announce, uint64_t key)
{
    uint64_t name = key & ANNOUNCE_NAME_MASK;
    size_t place =
        (size_t)(name * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (announce->capacity - 1);

    while (announce->entries[place].key != 0 &&
           (announce->entries[place].key & ANNOUNCE_NAME_MASK) != name) {
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
        if (entry->key != 0) {
            bigger.entries[place_of(&bigger, entry->key)] = *entry;
            bigger.count++;
        }
    }
    free(announce->entries);
    announce->entries = bigger.entries;
    announce->capacity = bigger.capacity;
    return true;
}

bool announce_is_due_in_table(
    struct announce *announce, uint16_t process, const struct region *region, uint64_t address)
{
    const struct announce_entry now = {
        .begin = region->begin.value,
        .end = region->end.value,
        .file_delta = announce_file_delta(region),
        .key = announce_key(process, region)};

    if (announce->count * 2 >= announce->capacity && !grow(announce)) {
        return true;
    }
    struct announce_entry *entry = &announce->entries[place_of(announce, now.key)];
    bool due = !announce_fits(entry, now.key, now.file_delta, address);
    if (due) {
        announce->count += entry->key != 0 ? 0 : 1;
        *entry = now;
    }
    announce->last = *entry;
    return due;
}
