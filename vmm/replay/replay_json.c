/*
 * The same answers as one JSON object on one line.  It only lays out: the object is built in
 * one buffer that has room for the largest plan.  Read docs/vmm-replay.1 for its keys.
 */
#include <stdlib.h>

#include "replay/replay_print.h"
#include "trace/line.h"

#define JSON_VERSION 1
#define CURVE_POINTS 512

/* A policy with a number of frames, a TLB and a point of the curve take less than 128 bytes. */
#define SIZE_BYTES                                                                             \
    ((size_t)128 * (SIM_COUNT * REPLAY_FRAMES_MAX + REPLAY_TLBS_MAX + CURVE_POINTS + 1))
#define HEAD_BYTES ((size_t)16 * 1024)

static void
put_faults(struct line *line, const struct replay_plan *plan, const struct replay_size *size)
{
    line_json_key(line, "policies");
    line_char(line, '[');
    for (size_t i = 0; i < plan->policy_count; i++) {
        for (size_t j = 0; j < size->frame_count; j++) {
            line_text(line, i + j > 0 ? ",{" : "{");
            line_json_text(line, "policy", plan->policies[i]->name);
            line_json_decimal(line, "frames", size->frames[j]);
            line_json_decimal(line, "faults", size->faults[i][j]);
            line_char(line, '}');
        }
    }
    line_char(line, ']');
}

static void
put_tlbs(struct line *line, const struct replay_plan *plan, const struct replay_size *size)
{
    line_json_key(line, "tlbs");
    line_char(line, '[');
    for (size_t i = 0; i < plan->tlb_count; i++) {
        line_text(line, i > 0 ? ",{" : "{");
        line_json_decimal(line, "entries", plan->tlbs[i].entries);
        line_json_decimal(line, "ways", plan->tlbs[i].ways);
        line_json_text(line, "replacement", plan->tlbs[i].choice == TLB_LRU ? "lru" : "plru");
        line_json_decimal(line, "misses", size->tlb_misses[i]);
        line_char(line, '}');
    }
    line_char(line, ']');
}

static void put_curve(struct line *line, const struct curve *curve)
{
    struct curve_point points[CURVE_POINTS];
    size_t count = curve_sample(curve, points, CURVE_POINTS);

    line_json_key(line, "lru_curve");
    line_char(line, '[');
    for (size_t i = 0; i < count; i++) {
        line_text(line, i > 0 ? ",{" : "{");
        line_json_decimal(line, "frames", points[i].frames);
        line_json_decimal(line, "faults", points[i].faults);
        line_char(line, '}');
    }
    line_char(line, ']');
}

static void
put_size(struct line *line, const struct replay_plan *plan, const struct replay_size *size)
{
    line_char(line, '{');
    line_json_decimal(line, "page_bytes", UINT64_C(1) << size->page_shift);
    line_json_decimal(line, "touches", size->touches);
    line_json_decimal(line, "pages", size->pages);
    put_faults(line, plan, size);
    put_tlbs(line, plan, size);
    if (size->curve != NULL) {
        put_curve(line, size->curve);
    }
    line_char(line, '}');
}

static void put_notes(
    struct line *line,
    const struct replay_plan *plan,
    const struct references_about *about,
    const struct replay_result *result)
{
    char notes[REPLAY_NOTES_MAX][REPLAY_NOTE_BYTES];
    size_t count = replay_notes(notes, plan, about, result);

    line_json_key(line, "notes");
    line_char(line, '[');
    for (size_t i = 0; i < count; i++) {
        line_text(line, i > 0 ? "," : "");
        line_json_string(line, notes[i]);
    }
    line_char(line, ']');
}

bool replay_print_json(
    FILE *out,
    const struct replay_plan *plan,
    const struct references_about *about,
    const struct replay_result *result,
    struct err *err)
{
    static const char *const kind_names[] = {
        [REFERENCES_EXACT] = "accesses",
        [REFERENCES_FAULTS] = "faults",
        [REFERENCES_SAMPLED] = "samples"};
    size_t bytes = HEAD_BYTES + SIZE_BYTES * result->size_count;
    char *buffer = malloc(bytes);
    struct line line;

    if (buffer == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for the JSON");
    }
    line_start(&line, buffer, bytes);
    line_char(&line, '{');
    line_json_text(&line, "type", "replay");
    line_json_decimal(&line, "version", JSON_VERSION);
    line_json_text(&line, "source", about->name);
    line_json_text(&line, "kind", kind_names[about->kind]);
    line_json_key(&line, "torn");
    line_text(&line, about->torn ? "true" : "false");
    line_json_decimal(&line, "references", result->references);
    line_json_decimal(&line, "passed_over", result->passed_over);
    line_json_decimal(&line, "seed", plan->seed);
    line_json_key(&line, "sizes");
    line_char(&line, '[');
    for (size_t i = 0; i < result->size_count; i++) {
        line_text(&line, i > 0 ? "," : "");
        put_size(&line, plan, &result->sizes[i]);
    }
    line_char(&line, ']');
    put_notes(&line, plan, about, result);
    line_text(&line, "}\n");
    if (line_is_cut(&line)) {
        free(buffer);
        return err_set(err, ERR_ENVIRONMENT, "the JSON is longer than its buffer");
    }
    fwrite(buffer, 1, line_bytes(&line), out);
    free(buffer);
    return true;
}
