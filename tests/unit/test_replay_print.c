/*
 * What is printed of a replay: JSON is read back and each number compared, the table is looked
 * at for the lines that matter, and the notes for what they admit.
 */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replay/replay_print.h"
#include "replay_fixture.h"

static uint64_t member(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);

    if (!json_is_integer(value)) {
        fail_msg("no number '%s'", key);
    }
    return (uint64_t)json_integer_value(value);
}

static json_t *print_json(
    const struct replay_plan *plan,
    const struct references_about *about,
    const struct replay_result *result)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    json_error_t error;
    struct err err;
    json_t *json;

    assert_true(replay_print_json(out, plan, about, result, &err));
    fclose(out);
    json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) {
        fail_msg("%s in %s", error.text, text);
    }
    free(text);
    return json;
}

/* The largest plan there can be fits, and every number is where it belongs. */
static void test_replay_json_has_every_number(void **unused)
{
    struct reference *references = replay_make_references(5000, 900);
    struct replay_plan plan = replay_plan_of(12, 1);
    struct references_about about = {.kind = REFERENCES_EXACT, .name = "a \"name\"\n"};
    struct replay_result result;
    json_t *json;
    size_t index;
    json_t *entry;

    (void)unused;
    memcpy(plan.policies, sim_all, sizeof(sim_all));
    plan.policy_count = SIM_COUNT;
    plan.curve = true;
    for (uint32_t i = 0; i < REPLAY_FRAMES_MAX; i++) {
        plan.frames[i] = SIM_FRAMES_MAX - 31 + i;
    }
    plan.frame_count = REPLAY_FRAMES_MAX;
    for (unsigned i = 0; i < REPLAY_SIZES_MAX; i++) {
        plan.page_shifts[i] = 6 + i;
    }
    plan.size_count = REPLAY_SIZES_MAX;
    for (uint32_t i = 0; i < REPLAY_TLBS_MAX; i++) {
        plan.tlbs[i] = (struct tlb_shape){(i + 1) * 1000, i + 1, TLB_LRU};
    }
    plan.tlb_count = REPLAY_TLBS_MAX;
    result = replay_run_array(&plan, references, 5000);
    json = print_json(&plan, &about, &result);
    assert_int_equal(member(json, "references"), 5000);
    assert_string_equal(json_string_value(json_object_get(json, "source")), about.name);
    assert_string_equal(json_string_value(json_object_get(json, "kind")), "accesses");
    assert_int_equal(json_array_size(json_object_get(json, "sizes")), REPLAY_SIZES_MAX);
    json_array_foreach(json_object_get(json, "sizes"), index, entry)
    {
        const struct replay_size *size = &result.sizes[index];
        json_t *policies = json_object_get(entry, "policies");
        json_t *curve = json_object_get(entry, "lru_curve");
        json_t *tlbs = json_object_get(entry, "tlbs");

        assert_int_equal(member(entry, "page_bytes"), UINT64_C(1) << size->page_shift);
        assert_int_equal(member(entry, "touches"), size->touches);
        assert_int_equal(member(entry, "pages"), size->pages);
        assert_int_equal(json_array_size(policies), (size_t)SIM_COUNT * REPLAY_FRAMES_MAX);
        for (size_t i = 0; i < (size_t)SIM_COUNT * REPLAY_FRAMES_MAX; i++) {
            json_t *cell = json_array_get(policies, i);
            size_t policy = i / REPLAY_FRAMES_MAX;

            assert_string_equal(
                json_string_value(json_object_get(cell, "policy")), sim_all[policy]->name);
            assert_int_equal(member(cell, "frames"), size->frames[i % REPLAY_FRAMES_MAX]);
            assert_int_equal(
                member(cell, "faults"), size->faults[policy][i % REPLAY_FRAMES_MAX]);
        }
        assert_int_equal(json_array_size(tlbs), REPLAY_TLBS_MAX);
        assert_int_equal(member(json_array_get(tlbs, 3), "misses"), size->tlb_misses[3]);
        assert_int_equal(member(json_array_get(tlbs, 3), "entries"), 4000);
        assert_int_equal(member(json_array_get(tlbs, 3), "ways"), 4);
        assert_in_range(json_array_size(curve), 1, 512);
        assert_int_equal(
            member(json_array_get(curve, json_array_size(curve) - 1), "faults"), size->pages);
    }
    json_decref(json);
    replay_destroy(&result);
    free(references);
}

static char *print_table(
    const struct replay_plan *plan,
    const struct references_about *about,
    const struct replay_result *result)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    replay_print_table(out, plan, about, result);
    fclose(out);
    return text;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("'%s' is not in:\n%s", part, text);
    }
}

static void test_replay_table_shows_beladys_anomaly(void **unused)
{
    static const uint8_t string[] = {1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5};
    struct reference references[12];
    struct replay_plan plan = replay_plan_of(0, 3);
    struct references_about about = {.kind = REFERENCES_EXACT, .name = "belady"};
    struct replay_result result;
    char *text;

    (void)unused;
    for (size_t i = 0; i < 12; i++) {
        references[i] =
            (struct reference){.address = string[i], .bytes = 1, .access = REFERENCE_READ};
    }
    plan.frames[1] = 4;
    plan.frame_count = 2;
    plan.curve = true;
    plan.tlb_count = 1;
    plan.tlbs[0] = (struct tlb_shape){4, 4, TLB_LRU};
    result = replay_run_array(&plan, references, 12);
    text = print_table(&plan, &about, &result);
    assert_has(text, "belady: 12 references, every access that was recorded\n");
    assert_has(text, "pages of 1 byte: 5 touched (5 bytes), by 12 touches\n");
    assert_has(
        text, "  fifo                  9  75.00 %             10  83.33 %\n"
              "  lru                  10  83.33 %              8  66.67 %\n"
              "  opt                   7  58.33 %              6  50.00 %\n");
    assert_has(text, "  TLB of 4 entries, 4 ways, lru: 8 misses, 66.67 %; reach 4 bytes\n");
    assert_has(
        text, "             3             10  83.33 %  #################################\n");
    assert_null(strstr(text, "note:"));
    free(text);
    replay_destroy(&result);
}

static void test_replay_says_what_faults_are_good_for(void **unused)
{
    static const struct reference reference = {.bytes = 1, .access = REFERENCE_READ};
    struct references_about about = {
        .kind = REFERENCES_FAULTS,
        .name = "sess",
        .page_shift = 21,
        .left_out = 3,
        .torn = true,
        .tear = "the stream ends early",
        .discarded = 9,
    };
    struct replay_plan plan = replay_plan_of(12, 0);
    struct replay_result result = replay_run_array(&plan, &reference, 1);
    char notes[REPLAY_NOTES_MAX][REPLAY_NOTE_BYTES];
    json_t *json;
    char *text;
    size_t count = replay_notes(notes, &plan, &about, &result);

    (void)unused;
    assert_int_equal(count, 6);
    assert_has(notes[0], "right for pages of 2M and more, a lower bound for smaller ones");
    assert_has(notes[1], "opt is a lower bound for every policy");
    assert_has(notes[2], "the stream ends early");
    assert_has(notes[3], "9 events");
    assert_has(notes[4], "3 faults");
    text = print_table(&plan, &about, &result);
    assert_has(text, "sess: 1 references, those that faulted\n");
    assert_has(text, "\nnote: faults only: ");
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        assert_true(strcspn(line, "\n") <= 96);
    }
    free(text);
    json = print_json(&plan, &about, &result);
    assert_string_equal(json_string_value(json_object_get(json, "kind")), "faults");
    assert_true(json_is_true(json_object_get(json, "torn")));
    assert_int_equal(json_array_size(json_object_get(json, "notes")), 6);
    json_decref(json);
    replay_destroy(&result);
}

static void test_replay_of_nothing_says_so(void **unused)
{
    static const struct reference reference = {.bytes = 1, .access = REFERENCE_READ};
    struct references_about about = {.kind = REFERENCES_EXACT, .name = "empty"};
    struct replay_plan plan = replay_plan_of(12, 0);
    struct replay_result result;
    char *text;

    (void)unused;
    plan.access = REFERENCE_FETCH;
    plan.curve = true;
    result = replay_run_array(&plan, &reference, 1);
    text = print_table(&plan, &about, &result);
    assert_has(text, "empty: 0 references");
    assert_has(text, "no reference is left to look at: --range, --access or --phase");
    free(text);
    json_decref(print_json(&plan, &about, &result));
    replay_destroy(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay_json_has_every_number),
        cmocka_unit_test(test_replay_table_shows_beladys_anomaly),
        cmocka_unit_test(test_replay_says_what_faults_are_good_for),
        cmocka_unit_test(test_replay_of_nothing_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
