/*
 * What a replay of the session answers for the page of a report: the miss-ratio curve of lru,
 * and other policies beside it.  It refuses to know how it is shown.  Read replay/replay.h for
 * the numbers, report_html.c for the page.
 */
#ifndef REPORT_REPORT_MISSES_H
#define REPORT_REPORT_MISSES_H

#include "replay/replay.h"

#define REPORT_MISSES_POINTS 256 /* of the curve */

/* Beyond so many references only the curve is computed: all policies would take too long. */
#define REPORT_MISSES_POLICIES_MAX UINT64_C(2000000)

/* A replay takes some 100 bytes a page: the memory for a page of HTML stays bounded. */
#define REPORT_MISSES_PAGES_MAX UINT64_C(4000000)

/* Zero it before report_misses_find(). */
struct report_misses {
    struct references references; /* owns */
    struct replay_plan plan;
    struct replay_result result; /* one page size: 4 KiB; owns */
    size_t points;
    struct curve_point point[REPORT_MISSES_POINTS];
};

/*
 * Replay the session in `folder`, which must outlive *misses.  expected: about how many
 * references it has.  Destroy *misses in any case.  Errors as references_open_session() and
 * replay_run() have them.
 */
MUST_CHECK bool report_misses_find(
    struct report_misses *misses, const char *folder, uint64_t expected, struct err *err);
void report_misses_destroy(struct report_misses *misses); /* accepts a zeroed one */

/* Faults, or touches that missed, per touch; 0 where nothing was touched. */
double report_misses_ratio(const struct report_misses *misses, uint64_t faults);

#endif
