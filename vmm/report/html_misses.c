/* The table of policies and its notes; see html_misses.h. */
#include "report/html_misses.h"

#include <inttypes.h>
#include <string.h>

#include "replay/replay_print.h"
#include "report/html.h"
#include "report/report_text.h"

static void put_misses_cell(FILE *out, const struct report_misses *misses, uint64_t faults)
{
    char number[REPORT_NUMBER_BYTES];

    fprintf(
        out, "<td>%s (%.1f%%)</td>", report_number(faults, number),
        100 * report_misses_ratio(misses, faults));
}

/* Where policies were not replayed, lru alone, from its curve. */
static void put_policies(FILE *out, const struct report_misses *misses)
{
    const struct replay_plan *plan = &misses->plan;
    const struct replay_size *size = &misses->result.sizes[0];
    char columns[256] = "policy", number[REPORT_NUMBER_BYTES];
    uint64_t frames[4] = {size->pages / 8, size->pages / 4, size->pages / 2, size->pages};
    size_t count = plan->policy_count > 0 ? size->frame_count : 4;

    for (size_t j = 0; j < count; j++) {
        size_t used = strlen(columns);
        frames[j] = plan->policy_count > 0 ? size->frames[j] : frames[j];
        snprintf(
            columns + used, sizeof(columns) - used, "|%s frame%s",
            report_number(frames[j], number), frames[j] == 1 ? "" : "s");
    }
    html_begin_table(out, "replay", "Faults with other policies", columns);
    for (size_t i = 0; i < plan->policy_count; i++) {
        fprintf(out, "<tr><td>%s</td>", plan->policies[i]->name);
        for (size_t j = 0; j < count; j++) {
            put_misses_cell(out, misses, size->faults[i][j]);
        }
        fputs("</tr>\n", out);
    }
    if (plan->policy_count == 0) {
        fputs("<tr><td>lru</td>", out);
        for (size_t j = 0; j < count; j++) {
            put_misses_cell(out, misses, curve_faults(size->curve, frames[j]));
        }
        fputs("</tr>\n", out);
    }
    html_end_table(out);
}

void html_put_misses(FILE *out, const struct report_misses *misses)
{
    const struct references_about *about = &misses->references.about;
    const char *replay = "vmm replay answers for other policies, numbers of frames, page sizes "
                         "and TLBs.";
    char notes[REPLAY_NOTES_MAX][REPLAY_NOTE_BYTES];

    if (misses->result.size_count == 0) {
        fprintf(
            out, "<p class=\"faint\">Too many pages for a miss-ratio curve here: %s</p>\n",
            replay);
        return;
    }
    size_t count = replay_notes(notes, &misses->plan, about, &misses->result);
    put_policies(out, misses);
    for (size_t i = 0; i < count; i++) {
        fputs("<p class=\"faint\">Note: ", out);
        html_put_text(out, notes[i]);
        fputs("</p>\n", out);
    }
    fprintf(out, "<p class=\"faint\">%s</p>\n", replay);
}
