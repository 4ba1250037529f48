/*
 * The models, by exhaustive search over the resident pages: slow and plain, so that they can be
 * believed.  See model.h.
 */
#include "model.h"

/* The larger, the sooner it goes. */
static uint64_t urgency(const struct model *model, uint64_t page)
{
    switch (model->policy) {
    case MODEL_FIFO:
        return model->now - model->came[page];
    case MODEL_LRU:
        return model->now - model->used[page];
    case MODEL_OPT:
        break;
    }
    for (uint64_t next = model->now; next < model->count; next++) {
        if (model->reference[next] == page) {
            return next - model->now;
        }
    }
    return UINT64_MAX;
}

static uint64_t choose(const struct model *model)
{
    uint64_t best = MODEL_PAGES_MAX;

    for (uint64_t page = 0; page < MODEL_PAGES_MAX; page++) {
        if (model->resident[page] &&
            (best == MODEL_PAGES_MAX || urgency(model, page) > urgency(model, best))) {
            best = page;
        }
    }
    return best;
}

void model_refer(struct model *model, uint64_t page)
{
    model->used[page] = model->now;
    if (!model->resident[page]) {
        if (model->faults >= model->frames) {
            model->resident[choose(model)] = false;
        }
        model->faults++;
        model->resident[page] = true;
        model->came[page] = model->now;
    }
    model->now++;
}

uint64_t model_faults(
    enum model_policy policy, const uint8_t *reference, uint64_t count, uint64_t frames)
{
    struct model model = {
        .policy = policy, .frames = frames, .reference = reference, .count = count};

    while (model.now < count) {
        model_refer(&model, reference[model.now]);
    }
    return model.faults;
}
