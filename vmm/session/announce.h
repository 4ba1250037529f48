/*
 * Remembers what a stream already says of each region, so that a region is described when that
 * is due and not with every fault.  It refuses to write anything.  Read recorder.c for its
 * user.
 */
#ifndef SESSION_ANNOUNCE_H
#define SESSION_ANNOUNCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "space/region.h"

/* What was said of a region. */
struct announce_entry {
    uint64_t begin, end;
    uint64_t file_delta; /* file offset - address */
    uint64_t key;        /* announce_key(); 0: the entry is free */
};

/* Zero it to start. */
struct announce {
    struct announce_entry *entries; /* owns: open addressing; a power of two, or NULL */
    size_t capacity, count;
    struct announce_entry last; /* most faults lie where the one before did */
};

void announce_release(struct announce *announce);

/* Id, process and permissions of a region in one number, never 0: the lower 48 bits name it. */
#define ANNOUNCE_NAME_MASK UINT64_C(0xffffffffffff)
static inline uint64_t announce_key(uint16_t process, const struct region *region)
{
    return UINT64_C(1) << 56 | (uint64_t)region->spec.permissions << 48 |
           (uint64_t)process << 32 | region->id;
}

static inline uint64_t announce_file_delta(const struct region *region)
{
    return region->spec.backing != NULL ? region->spec.file_offset - region->begin.value : 0;
}

/* Begin and end may have moved apart or together: as long as the address is in what was said,
 * the reader of the session takes the fault for what it is. */
static inline bool announce_fits(
    const struct announce_entry *said, uint64_t key, uint64_t file_delta, uint64_t address)
{
    return said->key == key && said->file_delta == file_delta && address >= said->begin &&
           address < said->end;
}

/* The same as announce_is_due() where the last call was not about this region. */
bool announce_is_due_in_table(
    struct announce *announce, uint16_t process, const struct region *region, uint64_t address);

/*
 * Whether the region must be described (again) before a fault at address is recorded: nothing
 * was said of it, or what was said has other permissions, another place in the file, or does
 * not hold the address.  What is due counts as said afterwards.  Without memory it is due each
 * time.
 */
static inline bool announce_is_due(
    struct announce *announce, uint16_t process, const struct region *region, uint64_t address)
{
    return !announce_fits(
               &announce->last, announce_key(process, region), announce_file_delta(region),
               address) &&
           announce_is_due_in_table(announce, process, region, address);
}

#endif
