/*
 * The clocks of the host side: CLOCK_MONOTONIC in ns, through the vDSO on any usual host; and the
 * same time by the time-stamp counter for the path of a fault, at a fifth of the price (15
 * instructions against 75).  It refuses to know where a counter's rate comes from: kvm/machine.c
 * does.  Read clock.c for how the two stay together.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_SECOND UINT64_C(1000000000)

static inline uint64_t clock_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/* A point in time, by both clocks. */
struct clock_mark {
    uint64_t ns; /* CLOCK_MONOTONIC */
    uint64_t cycles;
};

/* Cycles count from the last anchor on.  An anchor is good for 10 ms: in that time the fastest
 * slewing that Linux does to CLOCK_MONOTONIC (500 ppm) comes to 5 us. */
struct clock {
    uint64_t ns_shifted;    /* ns a cycle, times 2^32; 0: the counter is no clock here */
    uint64_t anchor_cycles; /* how long an anchor is good; 0 without a rate */
    struct clock_mark anchor;
    uint64_t nominal; /* ns_shifted, while this clock is not ahead of the other */
};

/* Begin.  khz: cycles of the counter in a millisecond; 0 where that is unknown or not constant. */
void clock_start(struct clock *clock, uint64_t khz);

/* Read both clocks at one point, and count from there.  Marks never go backwards: a clock that
 * is found to be ahead is held, and counts slower until it is not. */
struct clock_mark clock_set_anchor(struct clock *clock);

/* In order with the loads before it; later instructions may already have begun. */
static inline uint64_t clock_cycles(void)
{
    uint32_t low;
    uint32_t high;

    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

/* A counter that went backwards, as between two sockets that disagree, counts as no time. */
static inline uint64_t clock_cycles_to_ns(const struct clock *clock, uint64_t cycles)
{
    return (int64_t)cycles < 0
               ? 0
               : (uint64_t)((unsigned __int128)cycles * clock->ns_shifted >> 32);
}

static inline struct clock_mark clock_mark_now(struct clock *clock)
{
    uint64_t cycles = clock_cycles();
    uint64_t since = cycles - clock->anchor.cycles;

    /* A counter that went backwards is beyond any anchor, too. */
    if (since >= clock->anchor_cycles) {
        return clock_set_anchor(clock);
    }
    return (struct clock_mark){
        .ns = clock->anchor.ns + clock_cycles_to_ns(clock, since), .cycles = cycles};
}

static inline uint64_t clock_ns_since(const struct clock *clock, struct clock_mark begin)
{
    return clock->ns_shifted != 0 ? clock_cycles_to_ns(clock, clock_cycles() - begin.cycles)
                                  : clock_now_ns() - begin.ns;
}

/* An interval for a 32-bit field: beyond 4.29 s it says so by staying at the top. */
static inline uint32_t clock_saturate_ns(uint64_t ns)
{
    return ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

#endif
