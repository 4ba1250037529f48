/*
 * What an absent leaf entry that is not zero means in the lower half: its page is in swap.  The
 * CPU ignores every bit of an entry whose bit 0 is clear (SDM volume 3, "4-Level Paging").
 */
#ifndef SPACE_LEAF_H
#define SPACE_LEAF_H

#include <stdbool.h>
#include <stdint.h>

#include "x86.h"

#define LEAF_SWAPPED X86_U64(0x400) /* marks it even for slot 0 */

static inline uint64_t leaf_of_slot(uint32_t slot)
{
    return (uint64_t)slot << PAGE_SHIFT | LEAF_SWAPPED;
}

static inline bool leaf_is_present(uint64_t entry)
{
    return (entry & PTE_PRESENT) != 0;
}

static inline bool leaf_is_swapped(uint64_t entry)
{
    return (entry & (PTE_PRESENT | LEAF_SWAPPED)) == LEAF_SWAPPED;
}

static inline uint32_t leaf_slot(uint64_t entry)
{
    return (uint32_t)(entry >> PAGE_SHIFT);
}

#endif
