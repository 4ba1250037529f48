/* Draws the line of progress; see progress.h. */
#include "measure/progress.h"

#include "base/clock.h"

#define REDRAW_NS (NS_PER_SECOND / 5)
#define COLUMNS   38 /* of the line, at most: a narrow terminal must not begin another */

void progress_begin(struct progress *progress, FILE *out, double total)
{
    *progress = (struct progress){.out = out, .total = total, .begin_ns = clock_now_ns()};
}

void progress_enter(struct progress *progress, const char *name, double weight)
{
    progress->name = name;
    progress->weight = weight;
    progress_show(progress, 0);
}

double progress_left(const struct progress *progress, double share, double elapsed_seconds)
{
    double done = progress->done + progress->weight * share;
    double left = progress->total - done;

    /* Until a tenth is done the expectation is the better guide. */
    if (done < progress->total / 10) {
        return left;
    }
    return left * elapsed_seconds / done;
}

void progress_show(struct progress *progress, double share)
{
    uint64_t now = clock_now_ns();

    if (progress->out == NULL || now - progress->shown_ns < REDRAW_NS) {
        return;
    }
    progress->shown_ns = now;
    double elapsed = (double)(now - progress->begin_ns) / (double)NS_PER_SECOND;
    double done = (progress->done + progress->weight * share) / progress->total;
    fprintf(
        progress->out, "\r%-10s %3.0f %%, about %.0f s left  ", progress->name, done * 100,
        progress_left(progress, share, elapsed));
    fflush(progress->out);
}

void progress_leave(struct progress *progress)
{
    progress->done += progress->weight;
    progress->weight = 0;
}

void progress_end(struct progress *progress)
{
    if (progress->out != NULL) {
        fprintf(progress->out, "\r%*s\r", COLUMNS, "");
        fflush(progress->out);
    }
}
