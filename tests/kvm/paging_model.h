/*
 * What the manual says about one access through 4-level paging: an oracle for the hardware,
 * written from SDM volume 3, "Access Rights" and "Page-Fault Exceptions", and from nothing
 * else.  It knows neither the page-table code under test nor KVM.
 */
#ifndef PAGING_MODEL_H
#define PAGING_MODEL_H

#include <stdbool.h>
#include <stdint.h>

enum model_access {
    MODEL_READ,
    MODEL_WRITE,
    MODEL_FETCH,
};

/* CR0.WP is 1 and EFLAGS.AC is 0 throughout; EFER.NXE is 1 if `nxe`. */
struct model_cpu {
    bool nxe, smep, smap;
};

struct model_result {
    bool fault;
    uint32_t error_code; /* if fault */
};

/*
 * entries: as they lie in memory, from level 4 down; count: 1 to 4, the last being the leaf or
 * an entry that is not present.  user_mode: CPL is 3.
 */
struct model_result model_predict(
    const struct model_cpu *cpu,
    const uint64_t *entries,
    unsigned count,
    enum model_access access,
    bool user_mode);

#endif
