/* Reads and clears accessed bits, period by period; see sampling.h. */
#include "run/sampling.h"

#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "run/lab.h"
#include "run/observe.h"

int sampling_signal(void)
{
    return SIGRTMIN + 1;
}

bool sampling_create(
    struct sampling **sampling, const char *regions, uint64_t period_ns, struct err *err)
{
    struct sampling *made = calloc(1, sizeof(*made));

    *sampling = NULL;
    if (made == NULL) {
        return err_set_errno(err, ERR_ENVIRONMENT, "sampling");
    }
    made->period_ns = period_ns;
    if (!select_parse(&made->select, regions, err)) {
        free(made);
        return false;
    }
    *sampling = made;
    return true;
}

void sampling_destroy(struct sampling *sampling)
{
    if (sampling != NULL) {
        sampling_stop(sampling);
    }
    free(sampling);
}

void sampling_stop(struct sampling *sampling)
{
    if (sampling->has_timer) {
        timer_delete(sampling->timer);
        sampling->has_timer = false;
    }
}

bool sampling_start(struct sampling *sampling, struct err *err)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = sampling_signal()};
    const struct timespec period = {
        .tv_sec = (time_t)(sampling->period_ns / NS_PER_SECOND),
        .tv_nsec = (long)(sampling->period_ns % NS_PER_SECOND)};
    const struct itimerspec clock = {.it_value = period, .it_interval = period};

    if (timer_create(CLOCK_MONOTONIC, &event, &sampling->timer) != 0) {
        return err_set_errno(err, ERR_ENVIRONMENT, "making a timer for samples");
    }
    sampling->has_timer = true;
    return timer_settime(sampling->timer, 0, &clock, NULL) == 0 ||
           err_set_errno(err, ERR_ENVIRONMENT, "setting the period of samples");
}

/* One leaf.  The dirty bit stays: it says what must be written back. */
static void take_leaf(
    struct lab *lab,
    struct space *space,
    struct region *region,
    struct gva address,
    struct ptab_slot slot)
{
    const uint64_t wanted = PTE_PRESENT | PTE_USER | PTE_ACCESSED;
    uint64_t end = address.value + ptab_levels[slot.level].entry_bytes;

    if ((*slot.entry & wanted) != wanted ||
        !select_watches(&lab->sampling->select, region, address.value, end)) {
        return;
    }
    const struct access_record record = {
        .time_ns = lab->sampling->time_ns,
        .address = address.value,
        .region = region->id,
        .process = space->process,
        .access = RECORD_USER | RECORD_SAMPLED};
    observe_access(lab, &record, region);
    space_edit_leaf(space, address, slot, *slot.entry & ~(uint64_t)PTE_ACCESSED);
}

static void take_region(struct lab *lab, struct space *space, struct region *region)
{
    struct gva from = region->begin;
    struct ptab_piece piece;

    while (ptab_next_piece(&space->ptab, &from, region->end, &piece)) {
        for (unsigned i = 0; i < piece.entries; i++) {
            struct gva address = gva_add(piece.begin, (uint64_t)i * PAGE_BYTES);
            take_leaf(lab, space, region, address, ptab_piece_slot(&piece, i));
        }
    }
}

void sampling_take(struct lab *lab)
{
    const struct memory *memory = lab->memory;

    lab->sampling->due = false;
    lab->sampling->time_ns = clock_now_ns() - lab->start_ns;
    for (unsigned i = 0; i < memory->space_count; i++) {
        struct space *space = memory->spaces[i];
        struct region *region =
            space != NULL ? regions_first_from(space->regions, gva_of(0)) : NULL;
        for (; region != NULL; region = regions_next(region)) {
            take_region(lab, space, region);
        }
    }
}
