/* One rule a line; see check.h. */
#include "session/check.h"

#include <stddef.h>
#include <string.h>

#include "space/region.h"

#define LEVEL_MAX      3
#define PAGE_SHIFT_MAX 30

static const char *check_fault(const struct fault_record *fault)
{
    if (fault->kind >= FAULT_KINDS) {
        return "the kind of the fault is out of range";
    }
    if (fault->action >= RECORD_ACTIONS) {
        return "the action is out of range";
    }
    return fault->level > LEVEL_MAX ? "the level of the leaf is out of range" : NULL;
}

static const char *check_text(const char *text, size_t bytes)
{
    return memchr(text, '\0', bytes) == NULL ? "a text has no end" : NULL;
}

static const char *check_region(const struct session_region *region)
{
    if (region->begin >= region->end) {
        return "the region is empty";
    }
    if (region->page_shift < PAGE_SHIFT || region->page_shift > PAGE_SHIFT_MAX) {
        return "the page size of the region is out of range";
    }
    if (region->permissions > (REGION_READ | REGION_WRITE | REGION_EXEC)) {
        return "the permissions of the region are out of range";
    }
    const char *fault = check_text(region->label, sizeof(region->label));
    return fault != NULL ? fault : check_text(region->file, sizeof(region->file));
}

const char *check_event(enum session_event_kind kind, const void *event)
{
    switch (kind) {
    case SESSION_FAULT:
        return check_fault(event);
    case SESSION_PHASE:
        return check_text(((const struct session_phase *)event)->name, SESSION_NAME_BYTES);
    case SESSION_RESULT:
        return check_text(((const struct session_result *)event)->name, SESSION_NAME_BYTES);
    case SESSION_REGION:
        return check_region(event);
    case SESSION_SIGNAL:
        return check_text(((const struct session_signal *)event)->text, SESSION_TEXT_BYTES);
    case SESSION_END:
        return check_text(((const struct session_end *)event)->reason, SESSION_TEXT_BYTES);
    case SESSION_EXEC:
        return check_text(((const struct session_exec *)event)->path, SESSION_PATH_BYTES);
    case SESSION_PROCESS_START:
    case SESSION_PROCESS_END:
    case SESSION_ACCESS:
    case SESSION_EVENTS:
        return NULL;
    }
    return "the event is not known";
}
