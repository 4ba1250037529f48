/*
 * The models, by exhaustive search over the resident pages: slow and plain, so that they can be
 * believed.  See model.h.
 */
#include "model.h"

#include <stdbool.h>

struct model {
    enum model_policy policy;
    const uint8_t *reference;
    uint64_t count;
    bool resident[MODEL_PAGES_MAX];
    uint64_t came[MODEL_PAGES_MAX], used[MODEL_PAGES_MAX]; /* at which reference */
};

/* The larger, the sooner it goes. */
static uint64_t urgency(const struct model *model, uint8_t page, uint64_t now)
{
    if (model->policy == MODEL_FIFO) {
        return now - model->came[page];
    }
    if (model->policy == MODEL_LRU) {
        return now - model->used[page];
    }
    for (uint64_t next = now; next < model->count; next++) {
        if (model->reference[next] == page) {
            return next - now;
        }
    }
    return UINT64_MAX;
}

static uint8_t choose(const struct model *model, uint64_t now)
{
    uint8_t best = MODEL_PAGES_MAX;

    for (uint8_t page = 0; page < MODEL_PAGES_MAX; page++) {
        if (model->resident[page] &&
            (best == MODEL_PAGES_MAX ||
             urgency(model, page, now) > urgency(model, best, now))) {
            best = page;
        }
    }
    return best;
}

uint64_t model_faults(
    enum model_policy policy, const uint8_t *reference, uint64_t count, uint64_t frames)
{
    struct model model = {.policy = policy, .reference = reference, .count = count};
    uint64_t faults = 0;

    for (uint64_t now = 0; now < count; now++) {
        uint8_t page = reference[now];

        model.used[page] = now;
        if (model.resident[page]) {
            continue;
        }
        if (faults >= frames) {
            model.resident[choose(&model, now)] = false;
        }
        faults++;
        model.resident[page] = true;
        model.came[page] = now;
    }
    return faults;
}
