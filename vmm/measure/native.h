/*
 * The native side: the routines' image, arguments, results and list mapped into this process at their
 * fixed addresses, and a layout mapped over a memfd.  It knows nothing of chains or of statistics.
 */
#ifndef MEASURE_NATIVE_H
#define MEASURE_NATIVE_H

#include <stdint.h>

#include "exp.h"
#include "measure/layout.h"

struct native {
    int fd;          /* owns; memory behind the frames, -1 */
    uint8_t *frames; /* owns the mapping: all frames, linear, for the host to write */
    uint64_t bytes;
    const struct layout *layout; /* borrows; what is mapped */
    size_t mapped;               /* maps that are in place */
};

/*
 * Map image, arguments, results and list; once for a process at a time.  ERR_ENVIRONMENT: something is
 * at one of the addresses, or no memory.
 */
MUST_CHECK bool native_open(struct err *err);
void native_close(void);

/* Map a layout; it is borrowed.  ERR_ENVIRONMENT: no memory, no huge pages, too many mappings
 * (vm.max_map_count).  On failure nothing is left behind. */
MUST_CHECK bool native_map(struct native *native, const struct layout *layout, struct err *err);
void native_unmap(struct native *native); /* accepts a zeroed struct */

/* The host's pointer to a frame of the layout. */
uint8_t *native_frame(const struct native *native, uint32_t frame);

/* Run a routine; args in and out; the results are at EXP_RESULTS. */
void native_run(enum exp_routine routine, struct exp_args *args);

#endif
