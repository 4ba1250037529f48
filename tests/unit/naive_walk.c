/*
 * The naive walker, one level after the other, in the words of the SDM volume 3, "4-Level
 * Paging": bits 47:39, 38:30, 29:21 and 20:12 of the address select, bits 51:12 of the entry
 * point on.  It includes nothing of vmm/ or include/, not even the names of bits.  Read
 * naive_walk.h first.
 */
#include "naive_walk.h"

#include <stdlib.h>
#include <string.h>

static uint64_t load(const uint8_t *ram, uint64_t ram_begin, uint64_t ram_bytes, uint64_t pa)
{
    uint64_t value;

    if (pa < ram_begin || pa + 8 > ram_begin + ram_bytes) {
        abort(); /* a table outside memory: the test is lost anyway */
    }
    memcpy(&value, ram + (pa - ram_begin), 8);
    return value;
}

struct naive_walk naive_walk(
    const uint8_t *ram, uint64_t ram_begin, uint64_t ram_bytes, uint64_t cr3, uint64_t va)
{
    struct naive_walk w = {.level = 4};
    const uint64_t present = 1;
    const uint64_t large = 1 << 7;
    uint64_t all;
    uint64_t any;

    if (va >> 47 != 0 && va >> 47 != 0x1ffff) {
        return w;
    }
    w.entry_pa = (cr3 & 0x000ffffffffff000) + ((va >> 39) & 0x1ff) * 8;
    w.entry = load(ram, ram_begin, ram_bytes, w.entry_pa);
    if (!(w.entry & present)) {
        return w;
    }
    all = w.entry;
    any = w.entry;

    w.level = 3;
    w.entry_pa = (w.entry & 0x000ffffffffff000) + ((va >> 30) & 0x1ff) * 8;
    w.entry = load(ram, ram_begin, ram_bytes, w.entry_pa);
    if (!(w.entry & present)) {
        return w;
    }
    all &= w.entry;
    any |= w.entry;
    if (w.entry & large) {
        w.pa = (w.entry & 0x000fffffc0000000) + (va & 0x3fffffff);
        goto leaf;
    }

    w.level = 2;
    w.entry_pa = (w.entry & 0x000ffffffffff000) + ((va >> 21) & 0x1ff) * 8;
    w.entry = load(ram, ram_begin, ram_bytes, w.entry_pa);
    if (!(w.entry & present)) {
        return w;
    }
    all &= w.entry;
    any |= w.entry;
    if (w.entry & large) {
        w.pa = (w.entry & 0x000fffffffe00000) + (va & 0x1fffff);
        goto leaf;
    }

    w.level = 1;
    w.entry_pa = (w.entry & 0x000ffffffffff000) + ((va >> 12) & 0x1ff) * 8;
    w.entry = load(ram, ram_begin, ram_bytes, w.entry_pa);
    if (!(w.entry & present)) {
        return w;
    }
    all &= w.entry;
    any |= w.entry;
    w.pa = (w.entry & 0x000ffffffffff000) + (va & 0xfff);

leaf:
    w.present = true;
    w.writable = (all >> 1) & 1;
    w.user = (all >> 2) & 1;
    w.executable = !(any >> 63);
    return w;
}
