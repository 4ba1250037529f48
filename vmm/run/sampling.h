/*
 * --record=sampled,PERIOD: in each period the pages that were touched, found by their accessed bits,
 * which are read and cleared.  It owns the clock of the periods.  It knows neither who touched a page
 * nor how often: recording.h is the exact and dear form.  Read run.c for when a sample is taken.
 */
#ifndef RUN_SAMPLING_H
#define RUN_SAMPLING_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/err.h"
#include "watch/select.h"

struct lab;

struct sampling {
    struct select select;
    uint64_t period_ns;
    timer_t timer;
    bool has_timer;
    bool due;         /* a period is over */
    uint64_t time_ns; /* of the last sample: all of its records have it */
};

/* The clock's signal: blocked in this thread, let through while the guest runs. */
int sampling_signal(void);

/* regions: as select_parse has it; borrowed.  Fails with ERR_USAGE or ERR_ENVIRONMENT. */
MUST_CHECK bool sampling_create(
    struct sampling **sampling, const char *regions, uint64_t period_ns, struct err *err);
void sampling_destroy(struct sampling *sampling); /* accepts NULL */

/* The run begins.  ERR_ENVIRONMENT: the host has no timer left. */
MUST_CHECK bool sampling_start(struct sampling *sampling, struct err *err);

/* The clock's signal will not come any more, but for one that is pending already. */
void sampling_stop(struct sampling *sampling);

/* Between a trap and the next entry, or at the end of the run: record each page that was touched
 * since the last time, in ascending order of process and address. */
void sampling_take(struct lab *lab);

#endif
