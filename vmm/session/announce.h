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

/* What was said: the key is (process, id). */
struct announce_entry {
    uint64_t begin, end;
    uint64_t file_delta; /* file offset - address */
    uint32_t id;
    uint16_t process;
    uint8_t permissions;
    bool used;
};

/* Zero it to start. */
struct announce {
    struct announce_entry *entries; /* owns: open addressing; a power of two, or NULL */
    size_t capacity, count;
};

void announce_release(struct announce *announce);

/*
 * Whether the region must be described (again) before a fault at address is recorded: nothing
 * was said of it, or what was said has other permissions, another place in the file, or does
 * not hold the address.  What is due counts as said afterwards.  Without memory it is due each
 * time.  Where what was said is all that there is to say, region->described is set: no need to ask
 * again before the region changes.
 */
bool announce_is_due(
    struct announce *announce, uint16_t process, struct region *region, uint64_t address);

#endif
