/*
 * The loop that the benchmarks measure, and the clock it is measured with.  It refuses to know
 * how pages come into being.  Read pages.c and bench/floor.c for its two users.
 */
#ifndef TOUCH_PAGES_H
#define TOUCH_PAGES_H

#include <stdint.h>

/*
 * Write one byte at the start of each of `count` pages of 4 KiB from `pages` on.  ticks[i]: cycles
 * of the time-stamp counter that the write to page i took, with whatever it made the system do.
 * ticks: count elements, of which no page may be absent, or its fault is measured as well.
 */
void touch_pages(uint64_t pages, uint64_t count, uint32_t *ticks);

/* First byte behind the code of touch_pages, which may be copied elsewhere. */
extern const uint8_t touch_pages_end[];

static inline uint64_t touch_pages_clock(void)
{
    uint32_t low;
    uint32_t high;

    __asm__ volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

#endif
