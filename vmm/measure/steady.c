/* Repeats what a change of frequency went through; see steady.h. */
#include "measure/steady.h"

#include <math.h>

#define RUNS_MAX 2

struct steady steady_run(const struct steady_work *work)
{
    struct steady steady = {.least = INFINITY};

    do {
        if (steady.runs > 0) {
            work->discard(work->context);
        }
        double before = work->calibrate(work->context);
        work->run(work->context);
        double after = work->calibrate(work->context);
        steady.runs++;
        steady.least = fmin(steady.least, fmin(before, after));
        steady.most = fmax(steady.most, fmax(before, after));
        steady.change = fmax(before, after) / fmin(before, after) - 1;
        steady.changed = work->is_real(work->context) && steady.change >= STEADY_CHANGE_MAX;
    } while (steady.changed && steady.runs < RUNS_MAX);
    return steady;
}
