/*
 * A CPU of plain code over guest memory of its own, with the two memories of the past that real
 * ones have: a TLB, which forgets by invlpg and by a load of CR3, and the tables that a host which
 * shadows page tables derives, which forget by the guest's own stores and by announcements alone.
 * Before each access both must not know of more than the tables in memory allow.
 */
#ifndef PROPERTY_SOFT_CPU_H
#define PROPERTY_SOFT_CPU_H

#include "cpu.h"

/* mem_bytes: a multiple of LARGE_BYTES.  NULL: no memory. */
struct property_cpu *soft_cpu_create(uint64_t mem_bytes, uint64_t seed);

#endif
