/* The plan of a replay for the page, and its answers; see report_misses.h. */
#include "report/report_misses.h"

bool report_misses_find(
    struct report_misses *misses, const char *folder, uint64_t expected, struct err *err)
{
    *misses = (struct report_misses){
        .plan =
            {
                .policies =
                    {&sim_fifo, &sim_clock, &sim_lru, &sim_two_queue, &sim_arc, &sim_opt},
                .policy_count = expected <= REPORT_MISSES_POLICIES_MAX ? 6 : 0,
                .page_shifts = {12},
                .size_count = 1,
                .curve = true,
                .seed = 1,
                .last = UINT64_MAX,
                .access = REFERENCE_ANY,
            },
    };
    if (!references_open_session(&misses->references, folder, NULL, err) ||
        !replay_run(&misses->plan, &misses->references, &misses->result, err)) {
        return false;
    }
    misses->points =
        curve_sample(misses->result.sizes[0].curve, misses->point, REPORT_MISSES_POINTS);
    return true;
}

void report_misses_destroy(struct report_misses *misses)
{
    replay_destroy(&misses->result);
    references_close(&misses->references);
    *misses = (struct report_misses){0};
}

double report_misses_ratio(const struct report_misses *misses, uint64_t faults)
{
    uint64_t touches = misses->result.sizes[0].touches;

    return touches > 0 ? (double)faults / (double)touches : 0;
}
