/* Short ways to the replay; see replay_fixture.h. */
#include "replay_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "replay_model.h"

bool replay_array_read(
    void *state, struct reference *out, size_t room, size_t *count, struct err *err)
{
    struct replay_array *source = state;

    (void)err;
    while (*count < room && source->at < source->count) {
        out[(*count)++] = source->references[source->at++];
    }
    return true;
}

bool replay_array_rewind(void *state, struct err *err)
{
    (void)err;
    ((struct replay_array *)state)->at = 0;
    return true;
}

void replay_array_close(void *state)
{
    (void)state;
}

static const struct references_ops array_ops = {
    replay_array_read, replay_array_rewind, replay_array_close};

struct references replay_array_open(struct replay_array *source)
{
    return (struct references){
        .ops = &array_ops, .state = source, .about = {.name = "an array"}};
}

struct replay_plan replay_plan_of(unsigned page_shift, uint32_t frames)
{
    return (struct replay_plan){
        .policies = {&sim_fifo, &sim_lru, &sim_opt},
        .policy_count = 3,
        .frames = {frames},
        .frame_count = frames > 0 ? 1 : 0,
        .page_shifts = {page_shift},
        .size_count = 1,
        .seed = 1,
        .last = UINT64_MAX,
        .access = REFERENCE_ANY,
    };
}

struct replay_result replay_run_array(
    const struct replay_plan *plan, const struct reference *references, size_t count)
{
    struct replay_array source = {references, count, 0};
    struct references from = replay_array_open(&source);
    struct replay_result result;
    struct err err;

    if (!replay_run(plan, &from, &result, &err)) {
        fail_msg("%s", err.text);
    }
    return result;
}

struct reference *replay_make_references(size_t count, uint32_t pages)
{
    struct reference *references = calloc(count, sizeof(*references));
    uint32_t *string = malloc(count * sizeof(*string));
    uint64_t random = 17;

    model_make_string(&random, string, count, pages);
    for (size_t i = 0; i < count; i++) {
        references[i] = (struct reference){
            .address = (uint64_t)string[i] * 5 << 12 | (i % 4095),
            .bytes = 1,
            .access = REFERENCE_READ};
    }
    free(string);
    return references;
}
