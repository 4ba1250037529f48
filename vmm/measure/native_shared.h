/*
 * The native side of a layout whose pages of 2 MiB share frames: these lie in a memfd, because private memory
 * has one name only.  It knows which memory can be large and shared at once on this host.
 */
#ifndef MEASURE_NATIVE_SHARED_H
#define MEASURE_NATIVE_SHARED_H

#include <stdio.h>

#include "measure/native.h"

/* Make the memfd for all frames, of the backing that the layout asks for.  ERR_ENVIRONMENT: none. */
MUST_CHECK bool native_shared_open(struct native *native, struct err *err);

/* Map one page of it, and touch it.  ERR_ENVIRONMENT: no huge pages in the pool, no memory. */
MUST_CHECK bool
native_shared_map(struct native *native, const struct layout_map *map, struct err *err);

/*
 * Whether the kernel has put a large page behind every frame of a layout that is mapped.
 * ERR_ENVIRONMENT: it has not, and what to set, or it does not say.
 */
MUST_CHECK bool native_shared_is_large(const struct native *native, struct err *err);

/* The same by the text of /proc/self/smaps: bytes within [begin, end) that are mapped as large pages. */
uint64_t native_shared_count_large(FILE *smaps, uint64_t begin, uint64_t end);

#endif
