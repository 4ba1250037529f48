/*
 * Question: what does the first touch of a page cost, from the store to the store done?
 * Method: `pages COUNT` prints "ready", maps COUNT fresh pages, writes one byte of each, and prints
 * what the writes took.  With COUNT 0 it ends behind "ready": the shortest life of a program.
 * Under Linux it asks for 4 KiB pages, whatever that system's habit is.
 */
#include "lab.h"
#include "mem.h"
#include "print.h"
#include "series.h"
#include "start.h"
#include "sys.h"
#include "touch_pages.h"

static uint64_t map_fresh(uint64_t bytes)
{
    int64_t base = sys_mmap(0, bytes, SYS_PROT_READ | SYS_PROT_WRITE, 0);

    if (sys_failed(base)) {
        print_to(2, "pages: no room for %lu bytes\n", bytes);
        sys_exit(2);
    }
    if (!lab_present()) {
        sys_call(__NR_madvise, (uint64_t)base, bytes, MADV_NOHUGEPAGE, 0, 0, 0);
    }
    return (uint64_t)base;
}

int main(int argc, char **argv, char **envp)
{
    uint64_t count;

    (void)envp;
    if (argc != 2 || mem_parse_number(argv[1], &count) != 0 || count > UINT32_MAX) {
        print_to(2, "usage: pages COUNT\n");
        return 2;
    }
    sys_write(1, "ready\n", 6);
    if (count == 0) {
        return 0;
    }
    uint32_t *ticks = series_alloc(count * sizeof(ticks[0]));
    uint64_t pages = map_fresh(count * 4096);
    struct series_span span = series_now();
    touch_pages(pages, count, ticks);
    series_span_end(&span);
    series_print("pages", ticks, count, &span);
    return 0;
}
