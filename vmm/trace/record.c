/*
 * The names of fault kinds and actions, one table each.  It knows no other property of them:
 * what counts as minor or major is in counts.c.  Read counts.h and trace.h for what consumes
 * records.
 */
#include "trace/record.h"

#include <assert.h>

static const char *const kind_names[FAULT_KINDS] = {
    [FAULT_DEMAND_ZERO] = "demand-zero",     [FAULT_STACK_GROWTH] = "stack-growth",
    [FAULT_FILE_LOAD] = "file-load",         [FAULT_COW_COPY] = "cow-copy",
    [FAULT_COW_REUSE] = "cow-reuse",         [FAULT_SWAP_IN] = "swap-in",
    [FAULT_SAMPLING] = "sampling",           [FAULT_SPURIOUS] = "spurious",
    [FAULT_UNMAPPED] = "unmapped",           [FAULT_READ_ONLY] = "read-only",
    [FAULT_NO_EXECUTE] = "no-execute",       [FAULT_NO_ACCESS] = "no-access",
    [FAULT_KERNEL_PAGE] = "kernel-page",     [FAULT_STACK_LIMIT] = "stack-limit",
    [FAULT_OUT_OF_MEMORY] = "out-of-memory", [FAULT_SHARED] = "shared",
};

static const char *const action_names[RECORD_ACTIONS] = {
    [ACTION_MAP_ZERO] = "map-zero", [ACTION_MAP_FILE] = "map-file",
    [ACTION_COPY] = "copy",         [ACTION_UPGRADE] = "upgrade",
    [ACTION_RETRY] = "retry",       [ACTION_SIGNAL] = "signal",
    [ACTION_KILL] = "kill",         [ACTION_SHARE] = "share",
    [ACTION_SWAP_IN] = "swap-in",
};

static const char *name_at(const char *const *names, unsigned count, unsigned index)
{
    return index < count && names[index] ? names[index] : "unknown";
}

const char *record_kind_name(enum fault_kind kind)
{
    return name_at(kind_names, FAULT_KINDS, (unsigned)kind);
}

const char *record_action_name(enum record_action action)
{
    return name_at(action_names, RECORD_ACTIONS, (unsigned)action);
}
