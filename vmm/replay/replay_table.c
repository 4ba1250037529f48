/*
 * The table for people: a block for each page size, policies down, numbers of frames across,
 * then the TLBs and the curve.  It only lays out.  Read replay_notes.c for the sentences below
 * it.
 */
#include <inttypes.h>
#include <string.h>

#include "replay/replay_print.h"

#define NAME_WIDTH   8
#define CELL_WIDTH   24
#define LINE_WIDTH   96
#define PER_LINE     ((LINE_WIDTH - NAME_WIDTH - 2) / CELL_WIDTH)
#define CURVE_POINTS 24
#define BAR_WIDTH    40

/* 1,234,567 in text. */
static const char *group(uint64_t value, char text[32])
{
    char digits[24];
    size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, value);
    char *at = text;

    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            *at++ = ',';
        }
        *at++ = digits[i];
    }
    *at = '\0';
    return text;
}

/* Bytes in the largest unit that divides them. */
static const char *bytes_in_words(uint64_t bytes, char text[32])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t unit = 0;

    while (unit < 5 && bytes >= 1024 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    snprintf(text, 32, "%" PRIu64 " %s", bytes, bytes == 1 && unit == 0 ? "byte" : units[unit]);
    return text;
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

static void print_cell(FILE *out, uint64_t part, uint64_t whole)
{
    char text[32];

    fprintf(out, "%*s %6.2f %%", CELL_WIDTH - 9, group(part, text), percent(part, whole));
}

/* Frames [begin, end) of a size, side by side. */
static void print_policies(
    FILE *out,
    const struct replay_plan *plan,
    const struct replay_size *size,
    size_t begin,
    size_t end)
{
    char text[32];
    char heading[48];

    fprintf(out, "  %-*s", NAME_WIDTH, "faults");
    for (size_t j = begin; j < end; j++) {
        snprintf(
            heading, sizeof(heading), "%s frame%s", group(size->frames[j], text),
            size->frames[j] == 1 ? "" : "s");
        fprintf(out, "%*s", CELL_WIDTH, heading);
    }
    fputc('\n', out);
    for (size_t i = 0; i < plan->policy_count; i++) {
        fprintf(out, "  %-*s", NAME_WIDTH, plan->policies[i]->name);
        for (size_t j = begin; j < end; j++) {
            print_cell(out, size->faults[i][j], size->touches);
        }
        fputc('\n', out);
    }
}

static void
print_tlbs(FILE *out, const struct replay_plan *plan, const struct replay_size *size)
{
    for (size_t i = 0; i < plan->tlb_count; i++) {
        const struct tlb_shape *shape = &plan->tlbs[i];
        char text[32];
        char reach[32];

        fprintf(
            out,
            "  TLB of %" PRIu32 " entries, %" PRIu32
            " way%s, %s: %s miss%s, %.2f %%; reach %s\n",
            shape->entries, shape->ways, shape->ways == 1 ? "" : "s",
            shape->choice == TLB_LRU ? "lru" : "plru", group(size->tlb_misses[i], text),
            size->tlb_misses[i] == 1 ? "" : "es", percent(size->tlb_misses[i], size->touches),
            bytes_in_words((uint64_t)shape->entries << size->page_shift, reach));
    }
}

static void print_curve(FILE *out, const struct replay_size *size)
{
    struct curve_point points[CURVE_POINTS];
    size_t count = curve_sample(size->curve, points, CURVE_POINTS);
    char text[32];

    fprintf(out, "  lru with every number of frames:\n");
    for (size_t i = 0; i < count; i++) {
        static const char bar[BAR_WIDTH + 1] = "########################################";
        double share = percent(points[i].faults, size->touches);
        int length = (int)(share * BAR_WIDTH / 100 + 0.5);

        fprintf(out, "  %*s", NAME_WIDTH + 4, group(points[i].frames, text));
        print_cell(out, points[i].faults, size->touches);
        fprintf(out, "%s%.*s\n", length > 0 ? "  " : "", length, bar);
    }
}

static void
print_size(FILE *out, const struct replay_plan *plan, const struct replay_size *size)
{
    char text[4][32];

    fprintf(
        out, "\npages of %s: %s touched (%s), by %s touches\n",
        bytes_in_words(UINT64_C(1) << size->page_shift, text[0]), group(size->pages, text[1]),
        bytes_in_words((uint64_t)size->pages << size->page_shift, text[2]),
        group(size->touches, text[3]));
    for (size_t begin = 0; plan->policy_count > 0 && begin < size->frame_count;
         begin += PER_LINE) {
        size_t end = begin + PER_LINE;

        print_policies(
            out, plan, size, begin, end < size->frame_count ? end : size->frame_count);
    }
    print_tlbs(out, plan, size);
    if (size->curve != NULL && size->touches > 0) {
        print_curve(out, size);
    }
}

/* A note, broken between words. */
static void print_note(FILE *out, const char *note)
{
    size_t column = (size_t)fprintf(out, "note:");

    while (*note != '\0') {
        size_t length = strcspn(note, " ");

        if (column + 1 + length > LINE_WIDTH) {
            column = (size_t)fprintf(out, "\n     ") - 1;
        }
        column += (size_t)fprintf(out, " %.*s", (int)length, note);
        note += length;
        note += strspn(note, " ");
    }
    fputc('\n', out);
}

void replay_print_table(
    FILE *out,
    const struct replay_plan *plan,
    const struct references_about *about,
    const struct replay_result *result)
{
    static const char *const kinds[] = {
        [REFERENCES_EXACT] = "every access that was recorded",
        [REFERENCES_FAULTS] = "those that faulted",
        [REFERENCES_SAMPLED] = "pages touched in each period"};
    char notes[REPLAY_NOTES_MAX][REPLAY_NOTE_BYTES];
    size_t count = replay_notes(notes, plan, about, result);
    char text[32];

    fprintf(
        out, "%s: %s references, %s\n", about->name, group(result->references, text),
        kinds[about->kind]);
    for (size_t i = 0; i < result->size_count; i++) {
        print_size(out, plan, &result->sizes[i]);
    }
    if (count > 0) {
        fputc('\n', out);
    }
    for (size_t i = 0; i < count; i++) {
        print_note(out, notes[i]);
    }
}
