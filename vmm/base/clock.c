/*
 * The slow half of clock.h: begins a clock, and puts its two sides together again.  It refuses to
 * trust one reading of them, as the thread may lose its CPU in between.
 */
#include "base/clock.h"

/* Two readings of the counter around one of CLOCK_MONOTONIC lie this close unless disturbed. */
#define BRACKET_NS 1000
#define TRIES      8
#define ANCHOR_NS  UINT64_C(10000000)
/* What a clock that is ahead loses until the next anchor, at most: twice what Linux ever slews. */
#define LOSS_NS UINT64_C(10000)

void clock_start(struct clock *clock, uint64_t khz)
{
    *clock = (struct clock){0};
    if (khz != 0) {
        clock->nominal = clock->ns_shifted = (UINT64_C(1000000) << 32) / khz;
        clock->anchor_cycles = khz * (ANCHOR_NS / 1000000);
    }
    clock_set_anchor(clock);
}

static struct clock_mark read_both(const struct clock *clock)
{
    struct clock_mark mark = {0};

    for (int i = 0; i < TRIES; i++) {
        uint64_t before = clock_cycles();
        uint64_t ns = clock_now_ns();
        uint64_t width = clock_cycles() - before;

        mark = (struct clock_mark){.ns = ns, .cycles = before + width / 2};
        if (clock_cycles_to_ns(clock, width) < BRACKET_NS) {
            break;
        }
    }
    return mark;
}

/* No mark so far was later than this: none lies further behind the anchor than it was good for. */
static uint64_t latest_ns(const struct clock *clock, uint64_t cycles)
{
    uint64_t since = cycles - clock->anchor.cycles;

    return clock->anchor.ns +
           clock_cycles_to_ns(
               clock, since < clock->anchor_cycles ? since : clock->anchor_cycles);
}

struct clock_mark clock_set_anchor(struct clock *clock)
{
    struct clock_mark now = read_both(clock);
    uint64_t latest = latest_ns(clock, now.cycles);

    clock->ns_shifted = clock->nominal;
    if (now.ns < latest) {
        uint64_t ahead_ns = latest - now.ns;
        uint64_t loss_ns = 2 * ahead_ns < LOSS_NS ? 2 * ahead_ns : LOSS_NS;

        now.ns = latest;
        clock->ns_shifted -= clock->nominal * loss_ns / ANCHOR_NS;
    }
    clock->anchor = now;
    return now;
}
