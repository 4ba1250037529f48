/* Bands and bins; see report_map.h. */
#include "report/report_map.h"

#include <string.h>

#include "x86.h"

/* By process, then by address. */
static bool is_above(const struct report_region *region, const struct report_region *other)
{
    return region->said.process != other->said.process
               ? region->said.process > other->said.process
               : region->low > other->low;
}

static void add_band(struct report_map *map, const struct report_region *region)
{
    unsigned at = map->band_count++;

    for (; at > 0 && is_above(map->bands[at - 1].region, region); at--) {
        map->bands[at] = map->bands[at - 1];
    }
    uint64_t low = region->low >> PAGE_SHIFT;
    map->bands[at] = (struct report_band){
        .region = region,
        .low = low << PAGE_SHIFT,
        .pages = (region->high >> PAGE_SHIFT) - low + 1};
}

/* Equal shares, but no more rows than pages. */
static void share_rows(struct report_map *map)
{
    for (unsigned i = 0; i < map->band_count; i++) {
        struct report_band *band = &map->bands[i];
        unsigned most = REPORT_ROWS / map->band_count;
        band->rows = band->pages < most ? (unsigned)band->pages : most;
        band->row = map->rows;
        map->rows += band->rows;
    }
}

static void note_fault(
    struct report_map *map, const struct report *report, const struct fault_record *fault)
{
    for (unsigned i = 0; i < map->band_count; i++) {
        const struct report_band *band = &map->bands[i];
        const struct session_region *said = &band->region->said;
        if (fault->region == said->id && fault->process == said->process) {
            uint64_t page = (fault->address - band->low) >> PAGE_SHIFT;
            /* 128 bits are not needed: pages of 48 bits of address times 160 rows. */
            uint64_t row = band->row + page * band->rows / band->pages;
            map->bin[row][report_pages_slice(&report->pages, fault->time_ns)]++;
            return;
        }
    }
    map->others++;
}

bool report_map_fill(
    struct report_map *map,
    const struct report *report,
    struct session_reader *reader,
    struct err *err)
{
    struct session_event event;
    enum session_next next;

    memset(map, 0, sizeof(*map));
    for (size_t i = 0; i < report->region_count && map->band_count < REPORT_BANDS; i++) {
        if (report->regions[i].share.faults > 0) {
            add_band(map, &report->regions[i]);
        }
    }
    share_rows(map);
    session_rewind(reader);
    while ((next = session_next(reader, &event, err)) == SESSION_NEXT) {
        if (event.kind == SESSION_FAULT) {
            note_fault(map, report, event.of.fault);
        }
    }
    return next == SESSION_DONE;
}
