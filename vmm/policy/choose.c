/*
 * Walks from the old end of a list to a page that may go.  It owns the bounds of these walks and
 * refuses to know what a list means to its policy.  Read policy/choose.h for the idea.
 */
#include "policy/choose.h"

uint32_t choose_first_in(
    struct lists *lists, uint32_t list, uint32_t pinned, const struct vmm_policy_host *host)
{
    for (uint32_t left = lists->list[list].count; left > 0; left--) {
        uint32_t frame = lists_oldest(lists, list);

        if (lists_can_go(host, frame)) {
            return frame;
        }
        lists_move(lists, pinned, frame);
    }
    return VMM_NO_FRAME;
}

uint32_t choose_second_chance(
    struct lists *lists, uint32_t list, uint64_t looks, const struct vmm_policy_host *host)
{
    uint32_t spared = VMM_NO_FRAME;

    for (uint64_t left = 2 * (uint64_t)lists->list[list].count; left > 0; left--) {
        uint32_t frame = lists_oldest(lists, list);

        if (lists_can_go(host, frame)) {
            if (looks == 0 || !host->accessed(host, frame, true)) {
                return frame;
            }
            looks--;
            spared = frame;
        }
        lists_move(lists, list, frame);
    }
    return spared;
}

uint32_t choose_capacity(const struct vmm_policy_host *host)
{
    uint32_t capacity = host->limit < host->frames ? host->limit : host->frames;

    return capacity == 0 ? 1 : capacity;
}

void choose_first_fault(struct choose_first *first)
{
    if (first->frame != VMM_NO_FRAME) {
        (void)first->host->accessed(first->host, first->frame, true);
        first->frame = VMM_NO_FRAME;
    }
}

void choose_first_map(struct choose_first *first, uint32_t frame)
{
    if (first->frame == VMM_NO_FRAME) {
        first->frame = frame;
    }
}

void choose_first_unmap(struct choose_first *first, uint32_t frame)
{
    if (first->frame == frame) {
        first->frame = VMM_NO_FRAME;
    }
}

bool choose_first_sample(struct choose_first *first, uint32_t frame)
{
    if (first->frame != frame) {
        return true;
    }
    first->frame = VMM_NO_FRAME;
    return false;
}
