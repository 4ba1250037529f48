/* From an instruction to records, cut at the borders of pages; see recording_private.h. */
#include "base/clock.h"
#include "fault/access.h"
#include "run/observe.h"
#include "run/recording_private.h"

/* What fits the field of a record.  Longer accesses are several records, in order. */
#define PART_BYTES 128

/* One access, or its part, all in one page.  record: but for region and process. */
static void
record_part(struct lab *lab, const struct space *space, struct access_record *record)
{
    struct region *region = regions_find(space->regions, gva_of(record->address));
    uint64_t end = record->address + (record->bytes != 0 ? record->bytes : 1);

    if (region == NULL ||
        !select_watches(&recording_of(lab)->select, region, record->address, end)) {
        return;
    }
    record->region = region->id;
    record->process = space->process;
    observe_access(lab, record, region);
}

/* Cut at the borders of pages.  opened: pages that were touched; NULL: all of it was. */
static void record_range(
    struct lab *lab,
    const struct space *space,
    const struct opened *opened,
    struct access_record record,
    uint64_t bytes)
{
    do {
        uint64_t here = PAGE_BYTES - (record.address & (PAGE_BYTES - 1));
        here = here < bytes ? here : bytes;
        here = here < PART_BYTES ? here : PART_BYTES;
        record.bytes = (uint8_t)here;
        if (opened == NULL || opened_has(opened, record.address)) {
            record_part(lab, space, &record);
        }
        record.address += here;
        bytes -= here;
    } while (bytes != 0);
}

/* A page that was not opened was not touched, whatever the operand says. */
static void record_access(struct lab *lab, const struct decode_access *access, uint64_t time_ns)
{
    const struct recording *recording = recording_of(lab);
    const struct access_record record = {
        .time_ns = time_ns,
        .address = access->address,
        .rip = recording->rip,
        .access =
            (uint8_t)(RECORD_USER | (access->write ? RECORD_WRITE : 0) | (access->fetch ? RECORD_FETCH : 0))};

    record_range(lab, recording->space, &recording->opened, record, access->bytes);
}

static bool is_explained(const struct decode_instruction *instruction, uint64_t address)
{
    uint64_t page = address / PAGE_BYTES;

    for (unsigned i = 0; i < instruction->count; i++) {
        const struct decode_access *access = &instruction->access[i];
        uint64_t last = access->address + (access->bytes != 0 ? access->bytes - 1 : 0);
        if (page >= access->address / PAGE_BYTES && page <= last / PAGE_BYTES) {
            return true;
        }
    }
    return false;
}

void recording_emit_instruction(struct lab *lab, uint64_t time_ns)
{
    const struct recording *recording = recording_of(lab);

    for (unsigned i = 0; i < recording->instruction.count; i++) {
        record_access(lab, &recording->instruction.access[i], time_ns);
    }
    for (unsigned i = 0; i < recording->faults; i++) {
        const struct decode_access access = {
            .address = recording->fault[i].address,
            .write = (recording->fault[i].access & RECORD_WRITE) != 0,
            .fetch = (recording->fault[i].access & RECORD_FETCH) != 0};
        if (!is_explained(&recording->instruction, access.address)) {
            record_access(lab, &access, time_ns);
        }
    }
}

void recording_emit_host_touch(
    void *context, const struct access *access, struct gva address, size_t bytes, bool write)
{
    struct lab *lab = context;
    uint64_t now_ns = clock_now_ns();
    const struct access_record record = {
        .time_ns = now_ns - lab->start_ns,
        .address = address.value,
        .rip = access->rip.value,
        .access = (uint8_t)(RECORD_HOST | (write ? RECORD_WRITE : 0))};

    if (bytes != 0) {
        record_range(lab, access->space, NULL, record, bytes);
    }
}
