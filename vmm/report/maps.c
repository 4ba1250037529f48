/*
 * Prints regions; see maps.h.  Whether a page is present is asked of the tables and not of any
 * bookkeeping, so that the two can be compared.
 */
#include "report/maps.h"

#include "trace/line.h"

#define MAPS_LINE_BYTES (512 + 2 * (size_t)(4 * LINE_NAME_BYTES))

struct presence {
    struct gva begin, end;
    uint64_t bytes;
};

/* A leaf may reach beyond the region on either side: only what lies inside counts. */
static bool add_leaf(void *context, struct gva address, struct ptab_slot slot)
{
    struct presence *presence = context;
    uint64_t leaf_bytes = PAGE_BYTES << (9 * (slot.level - 1));
    uint64_t leaf = round_down(address.value, leaf_bytes);
    uint64_t begin = leaf > presence->begin.value ? leaf : presence->begin.value;
    uint64_t end =
        presence->end.value - leaf < leaf_bytes ? presence->end.value : leaf + leaf_bytes;

    presence->bytes += end - begin;
    return true;
}

static void put_name(struct line *line, const struct region_spec *spec)
{
    if (spec->backing) {
        line_word(line, spec->backing->name);
    }
    if (spec->backing && spec->label) {
        line_char(line, ' ');
    }
    if (spec->label || !spec->backing) {
        line_char(line, '[');
        line_word(line, spec->label ? spec->label : region_kind_name(spec->kind));
        line_char(line, ']');
    }
}

static void put_region(struct line *line, const struct region *region, uint64_t present)
{
    const struct region_spec *spec = &region->spec;
    size_t start;

    line_hex(line, region->begin.value, 12);
    line_char(line, '-');
    line_hex(line, region->end.value, 12);
    line_char(line, ' ');
    line_char(line, spec->permissions & REGION_READ ? 'r' : '-');
    line_char(line, spec->permissions & REGION_WRITE ? 'w' : '-');
    line_char(line, spec->permissions & REGION_EXEC ? 'x' : '-');
    line_char(line, spec->shared ? 's' : 'p');
    line_char(line, ' ');
    start = line_bytes(line);
    line_hex(line, spec->backing ? spec->file_offset : 0, 0);
    line_pad_left(line, start, 8);
    line_char(line, ' ');
    start = line_bytes(line);
    line_grouped(line, present / PAGE_BYTES);
    line_pad_left(line, start, 8);
    line_char(line, ' ');
    start = line_bytes(line);
    line_grouped(line, (region->end.value - region->begin.value) / PAGE_BYTES);
    line_pad_left(line, start, 9);
    line_text(line, "  ");
    put_name(line, spec);
    line_char(line, '\n');
}

void maps_print(FILE *out, const struct regions *regions, const struct ptab *ptab)
{
    const struct region *region = regions_first_from(regions, gva_of(0));

    fputs("regions                       perm   offset  present of pages  what\n", out);
    for (; region; region = regions_next(region)) {
        struct presence presence = {.begin = region->begin, .end = region->end};
        char buffer[MAPS_LINE_BYTES];
        struct line line;

        ptab_visit(ptab, region->begin, region->end, add_leaf, &presence);
        line_start(&line, buffer, sizeof(buffer));
        put_region(&line, region, presence.bytes);
        fwrite(buffer, 1, line_bytes(&line), out);
    }
}
