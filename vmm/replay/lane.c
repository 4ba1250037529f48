/* The lane of lane.h: who is fed what, in which order.  Read sim.h for the simulators. */
#include "replay/lane.h"

#include <stdlib.h>

static bool say_no_memory(struct err *err)
{
    return err_set(err, ERR_ENVIRONMENT, "no memory for the simulated frames");
}

static bool create_sims(struct lane *lane, struct err *err)
{
    const struct replay_plan *plan = lane->plan;
    bool needs_future = false;

    for (size_t i = 0; i < plan->policy_count; i++) {
        const struct sim_ops *ops = plan->policies[i];

        needs_future = needs_future || ops->needs_future;
        for (size_t j = 0; j < lane->size->frame_count; j++) {
            lane->sims[i][j] = ops->create(lane->size->frames[j], plan->seed);
            if (lane->sims[i][j] == NULL) {
                return say_no_memory(err);
            }
        }
    }
    return !needs_future || lane->size->frame_count == 0 || nextuse_create(&lane->nextuse, err);
}

static bool create_rest(struct lane *lane, struct err *err)
{
    const struct replay_plan *plan = lane->plan;

    for (size_t i = 0; i < plan->tlb_count; i++) {
        if (!tlb_create(&lane->tlbs[i], &plan->tlbs[i], err)) {
            return false;
        }
    }
    return !plan->curve || curve_create(&lane->size->curve, err);
}

bool lane_create(
    struct lane **out,
    const struct replay_plan *plan,
    struct replay_size *size,
    struct err *err)
{
    struct lane *lane = calloc(1, sizeof(*lane));

    *out = NULL;
    if (lane == NULL) {
        return say_no_memory(err);
    }
    lane->plan = plan;
    lane->size = size;
    if (!pagemap_create(&lane->map, err) || !create_sims(lane, err) ||
        !create_rest(lane, err)) {
        lane_destroy(lane);
        return false;
    }
    *out = lane;
    return true;
}

void lane_destroy(struct lane *lane)
{
    if (lane == NULL) {
        return;
    }
    nextuse_destroy(lane->nextuse);
    for (size_t i = 0; i < lane->plan->tlb_count; i++) {
        tlb_destroy(lane->tlbs[i]);
    }
    for (size_t i = 0; i < lane->plan->policy_count; i++) {
        for (size_t j = 0; j < lane->size->frame_count; j++) {
            lane->plan->policies[i]->destroy(lane->sims[i][j]);
        }
    }
    pagemap_destroy(&lane->map);
    free(lane);
}

/* Room for all pages numbered so far; more than asked for, so that it is seldom needed. */
static bool reserve(struct lane *lane, struct err *err)
{
    uint32_t room = lane->reserved > 0 ? lane->reserved : 1024;

    if (lane->map.pages <= lane->reserved) {
        return true;
    }
    while (room < lane->map.pages) {
        room *= 2;
    }
    for (size_t i = 0; i < lane->plan->policy_count; i++) {
        for (size_t j = 0; j < lane->size->frame_count; j++) {
            if (!lane->plan->policies[i]->reserve(lane->sims[i][j], room)) {
                return say_no_memory(err);
            }
        }
    }
    lane->reserved = room;
    return true;
}

/* Policies that need the future get their touches at the end: see play_future(). */
static void play_present(struct lane *lane)
{
    for (size_t i = 0; i < lane->plan->policy_count; i++) {
        const struct sim_ops *ops = lane->plan->policies[i];

        for (size_t j = 0; !ops->needs_future && j < lane->size->frame_count; j++) {
            lane->size->faults[i][j] +=
                ops->touch(lane->sims[i][j], lane->ids, NULL, lane->count);
        }
    }
}

static bool flush(struct lane *lane, struct err *err)
{
    if (!pagemap_number(&lane->map, lane->keys, lane->ids, lane->count, err) ||
        !reserve(lane, err)) {
        return false;
    }
    play_present(lane);
    for (size_t i = 0; i < lane->plan->tlb_count; i++) {
        if (!tlb_touch(
                lane->tlbs[i], lane->keys, lane->ids, lane->count, lane->map.pages,
                &lane->size->tlb_misses[i], err)) {
            return false;
        }
    }
    if (lane->size->curve != NULL &&
        !curve_touch(lane->size->curve, lane->ids, lane->count, lane->map.pages, err)) {
        return false;
    }
    if (lane->nextuse != NULL && !nextuse_append(lane->nextuse, lane->ids, lane->count, err)) {
        return false;
    }
    lane->size->touches += lane->count;
    lane->size->pages = lane->map.pages;
    lane->count = 0;
    return true;
}

bool lane_feed(
    struct lane *lane, const struct reference *references, size_t count, struct err *err)
{
    unsigned shift = lane->size->page_shift;

    for (size_t i = 0; i < count; i++) {
        const struct reference *reference = &references[i];
        uint64_t page = reference->address >> shift;
        uint64_t last = (reference->address + reference->bytes - 1) >> shift;

        for (;;) {
            lane->keys[lane->count++] = (struct page_key){page, reference->process};
            if (lane->count == LANE_BATCH && !flush(lane, err)) {
                return false;
            }
            if (page++ == last) {
                break;
            }
        }
    }
    return true;
}

static bool play_future(struct lane *lane, struct err *err)
{
    const uint32_t *ids;
    const uint32_t *next;
    size_t count;

    if (!nextuse_finish(lane->nextuse, lane->map.pages, err)) {
        return false;
    }
    do {
        if (!nextuse_read(lane->nextuse, &ids, &next, &count, err)) {
            return false;
        }
        for (size_t i = 0; i < lane->plan->policy_count; i++) {
            const struct sim_ops *ops = lane->plan->policies[i];

            for (size_t j = 0; ops->needs_future && j < lane->size->frame_count; j++) {
                lane->size->faults[i][j] += ops->touch(lane->sims[i][j], ids, next, count);
            }
        }
    } while (count > 0);
    return true;
}

bool lane_finish(struct lane *lane, struct err *err)
{
    if (lane->count > 0 && !flush(lane, err)) {
        return false;
    }
    if (lane->size->curve != NULL) {
        curve_finish(lane->size->curve);
    }
    return lane->nextuse == NULL || play_future(lane, err);
}
