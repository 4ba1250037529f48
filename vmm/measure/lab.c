/* What the experiments share; see lab.h. */
#include "measure/lab.h"

#include <stdlib.h>

#include "measure/progress.h"

struct sample_effort lab_effort(const struct lab *lab)
{
    /* An emulated core takes a hundred times as long for figures that mean nothing. */
    if (lab->found.emulated) {
        return (struct sample_effort){.cycles = 1, .windows = 3, .loads = 256};
    }
    if (lab->quick) {
        return (struct sample_effort){.cycles = 2, .windows = 24, .loads = 2048};
    }
    return (struct sample_effort){.cycles = 4, .windows = 56, .loads = 4096};
}

bool lab_make_field(
    struct lab *lab, struct field *field, const struct layout *layout, struct err *err)
{
    return field_create(field, layout, lab->wanted, lab->kvm_path, lab->seed, err);
}

bool lab_make_field_on(
    struct lab *lab,
    enum side side,
    struct field *field,
    const struct layout *layout,
    struct err *err)
{
    bool wanted[SIDE_COUNT] = {false};

    wanted[side] = true;
    return field_create(field, layout, wanted, lab->kvm_path, lab->seed, err);
}

void lab_end_field(struct lab *lab, struct field *field)
{
    struct result *result = lab->result;

    if (field->has[SIDE_GUEST] && result != NULL) {
        if (kvm_stats_exits(&field->guest.stats) == KVM_STATS_NONE) {
            result->exits = UINT64_MAX;
        } else if (result->exits != UINT64_MAX) {
            result->exits += field->guest.exits;
            result->exits_unasked += field->guest.unasked;
        }
    }
    field_destroy(field);
}

bool lab_sample(
    struct lab *lab,
    struct field *field,
    const struct sample_chase *chase,
    struct sample_cost cost[SIDE_COUNT][LAYOUT_SETS],
    struct err *err)
{
    struct sample_effort effort = chase->effort != NULL ? *chase->effort : lab_effort(lab);
    struct sample_chase counted = *chase;

    counted.counters = &lab->counters;
    if (!sample_take(field, &counted, &effort, cost, err)) {
        return false;
    }
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        for (enum layout_set set = 0; set < LAYOUT_SETS; set++) {
            const struct sample_cost *at = &cost[side][set];
            if (at->taken) {
                lab->result->windows += at->summary.count;
                lab->result->spoilt += at->spoilt;
                if (at->summary.disturbed_share > lab->result->disturbed_share) {
                    lab->result->disturbed_share = at->summary.disturbed_share;
                }
            }
        }
    }
    return true;
}

uint64_t *lab_addresses(size_t pages, uint64_t stride_bytes, struct err *err)
{
    uint64_t *address = calloc(pages, sizeof(*address));

    if (address == NULL) {
        err_set(err, ERR_ENVIRONMENT, "no memory for %zu addresses", pages);
    }
    for (size_t i = 0; address != NULL && i < pages; i++) {
        address[i] = EXP_PAGES + i * stride_bytes;
    }
    return address;
}

void lab_progress(struct lab *lab, double share)
{
    if (lab->progress != NULL) {
        progress_show(lab->progress, share);
    }
}
