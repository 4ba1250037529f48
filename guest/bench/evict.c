/*
 * Question: what does a fault cost that has to make room first, when so many pages are in memory?
 * Method: `evict RESIDENT COUNT` maps RESIDENT pages and has them brought in 512 at a fault (run it with
 * --fault-around=512 and --frames=RESIDENT), then reads COUNT further pages, each a region of its own,
 * so that each takes a fault of its own.  No page is ever written, so that each victim is clean.
 * With COUNT 0 it does all but those reads: the difference of two runs counts what they took.
 */
#include "lab.h"
#include "mem.h"
#include "print.h"
#include "series.h"
#include "start.h"
#include "sys.h"
#include "touch_pages.h"

#define COUNT_MAX    8000ul
#define WINDOW_PAGES 512ul

static uint64_t map(uint64_t pages, int permissions)
{
    int64_t base = sys_mmap(0, pages * 4096, permissions, 0);

    if (sys_failed(base)) {
        print_to(2, "evict: no room for %lu pages\n", pages);
        sys_exit(2);
    }
    return (uint64_t)base;
}

static void read_page(uint64_t address)
{
    (void)*(volatile uint8_t *)address; // NOLINT: an address by number
}

/* Alternating permissions make each page a region. */
static uint64_t map_single_pages(void)
{
    uint64_t base = map(COUNT_MAX, SYS_PROT_READ);

    for (uint64_t i = 0; i < COUNT_MAX; i += 2) {
        if (sys_mprotect(base + i * 4096, 4096, SYS_PROT_READ | SYS_PROT_WRITE) != 0) {
            print_to(2, "evict: cannot cut page %lu\n", i);
            sys_exit(2);
        }
    }
    return base;
}

int main(int argc, char **argv, char **envp)
{
    uint64_t resident;
    uint64_t count;

    (void)envp;
    if (argc != 3 || mem_parse_number(argv[1], &resident) != 0 ||
        mem_parse_number(argv[2], &count) != 0 || resident == 0 || count > COUNT_MAX) {
        print_to(2, "usage: evict RESIDENT COUNT, COUNT up to %lu\n", COUNT_MAX);
        return 2;
    }
    uint32_t *ticks = series_alloc(COUNT_MAX * sizeof(ticks[0]));
    uint64_t single = map_single_pages();
    uint64_t base = map(resident, SYS_PROT_READ);
    for (uint64_t i = 0; i < resident; i += WINDOW_PAGES) {
        read_page(base + i * 4096);
    }
    struct series_span span = series_now();
    for (uint64_t i = 0; i < count; i++) {
        uint64_t before = touch_pages_clock();
        read_page(single + i * 4096);
        ticks[i] = (uint32_t)(touch_pages_clock() - before);
    }
    series_span_end(&span);
    series_print("pages", ticks, count, &span);
    return 0;
}
