/*
 * A second opinion on page tables: a walker written from the manual alone, with the arithmetic
 * of each level spelt out.  It refuses to use anything of vmm/ but the bytes of guest memory,
 * so that it cannot share a mistake with what it checks.  Read test_ptab.c next.
 */
#ifndef NAIVE_WALK_H
#define NAIVE_WALK_H

#include <stdbool.h>
#include <stdint.h>

struct naive_walk {
    bool present;
    unsigned level;    /* of the last entry read */
    uint64_t entry;    /* the last entry read */
    uint64_t entry_pa; /* and where it is */
    uint64_t pa;       /* the translation, if present */
    bool writable, user, executable;
};

/* ram: the bytes of [ram_begin, ram_begin + ram_bytes) in physical memory. */
struct naive_walk naive_walk(
    const uint8_t *ram, uint64_t ram_begin, uint64_t ram_bytes, uint64_t cr3, uint64_t va);

#endif
