/*
 * One pass over the references, for all lanes at once; two where the numbers of frames are to
 * come from the pages touched.  Read replay.h for the contract, lane.c for what happens with
 * the references.
 */
#include "replay/replay.h"

#include <stdlib.h>
#include <string.h>

#include "replay/lane.h"

#define READ_BATCH 4096

/* Cut a reference to what the plan looks at; false: nothing is left of it. */
static bool clip(const struct replay_plan *plan, struct reference *reference)
{
    uint64_t first = reference->address;
    uint64_t last = first + reference->bytes - 1;

    if ((reference->access & plan->access) == 0 || first > plan->last || last < plan->first) {
        return false;
    }
    first = first > plan->first ? first : plan->first;
    last = last < plan->last ? last : plan->last;
    reference->address = first;
    reference->bytes = (uint32_t)(last - first + 1);
    return true;
}

static size_t clip_all(const struct replay_plan *plan, struct reference *batch, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (clip(plan, &batch[i])) {
            batch[kept++] = batch[i];
        }
    }
    return kept;
}

static bool feed_all(
    const struct replay_plan *plan,
    struct references *references,
    struct lane *const *lanes,
    struct replay_result *result,
    struct err *err)
{
    struct reference *batch = malloc(READ_BATCH * sizeof(*batch));
    bool good = true;
    size_t count = 1;

    if (batch == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for references");
    }
    while (good && count > 0) {
        size_t kept;

        good = references_read(references, batch, READ_BATCH, &count, err);
        kept = clip_all(plan, batch, count);
        result->references += kept;
        result->passed_over += count - kept;
        for (size_t i = 0; good && i < plan->size_count; i++) {
            good = lane_feed(lanes[i], batch, kept, err);
        }
    }
    for (size_t i = 0; good && i < plan->size_count; i++) {
        good = lane_finish(lanes[i], err);
    }
    free(batch);
    return good;
}

/* One pass with result->sizes[…].frames as they are. */
static bool run_pass(
    const struct replay_plan *plan,
    struct references *references,
    struct replay_result *result,
    struct err *err)
{
    struct lane *lanes[REPLAY_SIZES_MAX] = {0};
    bool good = true;

    for (size_t i = 0; good && i < plan->size_count; i++) {
        good = lane_create(&lanes[i], plan, &result->sizes[i], err);
    }
    good = good && feed_all(plan, references, lanes, result, err);
    for (size_t i = 0; i < plan->size_count; i++) {
        lane_destroy(lanes[i]);
    }
    return good;
}

/* An eighth, a quarter, a half and all of the pages touched, each once. */
static void choose_frames(struct replay_size *size, uint32_t pages)
{
    size->frame_count = 0;
    for (unsigned shift = 4; shift-- > 0;) {
        uint32_t frames = pages >> shift;

        if (frames > 0 &&
            (size->frame_count == 0 || size->frames[size->frame_count - 1] < frames)) {
            size->frames[size->frame_count++] = frames;
        }
    }
}

/* Fill in the numbers of frames: those of the plan, or from a pass that only counts pages. */
static bool find_frames(
    const struct replay_plan *plan,
    struct references *references,
    struct replay_result *result,
    struct err *err)
{
    struct replay_plan count_pages = *plan;
    struct replay_result counted = {0};

    for (size_t i = 0; i < plan->size_count; i++) {
        result->sizes[i].frame_count = plan->frame_count;
        memcpy(result->sizes[i].frames, plan->frames, sizeof(plan->frames));
        counted.sizes[i].page_shift = plan->page_shifts[i];
    }
    if (plan->frame_count > 0 || plan->policy_count == 0) {
        return true;
    }
    if (references->ops->rewind == NULL) {
        return err_set(
            err, ERR_USAGE, "%s can be read once only: say how many --frames",
            references->about.name);
    }
    count_pages.policy_count = 0;
    count_pages.tlb_count = 0;
    count_pages.curve = false;
    if (!run_pass(&count_pages, references, &counted, err)) {
        return false;
    }
    for (size_t i = 0; i < plan->size_count; i++) {
        choose_frames(&result->sizes[i], counted.sizes[i].pages);
    }
    return references_rewind(references, err);
}

bool replay_run(
    const struct replay_plan *plan,
    struct references *references,
    struct replay_result *result,
    struct err *err)
{
    *result = (struct replay_result){.size_count = plan->size_count};
    for (size_t i = 0; i < plan->size_count; i++) {
        result->sizes[i].page_shift = plan->page_shifts[i];
    }
    if (!find_frames(plan, references, result, err) ||
        !run_pass(plan, references, result, err)) {
        replay_destroy(result);
        return false;
    }
    return true;
}

void replay_destroy(struct replay_result *result)
{
    for (size_t i = 0; i < result->size_count; i++) {
        curve_destroy(result->sizes[i].curve);
        result->sizes[i].curve = NULL;
    }
}
