/* One table of names, one function of values; see export_columns.h. */
#include "export/export_columns.h"

#include "report/report_text.h"
#include "trace/counts.h"

static const char *const names[COLUMNS] = {
    [COLUMN_TIME_NS] = "time_ns",
    [COLUMN_SERVICE_NS] = "service_ns",
    [COLUMN_PROCESS] = "process",
    [COLUMN_KIND] = "kind",
    [COLUMN_ACTION] = "action",
    [COLUMN_CLASS] = "class",
    [COLUMN_ACCESS] = "access",
    [COLUMN_RING] = "ring",
    [COLUMN_PROTECTION] = "protection",
    [COLUMN_ADDRESS] = "address",
    [COLUMN_RIP] = "rip",
    [COLUMN_REGION] = "region",
    [COLUMN_REGION_NAME] = "region_name",
    [COLUMN_PHASE] = "phase",
    [COLUMN_LEVEL] = "level",
    [COLUMN_PAGES] = "pages",
    [COLUMN_AROUND] = "around",
    [COLUMN_FRAME] = "frame",
    [COLUMN_EVICTED] = "evicted",
    [COLUMN_ENTRY_BEFORE] = "entry_before",
    [COLUMN_ENTRY_AFTER] = "entry_after",
};

const char *column_name(enum column column)
{
    return names[column];
}

static struct cell number(uint64_t value)
{
    return (struct cell){.kind = CELL_NUMBER, .number = value};
}

static struct cell address(uint64_t value)
{
    return (struct cell){.kind = CELL_ADDRESS, .number = value};
}

static struct cell text(const char *value)
{
    return (struct cell){.kind = CELL_TEXT, .text = value};
}

static struct cell number_unless(uint64_t value, uint64_t none)
{
    const struct cell null = {.kind = CELL_NULL};

    return value == none ? null : number(value);
}

static const char *access_letter(uint8_t access)
{
    if ((access & RECORD_WRITE) != 0) {
        return "w";
    }
    return (access & RECORD_FETCH) != 0 ? "x" : "r";
}

static const char *ring_name(uint8_t access)
{
    if ((access & RECORD_HOST) != 0) {
        return "host";
    }
    return (access & RECORD_USER) != 0 ? "user" : "kernel";
}

static const char *class_name(const struct fault_record *fault)
{
    switch (counts_classify(fault)) {
    case COUNTS_MINOR:
        return "minor";
    case COUNTS_MAJOR:
        return "major";
    case COUNTS_NEITHER:
        break;
    }
    return "neither";
}

static struct cell region_name(const struct session_region *region)
{
    const struct cell null = {.kind = CELL_NULL};

    return region != NULL ? text(report_region_name(region)) : null;
}

struct cell column_cell(enum column column, const struct column_row *row)
{
    const struct fault_record *fault = row->fault;

    switch (column) {
    case COLUMN_TIME_NS:
        return number(fault->time_ns);
    case COLUMN_SERVICE_NS:
        return number(fault->service_ns);
    case COLUMN_PROCESS:
        return number(fault->process);
    case COLUMN_KIND:
        return text(record_kind_name((enum fault_kind)fault->kind));
    case COLUMN_ACTION:
        return text(record_action_name((enum record_action)fault->action));
    case COLUMN_CLASS:
        return text(class_name(fault));
    case COLUMN_ACCESS:
        return text(access_letter(fault->access));
    case COLUMN_RING:
        return text(ring_name(fault->access));
    case COLUMN_PROTECTION:
        return number((fault->access & RECORD_PROT) != 0 ? 1 : 0);
    case COLUMN_ADDRESS:
        return address(fault->address);
    case COLUMN_RIP:
        return address(fault->rip);
    case COLUMN_REGION:
        return number_unless(fault->region, RECORD_NO_REGION);
    case COLUMN_REGION_NAME:
        return region_name(row->region);
    case COLUMN_PHASE:
        return text(row->phase);
    case COLUMN_LEVEL:
        return number(fault->level);
    case COLUMN_PAGES:
        return number(counts_pages_written(fault));
    case COLUMN_AROUND:
        return number(fault->around);
    case COLUMN_FRAME:
        return number_unless(fault->frame, RECORD_NO_FRAME);
    case COLUMN_EVICTED:
        return number_unless(fault->evicted, RECORD_NO_FRAME);
    case COLUMN_ENTRY_BEFORE:
        return address(fault->entry_before);
    case COLUMN_ENTRY_AFTER:
        return address(fault->entry_after);
    case COLUMNS:
        break;
    }
    return (struct cell){.kind = CELL_NULL};
}
