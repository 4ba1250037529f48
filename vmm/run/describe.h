/*
 * What ended a program, in words: the sentence that a person reads first.  It looks at records
 * and regions and decides nothing.
 */
#ifndef RUN_DESCRIBE_H
#define RUN_DESCRIBE_H

#include <stddef.h>

#include "fault/pager.h"
#include "kvm/machine.h"
#include "space/region.h"
#include "trace/record.h"

/* "segmentation fault: write to 0x401000 (read-only, text of guest.elf+0x1000) at rip
 * 0x4011d3". region: as pager_fault gave it, or NULL; regions: to name the nearest one of an
 * unmapped address. */
void describe_fault(
    char *text,
    size_t bytes,
    const struct fault_record *record,
    const struct region *region,
    const struct regions *regions);

/* Linux's signal for an exception vector, and its words; "division error at rip 0x…". */
int describe_exception(char *text, size_t bytes, const struct machine_trap *trap);

#endif
